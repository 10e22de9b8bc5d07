"""`tidegate feedback`."""

import pathlib
import uuid
from typing import Annotated, Any

import msgspec
import typer

from tidegate.core.vocabulary import errors
from tidegate.core.vocabulary import home as homes
from tidegate.dataplane.predlog import catalogue, posts
from tidegate.interface.cli import options, reaching, screen, traffic, truths
from tidegate.interface.cli.views import rejected as view
from tidegate.observability.joining import fates, quarantine
from tidegate.observability.outcomes import fetching


def feedback(
    prediction: Annotated[
        str,
        typer.Argument(
            help="The prediction's id, or id/ROW. With --file, --key or --rejected the endpoint.",
            metavar="ID",
            show_default=False,
        ),
    ] = "",
    label: Annotated[
        str,
        typer.Argument(
            help="What really happened: a number, true, false or a word. With --metric, the value.", show_default=False
        ),
    ] = "",
    *,
    metric: Annotated[str, typer.Option("--metric", help="Of which posted metric it is a value, such as revenue.")] = "",
    key: Annotated[
        str,
        typer.Option("--key", help="Whom it is about instead of an ID, with --time or --metric. With --file, its column."),
    ] = "",
    time: Annotated[
        str,
        typer.Option(
            "--time", help="When what --key is about was: its prediction is the latest before. With --file, its column."
        ),
    ] = "",
    endpoint: Annotated[str, typer.Option("--endpoint", help="The endpoint of --key; not needed when there is only one.")] = "",
    file: Annotated[
        str,
        typer.Option(
            "--file",
            help="A CSV, Parquet or JSON-lines file with the columns id and label, or key, time, label, or id, metric, value.",
        ),
    ] = "",
    id_column: Annotated[str, typer.Option("--id", help="With --file: its column of prediction ids.")] = "",
    label_column: Annotated[str, typer.Option("--label", help="With --file: its column of labels, or of values.")] = "",
    version_column: Annotated[str, typer.Option("--version", help="With --file: its column of label versions.")] = "",
    wait: Annotated[
        float,
        typer.Option(
            "--wait", help="With --file: seconds at most until it is known which outcomes found their predictions.", min=0.0
        ),
    ] = 5.0,
    rejected: Annotated[bool, typer.Option("--rejected", help="List what could not be taken, and why.")] = False,
    as_json: options.Json = False,
    home: options.Home = "",
) -> None:
    """Report what really happened for predictions, by their ids, or by whom they were about and when. The first label of a row
    counts; a correction takes a new label_version. What finds no prediction, or cannot be held against it, is put aside
    (--rejected). With --metric, report what came of it: the first value of each prediction, or of each sticky key, counts.
    """
    place = options.place(home)
    if rejected:
        _list(place, endpoint or prediction, as_json)
        return
    if file:
        if label or (prediction and endpoint):
            raise errors.OutcomeInvalid("a file has its own labels.", cure="tidegate feedback ENDPOINT --file truth.csv")
        named = {"id": id_column, "value" if metric else "label": label_column, "label_version": version_column}
        named |= {"key": key, "time": time}
        always = {"endpoint": _whose(place, endpoint or prediction), "metric": metric}
        given = {field: column for field, column in named.items() if column}
        for _ in truths.read(pathlib.Path(file), given, always):
            continue  # all of it is checked before any is sent
        request_id = f"feedback:{uuid.uuid4().hex}"
        accepted = truths.post(place, truths.read(pathlib.Path(file), given, always), request_id)
        _tell(accepted, truths.fate(place, request_id, accepted, wait) if wait else None, as_json)
    else:
        _tell(truths.post(place, [_one(place, (prediction, label), (metric, key, time), endpoint)]), None, as_json)


def _tell(accepted: int, fate: fates.Fate | None, as_json: bool) -> None:
    if as_json:
        screen.document({"accepted": accepted} | (msgspec.to_builtins(fate) if fate else {}))
        return
    for line in view.fate(accepted, fate):
        screen.line(line)


def _one(place: homes.Home, said: tuple[str, str], about: tuple[str, str, str], endpoint: str) -> dict[str, Any]:
    """The entry of a command line. `said`: the arguments; `about`: metric, key and time."""
    (prediction, label), (metric, key, time) = said, about
    if key and label:
        endpoint, prediction = endpoint or prediction, ""
    elif key:
        prediction, label = "", prediction
    if not label or bool(prediction) == bool(key):
        raise errors.OutcomeInvalid("give an ID and a LABEL, or --file.", cure="tidegate feedback ID 1")
    if not (metric or key):
        return posts.entry({"id": prediction, "label": traffic.value(label)}, "")
    named = reaching.only_endpoint(place, endpoint) if key else ""
    told = {"metric": metric, "value": traffic.value(label)} if metric else {"label": traffic.value(label), "time": time}
    return posts.entry({"id": prediction, "key": key, "endpoint": named} | told, "")


def _whose(place: homes.Home, endpoint: str) -> str:
    """The endpoint of a file's keys; empty where there are several and none is named, since ids need none."""
    try:
        return endpoint or reaching.only_endpoint(place, "")
    except errors.EndpointUnknown:
        return ""


def _list(place: homes.Home, endpoint: str, as_json: bool) -> None:
    with catalogue.Catalogue(place.log, readonly=True) as books:
        counted = quarantine.counted(books.connection, endpoint)
        listed = quarantine.listed(books.connection, endpoint)
    rows = fetching.refused(place, endpoint) if endpoint else []
    if as_json:
        newest = [quarantine.plain(one) for one in listed]
        screen.document({"counted": counted, "newest": newest, "rows": msgspec.to_builtins(rows)})
        return
    for part in view.whole(counted, listed, rows):
        screen.out().print(part)
