"""What the judge says of an A/B test: its metric by what is known of it, its covariate, the guards that a winner has to keep."""

import math

import msgspec
import numpy as np
import pytest

from tidegate.core.decide import judge, record, strategies
from tidegate.core.spec import rules
from tidegate.core.stats import bounded, cuped, means
from tidegate.core.vocabulary import releases, sums, verdicts
from tidegate.core.vocabulary.phases import Phase
from tidegate.core.vocabulary.verdicts import Result

START = 1_700_000_040
BETTER = (5.0, 4.0)


def version(ordinal: int) -> releases.Version:
    return releases.Version("flights", ordinal, f"digest{ordinal}", "model", "mlflow://flights/1")


def release(**policy: object) -> releases.Release:
    stages = strategies.compose(("ab",), strategies.Plan())
    asked = releases.Policy(**({"metric": "revenue"} | policy))
    made = releases.Release("r1", "production", "flights", version(2), version(1), "ab", stages, asked, b"s", START)
    return msgspec.structs.replace(made, phase=Phase.RUNNING)


def look(of: releases.Release, *values: sums.Values) -> verdicts.Verdict:
    given = sums.Inputs(closed_before=START + 10_000, labels=sums.Labels(0, (), values=values))
    found = judge.judge(of, given, START + 10_000.0)
    again = record.again(
        record.read(msgspec.json.decode(msgspec.json.encode(record.plain(record.of(of, given, START + 10_000.0)))))
    )
    assert record.same(found, again), "it comes out again of what is stored"
    return found


def moments(count: int, mean: float, deviation: float = 1.0) -> sums.Moments:
    return sums.Moments(count, count * mean, count * (mean * mean + deviation * deviation))


def share(count: int, ones: int, **more: int) -> sums.Moments:
    return sums.Moments(count, float(ones), float(ones), **more)


def values(metric: str, candidate: float, stable: float, deviation: float = 1.0, units: int = 3_000) -> sums.Values:
    return sums.Values(metric, 5_000, moments(units, candidate, deviation), moments(units, stable, deviation))


def crossed(mean: float, before: float = 10.0, units: int = 3_000) -> sums.Moments:
    """An arm whose metric has the deviation 1, and the correlation 0.8 with a covariate of the deviation 2."""
    x, xx = units * before, units * (before**2 + 4)
    told = sums.Crossed(units, units * mean, x, xx, units * (mean * before + 0.8 * 2))
    return sums.Moments(units, units * mean, units * (mean**2 + 1), 0, told)


@pytest.mark.parametrize(
    ("candidate", "stable", "decision"),
    [(5.0, 4.0, "candidate"), (4.0, 5.0, "stable"), (4.0, 4.01, "no_difference"), (4.0, 4.07, "")],
)
def test_an_ab_test_has_a_winner_a_loser_or_no_difference_with_its_interval(candidate: float, stable: float, decision: str):
    found = look(release(difference=0.1), values("revenue", candidate, stable))
    assert found.decision == decision
    assert found.effect is not None
    assert found.effect.interval[0] < candidate - stable < found.effect.interval[1]


def test_what_was_stored_before_there_were_ranges_covariates_and_guards_can_be_read():
    given = sums.Inputs(closed_before=START, labels=sums.Labels(0, (), values=(values("revenue", *BETTER),)))
    looked = record.of(release(), given, START + 10.0)
    stored = record.plain(looked)
    for key in ("limits", "covariate", "guards"):
        del stored["release"]["policy"][key]
    told = stored["inputs"]["labels"]["values"][0]
    del told["limits"]
    for arm in ("candidate", "stable"):
        del told[arm]["clipped"], told[arm]["crossed"]
    assert record.read(msgspec.json.decode(msgspec.json.encode(stored))) == looked


def test_less_may_be_better():
    assert look(release(higher_is_better=False), values("revenue", *BETTER)).decision == "stable"


