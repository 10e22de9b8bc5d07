"""Scores as chances: the monotone step function nearest to what came of them, by pooling adjacent violators.

(Ayer et al. 1955; Zadrozny and Elkan 2002.) Between the blocks it is interpolated, beyond them it stays.
"""

import msgspec
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


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
    total = np.bincount(place, heavy)
    sums = np.bincount(place, heavy * truth)
    blocks: list[list[float]] = []
    """[weight of the true, weight, first place, last place], their means ascending."""
    for at, (true, all_) in enumerate(zip(sums.tolist(), total.tolist(), strict=True)):
        block = [true, all_, at, at]
        while blocks and blocks[-1][0] * block[1] >= block[0] * blocks[-1][1]:
            before = blocks.pop()
            block = [before[0] + block[0], before[1] + block[1], before[2], at]
        blocks.append(block)
    ends = sorted({(seen[int(end)], true / all_) for true, all_, *both in blocks for end in both})
    scores, chances = zip(*ends, strict=True)
    return Calibration(np.array(scores), np.array(chances))
