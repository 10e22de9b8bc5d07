"""A release, watched until it ends or waits for a person: one live line on a terminal, a line a change where it is piped."""

import contextlib
import time
from typing import Any

from rich import live, text

from tidegate.core.vocabulary import errors
from tidegate.interface.api import client, moments
from tidegate.interface.cli import screen
from tidegate.interface.cli.views import release as view

LOOK_SECONDS = 0.25
PATIENCE_SECONDS = 30.0
"""How long the API may be away (it is restarted within seconds) before watching is given up."""
PERSONS = frozenset({"paused", "halted", "awaiting_approval"})
Json = dict[str, Any]


def follow(api: client.Client, identifier: str, *, timeout: float = 0.0, until: frozenset[str] = frozenset()) -> Json:
    """The release once it has ended, is in one of the phases `until`, waits for a person, or `timeout` seconds have passed.

    Ctrl-C ends the watching, never the release. Raises ApiUnreachable.
    """
    began = time.monotonic()
    terminal = screen.err()
    shown: live.Live | None = live.Live(console=terminal, auto_refresh=False, transient=True) if terminal.is_terminal else None
    told: tuple[object, ...] = ()
    with shown or contextlib.nullcontext():
        while True:
            release = _look(api, identifier)
            line = view.line(release, time.time())
            if shown is not None:
                shown.update(line, refresh=True)
            elif told != (told := _change(release)):
                screen.note(f"{moments.local(time.time())}  {line.plain}")
            if release["ended"] or release["phase"] in until or release["phase"] in PERSONS:
                return release
            if timeout and time.monotonic() - began > timeout:
                return release
            time.sleep(LOOK_SECONDS)


def conclusion(release: Json) -> text.Text:
    """How it ended, in one sentence."""
    return view.ended(release)


def _look(api: client.Client, identifier: str) -> Json:
    until = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return api.release_of(identifier)
        except (errors.ApiUnreachable, errors.StoreUnavailable):
            if time.monotonic() > until:
                raise
            time.sleep(LOOK_SECONDS)


def _change(release: Json) -> tuple[object, ...]:
    waiting, verdict, stage = release["waiting"], release["verdict"], release["stage"]
    return (
        release["phase"],
        stage and stage["index"],
        waiting and waiting["on"],
        verdict and verdict["result"],
    )
