"""How many candidate requests a verdict takes, and how often a healthy release is rolled back: `python -m bench.analyst`.

Simulated with true coins and fixed seeds; routing and pools are not in it, so the false-rollback share is that of the
mathematics alone. The wealth is computed by its recursion, request by request, apart from `core.stats.wealth`'s closed form.
`bound` is log(1 / alpha) over the growth of the best bettor that knows both error shares but not when, or at whose expense,
they changed: no test of this kind needs fewer on average.
"""

import argparse
import json
import math
import pathlib
import sys
import time

import numpy as np

from tidegate.core.decide import judge
from tidegate.core.stats import bets, logspace, wealth
from tidegate.core.vocabulary import marks, releases, sums

RHO, BASE, ALPHA, RATE = 0.05, 0.005, 0.01, 100
EPOCH = 60 * RATE
BREAKS = ((0.01, 0), (0.02, 0), (0.05, 0), (0.2, 0), (1.0, 0), (0.05, 1), (0.2, 1), (1.0, 1), (0.05, 24), (0.2, 24), (1.0, 24))
"""(the candidate's error share, healthy hours before it)."""


class Bettors:
    """Many releases at once: log wealth by bet from the start (R, K), and of what was placed at some epoch."""

    def __init__(self, runs: int, book: bets.Bets) -> None:
        self.weights, self.factors = book.log_weights, book.factors[0]
        self.start = np.zeros((runs, len(self.weights)))
        self.placed = np.full_like(self.start, -math.inf)
        self.epoch = 0

    def log_e(self, grown: logspace.Floats) -> logspace.Floats:
        """E with `grown` (R, ..., K) since the epoch began."""
        shape = (len(self.start), *(1,) * (grown.ndim - 2), -1)
        start = self.weights + self.start.reshape(shape) + grown
        share = self.weights - math.log((self.epoch + 1) * (self.epoch + 2))
        placed = np.logaddexp(self.placed, share).reshape(shape) + grown
        logs = np.concatenate([start, placed], axis=-1)
        found: logspace.Floats = np.logaddexp(np.logaddexp.reduce(logs, axis=-1), -math.log(self.epoch + 2)) - math.log(2)
        return found

    def end_epoch(self, grown: logspace.Floats) -> None:
        """Carry an epoch's growth (R, K) over."""
        share = self.weights - math.log((self.epoch + 1) * (self.epoch + 2))
        self.placed = np.logaddexp(self.placed, share) + grown
        self.start = self.start + grown
        self.epoch += 1


def counts(rng: np.random.Generator, runs: int, requests: int, rho: float, shares: tuple[float, float]) -> logspace.Ints:
    """(R, 4) counts of so many requests."""
    candidate = rng.binomial(requests, rho, runs)
    bad1, bad0 = rng.binomial(candidate, shares[0]), rng.binomial(requests - candidate, shares[1])
    return np.stack([bad1, bad0, candidate - bad1, requests - candidate - bad0], axis=1)


def bound(share: float) -> float:
    """Candidate requests: log(1 / alpha) over the mutual information of arm and mark, per candidate request."""
    mean = RHO * share + (1 - RHO) * BASE
    growth = RHO * _divergence(share, mean) + (1 - RHO) * _divergence(BASE, mean)
    return math.log(1 / ALPHA) / growth * RHO


def _divergence(share: float, mean: float) -> float:
    """Kullback-Leibler divergence of two yes-or-no laws."""
    no = (1 - share) * math.log((1 - share) / (1 - mean)) if share < 1 else 0.0
    return share * math.log(share / mean) + no


def requests_to_rollback(share: float, hours: int, runs: int, seed: int = 1) -> dict[str, float]:
    """Mean and 95th percentile of candidate requests between the break and the rollback, looked at after each request."""
    rng = np.random.default_rng(seed)
    found: list[float] = []
    while len(found) < runs:
        found += _batch(rng, share, hours, min(200, runs - len(found)))
    mean, limit = float(np.mean(found)), bound(share)
    return {
        "error_share": share,
        "healthy_hours": hours,
        "mean_requests": round(mean, 2),
        "p95_requests": float(np.quantile(found, 0.95)),
        "bound": round(limit, 2),
        "ratio": round(mean / limit, 2),
        "runs": runs,
    }


