"""How many candidate requests a verdict takes, and how often a healthy release is rolled back: `python -m bench.analyst`.

Beside ours the rules by which other tools decide (`bench.policies`) look at the same traffic: 100 requests a second, 5 % of them
the candidate's, stable failing 0.5 %. A release that a rule never sends back counts with all requests of its horizon.

Simulated with true coins and fixed seeds; routing and pools are not in it, so the false-rollback share is that of the
mathematics alone. The wealth is computed by its recursion, request by request, apart from `core.stats.wealth`'s closed form.
`wald_bound` is log(1 / alpha) over the divergence of the two error shares, as if stable's were known. `bound` is log(1 / alpha)
over the growth of the best bettor that knows both error shares but not when, or at whose expense, they changed: no test of this
kind needs fewer on average.
"""

import math
import sys
from typing import Any

import numpy as np

from bench import betting, policies, results, ticking, together
from tidegate.core.stats import bets, logspace, tally, wealth

BREAKS = ((0.01, 0), (0.02, 0), (0.05, 0), (0.2, 0), (1.0, 0), (0.05, 1), (0.2, 1), (1.0, 1), (0.05, 24), (0.2, 24), (1.0, 24))
"""(the candidate's error share, healthy hours before it)."""
HORIZON = 4 * 60
"""Minutes for which other rules look at a bad release."""
PEERS = (
    policies.Flagger(),
    policies.Argo(),
    policies.Argo(0.05, 3, 5, "argo(5m, 95%, failureLimit 3)"),
    policies.Kayenta(),
    policies.Sagemaker(),
)


def requests_to_rollback(share: float, hours: int, runs: int, seed: int = 1) -> betting.Json:
    """Candidate requests between the break and the rollback, looked at after each request."""
    rng = np.random.default_rng(seed)
    found: list[tuple[float, float]] = []
    while len(found) < runs:
        found += _batch(rng, share, hours, min(200, runs - len(found)))
    return betting.row(_named(share, hours), betting.OURS, np.array(found), share) | {"runs": runs}


def by_peers(share: float, runs: int, seed: int = 6) -> list[betting.Json]:
    """The same of every other rule, from a break at the beginning."""
    rng = np.random.default_rng(seed)
    minutes = _minutes(rng, runs, HORIZON, np.full(HORIZON, share), np.full(HORIZON, betting.BASE))
    bad = minutes[..., tally.CANDIDATE_BAD].cumsum(axis=1)
    drawn = bad + minutes[..., tally.CANDIDATE_OK].cumsum(axis=1)
    told = []
    for policy in PEERS:
        stops = _stops(policy, minutes, rng)
        at = np.where(stops < 0, HORIZON - 1, stops)
        here = np.arange(runs)
        requests = np.stack([drawn[here, at], bad[here, at]], axis=1)
        told.append(
            betting.row(_named(share, 0), policy.name, requests, share)
            | {"runs": runs, "missed": round(float((stops < 0).mean()), 4)}
        )
    return told


def healthy_by_peers(runs: int, seed: int = 7) -> list[betting.Json]:
    """How often every other rule sends back a release that is no worse: through a plain day, and one with an incident."""
    rng, day = np.random.default_rng(seed), 24 * 60
    told = []
    for scenario, share in (("healthy", np.full(day, betting.BASE)), ("healthy, shared incident", _incident(day))):
        minutes = _minutes(rng, runs, day, share, share)
        for policy in PEERS:
            stops = _stops(policy, minutes, rng)
            lost = [round(float(((stops >= 0) & (stops < until)).mean()), 4) for until in (60, day)]
            shares = {"false_rollback_1h": lost[0], "false_rollback_24h": lost[1]}
            told.append({"scenario": scenario, "policy": policy.name, **shares, "runs": runs})
    return told


def _stops(policy: Any, minutes: logspace.Ints, rng: np.random.Generator) -> logspace.Ints:
    return policy.stops(minutes, rng) if isinstance(policy, policies.Kayenta) else policy.stops(minutes)


