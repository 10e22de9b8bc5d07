"""`tidegate feedback`."""

import csv
import json
import pathlib
from collections.abc import Iterator
from typing import Annotated, Any

import httpx
import typer

from tidegate.core.vocabulary import codes, errors, ids
from tidegate.interface.api import addresses
from tidegate.interface.cli import options, reaching, screen, traffic, words

_AT_ONCE = 500
_SECONDS = 30.0
_COLUMNS = ("id", "label")


def feedback(
    prediction: Annotated[str, typer.Argument(help="The prediction's id, or id/ROW.", metavar="ID", show_default=False)] = "",
    label: Annotated[str, typer.Argument(help="What really happened: a number, true, false or a word.", show_default=False)] = "",
    *,
    file: Annotated[
        str,
        typer.Option("--file", help="A CSV with the columns id and label (and label_version), or JSON lines with these keys."),
    ] = "",
    as_json: options.Json = False,
    home: options.Home = "",
) -> None:
    """Report what really happened for predictions, by their ids. The first label of a row counts; a correction takes a new
    label_version. Where an id is not in the log, the recorder counts it as unmatched (`tidegate status`).
    """
    if bool(file) == bool(prediction and label):
        raise errors.OutcomeInvalid("give an ID and a LABEL, or --file.", cure="tidegate feedback ID 1")
    outcomes = list(read(pathlib.Path(file))) if file else [_outcome(prediction, traffic.value(label), 1, "")]
    place = options.place(home)
    address = addresses.read(place).get("http", "")
    if not address:
        raise errors.NotRunning(where=str(place.root))
    token = reaching.bearer(place)
    headers = {"authorization": f"Bearer {token}"} if token else {}
    trust = addresses.trust(place) or True
    with httpx.Client(base_url=address, headers=headers, timeout=_SECONDS, trust_env=False, verify=trust) as gateway:
        accepted = sum(_post(gateway, outcomes[at : at + _AT_ONCE]) for at in range(0, len(outcomes), _AT_ONCE))
    if as_json:
        screen.document({"accepted": accepted})
    else:
        screen.line(f"{words.count(accepted, 'outcome')} accepted")


def read(path: pathlib.Path) -> Iterator[dict[str, Any]]:
    """The outcomes in a file, all checked before the first is sent. Raises OutcomeInvalid with the line."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            if path.suffix.lower() in {".jsonl", ".ndjson"}:
                for number, line in enumerate(file, 1):
                    if line.strip():
                        yield _of_json(line, f"{path}:{number}")
                return
            rows = csv.DictReader(file)
            if not set(_COLUMNS) <= set(rows.fieldnames or ()):
                cure = "The first line names the columns: id,label"
                raise errors.OutcomeInvalid("the columns id and label are needed.", where=f"{path}:1", cure=cure)
            for row in rows:
                version = traffic.value(row.get("label_version")) or 1
                yield _outcome(row["id"] or "", traffic.value(row["label"]), version, f"{path}:{rows.line_num}")
    except (OSError, UnicodeDecodeError, csv.Error) as unreadable:
        raise errors.OutcomeInvalid(f"the file cannot be read: {unreadable}.", where=str(path)) from unreadable


def _of_json(line: str, where: str) -> dict[str, Any]:
    try:
        given = json.loads(line)
        return _outcome(str(given["id"]), given["label"], given.get("label_version", 1), where)
    except (ValueError, KeyError, TypeError, AttributeError) as broken:
        raise errors.OutcomeInvalid('this line is not {"id": ..., "label": ...}.', where=where) from broken


def _outcome(identifier: str, label: Any, version: Any, where: str) -> dict[str, Any]:
    if ids.parse(identifier.strip()) is None:
        cure = "It is in the response's tidegate-prediction-id header."
        raise errors.OutcomeInvalid(f"{identifier!r} is not a prediction id.", where=where, cure=cure)
    if label is None:
        raise errors.OutcomeInvalid("the label is empty.", where=where)
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise errors.OutcomeInvalid(f"label_version is {version!r}, not 1, 2, ...", where=where)
    return {"id": identifier.strip(), "label": label, "label_version": version}


def _post(gateway: httpx.Client, outcomes: list[dict[str, Any]]) -> int:
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
