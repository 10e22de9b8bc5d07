"""What the judge says of slices: a candidate that fails in one part of the traffic only goes back for it, by name."""

import math

import msgspec
import numpy as np
import pytest
from rich import console

from tidegate.core.decide import case, doubt, judge, ledger, record, slicing
from tidegate.core.vocabulary import assignment, marks, releases, sums, verdicts
from tidegate.interface.cli.views import verdict as view

START = 1_700_000_040
LEARNED = sums.LEARN_SECONDS
POLICY = releases.Policy(slices=("region",))
RELEASE = releases.Release(
    *("r1", "production", "flights", releases.Version("flights", 3, "d3", "m3", "x")),
    *(releases.Version("flights", 1, "d1", "m1", "x"), "canary", (releases.Stage("5 %", 500),), POLICY, b"salt", float(START)),
)


def row(name, at, candidate, stable, span=10, weight=500, evidence=True):
    """Pairs are (bad, ok) of one slice in one epoch."""
    (bad1, ok1), (bad0, ok0) = candidate, stable
    return sums.SliceSum(name, 4, weight, evidence, START + at, span, bad1, bad0, ok1, ok0)


def learned(**shares):
    """The first seconds: so many requests of each region, all of them well."""
    return [row(f"region={name}", 0, (0, 0), (0, count), LEARNED) for name, count in shares.items()]


def minute(name, at, candidate, stable):
    return row(name, 60 * at + (LEARNED if not at else 0), candidate, stable, 60 - (LEARNED if not at else 0))


