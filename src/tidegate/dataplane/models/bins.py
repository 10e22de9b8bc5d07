"""Which bin of the baseline profile a prediction falls in. The profile fixes the edges: bins mean the same all release long."""

import bisect
import math
from typing import Any

from tidegate.core.vocabulary import manifests, sums

OTHER = sums.BINS - 1
"""A class the profile has not seen, or no value."""
MOST = 16
"""Bins of a numeric profile at most."""


class Bins:
    """The bins of one profile."""

    def __init__(self, profile: manifests.Profile) -> None:
        self._edges = profile.edges
        self._classes = {name: place for place, name in enumerate(profile.classes[:OTHER])}

    def of(self, answer: float | str | None) -> int:
        """The bin, 0 to 31, of one answer; -1 where the profile has none to offer."""
        if self._classes:
            return self._classes.get(said(answer), OTHER)
        if not self._edges:
            return -1
        if isinstance(answer, float) and math.isfinite(answer):
            return bisect.bisect_right(self._edges, answer)
        return OTHER


def said(answer: Any) -> str:
    """A class as the profile writes it: 1, 1.0 and True are one class, so that a changed dtype is no shifted prediction."""
    if isinstance(answer, (bool, int, float)) and math.isfinite(answer):
        return repr(int(answer)) if answer == int(answer) else repr(float(answer))
    return str(answer)


def edges(values: list[float]) -> tuple[float, ...]:
    """Inner edges of at most 16 bins with about equally many of the finite values in each; ascending, no two equal."""
    ordered = sorted(value for value in values if math.isfinite(value))
    count = min(MOST, len(ordered))
    cuts = (ordered[len(ordered) * place // count] for place in range(1, count))
    return tuple(sorted({value for value in cuts if value > ordered[0]})) if ordered else ()
