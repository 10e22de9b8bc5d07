"""Outcomes from files, and to the gateway: what `tidegate feedback` and the monitor send, each kept before it is acknowledged."""

import csv
import itertools
import json
import pathlib
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import IO, Any

import httpx
import pyarrow as pa
import pyarrow.parquet as pq

from tidegate.core.vocabulary import codes, errors, home
from tidegate.dataplane.predlog import posts
from tidegate.interface.api import addresses
from tidegate.interface.cli import reaching, traffic, words
from tidegate.observability.joining import fates
from tidegate.observability.outcomes import sheets

_SECONDS = 30.0
_LOOK_SECONDS = 0.2
_LINES = frozenset({".jsonl", ".ndjson"})
_TYPED = ("label", "label_version", "value")
_CURE = (
    "Columns are id,label or id,metric,value or key,time,label; "
    "--id, --label, --key, --time and --version say what yours are called."
)
_FORMULAS = ("=", "+", "-", "@", "\t", "\r")
"""What a text begins with that spreadsheets run."""
_SHEET = "Its columns task, id and label have to be there; take other files with `tidegate feedback --file`."
Row = dict[str, Any]


def read(path: pathlib.Path, columns: Mapping[str, str] | None = None, always: Row | None = None) -> Iterator[Row]:
    """The outcomes in a CSV, Parquet or JSON-lines file, as entries to post. Raises OutcomeInvalid with the line.

    `columns` says what the file calls a field that it does not call by its name; `always` is what every row has.
    """
    named = {field: field for field in posts.FIELDS} | dict(columns or {})
    suffix = path.suffix.lower()
    kind = _of_lines if suffix in _LINES else _of_parquet if suffix in traffic.PARQUET else _of_csv
    try:
        for where, row in kind(path, named):
            if "value" in row and "metric" not in row and not (always or {}).get("metric"):
                raise errors.OutcomeInvalid("the columns id and label are needed.", where=where, cure=_CURE)
            yield posts.entry((always or {}) | row, where)
    except (OSError, UnicodeDecodeError, csv.Error, pa.ArrowException) as unreadable:
        raise errors.OutcomeInvalid(f"the file cannot be read: {words.reason(unreadable)}.", where=str(path)) from unreadable


def write_sheet(file: IO[str], lines: Sequence[Row]) -> None:
    """Write a labelling sheet as CSV: what every sheet has first. What clients wrote is text to a spreadsheet and no formula."""
    headings = list(dict.fromkeys((*sheets.COLUMNS, *(name for line in lines for name in line))))
    writer = csv.writer(file)
    writer.writerow(map(_inert, headings))
    writer.writerows([_inert(line.get(name)) for name in headings] for line in lines)


def _inert(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULAS) else value


