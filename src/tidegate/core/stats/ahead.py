"""What a comparison needs of a release's past to see what has come since: its wealth at the end of a wall minute, and its bets.

A whole comparison reads every sum. This reads those of the minutes since, a handful, so that it may be asked at every tick of
every release, and its memory does not grow with it. It goes by the segments and blocks of the comparison that it is made from:
later ones are left out until there is a new one.
"""

import dataclasses
from collections.abc import Sequence

import numpy as np

from tidegate.core.stats import logspace, tally, wealth


@dataclasses.dataclass(frozen=True)
class Ahead:
    """P processes whose bets are on the same requests."""

    past: wealth.Running
    segments: logspace.Ints
    """(S,) those that are bet on, ascending."""
    until: int
    """The first minute that is not."""
    factors: logspace.Floats
    """(S, P, K, W)"""

    def worse(self, rows: tally.Rows, counts: logspace.Ints, closed_before: int) -> logspace.Floats:
        """(2, P) log e-values at the closed prefix and over everything that arrived, as `comparison.Comparison.worse` gives them.

        `rows` are the N sums of the minutes since, `counts` (N, P, W) what they count, pending requests as they speak least.
        """
        where = np.minimum(np.searchsorted(self.segments, rows.segment), len(self.segments) - 1)
        late = rows.evidence & (self.segments[where] == rows.segment) & (rows.minute < self.until)
        prefix = late & (rows.end <= closed_before)
        grown = np.einsum("npkw,npw->npk", self.factors[where], counts)
        found = self._after(rows, late, grown)
        return np.stack([found if np.array_equal(prefix, late) else self._after(rows, prefix, grown), found])

    def _after(self, rows: tally.Rows, chosen: tally.Mask, grown: logspace.Floats) -> logspace.Floats:
        return self.past.after(rows.epochs(chosen).gather(grown)).log_e()


def together(processes: Sequence[Ahead]) -> Ahead:
    """Processes on the same requests, with as many bets each and the same segments, side by side."""
    first, past = processes[0], [one.past for one in processes]
    joined = wealth.Running(
        np.concatenate([one.log_weights for one in past]),
        first.past.epochs,
        np.concatenate([one.start for one in past]),
        np.concatenate([one.placed for one in past]),
    )
    return Ahead(joined, first.segments, first.until, np.concatenate([one.factors for one in processes], axis=1))