def _batch(rng: np.random.Generator, share: float, hours: int, runs: int) -> list[float]:
    bettors = Bettors(runs, bets.worse(np.array([RHO]), np.array([BASE])))
    for _ in range(hours * 60):
        bettors.end_epoch(counts(rng, runs, EPOCH, RHO, (BASE, BASE)) @ bettors.factors.T)
    stopped, drawn = np.full(runs, np.nan), np.zeros(runs)
    carried = np.zeros((runs, len(bettors.weights)))
    block, left = min(EPOCH, 400 if share > 0.1 else EPOCH), EPOCH
    while np.isnan(stopped).any():
        candidate = rng.random((runs, block)) < RHO
        ok = rng.random((runs, block)) >= np.where(candidate, share, BASE)
        grown = carried[:, None, :] + np.cumsum(bettors.factors.T[ok * 2 + ~candidate], axis=1)
        hit = bettors.log_e(grown) >= math.log(1 / ALPHA)
        first, since = hit.argmax(axis=1), drawn[:, None] + np.cumsum(candidate, axis=1)
        fresh = np.isnan(stopped) & hit.any(axis=1)
        stopped[fresh] = since[fresh, first[fresh]]
        drawn, carried, left = since[:, -1], grown[:, -1], left - block
        if left <= 0:
            bettors.end_epoch(carried)
            carried, left = np.zeros_like(carried), EPOCH
    return [float(each) for each in stopped]


