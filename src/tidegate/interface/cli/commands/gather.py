"""`tidegate gather`."""

import time
from typing import Annotated

import msgspec
import typer

from tidegate.core.spec import units
from tidegate.interface.cli import options, screen, words
from tidegate.observability.recording import gathering, process


def gather(
    place: Annotated[str, typer.Argument(help="A folder or a URL with segments below it, of one host or many.")],
    *,
    settled: Annotated[
        str, typer.Option("--settled", help="A last segment that nobody has written to for so long is ended.")
    ] = "10m",
    every: Annotated[str, typer.Option("--every", help="Look again and again, until Ctrl-C; without it once.")] = "",
    as_json: options.Json = False,
    home: options.Home = "",
) -> None:
    """Bring segments of other hosts here, to be recorded in one log: each record once, gaps told by host.

    Where no recorder is at work in this home, they are recorded at once.
    """
    here = options.place(home)
    here.prepare()
    seconds, pause = units.duration(settled), units.duration(every) if every else 0.0
    while True:
        told = gathering.gather(here, place, time.time(), seconds)
        facts = process.catch_up(here)
        if as_json:
            screen.document({"gathered": msgspec.to_builtins(told), "recorded": facts})
        else:
            _show(told, facts)
        if not pause:
            return
        time.sleep(pause)


def _show(told: gathering.Gathered, facts: dict[str, object]) -> None:
    of = f" of {words.count(len(told.hosts), 'host')}" if told.hosts else ""
    screen.line(f"{words.count(told.brought, 'segment')}{of} brought, {told.known} known, {told.waiting} not ended yet")
    for path, why in told.refused.items():
        screen.line(f"! {path}: {why}")
    hosts = facts.get("hosts")
    for host, counts in hosts.items() if isinstance(hosts, dict) else ():
        repeats = f", {counts['repeated']:,} repeats dropped" if counts.get("repeated") else ""
        screen.line(f"  {host}: {counts.get('recorded', 0):,} records, {counts.get('lost', 0):,} lost{repeats}")
    if not facts:
        screen.line("the recorder that is at work here records them")
