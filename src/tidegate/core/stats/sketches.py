"""Sketches of a column: of numbers their quantiles (KLL), of categories how many different ones there are (HyperLogLog).

The second summary beside the bins of a frame: they need no frame, and they add up. They are for people to read and for choosing
edges; nothing is decided by them, since a difference of two KLL is off by the sum of their rank errors.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import datasketches
import numpy as np

from tidegate.core.stats import logspace

KLL_K = 400
"""A rank is off by 0.68 % at most, with 99 % confidence; 9 kB."""
HLL_LG = 10
"""A count is off by about 3 %; half a kilobyte."""
_SHARES = np.linspace(0, 1, 129)


class Numbers:
    """Quantiles of what was seen."""

    def __init__(self, raw: bytes = b"") -> None:
        """`raw`: what `packed` gave."""
        self.kll: Any = datasketches.kll_doubles_sketch.deserialize(raw) if raw else datasketches.kll_doubles_sketch(KLL_K)

    def add(self, values: logspace.Floats) -> None:
        """Take finite numbers (N,) in."""
        if values.size:
            self.kll.update(values)

    def merge(self, other: "Numbers") -> None:
        """Take in what another has seen."""
        self.kll.merge(other.kll)

    def packed(self) -> bytes:
        """As bytes, the same on every machine."""
        found: bytes = self.kll.serialize()
        return found

    @property
    def count(self) -> int:
        """How many numbers were seen."""
        return int(self.kll.n)

    @property
    def error(self) -> float:
        """By how much a rank may be off."""
        return float(self.kll.normalized_rank_error(False)) if self.kll.is_estimation_mode() else 0.0

    def quantiles(self, shares: Sequence[float]) -> list[float]:
        """Below which so much lies; none where nothing was seen."""
        return [float(one) for one in self.kll.get_quantiles(list(shares))] if self.count else []

    def apart(self, other: "Numbers") -> tuple[float, float]:
        """(the largest difference of the two distribution functions, by how much that may be off); (0, 1) where one is empty."""
        if not self.count or not other.count:
            return 0.0, 1.0
        points = sorted({*self.quantiles(_SHARES.tolist()), *other.quantiles(_SHARES.tolist())})
        one, two = (np.array(each.kll.get_cdf(points)) for each in (self, other))
        return float(np.abs(one - two).max()), self.error + other.error


class Words:
    """How many different values were seen."""

    def __init__(self, raw: bytes = b"") -> None:
        """`raw`: what `packed` gave."""
        self.hll: Any = datasketches.hll_sketch.deserialize(raw) if raw else datasketches.hll_sketch(HLL_LG)

    def add(self, values: Iterable[str]) -> None:
        """Take values in; each once is enough."""
        for one in values:
            self.hll.update(one)

    def merge(self, other: "Words") -> None:
        """Take in what another has seen."""
        union = datasketches.hll_union(HLL_LG)
        union.update(self.hll)
        union.update(other.hll)
        self.hll = union.get_result(datasketches.tgt_hll_type.HLL_4)

    def packed(self) -> bytes:
        """As bytes."""
        found: bytes = self.hll.serialize_compact()
        return found

    @property
    def distinct(self) -> int:
        """About how many different ones."""
        distinct: float = self.hll.get_estimate()
        return round(distinct)


Sketch = Numbers | Words