def _incident(minutes: int) -> logspace.Floats:
    """Stable's error share, and the candidate's: twenty minutes of a shared incident after half an hour."""
    share = np.full(minutes, betting.BASE)
    share[30:50] = 0.05
    return share


def _minutes(
    rng: np.random.Generator, runs: int, minutes: int, candidate: logspace.Floats, stable: logspace.Floats
) -> logspace.Ints:
    drawn = rng.binomial(betting.EPOCH, betting.RHO, (runs, minutes))
    bad1, bad0 = rng.binomial(drawn, candidate), rng.binomial(betting.EPOCH - drawn, stable)
    return np.stack([bad1, bad0, drawn - bad1, betting.EPOCH - drawn - bad0], axis=2)


def _named(share: float, hours: int) -> str:
    return f"errors {share:.0%}" + (f", after {hours} h" if hours else "")


def _batch(rng: np.random.Generator, share: float, hours: int, runs: int) -> list[tuple[float, float]]:
    bettors = betting.Bettors(runs, bets.worse(np.array([betting.RHO]), np.array([betting.BASE])))
    for _ in range(hours * 60):
        bettors.end_epoch(betting.counts(rng, runs, betting.EPOCH, betting.RHO, (betting.BASE, betting.BASE)) @ bettors.factors.T)
    stopped, drawn, hurt, failed = np.full(runs, np.nan), np.zeros(runs), np.zeros(runs), np.zeros(runs)
    carried = np.zeros((runs, len(bettors.weights)))
    block, left = 400 if share > 0.1 else betting.EPOCH, betting.EPOCH
    while np.isnan(stopped).any():
        candidate = rng.random((runs, block)) < betting.RHO
        ok = rng.random((runs, block)) >= np.where(candidate, share, betting.BASE)
        grown = carried[:, None, :] + np.cumsum(bettors.factors.T[ok * 2 + ~candidate], axis=1)
        hit = bettors.log_e(grown) >= math.log(1 / betting.ALPHA)
        first, since = hit.argmax(axis=1), drawn[:, None] + np.cumsum(candidate, axis=1)
        fresh = np.isnan(stopped) & hit.any(axis=1)
        bad = failed[:, None] + np.cumsum(candidate & ~ok, axis=1)
        stopped[fresh], hurt[fresh] = since[fresh, first[fresh]], bad[fresh, first[fresh]]
        drawn, failed, carried, left = since[:, -1], bad[:, -1], grown[:, -1], left - block
        if left <= 0:
            bettors.end_epoch(carried)
            carried, left = np.zeros_like(carried), betting.EPOCH
    return [(float(one), float(other)) for one, other in zip(stopped, hurt, strict=True)]


