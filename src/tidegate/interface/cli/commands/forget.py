"""`tidegate forget`."""

import sys
import time
from typing import Annotated, Any

import typer

from tidegate.core.vocabulary import errors
from tidegate.interface.api import client
from tidegate.interface.cli import exits, options, reaching, screen

_LOOK_SECONDS = 0.3
_CURE = 'tidegate forget ENDPOINT --key user-42, or --id PREDICTION, or --where "email=ann@example.org"'


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
        _show(endpoint, told)
    if told["state"] != "done":
        raise typer.Exit(exits.Exit.WAITING)


def _show(endpoint: str, told: dict[str, Any]) -> None:
    if told["state"] != "done":
        screen.line(f"{endpoint}: not yet done; it goes on by itself, and `tidegate history {endpoint}` says when it is.")
        return
    screen.line(f"{endpoint}: {told['predictions']:,} predictions and {told['outcomes']:,} outcomes are erased.")
    if told["aside"]:
        screen.note(f"{told['aside']} damaged files lie aside and may hold more: `tidegate status` names them. Delete them.")
