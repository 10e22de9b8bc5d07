"""What probes say of a stretch of time: how much of it an endpoint was available, and when it was not."""

import itertools
import math
from collections.abc import Sequence
from typing import NamedTuple

from tidegate.observability.metrics import probes

UNWATCHED = 2.5
"""A gap of so many usual intervals between two probes is time in which nobody looked."""


class Outage(NamedTuple):
    """Probes in a row without a right answer."""

    since: float
    until: float
    """The first right one after; 0: it goes on."""
    probes: int
    words: str
    """What was wrong at first."""


class Report(NamedTuple):
    """An endpoint's."""

    endpoint: str
    since: float
    until: float
    probes: int
    right: int
    seconds: float
    """Mean of the right ones; NaN without any."""
    p95: float
    unwatched: float
    """Seconds between two probes that were too far apart: nobody looked, or the endpoint slept."""
    outages: tuple[Outage, ...]

    @property
    def available(self) -> float:
        """Share of the probes that had a right answer; NaN without any."""
        return self.right / self.probes if self.probes else math.nan


def report(endpoint: str, made: Sequence[probes.Probe], since: float, until: float) -> Report:
    """Of probes in the order of their times."""
    took = sorted(one.seconds for one in made if one.right)
    gaps = [after.at - before.at for before, after in itertools.pairwise(made)]
    usual = sorted(gaps)[len(gaps) // 2] if gaps else 0.0
    return Report(
        endpoint,
        since,
        until,
        len(made),
        len(took),
        sum(took) / len(took) if took else math.nan,
        took[min(len(took) - 1, math.ceil(0.95 * len(took)) - 1)] if took else math.nan,
        sum(gap for gap in gaps if gap > UNWATCHED * usual),
        tuple(_outages(made)),
    )


def _outages(made: Sequence[probes.Probe]) -> list[Outage]:
    found: list[Outage] = []
    open_since: list[probes.Probe] = []
    for one in made:
        if not one.right:
            open_since.append(one)
        elif open_since:
            found.append(Outage(open_since[0].at, one.at, len(open_since), open_since[0].words))
            open_since = []
    if open_since:
        found.append(Outage(open_since[0].at, 0.0, len(open_since), open_since[0].words))
    return found
