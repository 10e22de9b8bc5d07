"""Do more requests fail than before? Each class of errors, by its mark, against its own share in the day before.

A limit from below on the share now has to be beyond one from above on the share then, and by half a percent of all requests at
least: a class that was always there is no news, and the third error of a quiet hour no alarm. Both limits hold at
whatever moment they are looked at (`intervals.share`).
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from tidegate.core.stats import intervals
from tidegate.core.vocabulary import marks
from tidegate.dataplane.wire import counts

CLASSES = (marks.Mark.ERROR, marks.Mark.TIMEOUT, marks.Mark.INVALID, marks.Mark.REJECTED, marks.Mark.SHED)
FEWEST = 50
"""Requests below which nothing is said."""
MARGIN = 0.005
CRITICAL = 0.2
"""Share of all requests, at least, from which a person is woken."""
ALPHA = 0.001
_WORDS = {
    marks.Mark.ERROR: "end in an error",
    marks.Mark.TIMEOUT: "have no answer in time",
    marks.Mark.INVALID: "are answered with what breaks the contract",
    marks.Mark.REJECTED: "are refused by the model's validation",
    marks.Mark.SHED: "find the queue full",
}


class Mishap(NamedTuple):
    """One class of which there is more."""

    mark: marks.Mark
    words: str
    moved: tuple[str, ...]
    critical: bool


def wrong(window: Sequence[int], before: Sequence[int]) -> Iterator[Mishap]:
    """The classes of which there is more in a window's slots than in those of the time before."""
    ended, known = _ended(window), _ended(before)
    if ended < FEWEST:
        return
    for mark in CLASSES:
        bad, usual = window[counts.MARKS + mark], before[counts.MARKS + mark]
        low = intervals.share(bad, ended, ALPHA)[0] if bad else 0.0
        high = intervals.share(usual, known, ALPHA)[1] if known >= FEWEST else 0.0
        if low > high + MARGIN:
            words = f"{100 * bad / ended:.3g} % of requests {_WORDS[mark]}"
            then = f"usually {100 * usual / known:.3g} %" if known >= FEWEST else "and nothing is known of before"
            moved = f"{mark.name.lower()}: {bad:,} of {ended:,} requests, at least {100 * low:.3g} %, {then}"
            yield Mishap(mark, words, (moved,), low > CRITICAL)


def _ended(slots: Sequence[int]) -> int:
    """Requests that had a chance to fail: a client that went away has seen nothing of it."""
    return sum(slots[counts.MARKS : counts.MARKS + marks.SLOTS]) - slots[counts.MARKS + marks.Mark.CANCELLED]
