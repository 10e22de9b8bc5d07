"""`tidegate label`."""

import pathlib
import secrets
import time
from typing import Annotated, Any, Literal

import typer

from tidegate.control.store import location
from tidegate.control.store import store as stores
from tidegate.core.spec import settings as specification
from tidegate.core.vocabulary import errors
from tidegate.core.vocabulary import home as homes
from tidegate.dataplane.predlog import posts
from tidegate.interface.cli import logged, options, screen, truths, words
from tidegate.observability.outcomes import labelling, sheets


def label(
    endpoint: options.Endpoint = "",
    *,
    sample: Annotated[int, typer.Option("--sample", help="How many predictions to hand out.", min=1, max=100_000)] = 200,
    strategy: Annotated[
        Literal["random", "uncertain", "disagreement"],
        typer.Option(
            "--strategy", help="random; more often those near the threshold; or those whose unseen copy answered otherwise."
        ),
    ] = "random",
    since: Annotated[str, typer.Option("--since", help="Of predictions from then on: 7d, or a date.")] = "7d",
    version: Annotated[int, typer.Option("--version", help="Of this version only; 0: of all.", min=0)] = 0,
    out: Annotated[str, typer.Option("--out", help="The CSV to write: fill in its column label.")] = "",
    take: Annotated[
        str, typer.Option("--take", help="A filled-in sheet to take back; lines without a label are left open.")
    ] = "",
    as_json: options.Json = False,
    home: options.Home = "",
) -> None:
    """Hand out a sample of predictions for people to label (--out), and take it back (--take).

    With which chance each was drawn is remembered, so that a sample of doubtful predictions makes no model look bad:
    `tidegate performance` weights by it.
    """
    place, now = options.place(home), time.time()
    if bool(out) == bool(take):
        raise errors.OutcomeInvalid("name a sheet to write, or one to take back.", cure="--out FILE, or --take FILE")
    with stores.Store(location.url(place), create=False) as store:
        row = logged.row(store, endpoint)
    if take:
        _take(place, row.name, pathlib.Path(take), as_json)
        return
    asked = sheets.Asked(row.name, strategy, sample, *logged.span(since, "now", now, ("--since", "--to")), version)
    rule = specification.of(row.settings).outcomes
    try:
        with pathlib.Path(out).open("x", newline="", encoding="utf-8") as file:  # before anything is remembered as handed out
            sheet = sheets.drawn(place, rule, asked, secrets.randbits(63))
            truths.write_sheet(file, sheet.lines)
    except FileExistsError:
        raise errors.OutcomeInvalid(
            "there is a file already, and labels may be in it.", where=out, cure="Name another."
        ) from None
    except OSError as failed:
        raise errors.OutcomeInvalid(f"the sheet cannot be written: {failed.strerror}.", where=out) from failed
    except errors.TidegateError:
        pathlib.Path(out).unlink()
        raise
    told = {"task": sheet.task.name, "handed_out": len(sheet.lines), "of": sheet.candidates, "strategy": strategy}
    if as_json:
        screen.document(told)
    else:
        screen.line(f"{words.count(len(sheet.lines), 'prediction')} of {sheet.candidates:,} handed out ({strategy}): {out}")
        screen.line(f"fill in its column label, then `tidegate label {row.name} --take {out}`")


def _take(place: homes.Home, endpoint: str, path: pathlib.Path, as_json: bool) -> None:
    """Post what is filled in, by task. Raises OutcomeInvalid before anything is sent for a line that is none of its task's."""
    given: dict[str, list[dict[str, Any]]] = {}
    left = 0
    for task, entry in truths.sheet(path):
        if entry is None:
            left += 1
        else:
            given.setdefault(task, []).append(entry)
    for name, entries in given.items():
        handed = {f"{one.id}/{one.row}" if one.row else one.id for one in labelling.task(place, endpoint, name).handed}
        stray = next((entry["id"] for entry in entries if entry["id"] not in handed), "")
        if stray:
            raise errors.OutcomeInvalid(f"{stray} was not handed out by the task {name}.", where=str(path))
    taken = sum(truths.post(place, entries, posts.LABELLING + name) for name, entries in given.items())
    if as_json:
        screen.document({"accepted": taken, "left": left})
    else:
        screen.line(f"{words.count(taken, 'label')} accepted, {left:,} left open")
