"""When labels arrive, and what is to be done about those that are not here yet. Times in seconds, chance in shares.

Labels that come late are not like those that come early: fraud is reported in days, its absence after months. What is labelled by
now is therefore a biased sample, and a row that is here has to stand for those like it that are not: weight 1 / F(age), where
F is the law of the lag for rows like it.

That law is estimated from labels alone, which are there only if their lag was at most their age (truncation on the right), by
Lynden-Bell's product limit (1971; Woodroofe 1985): going down from the longest lag, F(t-) = F(t) (1 - d(t) / R(t)), where d(t)
labels came at lag t and R(t) are those with lag <= t <= age. It needs nobody to say who will never be labelled, and holds
within the ages there are: what takes longer than the oldest row is old is not in it (`is_whole`).
"""

from collections.abc import Iterator

import msgspec
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Groups = npt.NDArray[np.int64]
"""Which group each row is of, by number from 0 on."""
MOST_WEIGHT = 20.0
"""No row stands for more than this many: beyond it chance alone would speak."""
FEWEST = 50
"""Labels of a group below which it goes by the law of all."""
_TAIL, _TAIL_SHARE = 0.8, 0.02
_PREDICTED, _LESS, _SURELY = 100, 0.5, 5.0


class Law(msgspec.Struct, frozen=True):
    """The law of a lag: F at the lags that were seen, ascending."""

    lags: Floats
    chances: Floats
    oldest: float
    """The greatest age there was: nothing is known beyond it."""

    def at(self, ages: Floats) -> Floats:
        """F: the chance that a label is there at these ages."""
        place = np.searchsorted(self.lags, ages, side="right") - 1
        found: Floats = np.where(place < 0, 0.0, self.chances[np.maximum(place, 0)])
        return found

    def quantile(self, q: float) -> float:
        """The age by which a share q of the labels is there."""
        return float(self.lags[min(int(np.searchsorted(self.chances, q * (1 - 1e-12))), self.lags.size - 1)])

    @property
    def is_whole(self) -> bool:
        """Whether labels have all but stopped coming at the oldest ages: then F is that of all that will come."""
        return float(self.at(np.array([_TAIL * self.oldest]))[0]) >= 1 - _TAIL_SHARE


def law(lags: Floats, ages: Floats) -> Law | None:
    """The law of the lag, from labels that are here: lag and age (at least the lag) of each. None of fewer than two."""
    if lags.size < 2:
        return None
    lags = np.maximum(lags, 0.0)
    ages = np.maximum(ages, lags)
    seen, came = np.unique(lags, return_counts=True)
    at_risk = np.cumsum(came) - np.searchsorted(np.sort(ages), seen, side="left")
    # Where all at risk came at one lag, nothing would be left below it: as if one more had been there.
    stays = 1 - came / np.where((came == at_risk) & (np.arange(seen.size) > 0), at_risk + 1, at_risk)
    stays[0] = 0.0
    above = np.concatenate([np.cumprod(stays[::-1])[::-1][1:], [1.0]])
    return Law(seen, above, float(ages.max()))


class Laws(msgspec.Struct, frozen=True):
    """The laws of groups of rows, and that of all."""

    whole: Law
    groups: dict[int, Law]

    def of(self, group: int) -> Law:
        """A group's own, or that of all where the group is small."""
        return self.groups.get(group, self.whole)

    def weights(self, groups: Groups, ages: Floats) -> Floats:
        """1 / F(age) of labelled rows, at most `MOST_WEIGHT`."""
        found = np.ones(ages.size)
        for group, rows in _coded(groups):
            found[rows] = 1 / np.maximum(self.of(group).at(ages[rows]), 1 / MOST_WEIGHT)
        return found

    def matured(self, q: float = 0.99) -> float:
        """The age by which a share q of the labels of every group is there: the slowest group's."""
        return max(one.quantile(q) for one in (self.whole, *self.groups.values()))

    @property
    def is_whole(self) -> bool:
        """Whether that holds of every group."""
        return all(one.is_whole for one in (self.whole, *self.groups.values()))


def laws(groups: Groups, lags: Floats, ages: Floats) -> Laws | None:
    """The laws by group (what was predicted, and the label). None of fewer than two labels."""
    whole = law(lags, ages)
    if whole is None:
        return None
    found = {}
    for group, rows in _coded(groups):
        own = law(lags[rows], ages[rows]) if rows.size >= FEWEST else None
        if own is not None:
            found[group] = own
    return Laws(whole, found)


def selective(groups: Groups, labelled: npt.NDArray[np.bool_]) -> dict[int, float]:
    """Shares labelled by what was predicted, of rows whose labels should all be here; empty unless they differ for sure.

    Truth that comes for some answers only (loans that were granted) cannot be made up for by weights: nobody knows how those
    without it would have ended. They differ where the least share is under half of the greatest, by 5 standard errors.
    """
    shares = {group: (float(labelled[rows].mean()), rows.size) for group, rows in _coded(groups) if rows.size >= _PREDICTED}
    if len(shares) < 2:
        return {}
    (least, few), (most, many) = min(shares.values()), max(shares.values())
    pooled = (least * few + most * many) / (few + many)
    error = (max(pooled * (1 - pooled), 1e-9) * (1 / few + 1 / many)) ** 0.5
    surely = least < _LESS * most and (most - least) / error > _SURELY
    return {group: found for group, (found, _) in shares.items()} if surely else {}


def _coded(groups: Groups) -> Iterator[tuple[int, npt.NDArray[np.intp]]]:
    """Each group, ascending, with its rows."""
    if groups.size:
        order = np.argsort(groups, kind="stable")
        begins = np.flatnonzero(np.diff(groups[order], prepend=-1))
        yield from zip(groups[order[begins]].tolist(), np.split(order, begins[1:]), strict=True)
