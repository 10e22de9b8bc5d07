"""Outcomes that could not be taken, as a sentence and a table."""

from collections.abc import Iterator, Mapping, Sequence

from rich import table, text

from tidegate.interface.api import moments
from tidegate.interface.cli import words
from tidegate.observability.outcomes import fetching
from tidegate.observability.recording import quarantine


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