def test_without_values_of_both_arms_it_says_so():
    one_arm = sums.Values("revenue", 5_000, moments(100, 1.0), sums.Moments())
    for told in ((), (one_arm,), (msgspec.structs.replace(one_arm, weight=100),)):
        found = look(release(), *told)
        assert (found.result, found.sentence) == (Result.UNSURE, "No value of revenue for both arms yet.")


def test_right_is_judged_by_betting():
    told = sums.Values("right", 5_000, share(900, 800), share(900, 600))
    found = look(release(metric="right"), told)
    assert found.decision == "candidate"
    assert found.effect == verdicts.Effect(
        "right", (900, 8 / 9), (900, 2 / 3), 8 / 9 - 2 / 3, bounded.difference([told]).interval
    )


def test_a_range_makes_it_exact_and_what_was_clipped_is_told():
    told = sums.Values("clicks", 5_000, share(40, 39, clipped=2), share(40, 2, clipped=1), limits=(0.0, 1.0))
    found = look(release(metric="clicks", limits=(0.0, 1.0)), told)
    assert found.decision == "candidate", "fewer units than anything asymptotic may speak of"
    assert found.effect is not None
    assert found.effect.interval == bounded.difference([told]).interval
    assert "3 values outside 0 to 1 count as the nearer end" in found.sentence


@pytest.mark.parametrize("counted", [None, (0.0, 2.0)])
def test_values_that_were_counted_without_the_range_are_not_bounded_by_it(counted: tuple[float, float] | None):
    told = sums.Values("clicks", 5_000, share(400, 300), share(400, 200), limits=counted)
    found = look(release(metric="clicks", limits=(0.0, 1.0)), told)
    assert found.effect is not None
    assert found.effect.interval == means.difference([told]).interval
    assert "so the interval is asymptotic" in found.sentence


def test_a_covariate_decides_what_was_open_and_says_by_how_much_it_helped():
    told = sums.Values("revenue", 5_000, crossed(4.07), crossed(4.0))
    before = values("last_month", 10.0, 10.0, 2.0)
    assert look(release(), told, before).decision == ""
    found = look(release(covariate="last_month"), told, before)
    assert (found.result, found.decision) == (Result.PASS, "candidate")
    assert "adjusted by last_month of 6,000 units, which makes the interval 40 % narrower" in found.sentence
    assert found.effect is not None
    assert found.effect.interval == means.difference(cuped.adjusted([told]).values).interval


def test_a_covariate_besides_a_range_is_asymptotic_and_says_so():
    told = sums.Values("revenue", 5_000, crossed(0.57), crossed(0.5), limits=(0.0, 9.0))
    found = look(release(covariate="last_month", limits=(0.0, 9.0)), told, values("last_month", 10.0, 10.0, 2.0))
    assert "40 % narrower, and asymptotic whatever its range" in found.sentence


def test_nothing_is_adjusted_by_what_is_not_there():
    found = look(release(covariate="last_month"), values("revenue", *BETTER))
    assert found.decision == "candidate"
    assert "no unit has last_month yet" in found.sentence


def test_a_covariate_that_differs_between_the_arms_decides_nothing():
    told = sums.Values("revenue", 5_000, crossed(5.0, before=10.5), crossed(4.0))
    found = look(release(covariate="last_month"), told, values("last_month", 10.5, 10.0, 2.0))
    assert (found.result, found.decision) == (Result.UNSURE, "")
    assert "not decided: last_month differs between the arms before the test: +0.5 [" in found.sentence


GUARDS = ("refunds <= stable + 1%", "basket >= stable - 0.5")


def guarded(*texts: str) -> releases.Release:
    return release(guards=tuple(map(rules.guard, texts or GUARDS)))


