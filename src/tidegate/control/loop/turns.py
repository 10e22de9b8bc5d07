"""Whose turn it is: which releases are judged in a tick, and which are glanced at, so that it stays short however many there are.

A release is judged once a second as long as no glance at it is alarmed, and at every tick where it cannot be glanced at. Of too
many for a tick's time those that have waited longest come first.
"""

import time
from collections.abc import Iterable

import msgspec

from tidegate.control.loop import observation
from tidegate.core.decide import glance
from tidegate.core.vocabulary import releases
from tidegate.core.vocabulary.phases import Phase

JUDGING_SECONDS, GLANCING_SECONDS = 0.004, 0.004
"""CPU time a tick may take for verdicts, and for glances."""
LOOK_SECONDS = 1.0
PACE_SECONDS, PACE_SHARE, PROBATION_SECONDS = 1.0, 300.0, 60.0
"""A probation is judged once a second at first, and less often the longer it lasts: a part in so many of its age, a minute at
most."""
_JUDGED = (Phase.RUNNING, Phase.PAUSED, Phase.PROBATION)
_Stage = tuple[Phase, int, int]


class Looked(msgspec.Struct, frozen=True):
    """The last verdict on a release: when, at which stage, and what it left for glances."""

    at: float
    stage: _Stage | None = None
    left: glance.Glance | None = None


_NEVER = Looked(0.0)


class Cost(msgspec.Struct):
    """CPU seconds that something takes, lately."""

    seconds: float = 0.0

    def add(self, took: float) -> None:
        """It took so long once more."""
        self.seconds += 0.1 * (took - self.seconds) if self.seconds else took

    def affords(self, budget: float, wanted: int) -> int:
        """How often a budget pays for it: once at least; `wanted` while nothing is known."""
        return max(1, int(budget / self.seconds)) if self.seconds else wanted


class Turns:
    """See the module. For one thread."""

    def __init__(self) -> None:
        self._looked: dict[str, Looked] = {}
        self._glanced: dict[str, float] = {}
        self._verdict_cost, self._glance_cost = Cost(), Cost()

    def choose(self, under_way: Iterable[releases.Release], now: float, recent: observation.Recent) -> set[str]:
        """The releases to be judged now; `now` in Unix seconds. Whoever has waited longest is always among them."""
        if any(one.at > now for one in self._looked.values()):  # the clock was set back: nobody knows who has waited
            self._looked, self._glanced = {}, {}
        due = sorted((one for one in under_way if self.due(one, now)), key=lambda one: self._last(one).at)
        most = self._verdict_cost.affords(JUDGING_SECONDS, len(due))
        wanted = [one.id for one in due if not self._left(one) or now - self._last(one).at >= LOOK_SECONDS]
        others = [(one, left) for one in due if one.id not in wanted[:1] and (left := self._left(one))]
        others.sort(key=lambda pair: self._glanced.get(pair[0].id, 0.0))
        turns = others[: self._glance_cost.affords(GLANCING_SECONDS, len(others))]
        alarmed = [one.id for one, left in turns if self._alarmed(one, left, now, recent)]
        return {*wanted[:1], *(alarmed + wanted)[:most]}

    def due(self, release: releases.Release, now: float) -> bool:
        """Whether a release is to be judged as soon as there is time."""
        if release.phase not in _JUDGED or release.stable is None:
            return False
        if release.phase is not Phase.PROBATION:
            return True
        pace = min(PROBATION_SECONDS, max(PACE_SECONDS, (now - release.phase_since) / PACE_SHARE))
        return now - self._last(release).at >= pace

    def looked(self, release: releases.Release, now: float, left: glance.Glance | None, took: float) -> None:
        """It was judged, in so many CPU seconds, and that left this."""
        self._verdict_cost.add(took)
        self._looked[release.id] = Looked(now, _stage(release), left)

    def forget(self, release: str) -> None:
        """It has ended."""
        self._looked.pop(release, None)
        self._glanced.pop(release, None)

    def _last(self, release: releases.Release) -> Looked:
        return self._looked.get(release.id, _NEVER)

    def _left(self, release: releases.Release) -> glance.Glance | None:
        """What the last verdict left; None where it was of another stage, in which everything is looked at whole once."""
        last = self._last(release)
        return last.left if last.stage == _stage(release) else None

    def _alarmed(self, release: releases.Release, left: glance.Glance, now: float, recent: observation.Recent) -> bool:
        began = time.process_time()
        given = recent(release.id, left.since)
        try:
            found = left.alarmed(given.sums, given.closed_before)
        except Exception:  # a fault of ours: whoever looks at it whole fails alone, and says so
            found = True
        self._glance_cost.add(time.process_time() - began)
        self._glanced[release.id] = now
        return found


def _stage(release: releases.Release) -> _Stage:
    return release.phase, release.stage, release.generation
