"""An explanation, as sentences and a table."""

from collections.abc import Iterator

from rich import table, text

from tidegate.control.batch import afterwards, reasons
from tidegate.core.vocabulary import amounts, explanations
from tidegate.interface.cli import words

MOST = 15
"""Columns in the table; the others are one line."""


def whole(one: explanations.Explanation, said: str) -> Iterator[text.Text | table.Table]:
    """What was computed and how, the columns, then the reasons in words."""
    found = one.explained
    yield text.Text.assemble((f"{one.endpoint} {one.version}", "bold"), f"  {one.id}/{one.row}  bundle {one.digest[:16]}")
    yield text.Text(again(one), style="bold red" if one.agreement == explanations.DIFFERS else "")
    yield from (text.Text(note, style="dim") for note in one.notes)
    yield text.Text(f"{found.subject}: {found.score:.6g}; in typical cases {found.base:.6g} ({one.background})")
    yield text.Text(f"by {found.method}{f'; {found.note}' if found.note else ''}", style="dim")
    shown = table.Table(box=None, pad_edge=False, header_style="dim")
    for name in ("column", "value", "typical", "contribution", "with the typical value"):
        shown.add_column(name, overflow="fold")
    for part in found.contributions[:MOST]:
        error = f" ± {amounts.figure(part.error, 2)}" if part.error else ""
        instead = "" if part.instead is None else f"{part.instead:.6g}"
        moved = f"{part.contribution:+.4g}{error}"
        shown.add_row(text.Text(part.name), reasons.value(part.value), reasons.value(part.typical), moved, instead)
    if rest := found.contributions[MOST:]:
        shown.add_row(f"{len(rest)} others", "", "", f"{sum(part.contribution for part in rest):+.4g}", "")
    yield shown
    yield text.Text(said)


def progress(found: dict[str, afterwards.Progress]) -> list[str]:
    """How far each endpoint's explanations are, and what was left out."""
    lines = []
    for name, one in sorted(found.items()):
        late = f", {words.lasting(one.behind)} behind" if one.behind else ""
        left = f", {one.skipped:,} left out (rows of large requests, or too far behind)" if one.skipped else ""
        lines.append(f"{name}: {one.explained:,} explained{late}{left}")
        lines += [f"  {count:,} not: {why}" for why, count in one.failed.items()]
    return lines


def again(one: explanations.Explanation) -> str:
    """How the answer computed once more stands to the logged one."""
    logged = "the logged response" if one.logged is None else f"the logged {_shown(one.logged)}"
    if one.agreement == explanations.EXACTLY:
        return f"computed once more: {_shown(one.recomputed)}, exactly {logged}"
    if one.agreement == explanations.WITHIN:
        return f"computed once more: {_shown(one.recomputed)}, within the tolerance of {logged}"
    if one.agreement == explanations.UNKNOWN:
        return f"computed once more: {_shown(one.recomputed)}; no answer was logged to hold that against"
    return f"COMPUTED ONCE MORE: {_shown(one.recomputed)}, WHICH IS NOT {logged.upper()}"


def differs(one: explanations.Explanation) -> str:
    """What to make of that."""
    return (
        f"The bundle does not give the logged answer any more: what is explained is {_shown(one.recomputed)}. Either the model "
        f"is no function of its input (chance, clock, network), or what it runs on was changed: `tidegate trace {one.id}`."
    )


def _shown(answer: float | str | None) -> str:
    return f"{answer:.10g}" if isinstance(answer, float) else str(answer)