def false_rollbacks(hours: int, runs: int, seed: int = 2) -> dict[str, float]:
    """Equal arms through day and night, an incident of 20 minutes and a ramp of 5, 25, 50 %, looked at every 10 seconds."""
    rng = np.random.default_rng(seed)
    ramp = [bets.worse(np.array([rho]), np.array([BASE])) for rho in (0.05, 0.25, 0.5)]
    bettors, lost = Bettors(runs, ramp[0]), np.zeros(runs, dtype=bool)
    for minute in range(hours * 60):
        stage = min(2, 3 * minute // (hours * 60))
        bettors.factors = ramp[stage].factors[0]
        share = BASE * (1 + 0.6 * math.sin(2 * math.pi * minute / 1440))
        if hours * 30 <= minute < hours * 30 + 20:
            share = 0.05
        grown = np.zeros_like(bettors.start)
        for _ in range(6):
            grown = grown + counts(rng, runs, EPOCH // 6, (0.05, 0.25, 0.5)[stage], (share, share)) @ bettors.factors.T
            lost |= bettors.log_e(grown) >= math.log(1 / ALPHA)
        bettors.end_epoch(grown)
    return {"hours": hours, "runs": runs, "false_rollbacks": int(lost.sum()), "share": float(lost.mean()), "alpha": ALPHA}


def minutes_to_promotion(base: float, margin: float, runs: int, excess: float = 0.0, seed: int = 3) -> dict[str, float | None]:
    """Median minutes until a candidate at 25 % is proven no worse, and the share that is within six hours."""
    rng, rho = np.random.default_rng(seed), 0.25
    book = bets.no_worse(np.array([rho]), np.array([base]), margin)
    grown, when = np.zeros((runs, len(book.log_weights))), np.full(runs, math.inf)
    for step in range(6 * 720):
        grown = grown + counts(rng, runs, 5 * RATE, rho, (base + excess, base)) @ book.factors[0].T
        passed = np.logaddexp.reduce(book.log_weights + grown, axis=1) >= math.log(20)
        when[passed & np.isinf(when)] = (step + 1) / 12
        if np.isfinite(when).all():
            break
    median = float(np.median(when))
    return {
        "stable_share": base,
        "margin": margin,
        "excess": excess,
        "median_minutes": round(median, 1) if math.isfinite(median) else None,
        "promoted": float(np.isfinite(when).mean()),
    }


def check_closed_form() -> float:
    """The largest difference between the recursion here and the closed form that the judge uses, over random histories."""
    rng, worst = np.random.default_rng(4), 0.0
    book = bets.worse(np.array([RHO]), np.array([BASE]))
    for _ in range(20):
        bettors, grown = Bettors(1, book), []
        for _ in range(int(rng.integers(1, 50))):
            grown.append((counts(rng, 1, EPOCH, RHO, (float(rng.choice([BASE, 0.02])), BASE)) @ bettors.factors.T)[0])
            value = float(bettors.log_e(grown[-1][None, :])[0])
            worst = max(worst, abs(value - wealth.mixture(book.log_weights, np.array(grown))))
            bettors.end_epoch(grown[-1][None, :])
    return worst


def milliseconds_a_verdict() -> float:
    """The median time of one verdict on a day of folded minutes and ten minutes of ticks, in milliseconds."""
    rng, start, found = np.random.default_rng(5), 1_700_000_040, []
    spans = [(start + 60 * at, 60) for at in range(1440)] + [(start + 86_400 + at, 1) for at in range(600)]
    for tick, span in spans:
        bad1, bad0, ok1, ok0 = (int(each) for each in counts(rng, 1, RATE * span, RHO, (BASE, BASE))[0])
        arms = [sums.Counts(bad + ok, (ok, bad) + (0,) * (marks.SLOTS - 2)) for bad, ok in ((bad0, ok0), (bad1, ok1))]
        found.append(sums.Sum(4, int(RHO * 10_000), True, tick, span, arms[0], arms[1]))
    new, old = (releases.Version("e", ordinal, "d", "m", "x") for ordinal in (2, 1))
    stages, policy = (releases.Stage("5 %", 500),), releases.Policy()
    release = releases.Release("r", "production", "e", new, old, "canary", stages, policy, b"salt", 0.0)
    times = []
    for _ in range(25):
        began = time.perf_counter()
        judge.judge(release, sums.Inputs(tuple(found), start + 87_000), start + 87_000.0)
        times.append(time.perf_counter() - began)
    return round(1000 * float(np.median(times)), 2)


def main() -> int:
    """Run, print a table, and write JSON if asked."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE")
    parser.add_argument("--quick", action="store_true", help="at most a minute")
    asked = parser.parse_args()
    runs = 200 if asked.quick else 1000
    print(f"closed form against recursion: largest difference {check_closed_form():.1e}")
    print(
        f"{'errors':>7} {'after':>6} {'mean':>9} {'p95':>8} {'bound':>9} {'ratio':>6}   (candidate requests, 5 %, stable 0.5 %)"
    )
    rows = []
    for share, hours in BREAKS:
        rows.append(row := requests_to_rollback(share, hours, runs if share > 0.02 else runs // 4))
        print(
            f"{share:>7.0%} {hours:>4} h {row['mean_requests']:>9,.1f} {row['p95_requests']:>8,.0f} "
            f"{row['bound']:>9,.1f} {row['ratio']:>6}"
        )
    healthy = false_rollbacks(6 if asked.quick else 24, 1000 if asked.quick else 4000)
    print(f"false rollbacks: {healthy['share']:.2%} of {healthy['runs']:,} releases of {healthy['hours']} h (alpha {ALPHA:.0%})")
    cases = ((1e-5, 0.001, 0.0), (0.001, 0.001, 0.0), (0.005, 0.0025, 0.0), (0.005, 0.0025, 0.0025), (0.2, 0.02, 0.0))
    promotions = [minutes_to_promotion(base, margin, runs, excess) for base, margin, excess in cases]
    for each in promotions:
        print(
            f"promotion: stable {each['stable_share']:.3%}, margin {each['margin']:.2%}, excess {each['excess']:.2%}: "
            f"median {each['median_minutes'] or 'over 360'} min, promoted {each['promoted']:.1%}"
        )
    verdict = milliseconds_a_verdict()
    print(f"one verdict on a day of history: {verdict} ms")
    if asked.json:
        found = {"rows": rows, "false_rollbacks": healthy, "promotions": promotions, "verdict_ms": verdict}
        asked.json.write_text(json.dumps(found, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
