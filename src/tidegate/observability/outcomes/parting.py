"""Rows parted by what an input column says: a part for each of its commonest values; of a number with many, for each fifth.

The fifths are of all rows looked at, so that those of two versions have the same edges. Called by `performance`; pure.
"""

import itertools

import msgspec
import numpy as np
import numpy.typing as npt

from tidegate.core.stats import metrics
from tidegate.dataplane.predlog import flat

MOST = 20
"""Values that have a part each; a number with more of them is parted at quantiles."""
BINS = 5
_NONE = frozenset({"", "null", "nan"})
_PLAIN = 1e15
"""Whole numbers below it are written out."""


class Parts(msgspec.Struct, frozen=True):
    """Which part each row is in."""

    names: tuple[str, ...]
    of: npt.NDArray[np.intp]
    """The place of its name, by row."""
    ordered: bool
    """Whether the names are in an order of their own; else the commonest come first."""

    def within(self, mine: metrics.Bools) -> list[tuple[str, metrics.Bools]]:
        """(name, which rows) of the parts that some of these rows are in, at most `MOST`."""
        counts = np.bincount(self.of[mine], minlength=len(self.names))
        there = np.flatnonzero(counts).tolist()
        if not self.ordered:
            there.sort(key=lambda at: (-counts[at], self.names[at]))
        return [(self.names[at], mine & (self.of == at)) for at in there[:MOST]]


def parts(column: npt.NDArray[np.object_], looked_at: metrics.Bools) -> Parts:
    """The parts of all rows. `column`: values in words (n,); `looked_at`: the rows whose quantiles are the edges (n,)."""
    values, places = flat.coded(column)
    numbers = np.array([_number(one) for one in values], np.float64)
    told = np.unique(places[looked_at])
    known = numbers[told][~np.isnan(numbers[told])]
    if known.size <= MOST or any(np.isnan(numbers[at]) and values[at] not in _NONE for at in told):
        return Parts(tuple(values), places, ordered=False)
    each = numbers[places]
    some = each[looked_at & ~np.isnan(each)]
    edges = np.unique(np.quantile(some, np.linspace(0, 1, BINS + 1), method="inverted_cdf"))
    names = [f"[{_text(low)}, {_text(high)})" for low, high in itertools.pairwise(edges.tolist())]
    names[-1] = f"{names[-1][:-1]}]"  # the last has its upper edge too
    of = np.clip(np.searchsorted(edges, each, side="right") - 1, 0, len(names) - 1)
    return Parts((*names, "none"), np.where(np.isnan(each), len(names), of), ordered=True)


def _text(edge: float) -> str:
    return f"{edge:.0f}" if edge.is_integer() and abs(edge) < _PLAIN else f"{edge:.6g}"


def _number(word: str) -> float:
    """NaN for what is none."""
    try:
        found = float(word)
    except ValueError:
        return np.nan
    return found if np.isfinite(found) else np.nan
