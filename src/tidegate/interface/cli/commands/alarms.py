"""`tidegate alarms | ack | snooze`."""

import time
from typing import Annotated, Any

import typer

from tidegate.control.store import location
from tidegate.control.store import store as stores
from tidegate.core.spec import units
from tidegate.core.vocabulary import home as homes
from tidegate.interface.api import alarming, client, moments
from tidegate.interface.cli import options, reaching, screen
from tidegate.interface.cli.views import alarms as view

Of = Annotated[str, typer.Argument(help="The endpoint that it is about; `-` for one about no single endpoint.")]
Which = Annotated[str, typer.Argument(metavar="KIND[:SUBJECT]", help="Which alarm, as `tidegate alarms` shows it.")]


def alarms(
    endpoint: Annotated[str, typer.Argument(help="Only those of this endpoint.", show_default=False)] = "",
    *,
    every: Annotated[bool, typer.Option("--all", help="Those that are over, too.")] = False,
    since: Annotated[str, typer.Option("--since", help="With --all: those that began from then on.")] = "30d",
    as_json: options.Json = False,
    home: options.Home = "",
) -> None:
    """What is wrong now: since when, what moved and how much, which predictions, what was done, who has it, what to type next.

    With `--all` also what was, newest first, with when it ended and what was done. Where the API is silent the store is read.
    """
    place, now = options.place(home), time.time()
    begins = moments.parse(since, now, None, "--since") if every else None
    try:
        with client.Client(place) as api:
            found = api.alarms(endpoint, begins)
    except reaching.SILENT:
        found = _by_store(place, endpoint, begins)
    if as_json:
        screen.document(found)
        return
    for line in view.lines(found, now):
        screen.out().print(line)


def _by_store(place: homes.Home, endpoint: str, since: float | None) -> list[dict[str, Any]]:
    environment = homes.environment()
    with stores.Store(location.url(place), create=False) as store:
        if since is not None:
            told = alarming.past(store, environment, endpoint or None, since)
        else:
            told = [one for one in alarming.open_now(store, environment) if endpoint in ("", one.endpoint)]
    return [one.model_dump() for one in told]


def ack(
    endpoint: Of,
    alarm: Which,
    *,
    go_on: Annotated[bool, typer.Option("--go-on", help="Let releases go on that it holds.")] = False,
    reason: options.Reason = "",
    as_json: options.Json = False,
    home: options.Home = "",
) -> None:
    """Say that you have an alarm: people are not reminded of it any more. It stays open until what is wrong is over.

    An alarm whose policy is `hold` goes on holding releases, unless with `--go-on`. One that gets worse is told anew.
    """
    _tell("acknowledge", endpoint, alarm, as_json, home, reason=reason, go_on=go_on)


def snooze(
    endpoint: Of,
    alarm: Which,
    *,
    lasting: Annotated[str, typer.Option("--for", help="For how long: 8h, 2d; 30 days at most.")] = "8h",
    reason: options.Reason = "",
    as_json: options.Json = False,
    home: options.Home = "",
) -> None:
    """Hear nothing of an alarm for a while. What is still wrong after it is told again, and what gets worse at once."""
    _tell("snooze", endpoint, alarm, as_json, home, reason=reason, seconds=units.duration(lasting))


def _tell(verb: str, endpoint: str, alarm: str, as_json: bool, home: str, **more: object) -> None:
    kind, _, subject = alarm.partition(":")
    with client.Client(options.place(home)) as api:
        named = "" if endpoint == "-" else endpoint
        done = api.on_alarm(verb, named, kind.replace(" ", "_"), subject, actor=reaching.actor(), **more)
    if as_json:
        screen.document(done)
    else:
        screen.line(f"{endpoint} {alarm}: {_DONE[verb]}")


_DONE = {"acknowledge": "you have it", "snooze": "silent for now"}
