"""A calibration: how long, what is found how soon, and what that leaves out."""

from collections.abc import Callable, Iterator

from rich import table, text

from tidegate.control.batch import calibrating, calibrations
from tidegate.core.decide import redrawn
from tidegate.core.spec import settings as specification
from tidegate.core.vocabulary import amounts
from tidegate.interface.api import moments
from tidegate.interface.cli import words

NEVER = "never"
_HEADS = ("found", "before 100 %", "after", "p90", "requests", "p90", "harmed", "p90")


def whole(report: calibrating.Report, settings: specification.Settings, now: float) -> Iterator[text.Text | table.Table]:
    """The traffic, the stages, the faults, the remarks."""
    yield text.Text(_traffic(report))
    yield text.Text("")
    yield text.Text(f"A candidate that is no worse ({words.count(report.runs, 'release')} redrawn, {report.strategy}):", "bold")
    yield stages(report)
    yield text.Text(f"Of {report.runs:,}: {', '.join(f'{count:,} {ending}' for ending, count in report.ends.items())}.")
    for ending, why in report.examples.items():
        yield text.Text(f"{ending.capitalize()}, for example: {why.rstrip('.')}.", "yellow")
    yield text.Text("")
    yield from _faults(report)
    yield text.Text("")
    for line in remarks(report, settings, now):
        yield text.Text(line, "dim")


def stages(report: calibrating.Report) -> table.Table:
    """A row for each stage, and one for all of them."""
    shown = table.Table(box=None, pad_edge=False, header_style="dim")
    shown.add_column("stage")
    for head in ("entered", "left after", "p90"):
        shown.add_column(head, justify="right")
    for one in report.stages:
        shown.add_row(one.name, amounts.percent(one.entered, 2), *_cells(one.seconds, amounts.span))
    shown.add_row(
        "all traffic", amounts.percent(report.promotion.share, 2), *_cells(report.promotion, amounts.span), style="bold"
    )
    return shown


def _faults(report: calibrating.Report) -> Iterator[text.Text | table.Table]:
    later = [one for one in report.scenarios if one.after_an_hour is not None]
    yield text.Text("A candidate with a fault from its first request on:", "bold")
    yield faults([(one.name, one.at_once) for one in report.scenarios])
    yield text.Text("")
    if not later:
        yield text.Text("No release goes on by itself for an hour, so no fault begins after an hour of health.")
        return
    yield text.Text("The same, once it has been well for an hour:", "bold")
    yield faults([(one.name, one.after_an_hour) for one in later if one.after_an_hour is not None])


def faults(found: list[tuple[str, calibrations.Found]]) -> table.Table:
    """A row for each fault: in how many releases it was found, after how long, after how many of the candidate's requests."""
    shown = table.Table(box=None, pad_edge=False, header_style="dim")
    shown.add_column("fault")
    for head in _HEADS:
        shown.add_column(head, justify="right")
    shown.add_column("by")
    for name, one in found:
        times = (*_cells(one.seconds, amounts.span), *_cells(one.requests, _count), *_cells(one.harmed, _count))
        shown.add_row(name, amounts.percent(one.seconds.share, 2), amounts.percent(one.before_all, 2), *times, ", ".join(one.by))
    return shown


def remarks(report: calibrating.Report, settings: specification.Settings, now: float) -> Iterator[str]:
    """What the numbers are, and what they do not show."""
    yield (
        "Times are medians of all releases; what a release does not come to in its time it comes to never. Harmed are requests "
        "that failed, were slower or wrong by the fault, rescued or not."
    )
    yield (
        f"A release is followed until {amounts.span(calibrating.WATCHED_SECONDS)} after the candidate has all traffic and its "
        f"fault{', and the label age' if settings.policy.label_age else ''}; two days at most. It is looked at every second at "
        f"first, then every {redrawn.LOOK_SECONDS} s or {redrawn.LOOK_SHARE}th part of a stage's age; live ones are more often."
    )
    yield "Releases begin where requests are, by chance; one that comes to the end of the log goes on from its beginning."
    if report.rounds > 1:
        yield f"The log is shorter than the longest release: it was gone round {report.rounds:.1f} times."
    for one in report.left_out:
        yield f"Not redrawn: {one}."
    if report.others:
        yield f"{words.count(report.others, 'request')} of that time, of other versions, are left out: releases are faster."
    if not report.labelled and settings.policy.label_age:
        yield "No outcome in the log came in time: nothing is said of wrong answers, and a stage that needs them does not end."
    if report.labelled and now - report.end < settings.policy.label_age:
        yield "Outcomes of the newest requests may still come: answers that turn wrong are found sooner than is shown."
    yield (
        "Coins are thrown anew on outcomes that are fixed: this measures time and power. What else sends a healthy release back "
        f"(a cold pool, unequal workers, a coin that is none) is found by `tidegate rehearse {report.endpoint} --aa 20`, live."
    )


def _traffic(report: calibrating.Report) -> str:
    lasting = amounts.span(report.end - report.begin + 1)
    told = f"{report.endpoint} {report.stable}: {words.count(report.requests, 'request')} in {lasting}, until "
    told += f"{moments.local(report.end)} ({amounts.rate(report.rate)}), {100 * report.bad:.2g} % bad"
    if report.labelled:
        told += f"; {report.labelled:,} with their outcome in time, {100 * report.wrong:.2g} % of them wrong"
    return f"{told}."


def _cells(one: calibrations.Quantiles, show: Callable[[float], str]) -> tuple[str, str]:
    return tuple(NEVER if value is None else show(value) for value in (one.median, one.p90))  # type: ignore[return-value]


def _count(number: float) -> str:
    return f"{number:,.0f}"
