"""Scores as chances: the monotone step function nearest to what came of them, by pooling adjacent violators.

(Ayer et al. 1955; Zadrozny and Elkan 2002.) Between the blocks it is interpolated, beyond them it stays.
"""

import msgspec
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
_ROUNDS = 12
"""Of pooling many at a time, before the rest is pooled one by one."""


class Calibration(msgspec.Struct, frozen=True):
    """Chances by score."""

    scores: Floats
    """Ascending: both ends of each block."""
    chances: Floats

    def of(self, score: Floats) -> Floats:
        """The chance that each of these comes true."""
        found: Floats = np.interp(score, self.scores, self.chances)
        return found


def fit(score: Floats, truth: npt.NDArray[np.bool_], weight: Floats | None = None) -> Calibration:
    """The calibration by what came of these (n >= 1)."""
    heavy = np.ones(score.size) if weight is None else weight
    seen, place = np.unique(score, return_inverse=True)
    first, sums, total = _pooled(*(np.bincount(place, one).astype(np.float64) for one in (heavy * truth, heavy)))
    last = np.append(first[1:], seen.size) - 1
    blocks: list[list[float]] = []
    """[weight of the true, weight, first place, last place], their means ascending."""
    for true, all_, begin, end in zip(sums.tolist(), total.tolist(), first.tolist(), last.tolist(), strict=True):
        block = [true, all_, begin, end]
        while blocks and blocks[-1][0] * block[1] >= block[0] * blocks[-1][1]:
            before = blocks.pop()
            block = [before[0] + block[0], before[1] + block[1], before[2], end]
        blocks.append(block)
    ends = sorted({(seen[int(end)], true / all_) for true, all_, *both in blocks for end in both})
    scores, chances = zip(*ends, strict=True)
    return Calibration(np.array(scores), np.array(chances))


def _pooled(sums: Floats, total: Floats) -> tuple[npt.NDArray[np.intp], Floats, Floats]:
    """(first places, sums, weights) of blocks, neighbours that violate the order pooled many at a time, most of them."""
    first = np.arange(sums.size)
    for _ in range(_ROUNDS):
        rises = sums[:-1] * total[1:] < sums[1:] * total[:-1]
        if rises.all():
            break
        begins = np.flatnonzero(np.append(True, rises))
        first, sums, total = first[begins], np.add.reduceat(sums, begins), np.add.reduceat(total, begins)
    return first, sums, total
