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
_FIELDS = ("id", "label", "label_version", "metric", "value", "key", "endpoint")
"""What an outcome may have: columns of a CSV, keys of a line of JSON."""


def feedback(
    prediction: Annotated[str, typer.Argument(help="The prediction's id, or id/ROW.", metavar="ID", show_default=False)] = "",
    label: Annotated[
        str,
        typer.Argument(
            help="What really happened: a number, true, false or a word. With --metric, the value.", show_default=False
        ),
    ] = "",
    *,
    metric: Annotated[str, typer.Option("--metric", help="Of which posted metric it is a value, such as revenue.")] = "",
    key: Annotated[
        str, typer.Option("--key", help="The sticky key that the value is for, instead of an ID; needs --metric.")
    ] = "",
    endpoint: Annotated[str, typer.Option("--endpoint", help="The endpoint of --key; not needed when there is only one.")] = "",
    file: Annotated[
        str,
        typer.Option("--file", help="A CSV with the columns id and label (or id, metric, value), or JSON lines with these keys."),
    ] = "",
    as_json: options.Json = False,
    home: options.Home = "",
) -> None:
    """Report what really happened for predictions, by their ids. The first label of a row counts; a correction takes a new
    label_version. Where an id is not in the log, the recorder counts it as unmatched (`tidegate status`). With --metric, report
    what came of it: the first value of each prediction, or of each sticky key, counts.
    """
    place = options.place(home)
    if key:
        label = label or prediction
        prediction = ""
    if bool(file) == bool(label) or bool(prediction or key) != bool(label):
        raise errors.OutcomeInvalid("give an ID and a LABEL, or --file.", cure="tidegate feedback ID 1")
    if file:
        outcomes = list(read(pathlib.Path(file)))
    elif metric or key:
        named = reaching.only_endpoint(place, endpoint) if key else ""
        given = {"id": prediction, "metric": metric, "value": traffic.value(label), "key": key, "endpoint": named}
        outcomes = [_outcome(given, "")]
    else:
        outcomes = [_outcome({"id": prediction, "label": traffic.value(label)}, "")]
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
            columns = set(rows.fieldnames or ())
            if not ({"id", "label"} <= columns or ({"metric", "value"} <= columns and columns & {"id", "key"})):
                cure = "The first line names the columns: id,label or id,metric,value or key,endpoint,metric,value"
                raise errors.OutcomeInvalid("the columns id and label are needed.", where=f"{path}:1", cure=cure)
            for row in rows:
                given = {name: row[name] or "" for name in _FIELDS if name in columns}
                typed = {name: traffic.value(given[name]) for name in ("label", "label_version", "value") if name in given}
                yield _outcome(given | typed, f"{path}:{rows.line_num}")
    except (OSError, UnicodeDecodeError, csv.Error) as unreadable:
        raise errors.OutcomeInvalid(f"the file cannot be read: {unreadable}.", where=str(path)) from unreadable


def _of_json(line: str, where: str) -> dict[str, Any]:
    try:
        given = json.loads(line)
        if not isinstance(given, dict) or given.keys() - set(_FIELDS):
            raise TypeError
        return _outcome({name: value for name, value in given.items() if value is not None}, where)
    except (ValueError, TypeError) as broken:
        raise errors.OutcomeInvalid('this line is not {"id": ..., "label": ...}.', where=where) from broken


def _outcome(given: dict[str, Any], where: str) -> dict[str, Any]:
    """One entry as it is posted: ground truth for an id, or a metric's value for an id or a key."""
    if given.get("metric") or given.get("key"):
        return _value(given, where)
    identifier, label, version = _identifier(given, where), given.get("label"), given.get("label_version")
    version = 1 if version is None else version
    if label is None or label == "":
        raise errors.OutcomeInvalid("the label is empty.", where=where)
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise errors.OutcomeInvalid(f"label_version is {version!r}, not 1, 2, ...", where=where)
    return {"id": identifier, "label": label, "label_version": version}


def _value(given: dict[str, Any], where: str) -> dict[str, Any]:
    metric, value = given.get("metric"), given.get("value")
    if not metric:
        raise errors.OutcomeInvalid(
            "a key has a metric and a value, and no label.", where=where, cure="Name it: --metric revenue"
        )
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise errors.OutcomeInvalid(f"the value of {metric} is {value!r}, which is no number.", where=where)
    if not given.get("key"):
        return {"id": _identifier(given, where), "metric": metric, "value": value}
    if not given.get("endpoint"):
        raise errors.OutcomeInvalid("a key is known within its endpoint, and none is named.", where=where)
    return {"key": given["key"], "endpoint": given["endpoint"], "metric": metric, "value": value}


def _identifier(given: dict[str, Any], where: str) -> str:
    identifier = str(given.get("id", "")).strip()
    if ids.parse(identifier) is None:
        cure = "It is in the response's tidegate-prediction-id header."
        raise errors.OutcomeInvalid(f"{identifier!r} is not a prediction id.", where=where, cure=cure)
    return identifier


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
