"""What has drifted, as a sentence and a table."""

from collections.abc import Iterator

from rich import table, text

from tidegate.core.vocabulary import amounts
from tidegate.interface.api import moments
from tidegate.observability.drift import classifying, drifting
from tidegate.observability.profiling import oddness

_STYLES = {"alarm": "bold red", "warning": "yellow", "": ""}
_HEADS = (
    "column",
    "",
    "by at least",
    "mean",
    "before",
    "median",
    "before",
    "IQR",
    "before",
    "nulls",
    "before",
    "moved, IQR",
    "PSI",
)
_ALWAYS = 1
"""So many first columns are shown however empty; any other that has nothing to say of any row leaves its room to them."""
_NAMED = 5
_FEW = "Logged inputs are too few to tell the two times apart by them."
_NO_ROWS = (
    "Of the data that came with the model counts are kept and no rows: --explain needs a time to hold this against, --against 7d."
)
_SAYS = {
    "ks": "its distribution",
    "tv": "how often each value comes",
    "nulls": "nulls",
    "new": "values not seen before",
    "broken": "values of another type",
    "tail": "the largest or smallest of it",
    "same": "it is always the same",
}


def whole(report: drifting.Report) -> Iterator[text.Text | table.Table]:
    """The sentence, and a row for each column. Nobody had the oddness of the data that came with a model, so that is no news."""
    yield text.Text(sentence(report), style=_STYLES[report.level])
    if not report.columns:
        return
    shown = table.Table(box=None, pad_edge=False, header_style="dim")
    rows = [_cells(one) for one in report.columns]
    told = [at for at in range(len(_HEADS)) if at < _ALWAYS or any(each[at] for each in rows)]
    for at in told:
        shown.add_column(_HEADS[at], overflow="fold")
    for one, cells in zip(report.columns, rows, strict=True):
        shown.add_row(*(text.Text(cells[at], style=_STYLES[one.level] if _HEADS[at] == "" else "") for at in told))
    yield shown
    known = [one for one in report.come if report.reference or one != oddness.NAME]
    for words, names in (("not there before", known), ("not there any more", report.gone)):
        if names:
            yield text.Text(f"{words}: {', '.join(names)}")


def _cells(one: drifting.Column) -> tuple[str, ...]:
    """A row, by `_HEADS`."""
    means, medians, widths = ([amounts.figure(each) if each is not None else "" for each in told] for told in _told(one))
    nulls = [f"{100 * each:.3g} %" if each else "" for each in one.nulls]
    far = amounts.figure(one.moved, 2) if one.numbers[0] and one.moved >= 0 else ""
    by = ", ".join(f"{each.name} {each.low:.2g}" for each in one.effects if each.level)
    return (one.name, one.level, by, *means, *medians, *widths, *nulls, far, f"{one.psi:.2g}")


def _held(report: drifting.Report) -> str:
    if not report.reference:
        return "of the training data"
    first = moments.shown(min(one.since for one in report.reference), None)
    return {"season": f"of the same time since {first}", "stable": "of stable"}.get(report.against, f"since {first}")


def _told(one: drifting.Column) -> Iterator[list[float | None]]:
    """Means, medians and quartile ranges, (in the window, in the reference)."""
    yield [each.mean if each else None for each in one.numbers]
    yield [each.median if each else None for each in one.numbers]
    yield [each.iqr if each else None for each in one.numbers]


def apart(report: drifting.Report, told: classifying.Told | None, *, explain: bool) -> Iterator[text.Text]:
    """How well a model tells the two times apart."""
    if told is None:
        if explain:
            yield text.Text(_FEW if report.reference else _NO_ROWS, style="dim")
        return
    usual = "no week before is known"
    if told.history:
        usual = f"in the weeks before {min(told.history):.2f} to {max(told.history):.2f}"
    chance = f"0.50 +- {told.chance:.2f} by chance, p {told.p:.2g}; {usual}"
    verdict = "more than usual" if told.unusual else "no more than usual"
    names = [f"{name} {fall:.2g}" for name, fall in list(told.importances.items())[:_NAMED] if fall > 0]
    by = f", by {', '.join(names)}" if names else ""
    left = f" Left out as clocks: {', '.join(told.clocks)}." if told.clocks else ""
    yield text.Text(f"A model tells the two times apart with an area of {told.auc:.2f} ({chance}): {verdict}{by}.{left}")


def sentence(report: drifting.Report) -> str:
    """Which column has moved most, by what, since when."""
    rows, known = report.rows
    held = f"{rows:,} rows since {moments.shown(report.window.since, None)} against {known:,} {_held(report)}"
    if not rows or not known:
        return f"{report.endpoint}: there is nothing to compare: {held}."
    moved = [one for one in report.columns if one.level]
    if not moved:
        few = all(not one.effects for one in report.columns)
        return f"{report.endpoint}: {'too few rows to say anything' if few else 'nothing has moved'}: {held}."
    worst = moved[0].effects[0]
    names = f"{len(moved)} of {len(report.columns)} columns {'has' if len(moved) == 1 else 'have'} moved"
    by = f"{_SAYS[worst.name]} by {worst.size:.2g}, at least {worst.low:.2g}"
    return f"{report.endpoint}: {names}, {moved[0].name} most: {by}; {held}."
