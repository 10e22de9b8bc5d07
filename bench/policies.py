"""The rules by which other tools decide on a canary, coded from their code, for `bench.analyst` to run beside ours.

Each looks at whole windows of many releases at once. `minutes` are counts of one-minute windows, (R, T, 4) by the columns of
`core.stats.tally`; the answer is the number of the minute at whose end it rolls back, (R,), or -1 where it never does.

- Flagger (`pkg/controller/scheduler.go`): one check a tick; failed checks add up and are never reset; the rollback comes one tick
  after they have reached the threshold, since that is looked at before the check. A window without requests is a failed check.
- Argo Rollouts (`analysis/analysis.go`): failed once more than `failureLimit` measurements have.
- Kayenta (`MannWhitneyClassifier.scala`): the points are error shares of minutes, against a baseline of the canary's size; High
  when the 98 % interval of the Hodges-Lehmann shift lies above a quarter of its size; judged at the given minutes.
- SageMaker: a CloudWatch alarm in `of` of `of` periods over the bound, seen at the next poll.
"""

import dataclasses

import numpy as np

from tidegate.core.stats import logspace, tally

_Z98 = 2.3263478740408408
"""The standard normal's 99 % point: a two-sided interval of 98 %."""
SIZE_BAND = 0.25


@dataclasses.dataclass(frozen=True)
class Flagger:
    """`request-success-rate` of at least 1 - `most`, every `minutes`; its default threshold is 1, its documentation's 5 to 10."""

    most: float = 0.01
    threshold: int = 5
    minutes: int = 1
    name: str = "flagger(60s, 99%, threshold 5)"

    def stops(self, minutes: logspace.Ints) -> logspace.Ints:
        bad, counted = _canary(_windows(minutes, self.minutes))
        failed = np.where(counted > 0, bad / np.maximum(counted, 1) > self.most, True)
        return _first(np.cumsum(failed, axis=1) >= self.threshold, self.minutes, later=1)


@dataclasses.dataclass(frozen=True)
class Argo:
    """A measurement every `minutes` that succeeds at a success rate of 1 - `most`; its documentation's example has 5m and 3."""

    most: float = 0.01
    limit: int = 0
    minutes: int = 1
    name: str = "argo(60s, 99%, failureLimit 0)"

    def stops(self, minutes: logspace.Ints) -> logspace.Ints:
        bad, counted = _canary(_windows(minutes, self.minutes))
        failed = (counted > 0) & (bad / np.maximum(counted, 1) > self.most)
        return _first(np.cumsum(failed, axis=1) > self.limit, self.minutes)


@dataclasses.dataclass(frozen=True)
class Sagemaker:
    """An alarm on the error share in so many periods of a minute in a row."""

    most: float = 0.01
    of: int = 3
    name: str = "sagemaker_alarm(1%, 3 of 3 minutes)"

    def stops(self, minutes: logspace.Ints) -> logspace.Ints:
        bad, counted = _canary(minutes)
        over = np.cumsum((counted > 0) & (bad / np.maximum(counted, 1) > self.most), axis=1)
        before = np.zeros_like(over)
        before[:, self.of :] = over[:, : -self.of]
        return _first(over - before >= self.of, 1, later=1)


@dataclasses.dataclass(frozen=True)
class Kayenta:
    """Mann-Whitney on the error shares of minutes, each judgement over all of them so far; `at` are minutes."""

    at: tuple[int, ...] = (30, 60)
    name: str = "kayenta(30 and 60 min)"

    def stops(self, minutes: logspace.Ints, chance: np.random.Generator) -> logspace.Ints:
        bad, counted = _canary(minutes)
        canary = bad / np.maximum(counted, 1)
        share = minutes[..., tally.STABLE_BAD] / np.maximum(minutes[..., [tally.STABLE_BAD, tally.STABLE_OK]].sum(axis=-1), 1)
        baseline = chance.binomial(counted, share) / np.maximum(counted, 1)
        found = np.full(len(minutes), -1)
        for at in self.at:
            if at <= minutes.shape[1]:
                high = _is_high(canary[:, :at], baseline[:, :at])
                found[(found < 0) & high] = at - 1
        return found


def _is_high(canary: logspace.Floats, baseline: logspace.Floats) -> np.ndarray:
    runs, points = canary.shape
    found = np.zeros(runs, dtype=np.bool_)
    rank = max(0, int(points * points / 2 - _Z98 * np.sqrt(points * points * (2 * points + 1) / 12)))
    for each in range(runs):
        shifts = np.sort((canary[each][:, None] - baseline[each][None, :]).ravel())
        low, size = shifts[rank], abs(float(np.median(shifts)))
        found[each] = low > SIZE_BAND * size and canary[each].mean() >= baseline[each].mean()
    return found


def _windows(minutes: logspace.Ints, length: int) -> logspace.Ints:
    runs, count, columns = minutes.shape
    whole = count // length
    found: logspace.Ints = minutes[:, : whole * length].reshape(runs, whole, length, columns).sum(axis=2)
    return found


def _canary(windows: logspace.Ints) -> tuple[logspace.Ints, logspace.Ints]:
    """(bad, counted) of the canary."""
    bad = windows[..., tally.CANDIDATE_BAD]
    return bad, bad + windows[..., tally.CANDIDATE_OK]


def _first(passed: np.ndarray, length: int, later: int = 0) -> logspace.Ints:
    """The minute at whose end it first is so, `later` windows on; -1 where it never is, or too late to be seen."""
    at = (passed.argmax(axis=1) + 1 + later) * length - 1
    seen = passed.any(axis=1) & (at < passed.shape[1] * length)
    return np.where(seen, at, -1)
