"""`tidegate alarms | ack | snooze`."""

from typing import Annotated

import typer

from tidegate.core.spec import units
from tidegate.interface.api import client
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

    With `--all` also what was, newest first, with when it ended and what was done.
    """
    with client.Client(options.place(home)) as api:
        found = api.alarms(endpoint, over=every, since=since)
        now = api.status()["at"]
    if as_json:
        screen.document(found)
        return
    for line in view.lines(found, now):
        screen.out().print(line)


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