def false_rollbacks(hours: int, runs: int, seed: int = 2) -> betting.Json:
    """Equal arms through day and night, an incident of 20 minutes and a ramp of 5, 25, 50 %, looked at every 10 seconds."""
    first = 0.0
    rng = np.random.default_rng(seed)
    ramp = [bets.worse(np.array([rho]), np.array([betting.BASE])) for rho in (0.05, 0.25, 0.5)]
    bettors, lost = betting.Bettors(runs, ramp[0]), np.zeros(runs, dtype=bool)
    for minute in range(hours * 60):
        stage = min(2, 3 * minute // (hours * 60))
        bettors.factors = ramp[stage].factors[0]
        share = betting.BASE * (1 + 0.6 * math.sin(2 * math.pi * minute / 1440))
        if hours * 30 <= minute < hours * 30 + 20:
            share = 0.05
        grown = np.zeros_like(bettors.start)
        for _ in range(6):
            grown = (
                grown
                + betting.counts(rng, runs, betting.EPOCH // 6, (0.05, 0.25, 0.5)[stage], (share, share)) @ bettors.factors.T
            )
            lost |= bettors.log_e(grown) >= math.log(1 / betting.ALPHA)
        bettors.end_epoch(grown)
        first = float(lost.mean()) if minute == 59 else first
    told = {
        "scenario": "healthy, day and night, incident, ramp",
        "policy": betting.OURS,
        "false_rollback_1h": first,
        "runs": runs,
    }
    return told | {f"false_rollback_{hours}h": float(lost.mean()), "alpha": betting.ALPHA}


def minutes_to_promotion(base: float, margin: float, runs: int, excess: float = 0.0, seed: int = 3) -> dict[str, float | None]:
    """Median minutes until a candidate at 25 % is proven no worse, and the share that is within six hours."""
    rng, rho = np.random.default_rng(seed), 0.25
    book = bets.no_worse(np.array([rho]), np.array([base]), margin)
    grown, when = np.zeros((runs, len(book.log_weights))), np.full(runs, math.inf)
    for step in range(6 * 720):
        grown = grown + betting.counts(rng, runs, 5 * betting.RATE, rho, (base + excess, base)) @ book.factors[0].T
        passed = np.logaddexp.reduce(book.log_weights + grown, axis=1) >= math.log(20)
        when[passed & np.isinf(when)] = (step + 1) / 12
        if np.isfinite(when).all():
            break
    median = float(np.median(when))
    return {
        "guards": "errors",
        "case": f"{base + excess:.3%} against at most {base + margin:.3%}",
        "stable_share": base,
        "median_minutes": round(median, 1) if math.isfinite(median) else None,
        "promoted": float(np.isfinite(when).mean()),
    }


def check_closed_form() -> float:
    """The largest difference between the recursion here and the closed form that the judge uses, over random histories."""
    rng, worst = np.random.default_rng(4), 0.0
    book = bets.worse(np.array([betting.RHO]), np.array([betting.BASE]))
    for _ in range(20):
        bettors, grown = betting.Bettors(1, book), []
        for _ in range(int(rng.integers(1, 50))):
            grown.append(
                (
                    betting.counts(rng, 1, betting.EPOCH, betting.RHO, (float(rng.choice([betting.BASE, 0.02])), betting.BASE))
                    @ bettors.factors.T
                )[0]
            )
            value = float(bettors.log_e(grown[-1][None, :])[0])
            worst = max(worst, abs(value - wealth.mixture(book.log_weights, np.array(grown))))
            bettors.end_epoch(grown[-1][None, :])
    return worst


def main() -> int:
    """Run, print a table, and write JSON if asked."""
    asked = results.parser(__doc__).parse_args()
    runs, hours = (200, 6) if asked.quick else (1000, 24)
    machine = results.machine()
    difference = check_closed_form()
    print(f"closed form against recursion: largest difference {difference:.1e}")
    ours = [requests_to_rollback(share, after, runs if share > 0.02 else runs // 4) for share, after in BREAKS]
    ours += [
        together.requests_to_rollback(one, runs // (10 if one.hours or one.name in together.LONG else 3))
        for one in together.FAULTS
    ]
    ours += [together.labels_to_rollback(runs // 2, alone) for alone in (True, False)]
    theirs = [each for share, after in BREAKS if not after for each in by_peers(share, runs)]
    healthy = [false_rollbacks(hours, 5 * runs), together.false_rollbacks(hours, runs), *healthy_by_peers(runs // 5)]
    cases = ((1e-5, 0.001, 0.0), (0.001, 0.001, 0.0), (0.005, 0.0025, 0.0), (0.005, 0.0025, 0.0025), (0.2, 0.02, 0.0))
    promotions = [minutes_to_promotion(base, margin, runs, excess) for base, margin, excess in cases]
    promotions += [together.minutes_to_promotion(runs // 2, guards=guards) for guards in (False, True)]
    promotions += [together.minutes_to_promotion(runs // 2, worse, guards=False) for worse in (1.5, 3.0)]
    result = {
        "scenarios": [*ours, *theirs, *healthy],
        "promotions": promotions,
    }
    result |= ticking.costs()
    result |= {"errors": int(difference > 1e-9), **machine}
    _show(result)
    return results.end(result, _targets(result), asked)


def _show(result: betting.Json) -> None:
    print("\n  candidate requests until the rollback, at 5 % of 100 requests/s, stable failing 0.5 %")
    for each in result["scenarios"]:
        head = f"  {each['scenario']:48} {each['policy']:38}"
        if "mean" in each:
            missed = f", never in {each['missed']:.0%}" if each.get("missed") else ""
            limit = f", {each['ratio']} x bound" if "ratio" in each else ""
            print(f"{head}{each['median']:>9,.0f} median {each['p95']:>9,.0f} p95{limit}, {each['harmed']:,.0f} harmed{missed}")
        else:
            lost = ", ".join(
                f"{share:.2%} in {key.rpartition('_')[2]}" for key, share in each.items() if key.startswith("false_")
            )
            print(f"{head}rolled back though healthy: {lost}")
    for each in result["promotions"]:
        told = f"median {each['median_minutes'] or 'over 360'} min, promoted {each['promoted']:.1%}"
        print(f"  promotion by {each['guards']}: stable {each['stable_share']:.3%}, {each['case']}: {told}")
    for span, took in result["verdict_ms"].items():
        glance, kept = result["glance_us"][span], result["glance_bytes"][span]
        print(f"  on {span} of history a verdict takes {took} ms of CPU, a glance {glance} us; it keeps {kept:,} bytes")
    print(f"  {ticking.METRICS} metrics in {ticking.SEGMENTS} segments, from counts to e-values: {result['processes_us']} us")


def _targets(result: betting.Json) -> list[results.Target]:
    ours = {each["scenario"]: each for each in result["scenarios"] if each["policy"] == betting.OURS}
    told = [
        results.at_most(f"{name}: mean candidate requests over the bound", ours[name]["ratio"], limit)
        for name, limit in (("errors 1%", 1.4), ("errors 2%", 1.4), ("errors 5%", 1.4), ("errors 20%", 1.5))
    ]
    told.append(results.at_most("a dead candidate: candidate requests, median", ours["errors 100%"]["median"], 2))
    for hours, dead, fifth in ((1, 8, 60), (24, 10, 75)):
        told.append(results.at_most(f"dead after {hours} h of health, mean", ours[f"errors 100%, after {hours} h"]["mean"], dead))
        told.append(results.at_most(f"20 % errors after {hours} h, mean", ours[f"errors 20%, after {hours} h"]["mean"], fifth))
    told += [
        results.at_most(f"{name}, mean over the bound", ours[name]["ratio"], limit) for name, limit in together.RATIOS.items()
    ]
    told += [
        results.at_most(f"{name}: candidate requests", ours[name][which], limit)
        for name, (which, limit) in together.LIMITS.items()
    ]
    for name in ("healthy, day and night, incident, ramp", "healthy, all metrics on"):
        lost = max(share for key, share in ours[name].items() if key.startswith("false_"))
        told.append(results.at_most(f"{name}: rolled back", lost, betting.ALPHA))
    alone, guarded, at, past = result["promotions"][-4:]
    told.append(results.at_most("minutes to promotion by errors, + 50 %, 25 %", alone["median_minutes"] or math.inf, 6))
    told.append(results.at_most("the same with all guards", guarded["median_minutes"] or math.inf, 12))
    told.append(results.at_most("promoted at the margin", at["promoted"], 0.05))
    told.append(results.at_most("promoted far past it", past["promoted"], 0.0))
    hundred = f"a tick of {ticking.METRICS} metrics in {ticking.SEGMENTS} segments, us of CPU"
    told.append(results.at_most(hundred, result["processes_us"], 200))
    return [*told, *(results.at_most(f"a glance after {span}, us of CPU", us, 200) for span, us in result["glance_us"].items())]


if __name__ == "__main__":
    sys.exit(main())
