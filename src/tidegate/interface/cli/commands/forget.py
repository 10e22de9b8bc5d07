"""`tidegate forget`."""

import sys
import time
from typing import Annotated, Any

import typer

from tidegate.core.vocabulary import erasures, errors
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
        list[str] | None,
        typer.Option(
            "--key",
            help="What their requests stick by, or outcomes name them by; several are forgotten at once. "
            "- reads them from standard input, one a line.",
        ),
    ] = None,
    prediction: Annotated[
        list[str] | None, typer.Option("--id", help="One prediction, with its outcomes; several, or -, as with --key.")
    ] = None,
    where: Annotated[str, typer.Option("--where", help="COLUMN=VALUE: every request of which a row has this input.")] = "",
    *,
    reason: options.Reason = "",
    timeout: Annotated[float, typer.Option("--timeout", help="Seconds to wait until it is done.", min=0)] = 120.0,
    as_json: options.Json = False,
    home: options.Home = "",
) -> None:
    """Erase people's records from the prediction log, with their outcomes; what comes late is erased, too.

    What was aggregated stays, and so does an event of the audit for each, which has the key's hash and not the key. Who has no
    sticky key is found by `--id` or by an input column. Thousands cost little more than one: the log is gone through once. Needs
    the scope admin. Exit code 4 where it is not yet done when --timeout ran out; it goes on by itself, also over restarts.
    """
    if sum(map(bool, (key, prediction, where))) != 1:
        raise errors.BodyMalformed("this has to name one thing.", cure=_CURE)
    whose = _whose(key or [], prediction or [], where)
    with client.Client(options.place(home)) as api:
        told = []
        for some in (whose[at : at + erasures.TOGETHER_MOST] for at in range(0, len(whose), erasures.TOGETHER_MOST)):
            told += api.forget_several(endpoint, some, reason=reason, actor=reaching.actor())
        until = time.monotonic() + timeout
        for at, one in enumerate(told):
            while told[at]["state"] != "done" and time.monotonic() < until:
                told[at] = api.erasure(endpoint, one["id"])
                if told[at]["state"] != "done":
                    time.sleep(_LOOK_SECONDS)
    if as_json:
        screen.document(told[0] if len(told) == 1 else {"erasures": told})
    else:
        _show(endpoint, told, whose[0])
    if any(one["state"] != "done" for one in told):
        raise typer.Exit(exits.Exit.WAITING)


def _whose(keys: list[str], predictions: list[str], where: str) -> list[dict[str, str]]:
    """Each by itself, as the API takes it."""
    if where:
        column, equals, value = where.partition("=")
        if not (column and equals):
            raise errors.BodyMalformed(f"{where!r} says no column and value.", cure=_CURE)
        return [{"column": column, "value": value}]
    name, given = ("key", keys) if keys else ("id", predictions)
    lines = [line for one in given for line in (sys.stdin.read().split("\n") if one == "-" else [one])]
    found = list(dict.fromkeys(filter(None, lines)))
    if not found:
        raise errors.BodyMalformed("standard input names nobody.", cure=_CURE)
    return [{name: one} for one in found]


def _show(endpoint: str, told: list[dict[str, Any]], first: dict[str, str]) -> None:
    pending = sum(one["state"] != "done" for one in told)
    if pending:
        left = "not yet done" if pending == len(told) else f"{pending:,} of {len(told):,} are not yet done"
        screen.line(f"{endpoint}: {left}; it goes on by itself, and `tidegate history {endpoint}` says when it is.")
        return
    predictions, outcomes = (sum(one[name] for one in told) for name in ("predictions", "outcomes"))
    of = "" if len(told) == 1 else f" of {len(told):,} who asked"
    screen.line(f"{endpoint}: erased {words.count(predictions, 'prediction')} and {words.count(outcomes, 'outcome')}{of}.")
    nothing = sum(not one["predictions"] and not one["outcomes"] for one in told)
    if nothing:
        which = "" if len(told) == 1 else f"Nothing was found of {nothing:,}. "
        screen.line(which + _NOTHING[next(name for name in _NOTHING if name in first)])
    aside = max(one["aside"] for one in told)
    if aside:
        screen.note(f"{aside} damaged files lie aside and may hold more: `tidegate status` names them. Delete them.")
