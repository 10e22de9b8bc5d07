"""`tidegate forget`."""

import sys
import time
from typing import Annotated, Any

import typer

from tidegate.core.vocabulary import errors
from tidegate.interface.api import client
from tidegate.interface.cli import exits, options, reaching, screen, words

_LOOK_SECONDS = 0.3
_CURE = 'tidegate forget ENDPOINT --key user-42, or --id PREDICTION, or --where "email=ann@example.org"'

_NOTHING = {
    "key": "No logged request stuck by this key. Where the file has neither `release.sticky` nor `outcomes.key`, none has a key: "
    "name a prediction (--id) or an input (--where).",
    "id": "The log has no prediction with this id: it may have been erased, or have expired.",
    "column": "No logged request has this value in this column. `tidegate trace ID` shows how those of one are written.",
}
"""What to look at where nothing was found, by what was named."""


def forget(
    endpoint: Annotated[str, typer.Argument(help="The endpoint.")],
    key: Annotated[
        str, typer.Option("--key", help="What their requests stick by, or outcomes name them by; - reads it from standard input.")
    ] = "",
    prediction: Annotated[str, typer.Option("--id", help="One prediction, with its outcomes.")] = "",
    where: Annotated[str, typer.Option("--where", help="COLUMN=VALUE: every request of which a row has this input.")] = "",
    *,
    reason: options.Reason = "",
    timeout: Annotated[float, typer.Option("--timeout", help="Seconds to wait until it is done.", min=0)] = 120.0,
    as_json: options.Json = False,
    home: options.Home = "",
) -> None:
    """Erase a person's records from the prediction log, with their outcomes; what comes late is erased, too.

    What was aggregated stays, and so does an event of the audit, which has the key's hash and not the key. Who has no sticky key
    is found by `--id` or by an input column. Needs the scope admin. Exit code 4 where it is not yet done when --timeout ran out;
    it goes on by itself, also over restarts.
    """
    if sum(map(bool, (key, prediction, where))) != 1:
        raise errors.BodyMalformed("this has to name one thing.", cure=_CURE)
    column, equals, value = where.partition("=")
    if where and not (column and equals):
        raise errors.BodyMalformed(f"{where!r} says no column and value.", cure=_CURE)
    given = {"key": sys.stdin.readline().rstrip("\n") if key == "-" else key, "id": prediction, "column": column, "value": value}
    with client.Client(options.place(home)) as api:
        whose = {name: one for name, one in given.items() if one}
        told = api.forget(endpoint, reason=reason, actor=reaching.actor(), **whose)
        until = time.monotonic() + timeout
        while told["state"] != "done" and time.monotonic() < until:
            time.sleep(_LOOK_SECONDS)
            told = api.erasure(endpoint, told["id"])
    if as_json:
        screen.document(told)
    else:
        _show(endpoint, told, whose)
    if told["state"] != "done":
        raise typer.Exit(exits.Exit.WAITING)


def _show(endpoint: str, told: dict[str, Any], whose: dict[str, str]) -> None:
    if told["state"] != "done":
        screen.line(f"{endpoint}: not yet done; it goes on by itself, and `tidegate history {endpoint}` says when it is.")
        return
    gone = words.count(told["predictions"], "prediction"), words.count(told["outcomes"], "outcome")
    screen.line(f"{endpoint}: erased {gone[0]} and {gone[1]}.")
    if not told["predictions"] and not told["outcomes"]:
        screen.line(_NOTHING[next(name for name in _NOTHING if whose.get(name))])
    if told["aside"]:
        screen.note(f"{told['aside']} damaged files lie aside and may hold more: `tidegate status` names them. Delete them.")
