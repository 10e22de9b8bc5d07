"""Outcomes that could not be taken, as a sentence and a table."""

from collections.abc import Iterator, Mapping, Sequence

from rich import table, text

from tidegate.interface.api import moments
from tidegate.interface.cli import words
from tidegate.observability.joining import fates, quarantine
from tidegate.observability.outcomes import fetching

_AFTERWARDS = "`tidegate feedback --rejected` lists what was put aside, and why"


def fate(accepted: int, became: fates.Fate | None) -> Iterator[str]:
    """What is known of outcomes that were accepted; None: nobody has waited for that."""
    said = f"{words.count(accepted, 'outcome')} accepted"
    if became is None:
        yield f"{said}; what finds no prediction is put aside within a minute: {_AFTERWARDS}"
        return
    yield f"{said}: {became.joined:,} joined to their predictions" if became.joined else said
    for reason, count in sorted(became.aside.items(), key=lambda one: -one[1]):
        yield f"  {count:,} put aside: {quarantine.WORDS.get(reason, reason)}"
    if became.waiting:
        yield f"  {became.waiting:,} without a prediction so far: they are put aside after a minute"
    if became.waiting or became.aside:
        yield _AFTERWARDS


def whole(
    counted: Mapping[str, int], listed: Sequence[quarantine.Rejected], rows: Sequence[fetching.Refused] = ()
) -> Iterator[text.Text | table.Table]:
    """How many and why, then the newest one by one; `rows`: of the table that is asked, those that are no outcomes."""
    for row in rows:
        yield text.Text(f"row of the table, {moments.shown(row.at, None)}: {row.words} {row.row}")
    if not counted:
        yield text.Text("no outcome was put aside")
        return
    yield text.Text(f"{words.count(sum(counted.values()), 'outcome')} put aside", style="yellow")
    for reason, count in sorted(counted.items(), key=lambda one: -one[1]):
        yield text.Text(f"  {count:,}: {quarantine.WORDS.get(reason, reason)}")
    shown = table.Table(box=None, pad_edge=False, header_style="dim")
    for name in ("received", "reason", "endpoint", "for", "label"):
        shown.add_column(name, overflow="fold")
    for one in listed:
        received = moments.shown(one.outcome.received_ns / 1e9, None)
        shown.add_row(received, one.reason, one.endpoint or "?", one.named, text.Text(str(one.outcome.label)))
    yield shown
