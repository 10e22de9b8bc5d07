"""`tidegate send`."""

import asyncio
import contextlib
import dataclasses
import functools
import signal
from collections.abc import Callable, Coroutine
from typing import Annotated, Any

import typer
from rich import live, text

from tidegate.core.spec import units
from tidegate.core.vocabulary import amounts, assignment
from tidegate.interface.api import addresses
from tidegate.interface.cli import aiming, clients, exits, options, reaching, screen, traffic, words


def send(
    endpoint: options.Endpoint = "",
    *,
    rate: Annotated[float, typer.Option("--rate", help="Requests a second.", min=0.01, max=20_000)] = 50.0,
    source: Annotated[
        str, typer.Option("--from", help="A CSV, Parquet or JSON-lines file: a request for each row, round and round.")
    ] = "",
    unit: Annotated[
        str,
        typer.Option(
            "--unit", help="Where requests stick by a header or cookie: the column with whose it is; else made-up clients."
        ),
    ] = "",
    lasting: Annotated[str, typer.Option("--for", help='How long, such as "30s"; else until Ctrl-C.')] = "",
    as_json: options.Json = False,
    home: options.Home = "",
) -> None:
    """Make traffic, so that a release can be judged before real clients come.

    Without --from, requests from the log are sent again, or the model's own example. Where requests stick by a header or cookie
    they come from 1,000 made-up clients, or from those in the column --unit. Ends with 3 when any request failed.
    """
    place = options.place(home)
    seconds = units.duration(lasting) if lasting else 0.0
    named, digest, address = aiming.aim(place, endpoint)
    bodies, taken = traffic.bodies(place, named, digest, source), clients.inputs(place, digest) if unit else frozenset()
    token = reaching.bearer(place, named)

    def made(by: assignment.Sticky | None) -> list[traffic.Body]:
        found = clients.of_column(bodies, by, unit, taken) if unit else clients.asked(bodies, by)
        bearer = f"authorization: Bearer {token}\r\n" if token else ""
        return [dataclasses.replace(one, headers=one.headers + bearer) for one in found]

    wanted = clients.Asking(place, named, made)
    if not as_json:
        whose = f", {clients.said(wanted.by, wanted())}" if wanted.by else ""
        different = words.count(len({(one.path, one.raw) for one in wanted()}), "different request")
        screen.note(f"{amounts.rate(rate)} to {named}, {different}{whose}; Ctrl-C ends it")
    send_on = functools.partial(traffic.send, address, wanted, rate, seconds, trust=addresses.trust(place))
    tally = asyncio.run(_send(send_on, quiet=as_json))
    if as_json:
        screen.document(tally.facts())
    else:
        screen.line(line(tally).plain)
        for reason, _ in tally.reasons.most_common(3):
            if reason in tally.words:
                screen.line(f"  {reason}: {tally.words[reason]}")
    if tally.failed:
        raise typer.Exit(exits.Exit.REFUSED)


async def _send(send: Callable[..., Coroutine[Any, Any, traffic.Tally]], *, quiet: bool) -> traffic.Tally:
    terminal = screen.err()
    shown = live.Live(console=terminal, auto_refresh=False, transient=True) if terminal.is_terminal and not quiet else None

    def show(tally: traffic.Tally) -> None:
        if shown is not None:
            shown.update(line(tally), refresh=True)

    with shown or contextlib.nullcontext():
        sending = asyncio.ensure_future(send(show=show))
        asyncio.get_running_loop().add_signal_handler(signal.SIGINT, sending.cancel)
        return await sending


def line(tally: traffic.Tally) -> text.Text:
    """Sent, answered, how fast, by whom, what failed."""
    facts: dict[str, Any] = tally.facts()
    said = text.Text(
        f"{facts['answered']:,} answered, {facts['rps']:,.0f}/s, p50 {facts['p50_ms']:.1f} ms, p99 {facts['p99_ms']:.1f} ms"
    )
    if facts["versions"]:
        said.append("  " + ", ".join(f"{name} {count:,}" for name, count in sorted(facts["versions"].items())))
    if facts["rescued"]:
        said.append(f"  {facts['rescued']:,} rescued", style="yellow")
    if facts["failed"]:
        why = ", ".join(f"{reason} x{count}" for reason, count in tally.reasons.most_common(3))
        said.append(f"  {facts['failed']:,} failed: {why}", style="bold red")
    return said