def traffic(failed=0, requests=2_000):
    """All regions together, as gateways count: the candidate's few failures drown."""
    candidate = sums.Counts(requests // 20, (requests // 20 - failed, failed) + (0,) * (marks.SLOTS - 2))
    stable = sums.Counts(requests * 19 // 20, (requests * 19 // 20, 0) + (0,) * (marks.SLOTS - 2))
    return (sums.Sum(4, 500, True, START, 60, stable, candidate),)


def inputs(rows, closed=600, unread=0, **more):
    return sums.Inputs(
        **({"sums": traffic(), "closed_before": START + 600} | more), slices=sums.Slices(START + closed, tuple(rows), unread)
    )


def look(rows, of=RELEASE, **more):
    return judge.judge(of, inputs(rows, **more), START + 600.0)


def policy(of=RELEASE, **more):
    return msgspec.structs.replace(of, policy=msgspec.structs.replace(of.policy, **more))


def evidence(verdict, metric):
    return next(each for each in verdict.evidence if each.metric == metric)


def metrics(verdict):
    return [each.metric for each in verdict.evidence if each.group == ledger.SLICES]


HEALTHY = [minute("region=south", 0, (0, 80), (6, 1_500)), minute("region=west", 0, (0, 20), (1, 300))]
NORTH = minute("region=north", 0, (6, 2), (1, 250))


def test_a_candidate_that_fails_in_one_region_only_goes_back_with_the_region_named():
    verdict = look([*learned(south=400, west=80, north=20), *HEALTHY, NORTH], sums=traffic(failed=1))
    assert (verdict.result, verdict.culprit) == (verdicts.Result.FAIL, "errors[region=north]")
    assert verdict.sentence.startswith("v3 fails 75 % [")
    assert "] of requests where region=north, stable 0.398 %; e = " in verdict.sentence
    assert " > 1,000 after 8 candidate requests there; 1 client saw an error." in verdict.sentence
    assert evidence(verdict, "errors").log_e < evidence(verdict, "errors").threshold
    found = evidence(verdict, "errors[region=north]")
    assert (found.group, found.candidate, found.stable) == (ledger.SLICES, (6, 8), (1, 251))
    assert found.threshold == pytest.approx(math.log(1_000))
    assert metrics(verdict) == ["errors[region=north]", "errors[region=south]", "errors[region=west]", "slices"]


def test_equal_arms_are_not_told_apart_and_nothing_else_changes():
    found = [*learned(south=400, north=100), minute("region=north", 0, (2, 50), (40, 950))]
    with_slices, without = look(found), look([], of=policy(slices=()))
    assert (with_slices.result, with_slices.sentence, with_slices.needs) == (without.result, without.sentence, without.needs)
    assert not [each for each in without.evidence if each.group == ledger.SLICES]


def test_weights_are_learned_from_the_first_seconds_alone_with_a_reserve_for_values_that_come_later():
    rows = [*learned(south=300, north=100), NORTH, minute("region=east", 3, (0, 9), (0, 900))]
    verdict = look(rows)
    weights = {metric: evidence(verdict, metric).weight for metric in metrics(verdict)}
    places = sums.SLICE_VALUES + 1
    assert weights["errors[region=south]"] == pytest.approx((0.75 + 1 / places) / 2)
    assert weights["errors[region=north]"] == pytest.approx((0.25 + 1 / places) / 2)
    assert weights["errors[region=east]"] == pytest.approx(1 / places / 2)
    assert sum(weights.values()) == pytest.approx(1)
    more = look([*rows, minute("region=south", 5, (0, 500), (0, 9_500))])
    assert {metric: evidence(more, metric).weight for metric in weights} == weights, "what comes later weighs nothing anew"


def test_what_a_slice_is_weighed_by_is_no_evidence_for_it():
    verdict = look([row("region=north", 0, (50, 0), (0, 900), LEARNED)])
    found = evidence(verdict, "errors[region=north]")
    assert (found.log_e, found.candidate) == (0, (0, 0))


def test_columns_share_alike_and_undeclared_ones_have_no_say():
    rows = [row(name, 0, (0, 1), (0, 99), LEARNED) for name in ("region=north", "plan=pro", "hour=7")]
    verdict = look(rows, of=policy(slices=("region", "plan")))
    assert metrics(verdict) == ["errors[plan=pro]", "errors[region=north]", "slices"]
    assert evidence(verdict, "errors[plan=pro]").weight == pytest.approx((1 + 1 / 21) / 4)


def test_the_group_is_the_weighted_average_and_doubt_counts_it_as_such():
    few = minute("region=north", 0, (3, 5), (1, 250))
    verdict = look([*learned(south=400, west=80, north=20), *HEALTHY, few])
    assert verdict.result is verdicts.Result.UNSURE
    told = [evidence(verdict, metric) for metric in metrics(verdict)]
    average = sum(each.weight * each.e_value for each in told)
    brought = case.make(RELEASE, inputs([*learned(south=400, west=80, north=20), *HEALTHY, few]), 0.0)
    assert math.exp(slicing.find(brought, ledger.lines(RELEASE)).log_e) == pytest.approx(average)
    assert doubt.against(verdict, RELEASE) == pytest.approx(average)
    assert doubt.building(verdict, RELEASE)


@pytest.mark.parametrize("weight", [0, 10_000])
def test_without_a_coin_or_meant_as_no_evidence_slices_are_worth_exactly_nothing(weight):
    for broken in (
        row("region=north", 60, (50, 0), (0, 900), weight=weight),
        row("region=north", 60, (50, 0), (0, 9), evidence=False),
    ):
        assert evidence(look([*learned(north=9), broken]), "errors[region=north]").log_e == 0


def test_sticky_units_and_ticks_that_are_open_are_not_judged():
    rows = [*learned(north=100), NORTH]
    sticky = msgspec.structs.replace(RELEASE, sticky=assignment.Sticky("header", "user"))
    assert metrics(look(rows, of=sticky)) == []
    assert evidence(look(rows, closed=59), "errors[region=north]").log_e == 0
    assert evidence(look(rows, closed=60), "errors[region=north]").log_e > 0


def test_inputs_that_were_kept_before_there_were_slices_are_read_and_judged():
    old = {"sums": [], "closed_before": START}
    assert msgspec.convert(old, sums.Inputs).slices is None
    verdict = judge.judge(RELEASE, msgspec.convert(old, sums.Inputs), 0.0)
    assert metrics(verdict) == ["slices"]


def test_a_verdict_on_slices_comes_out_again_of_what_is_kept():
    given = inputs([*learned(south=400, north=20), *HEALTHY, NORTH])
    verdict = judge.judge(RELEASE, given, START + 600.0)
    kept = record.plain(record.of(RELEASE, given, START + 600.0))
    through_json = msgspec.json.decode(msgspec.json.encode(kept))
    assert record.again(record.read(through_json)) == verdict


def test_the_ledger_takes_a_tenth_of_alpha_for_slices():
    immediate, labels, sliced = ledger.lines(policy(label_age=60.0))
    assert [round(one.share, 9) for one in (immediate, labels, sliced)] == [0.7, 0.2, 0.1]
    assert sum(math.exp(-one.threshold) for one in (immediate, labels, sliced)) == pytest.approx(0.01)
    assert [one.group for one in ledger.lines(policy(slices=()))] == ["immediate"]


def test_of_many_slices_people_see_those_that_speak_against_the_candidate_and_how_many_more_there_are():
    many = [minute(f"region=r{at:02}", 0, (0, 9), (0, 90)) for at in range(12)]
    verdict = look([*learned(north=100), NORTH, *many], unread=7)
    screen = console.Console(width=220, color_system=None)
    with screen.capture() as shown:
        screen.print(view.evidence(verdict.evidence))
    lines = [line.split() for line in shown.get().splitlines() if " slices " in line]
    assert [line[0] for line in lines] == ["errors[region=north]", "slices", "12"]
    assert "7 requests with values that cannot be read are in no slice" in shown.get()


@pytest.mark.parametrize(("factor", "least", "most"), [(1, 0, 15), (5, 45, 60)])
def test_equal_arms_rarely_pass_the_threshold_of_slices_and_a_worse_one_does(factor, least, most):
    """Uneven regions with errors of their own and an incident in one; 60 releases, held to 4 instead of 1,000, at each minute.

    Valid means in at most one release of four, and here in fewer. The worse candidate fails `factor` times as often in region b.
    """
    rng, lost = np.random.default_rng(41), 0
    line = ledger.Line(ledger.SLICES, 1.0, {ledger.SLICES: 1.0}, math.log(4))
    for _ in range(60):
        rows = learned(a=70, b=25)
        for at in range(8):
            for name, share, usual in (("a", 0.7, 0.002), ("b", 0.25, 0.02), ("c", 0.05, 0.1)):
                base = 0.2 if name == "b" and at in (4, 5) else usual
                requests = rng.poisson(2_000 * share)
                drawn = rng.binomial(requests, 0.05)
                bad1, bad0 = rng.binomial(drawn, base * (factor if name == "b" else 1)), rng.binomial(requests - drawn, base)
                rows.append(minute(f"region={name}", at, (bad1, drawn - bad1), (bad0, requests - drawn - bad0)))
            brought = case.make(RELEASE, inputs(rows, closed=540), 0.0)
            if slicing.find(brought, (line,)).log_e >= line.threshold:
                lost += 1
                break
    assert least <= lost <= most
