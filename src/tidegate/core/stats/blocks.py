"""Blocks: stretches of a release in which what was learned of stable is held to. Nothing is bet on what it was learned from.

A block begins 1, 2, 4, ... 32 minutes after the release's first minute and every hour from the first hour on. So the first minute
teaches and is not bet on, early blocks go by little, and a release of days follows its traffic by the hour.
"""

import itertools
from collections.abc import Iterator

import numpy as np

from tidegate.core.stats import logspace

HOUR = 60
"""Minutes."""
_EARLY = (1, 2, 4, 8, 16, 32)


def starts(minutes: logspace.Ints) -> logspace.Ints:
    """(B,) the minutes at which blocks begin, of a release that has these minutes."""
    if not minutes.size:
        return np.empty(0, np.int64)
    last = int(minutes.max())
    return np.fromiter(itertools.takewhile(lambda begins: begins <= last, _begins(int(minutes.min()))), np.int64)


def of(minutes: logspace.Ints, begun: logspace.Ints) -> logspace.Ints:
    """The block (of those `begun` at these minutes) that each minute is in; -1 before the first."""
    found: logspace.Ints = np.searchsorted(begun, minutes, side="right") - 1
    return found


def after(minute: int, first: int) -> int:
    """The minute at which the next block begins, of a release whose first minute was `first`."""
    return next(begins for begins in _begins(first) if begins > minute)


def _begins(first: int) -> Iterator[int]:
    """The minutes at which blocks begin, without end."""
    yield from (first + one for one in _EARLY)
    yield from itertools.count(first + HOUR, HOUR)
