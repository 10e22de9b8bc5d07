"""How good versions are, as sentences and a table."""

from collections.abc import Iterator

from rich import table, text

from tidegate.core.stats import metrics
from tidegate.core.vocabulary import amounts
from tidegate.interface.api import moments
from tidegate.interface.cli import words
from tidegate.observability.outcomes import graded, performance

COLUMNS = {
    graded.PROBABILITY: ("accuracy", "precision", "recall", "auc", "brier"),
    graded.NUMBER: ("mae", "rmse", "bias", "p90_error"),
    graded.CLASS: ("accuracy", "macro_f1", "macro_auc", "log_loss", "brier"),
}
"""What is shown of each kind, where there is any; `--json` has all."""
_LABELS = 5
"""Strange labels that are named."""


def whole(report: performance.Report) -> Iterator[text.Text | table.Table]:
    """What has to be said first, then a line for each version, segment and cohort."""
    since, until = (moments.shown(at, None) for at in (report.since, report.until))
    yield text.Text(f"{report.endpoint}: predictions from {since} to {until}")
    yield from (text.Text(one, style="yellow") for one in cautions(report))
    yield _table(report)
    for standing in report.standings:
        if not standing.segment and standing.headline is not None and 0 < len(standing.headline.confusion) <= 4:
            cells = ", ".join(f"{answer} for {truth}: {rows:,.0f}" for answer, truth, rows in standing.headline.confusion)
            yield text.Text(f"v{standing.version} answered {cells}", style="dim")
    for one in report.estimates:
        yield text.Text(one.words, style="yellow" if one.dropped else "")
    if report.difference is not None:
        yield text.Text(compared(report.difference, report.kind))


def cautions(report: performance.Report) -> Iterator[str]:
    """What the numbers do not say."""
    if report.mature_seconds is None:
        yield "no label has come yet, or one only: there is nothing to compute"
        return
    told = f"99 % of labels are there after {words.lasting(report.mature_seconds)}: predictions of that age make the headline"
    if report.selective:
        shares = ", ".join(f"{100 * share:.0f} % of {answer}" for answer, share in report.selective.items())
        yield f"labels come for some answers only ({shares}): how the others would have ended nobody knows; nothing is estimated"
    yield told
    if not report.whole:
        yield "labels were still coming at the oldest age there is: provisional numbers lack those that take longer"
    for one in report.standings:
        if one.sampled and not one.segment:
            kept = "count by the chance with which they were drawn" if one.by_chance else "are left out, since there are others"
            yield f"v{one.version}: {words.count(one.sampled, 'label')} from the labelling queue {kept}"
        if one.unanswered:
            yield f"v{one.version}: {words.count(one.unanswered, 'row')} got no answer, and are in no number here"
    if report.strange:
        labels = ", ".join(f"{label} ({rows:,})" for label, rows in list(report.strange.items())[:_LABELS])
        more = len(report.strange) - _LABELS
        yield f"labels that no version ever answered count as wrong: {labels}{f' and {more:,} more' if more > 0 else ''}"
    if report.sampled > 1:
        yield f"of very many requests one in {report.sampled} was read"


def compared(one: performance.Difference, kind: str) -> str:
    """The two newest versions against each other."""
    number, worse = kind == graded.NUMBER, one.more >= 0
    what = ("further off" if worse else "nearer") if number else ("more often wrong" if worse else "less often wrong")
    by, *ends = (one.more, one.low, one.high) if worse else (-one.more, -one.high, -one.low)
    low, high = (amounts.figure(end, 3) if number else f"{100 * end:.2f}" for end in ends)
    told = amounts.figure(by, 3) if number else f"{100 * by:.2f} points"
    when = "on the days on which both served" if one.same_days else "by all that is mature of both, which is of other days"
    return f"v{one.newer} is {what} than v{one.older} by {told} [{low}, {high}], {when}"


def _table(report: performance.Report) -> table.Table:
    """An interval stands under its value, the share under the count: five of them have to fit in 100 columns."""
    shown = table.Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="dim")
    names = tuple(one for one in COLUMNS[report.kind] if one in _measured(report))
    column = next((one.segment.partition("=")[0] for one in report.standings if one.segment), "")
    shown.add_column(column, overflow="fold")
    for name in ("labelled", *(one.replace("_", " ") for one in names)):
        shown.add_column(name, justify="right", no_wrap=True)
    for standing in report.standings:
        inset = "  " if standing.segment else ""
        name = inset + (standing.segment.partition("=")[2] or "none" if standing.segment else f"v{standing.version}")
        if standing.headline is not None:
            _add(shown, (name, "a sample" if standing.by_chance else ""), standing.covered, standing.headline, names)
        counted = (standing.labelled, standing.answered)
        if standing.provisional is not None or standing.headline is None:
            _add(shown, (name if standing.headline is None else inset, "provisional"), counted, standing.provisional, names)
        for cohort in standing.cohorts:
            when = moments.shown(cohort.begins, None).partition(" ")[0]
            word = "" if cohort.mature else "provisional"
            _add(shown, (f"{inset}  {when}", word), (cohort.labelled, cohort.predicted), cohort.measured, names)
    return shown


def _measured(report: performance.Report) -> set[str]:
    """The names of all metrics that there are; of nothing labelled those of its kind."""
    each = [found for one in report.standings for found in (one.headline, one.provisional) if found is not None]
    return {one.name for found in each for one in found.metrics} or set(COLUMNS[report.kind])


def _add(
    shown: table.Table, what: tuple[str, str], counted: tuple[int, int], found: metrics.Measured | None, names: tuple[str, ...]
) -> None:
    labelled, predicted = counted
    share = f"\n{100 * labelled / predicted:.1f} %" if predicted else ""
    cells = [_cell(found, name) for name in names]
    inset = " " * (len(what[0]) - len(what[0].lstrip()))
    named = text.Text(what[0])
    if what[1]:
        named.append(f"\n{inset}" if what[0].strip() else "").append(what[1], "yellow")
    shown.add_row(named, f"{labelled:,} of {predicted:,}{share}", *cells, style="dim" if what[1] == "provisional" else "")


def _cell(found: metrics.Measured | None, name: str) -> str:
    try:
        one = found[name] if found is not None else None
    except KeyError:
        one = None
    if one is None:
        return ""
    value = amounts.figure(one.value, 4)
    if one.low is None or one.high is None:
        return value
    return f"{value}\n{amounts.figure(one.low, 3)}..{amounts.figure(one.high, 3)}"