@pytest.mark.parametrize(
    ("refunds", "basket", "held", "decision"),
    [
        ((9.5, 10.0), (30.0, 30.0), ("within", "within"), "candidate"),
        ((10.0, 10.0), (30.0, 30.0), ("open", "within"), ""),
        ((9.5, 10.0), (29.6, 30.0), ("within", "open"), ""),
        ((11.0, 10.0), (30.0, 30.0), ("beyond", "within"), "stable"),
        ((9.5, 10.0), (29.0, 30.0), ("within", "beyond"), "stable"),
    ],
)
def test_a_winner_keeps_every_guard_and_a_guard_that_is_broken_decides_for_stable(
    refunds: tuple[float, float], basket: tuple[float, float], held: tuple[str, ...], decision: str
):
    told = (values("revenue", *BETTER), values("refunds", *refunds, 3.0), values("basket", *basket, 3.0))
    found = look(guarded(), *told)
    assert tuple(one.held for one in found.guards) == held
    assert (found.decision, found.result is Result.PASS) == (decision, decision == "candidate")
    assert [one.rule for one in found.guards] == list(GUARDS)
    for one, text in zip(held, GUARDS, strict=True):
        assert f"({one}: {text})" in found.sentence
        assert (f"; {text.split()[0]} is worse than it may be." in found.sentence) == (one == "beyond")


def test_a_guard_that_is_open_keeps_a_winner_waiting_and_no_loser():
    alone = guarded("refunds <= stable + 1%")
    found = look(alone, values("revenue", *BETTER))
    assert "no value of refunds for both arms yet; better, but not decided before refunds is proven" in found.sentence
    assert look(alone, values("revenue", 4.0, 5.0)).decision == "stable"
    assert look(alone, values("revenue", *BETTER), values("refunds", 1.0, 1.0, units=20)).decision == ""


def test_a_percentage_is_of_stables_mean_and_its_interval_is_shown_as_one():
    told = values("refunds", 10.4, 10.0, 3.0)
    found = look(guarded("refunds <= stable + 1%"), values("revenue", *BETTER), told).guards[0]
    assert found.relative
    assert (found.difference, found.interval) == (pytest.approx(0.04), means.relative([told]).interval)
    absolute = look(guarded("refunds <= stable + 1"), values("revenue", *BETTER), told).guards[0]
    assert (absolute.difference, absolute.held) == (pytest.approx(0.4), "within")


def test_right_guards_in_points_and_exactly():
    told = sums.Values("right", 5_000, share(2_000, 1_800), share(2_000, 1_800))
    held = [
        look(guarded(f"right >= stable - {margin}"), values("revenue", *BETTER), told).guards[0].held for margin in ("10%", "1%")
    ]
    assert held == ["within", "open"]


def test_a_guard_wrongly_called_broken_or_kept_is_rare():
    """The mean at the margin: an interval of 95 % says `within` or `beyond` of it in at most 5 % of tests, whenever one looks."""
    rng, rule, said = np.random.default_rng(1), rules.guard("refunds <= stable + 10%"), 0
    for _ in range(100):
        one, two = rng.exponential(1.1, 3_000), rng.exponential(1.0, 3_000)
        for at in (100, 300, 1_000, 3_000):
            arms = (sums.Moments(at, float(x[:at].sum()), float((x[:at] ** 2).sum())) for x in (one, two))
            if rule.held(means.relative([sums.Values("refunds", 5_000, *arms)]).interval) != "open":
                said += 1
                break
    assert said <= 10


def test_an_interval_that_is_not_there_yet_holds_nothing():
    for text in GUARDS:
        assert rules.guard(text).held((-math.inf, math.inf)) == "open"


def test_values_that_do_not_come_from_both_arms_alike_decide_nothing():
    """Posted for buyers only: the better version has more of them, and each of them is worth no more."""
    told = sums.Values("revenue", 5_000, moments(4_000, 9.0), moments(3_200, 8.0))
    found = look(release(), told)
    assert (found.result, found.decision) == (Result.UNSURE, "")
    assert "revenue is known of 4,000 units of the candidate among 7,200, and 3,600 would be its part" in found.sentence
