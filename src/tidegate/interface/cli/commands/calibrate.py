"""`tidegate calibrate`."""

import time
from collections.abc import Callable
from typing import Annotated

import msgspec
import typer
from rich import live, text

from tidegate.control.batch import calibrating
from tidegate.control.store import location
from tidegate.control.store import store as stores
from tidegate.core.spec import settings as specification
from tidegate.core.vocabulary import errors, releases
from tidegate.core.vocabulary import home as homes
from tidegate.dataplane.predlog import seconds
from tidegate.interface.api import moments
from tidegate.interface.cli import logged, options, screen
from tidegate.interface.cli.views import calibration as view

_DAY = 86_400.0


def calibrate(
    endpoint: options.Endpoint = "",
    *,
    since: Annotated[
        str, typer.Option("--from", help='Traffic from then on: "7d" ago, or a date and time; else the last 24 h of the log.')
    ] = "",
    until: Annotated[str, typer.Option("--to", help="Until then.")] = "now",
    runs: Annotated[int, typer.Option("--runs", help="Releases to redraw, of each kind.", min=1, max=10_000)] = 20,
    seed: Annotated[int, typer.Option("--seed", help="The same seed gives the same report.", min=0)] = 0,
    file: Annotated[str, typer.Option("--file", help="The tidegate.yaml; else the nearest here or above.")] = "",
    as_json: options.Json = False,
    home: options.Home = "",
) -> None:
    """How long releases would take on this endpoint's own traffic, and how soon they would find what is wrong with a candidate.

    Stable's logged requests are drawn for an imagined candidate, many times over, by the settings that a release would have, and
    walked through the real rules. Reads the log and the store; everything may be down.
    """
    place, now = options.place(home), time.time()
    with stores.Store(location.url(place), create=False) as store:
        row = logged.row(store, endpoint)
        stable = store.version(row.environment, row.name, row.stable) if row.stable else None
    if stable is None:
        raise errors.VersionUnknown(f"{row.name} has no stable version: it has no traffic that could be drawn from.")
    settings = logged.settings(row, file)
    calibrating.drafted(settings, stable)  # refuses before the log is read
    span = logged.span(since, until, now) if since else _last_day(place, stable, moments.parse(until, now, None, "--to"))
    wanted = _wanted(place, settings, stable, span)
    wanted = msgspec.structs.replace(wanted, runs=runs, seed=seed)
    report = _run(wanted, quiet=as_json)
    if as_json:
        screen.document(msgspec.to_builtins(report))
        return
    terminal = screen.out()
    for part in view.whole(report, settings, now):
        terminal.print(part)


def _last_day(place: homes.Home, stable: releases.Version, until: float) -> tuple[float, float]:
    """The last 24 hours in which there are requests. Raises InputInvalid where there are none."""
    last = seconds.latest(place, stable.endpoint, stable.ordinal, until)
    if not last:
        raise errors.InputInvalid(f"no request to {stable.name} of {stable.endpoint} is in the log.", cure=_CURE)
    return last - _DAY, last


_CURE = "Choose another time with --from and --to, or make traffic with `tidegate send`."


def _wanted(
    place: homes.Home, settings: specification.Settings, stable: releases.Version, span: tuple[float, float]
) -> calibrating.Wanted:
    asked = seconds.Wanted(stable.endpoint, stable.ordinal, span, settings.outcomes)
    read = seconds.read(place, asked)
    if read.seconds is None:
        raise errors.InputInvalid(
            f"no request to {stable.name} of {stable.endpoint} is in the log for that time.", cure=_CURE, where="--from"
        )
    return calibrating.Wanted(settings, stable, read.seconds, read.others)


def _run(wanted: calibrating.Wanted, *, quiet: bool) -> calibrating.Report:
    terminal = screen.err()
    if quiet or not terminal.is_terminal:
        return calibrating.calibrate(wanted, lambda _: None)
    with live.Live(console=terminal, auto_refresh=False, transient=True) as shown:
        return calibrating.calibrate(wanted, _shower(shown, wanted.runs))


def _shower(shown: live.Live, runs: int) -> Callable[[int], None]:
    def show(through: int) -> None:
        shown.update(text.Text(f"{through:,} of {runs:,} runs"), refresh=True)

    return show
