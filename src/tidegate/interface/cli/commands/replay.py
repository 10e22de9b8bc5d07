"""`tidegate replay`."""

import re
import time
from typing import Annotated

import msgspec
import typer
from rich import live, table, text

from tidegate.control.batch import replaying, verdicts, worker
from tidegate.control.store import endpoints, location
from tidegate.control.store import store as stores
from tidegate.core.spec import settings as specification
from tidegate.core.vocabulary import amounts, errors, sums, urls
from tidegate.delivery.registry import ordering
from tidegate.interface.cli import exits, logged, options, screen, words

_ENDS = {
    verdicts.WITHIN: exits.Exit.OK,
    verdicts.BEYOND: exits.Exit.REFUSED,
    verdicts.UNDECIDED: exits.Exit.WAITING,
}
_VERSION = re.compile(r"v[1-9]\d*")
_SPEED = re.compile(r"(\d+(?:\.\d+)?)x")


def replay(
    endpoint: options.Endpoint = "",
    *,
    candidate: Annotated[
        str, typer.Option("--candidate", help="The version to ask (v3), or a model, of which a bundle is made first.")
    ],
    since: Annotated[str, typer.Option("--from", help='Requests from then on: "2h" ago, or a date and time.')] = "1d",
    until: Annotated[str, typer.Option("--to", help="Until then.")] = "now",
    against: Annotated[
        str, typer.Option("--against", help="The version whose logged answers are compared with; else the stable one.")
    ] = "",
    limit: Annotated[int, typer.Option("--limit", help="Requests at most, spread evenly over the time; 0: all.", min=0)] = 0,
    speed: Annotated[str, typer.Option("--speed", help="max, or how many times as fast as they came: 1x, 10x.")] = "max",
    file: Annotated[str, typer.Option("--file", help="The tidegate.yaml; else the nearest here or above.")] = "",
    as_json: options.Json = False,
    home: options.Home = "",
) -> None:
    """Ask another version, or a model that is none yet, what was logged, and compare its answers with those that were given.

    A worker of its own answers, at low priority and full speed; clients, gateways and the log get to know nothing of it. Ends
    with 0 when the candidate differs within the tolerance of the shadow, 3 when beyond, 4 when what was logged does not decide.
    """
    place, now = options.place(home), time.time()
    span = logged.span(since, until, now)
    pace = _speed(speed)
    with stores.Store(location.url(place), create=False) as store:
        row = logged.row(store, endpoint)
        settings = logged.settings(row, file, "" if _VERSION.fullmatch(candidate) else candidate)
        stable = _ordinal(store, row, against) if against else row.stable
        digest = store.version(row.environment, row.name, _ordinal(store, row, candidate)) if _named(candidate) else None
    if not stable:
        raise errors.VersionUnknown(f"{row.name} has no stable version: there is nothing to compare with.")
    if digest is None and not as_json:
        screen.note(f"making a bundle of {urls.model(settings.model)}")
    subject = worker.Subject(
        digest.digest if digest else ordering.make(settings, place),
        row.name,
        digest.name if digest else "the candidate",
        settings.terms,
    )
    asked = replaying.Replay(
        place,
        replaying.Wanted(
            endpoint=row.name,
            stable=stable,
            subject=subject,
            span=span,
            limit=limit,
            speed=pace,
            pairing=settings.pairing,
            slices=settings.slices,
            outcomes=settings.outcomes,
            bounds=_bounds(settings),
        ),
    )
    report = _run(asked, quiet=as_json)
    if as_json:
        screen.document(msgspec.to_builtins(report))
    else:
        _print(report)
    if _ENDS[report.verdict.result]:
        raise typer.Exit(_ENDS[report.verdict.result])


def _named(candidate: str) -> bool:
    return _VERSION.fullmatch(candidate) is not None


def _ordinal(store: stores.Store, row: endpoints.Endpoint, name: str) -> int:
    """Of a version that there is. Raises VersionUnknown listing those."""
    ordinal = int(name[1:]) if _named(name) else 0
    if store.version(row.environment, row.name, ordinal) is None:
        there = ", ".join(one.name for one in store.versions(row.environment, row.name))
        raise errors.VersionUnknown(f"{row.name} has no version {name}.", cure=f"It has: {there}.")
    return ordinal


def _speed(text_given: str) -> float:
    """How many times as fast; 0: as fast as can be. Raises SpecInvalid."""
    if text_given == "max":
        return 0.0
    found = _SPEED.fullmatch(text_given)
    if found is None or not float(found[1]):
        raise errors.SpecInvalid(f"{text_given!r} is no speed.", where="--speed", cure="Write max, 1x or 10x.")
    return float(found[1])


def _bounds(settings: specification.Settings) -> verdicts.Bounds:
    policy = settings.policy
    return verdicts.Bounds(policy.disagreement, policy.alpha, policy.alpha_promote)


def _run(asked: replaying.Replay, *, quiet: bool) -> replaying.Report:
    terminal, total = screen.err(), asked.total
    if quiet or not terminal.is_terminal:
        return asked.run(lambda *_: None)
    with live.Live(console=terminal, auto_refresh=False, transient=True) as shown:

        def show(count: int, seconds: float) -> None:
            shown.update(text.Text(f"{count:,} of {total:,} asked, {amounts.rate(count / seconds)}"), refresh=True)

        return asked.run(show)


def _print(report: replaying.Report) -> None:
    terminal = screen.out()
    shown = table.Table(box=None, pad_edge=False)
    shown.add_column("slice")
    for title in ("requests", "differ", "share", "not answered", "largest difference", "only it wrong", "only stable wrong"):
        shown.add_column(title, justify="right")
    shown.add_row("all", *_cells(report.pairs))
    for name, one in report.slices.items():
        shown.add_row(name, *_cells(one), style="bold red" if name in report.beyond else "")
    terminal.print(shown)
    screen.line("")
    for line in lines(report):
        screen.line(line)


def _cells(one: sums.PairSum) -> list[str]:
    share = f"{100 * one.disagreed / one.pairs:.3g} %" if one.pairs else ""
    counts = (f"{one.failed:,}", f"{one.largest:.4g}", f"{one.copy_only_wrong:,}", f"{one.served_only_wrong:,}")
    return [f"{one.pairs:,}", f"{one.disagreed:,}", share, *counts]


def lines(report: replaying.Report) -> list[str]:
    """What there is to say besides the table; the verdict comes last."""
    said = [f"{words.count(report.asked, 'request')} asked in {report.seconds:.1f} s, {amounts.rate(report.rate)}."]
    left_out = {
        "an identical one had come within the minute": report.same_input,
        "their inputs were not logged, or in no form that can be asked again": report.unlogged,
        f"{report.stable} had not answered them well": report.failed_then,
    }
    said += [f"{words.count(count, 'request')} left out: {why}." for why, count in left_out.items() if count]
    said += [f"It failed {words.count(count, 'request')}: {why}" for why, count in report.errors.items()]
    if report.deaths:
        said.append(f"Its worker died or hung {report.deaths} times.")
    known = report.outcomes
    if known.labelled:
        wrong = f"{report.stable} was wrong on {known.stable_wrong:,}, {report.candidate} on {known.candidate_wrong:,}"
        said.append(f"Of {words.count(known.labelled, 'request')} whose outcome is known {wrong}.")
    if report.beyond:
        said.append(f"By themselves beyond the tolerance: {', '.join(report.beyond)}.")
    return [*said, re.sub("^the", "The", report.verdict.sentence)]