def sheet(path: pathlib.Path) -> Iterator[tuple[str, Row | None]]:
    """(task, entry) of each line of a labelling sheet; None where nothing was filled in. Raises OutcomeInvalid with the line."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = csv.DictReader(file)
            if not {"task", "id", "label"} <= set(rows.fieldnames or ()):
                raise errors.OutcomeInvalid("this is no sheet of `tidegate label`.", where=f"{path}:1", cure=_SHEET)
            for row in rows:
                value = traffic.value(row["label"])
                where = f"{path}:{rows.line_num}"
                yield row["task"] or "", None if value is None else posts.entry({"id": row["id"], "label": value}, where)
    except (OSError, UnicodeDecodeError, csv.Error) as unreadable:
        raise errors.OutcomeInvalid(f"the file cannot be read: {words.reason(unreadable)}.", where=str(path)) from unreadable


def _of_csv(path: pathlib.Path, named: Mapping[str, str]) -> Iterator[tuple[str, Row]]:
    with path.open(newline="", encoding="utf-8-sig") as file:
        rows = csv.DictReader(file)
        there = _there(named, rows.fieldnames or (), f"{path}:1")
        for row in rows:
            given = {field: row[column] or "" for field, column in there.items()}
            typed = {field: traffic.value(given[field]) for field in _TYPED if field in given}
            yield f"{path}:{rows.line_num}", given | typed


def _of_parquet(path: pathlib.Path, named: Mapping[str, str]) -> Iterator[tuple[str, Row]]:
    with pq.ParquetFile(path) as file:
        there = _there(named, file.schema_arrow.names, str(path))
        number = itertools.count(1)
        for batch in file.iter_batches(8_192, columns=list(there.values())):
            for row in batch.to_pylist():
                yield f"{path}, row {next(number)}", {field: row[column] for field, column in there.items()}


def _there(named: Mapping[str, str], columns: Iterable[str], where: str) -> dict[str, str]:
    """The fields that the file has, with their columns. Raises OutcomeInvalid where nothing can come of them."""
    columns = set(columns)
    there = {field: column for field, column in named.items() if column in columns}
    asked = [column for field, column in named.items() if column != field and column not in columns]
    whom = "id" in there or "key" in there
    if asked or not whom or not ("label" in there or "value" in there):
        wrong = f"there is no column {asked[0]}." if asked else "the columns id and label are needed."
        raise errors.OutcomeInvalid(wrong, where=where, cure=_CURE)
    return there


def _of_lines(path: pathlib.Path, named: Mapping[str, str]) -> Iterator[tuple[str, Row]]:
    fields = {column: field for field, column in named.items()}
    with path.open(encoding="utf-8-sig") as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            where = f"{path}:{number}"
            try:
                given = json.loads(line)
            except ValueError:
                given = None
            if not isinstance(given, dict) or given.keys() - set(fields):
                raise errors.OutcomeInvalid('this line is not {"id": ..., "label": ...}.', where=where)
            yield where, {fields[column]: value for column, value in given.items() if value is not None}


def post(place: home.Home, entries: Iterable[Row], request_id: str = "") -> int:
    """Have the gateway keep these; how many it accepted. What was accepted before something fails stays.

    Raises NotRunning, WorkerUnavailable, and whatever the gateway refuses them with.
    """
    address = addresses.read(place).get("http", "")
    if not address:
        raise errors.NotRunning(where=str(place.root))
    token = reaching.bearer(place)
    headers = {"authorization": f"Bearer {token}"} if token else {}
    headers |= {"x-request-id": request_id} if request_id else {}
    trust = addresses.trust(place) or True
    with httpx.Client(base_url=address, headers=headers, timeout=_SECONDS, trust_env=False, verify=trust) as gateway:
        return sum(_post(gateway, some) for some in _parted(entries))


def fate(place: home.Home, request_id: str, accepted: int, seconds: float) -> fates.Fate:
    """What became of outcomes that were just accepted, once nothing of them waits any more, or so many seconds have passed."""
    until = time.monotonic() + seconds
    while True:
        found = fates.of(place, request_id, accepted)
        if not found.waiting or time.monotonic() > until:
            return found
        time.sleep(_LOOK_SECONDS)


def _parted(entries: Iterable[Row]) -> Iterator[list[Row]]:
    left = iter(entries)
    while some := list(itertools.islice(left, posts.AT_ONCE)):
        yield some


def _post(gateway: httpx.Client, outcomes: list[Row]) -> int:
    address = str(gateway.base_url)
    try:
        answer = gateway.post("/outcomes", json={"outcomes": outcomes})
        said = answer.json()
    except httpx.HTTPError as broken:
        raise errors.WorkerUnavailable(
            f"the gateway at {address} does not answer: {broken}.", cure="Is it up? `tidegate status`"
        ) from broken
    except ValueError as strange:
        raise errors.WorkerUnavailable(f"what answers at {address} is not a gateway.") from strange
    if answer.is_success:
        return int(said.get("accepted", 0))
    raise codes.by_code(str(said.get("code", "")))(str(said.get("error", answer.text)))
