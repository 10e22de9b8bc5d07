"""A glance at a release between two whole looks: has its immediate group passed the threshold since?

It goes by the bets and the wealth of the last whole look and by the sums of the minutes since, so that it costs next to nothing
and every release may be glanced at, however many there are. It decides nothing: alarmed, it has the release looked at whole.
"""

import dataclasses

import numpy as np

from tidegate.core.decide import case, ledger
from tidegate.core.stats import ahead, larger, tally
from tidegate.core.vocabulary import marks, releases, sums, verdicts

_GLANCED = (releases.Watch.COMPARISON, releases.Watch.METRIC)
"""Other stages are left by policies that no wealth foretells."""


@dataclasses.dataclass(frozen=True)
class Glance:
    """What one whole look leaves for those between."""

    since: int
    """Unix second: the sums of ticks from here on are wanted."""
    line: ledger.Line
    names: tuple[str, ...]
    """The metrics that are marks."""
    marked: ahead.Ahead
    timed: ahead.Ahead | None
    """Times, by rho; None while none are bet on."""
    slower: float
    """The log e-value of times in the whole look: it stays where none are bet on."""
    least: int
    by_minutes: float
    uneven: bool
    """What `larger` needs besides; it changes with whole minutes."""
    broken: int
    """Broken contracts of the candidate since then that the whole look has seen."""

    def alarmed(self, rows: tuple[sums.Sum, ...], closed_before: int) -> bool:
        """Whether a whole look would find something, by the sums since; later segments and blocks are left to it."""
        if not rows:
            return False
        sheet = tally.Sheet(rows)
        return sheet.marks_of(marks.Mark.INVALID)[0] > self.broken or self.log_e(sheet, closed_before) >= self.line.threshold

    def log_e(self, sheet: tally.Sheet, closed_before: int) -> float:
        """The immediate group's, as the ledger has it."""
        told = [sheet.marked(case.MARKS[name]) for name in self.names]
        worse = self.marked.worse(told[0], np.stack([one.against_worse() for one in told], axis=1), closed_before)
        found = dict(zip(self.names, map(tuple, worse.T.tolist()), strict=True))
        found[ledger.LATENCY] = (self.slower, self.slower)
        if self.timed is not None:
            times = sheet.times()
            counts = larger.merged(times.against_larger(), self.least)
            found[ledger.LATENCY] = tuple(
                larger.average(one, self.by_minutes, self.uneven)
                for one in self.timed.worse(times, counts[:, None], closed_before)[:, 0].tolist()
            )
        return ledger.group_log_e(self.line, found)


def after(found: case.Case, verdict: verdicts.Verdict) -> Glance | None:
    """What the whole look leaves that came to this verdict; None where every look has to be whole."""
    if found.keyed or found.stage is None or found.stage.watch not in _GLANCED or not found.traffic.rows.minute.size:
        return None
    marked = [one for one in (found.errors, *found.besides) if isinstance(one, case.Metric)]
    times = next(one for one in found.besides if isinstance(one, case.Sizes)).counts
    minute = max(int(found.traffic.rows.minute.min()), found.given.closed_before // sums.EPOCH_SECONDS)
    each = [one.counts.ahead(minute) for one in marked]
    if None in each:
        return None
    since = minute * sums.EPOCH_SECONDS
    broken = sum(one.candidate.marks[marks.Mark.INVALID] for one in found.given.sums if one.tick >= since)
    line = next(one for one in ledger.lines(found.release) if one.group == ledger.IMMEDIATE)
    names = tuple(one.name for one in marked)
    slower = next(one.log_e for one in verdict.evidence if one.metric == ledger.LATENCY)
    timed = times.ahead(minute)
    besides = (slower, times.least, times.by_minutes, times.uneven)
    return Glance(since, line, names, ahead.together([one for one in each if one]), timed, *besides, broken)
