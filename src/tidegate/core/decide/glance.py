"""A glance at a release between two whole looks: has its immediate group passed the threshold since?

It goes by the bets and the wealth of the last whole look and by the sums of the minutes since, so that it costs next to nothing
and every release may be glanced at, however many there are. It decides nothing: alarmed, it has the release looked at whole.
"""

import dataclasses

import numpy as np

from tidegate.core.decide import case, ledger
from tidegate.core.stats import ahead, larger, tally
from tidegate.core.vocabulary import marks, releases, sums
from tidegate.core.vocabulary.phases import Phase

_GLANCED = (releases.Watch.COMPARISON, releases.Watch.METRIC)
"""Other stages are left by policies that no wealth foretells."""


@dataclasses.dataclass(frozen=True)
class Glance:
    """What one whole look leaves for those between."""

    since: int
    """Unix second: the sums of ticks from here on are wanted."""
    line: ledger.Line
    names: tuple[str, ...]
    """The metrics that are shares."""
    shares: ahead.Ahead
    times: larger.Onward | None
    """None while no times are bet on."""
    slower: tuple[float, float]
    """What the whole look has found of times: it stays where none are bet on."""
    broken: int | None
    """Broken contracts of the candidate since then that the whole look has seen; None where no more of them would do anything."""

    def alarmed(self, rows: tuple[sums.Sum, ...], closed_before: int) -> bool:
        """Whether the immediate group has passed its threshold by the sums since, the contract was broken once more, or there are
        requests of a segment that the whole look has not seen.
        """
        if not rows:
            return False
        counted = tally.Counters(rows)
        if self.broken is not None and counted.marks_of(marks.Mark.INVALID)[0] > self.broken:
            return True
        newest = int(
            counted.rows.segment[counted.rows.drawn].max(initial=0)
        )  # segments are numbered in the order in which they begin
        return newest > self.shares.segments[-1] or self.log_e(counted, closed_before) >= self.line.threshold

    def log_e(self, counted: tally.Counters, closed_before: int) -> float:
        """The immediate group's, as the ledger has it; what begins later (a block of times) is left to the next whole look."""
        told = [counted.marked(case.MARKS[name]) for name in self.names]
        worse = self.shares.worse(told[0], np.stack([one.against_worse() for one in told], axis=1), closed_before)
        found = dict(zip(self.names, map(tuple, worse.T.tolist()), strict=True))
        found[ledger.LATENCY] = self.times.worse(counted.times(), closed_before) if self.times is not None else self.slower
        return ledger.group_log_e(self.line, found)


def after(found: case.Case) -> Glance | None:
    """What a whole look leaves; None where every look has to be whole, and after 100 %, where nothing is urgent."""
    watched = found.stage is not None and found.stage.watch in _GLANCED and found.release.phase is not Phase.PROBATION
    if not watched or found.times is None or not found.traffic.rows.minute.size:
        return None
    minute = max(int(found.traffic.rows.minute.min()), found.given.closed_before // sums.EPOCH_SECONDS)
    metrics = (found.errors, *found.kinds)
    shares = [left for one in metrics if (left := one.counts.leave(minute)) is not None]
    if len(shares) < len(metrics):
        return None
    since, times = minute * sums.EPOCH_SECONDS, found.times.counts
    broken = None
    if found.release.policy.guard_breaks and not found.counted.marks_of(marks.Mark.INVALID)[1]:
        broken = sum(one.candidate.marks[marks.Mark.INVALID] for one in found.given.sums if one.tick >= since)
    line = ledger.line(found.release, ledger.IMMEDIATE)
    names = tuple(one.name for one in metrics)
    return Glance(since, line, names, ahead.together(shares), times.leave(minute), times.worse, broken)
