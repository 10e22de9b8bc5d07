"""What a column was over any number of rows, in memory that does not grow with them: first an even sample of its values says how
they are told apart, then every row is counted.

Numbers are counted at quantiles of the sample and at the edges of the frame that these teach, so that how many lie below each is
exact; of categories the commonest of the sample are counted one by one.
"""

import math
from collections.abc import Mapping

import numpy as np

from tidegate.core.stats import counting, logspace
from tidegate.core.vocabulary import profiles


class Numbers:
    """A column of numbers."""

    def __init__(self, sample: logspace.Floats) -> None:
        """`sample`: finite numbers (N,), none too."""
        told = counting.points(sample)
        # One giant value would blur all others: the outermost teach nothing.
        self._edges = counting.edged("", told[1:-1]).edges
        self._points = np.union1d(told, self._edges)
        self._below = np.zeros(len(self._points), np.int64)
        self._upto = self._below.copy()
        self._rows, self._nulls, self._broken, self._total, self._squares = 0, 0, 0, 0.0, 0.0
        self._least, self._most = (math.inf, 0), (-math.inf, 0)
        """(number, how often it came)"""

    def add(self, values: logspace.Floats) -> None:
        """Count these rows (N,); NaN is missing."""
        nulls = np.isnan(values)
        numbers = np.sort(values[np.isfinite(values)])
        self._rows += values.size
        self._nulls += int(nulls.sum())
        self._broken += values.size - int(nulls.sum()) - numbers.size
        if not numbers.size:
            return
        self._below += np.searchsorted(numbers, self._points, side="left")
        self._upto += np.searchsorted(numbers, self._points, side="right")
        with np.errstate(over="ignore", invalid="ignore"):
            self._total += float(numbers.sum())
            self._squares += float((numbers * numbers).sum())
        least, most = float(numbers[0]), float(numbers[-1])
        first, last = int(np.searchsorted(numbers, least, "right")), numbers.size - int(np.searchsorted(numbers, most, "left"))
        if least <= self._least[0]:
            self._least = (least, first + (self._least[1] if least == self._least[0] else 0))
        if most >= self._most[0]:
            self._most = (most, last + (self._most[1] if most == self._most[0] else 0))

    def known(self) -> profiles.Known:
        """What was counted. The least and the largest of all rows are the outermost points."""
        valued = self._rows - self._nulls - self._broken
        if not self._points.size:  # the sample has none: where they lie is not known
            return profiles.Known(self._rows - valued, self._nulls, self._broken)
        (least, first), (most, last) = self._least, self._most
        inside = (self._points > least) & (self._points < most)
        return profiles.Known(
            self._rows,
            self._nulls,
            self._broken,
            (least, *self._points[inside].tolist(), most),
            edges=self._edges,
            total=counting.bounded(self._total),
            squares=counting.bounded(self._squares),
            below=(0, *self._below[inside].tolist(), valued - last),
            upto=(first, *self._upto[inside].tolist(), valued),
        )


class Words:
    """A column of anything else."""

    def __init__(self, sample: Mapping[str, int]) -> None:
        """`sample`: how often each word is in it."""
        self._counts = dict.fromkeys(counting.commonest(sample), 0)
        self._rows = self._nulls = 0

    def add(self, words: Mapping[str, int], nulls: int) -> None:
        """Count these rows: how often each word came, and how many values are missing."""
        self._rows += sum(words.values()) + nulls
        self._nulls += nulls
        for word in self._counts.keys() & words.keys():
            self._counts[word] += words[word]

    def known(self) -> profiles.Known:
        """What was counted."""
        kept = {word: count for word, count in self._counts.items() if count >= profiles.FEWEST_ALIKE}
        return profiles.Known(self._rows, self._nulls, 0, (), kept, self._rows - self._nulls - sum(kept.values()))


class Sample:
    """Which rows are in an even sample, however many come. Who draws holds them: at most twice `most` and a piece."""

    def __init__(self, most: int) -> None:
        self._most, self._step, self._held = most, 1, 0
        self.seen = 0
        """Rows that have come."""

    def places(self, count: int) -> list[int]:
        """Which of the next rows are in it."""
        found = list(range(-self.seen % self._step, count, self._step))
        self.seen += count
        self._held += len(found)
        return found

    @property
    def full(self) -> bool:
        """Whether it has to be halved."""
        return self._held > 2 * self._most

    def halved(self) -> list[int]:
        """Which of the rows that are held stay, from now on also of those that come."""
        found = list(range(0, self._held, 2))
        self._step, self._held = 2 * self._step, len(found)
        return found
