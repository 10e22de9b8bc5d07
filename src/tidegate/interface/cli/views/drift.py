"""What has drifted, as a sentence and a table."""

from collections.abc import Iterator

from rich import table, text

from tidegate.core.decide import amounts
from tidegate.interface.api import moments
from tidegate.observability.monitors import drifting

_STYLES = {"alarm": "bold red", "warning": "yellow", "": ""}
_SAYS = {
    "ks": "its distribution",
    "tv": "how often each value comes",
    "nulls": "nulls",
    "new": "values not seen before",
    "broken": "values of another type",
}


def whole(report: drifting.Report) -> Iterator[text.Text | table.Table]:
    """The sentence, and a row for each column."""
    yield text.Text(sentence(report), style=_STYLES[report.level])
    if not report.columns:
        return
    shown = table.Table(box=None, pad_edge=False, header_style="dim")
    for name in ("column", "", "by at least", "mean", "before", "nulls", "before", "moved, IQR", "PSI"):
        shown.add_column(name, overflow="fold")
    for one in report.columns:
        means = [amounts.figure(each) if each is not None else "" for each in one.mean]
        nulls = [f"{100 * each:.3g} %" if each else "" for each in one.nulls]
        far = amounts.figure(one.moved, 2) if one.mean[0] is not None and one.moved >= 0 else ""
        by = ", ".join(f"{each.name} {each.low:.2g}" for each in one.effects if each.level)
        cells = (by, means[0], means[1], nulls[0], nulls[1], far, f"{one.psi:.2g}")
        shown.add_row(text.Text(one.name), text.Text(one.level, style=_STYLES[one.level]), *cells)
    yield shown


def sentence(report: drifting.Report) -> str:
    """Which column has moved most, by what, since when."""
    rows, known = report.rows
    held = f"{rows:,} rows since {moments.shown(report.window.since, None)} against {known:,} since"
    held = f"{held} {moments.shown(report.reference.since, None)}"
    if not rows or not known:
        return f"{report.endpoint}: there is nothing to compare: {held}."
    moved = [one for one in report.columns if one.level]
    if not moved:
        few = all(not one.effects for one in report.columns)
        return f"{report.endpoint}: {'too few rows to say anything' if few else 'nothing has moved'}: {held}."
    worst = max(moved[0].effects, key=lambda one: (drifting.LEVELS.index(one.level), one.low))
    names = f"{len(moved)} of {len(report.columns)} columns {'has' if len(moved) == 1 else 'have'} moved"
    by = f"{_SAYS[worst.name]} by {worst.size:.2g}, at least {worst.low:.2g}"
    return f"{report.endpoint}: {names}, {moved[0].name} most: {by}; {held}."
