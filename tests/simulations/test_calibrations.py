"""A calibration: what runs come to, what cannot be calibrated and why."""

import msgspec
import pytest

from tests.unit import redrawn_fixtures as given
from tidegate.control.batch import calibrating, calibrations
from tidegate.core.decide import redrawn, strategies
from tidegate.core.stats import thinning
from tidegate.core.vocabulary import assignment, errors, releases
from tidegate.core.vocabulary.phases import Phase

QUICK = strategies.Plan(strategies.Ramp(weights=(500, 5_000), seconds=20.0, at_most=120.0, requests=50))

EASY = releases.Policy(error_margin=0.1)
"""Proven soon: these tests are not about how long it takes."""


def report(seed=0, labelled=False, runs=1, timed=False, **more):
    settings = given.settings(plan=QUICK, **{"probation_seconds": 20.0, "policy": EASY} | more)
    traffic = given.traffic(300, labelled=labelled, timed=timed)
    wanted = calibrating.Wanted(settings, given.STABLE, traffic, others=3, runs=runs, seed=seed)
    return calibrating.calibrate(wanted, lambda _: None)


def walk(end, phase=Phase.ROLLED_BACK, reached=(0,), requests=10):
    told = tuple(redrawn.Reached(stage, 1_000 + 60 * stage) for stage in reached)
    return calibrations.Walk(1_000, 1_000, 1_000 + end, phase, told, 2, requests, requests // 2, "errors", "so")


def test_the_report_says_how_long_what_is_found_and_in_how_many_requests():
    found = report(runs=2, timed=True)
    assert (found.ends, found.examples) == ({"promoted": 2}, {})
    assert [one.name for one in found.stages] == ["5%", "50%"]
    assert found.promotion.share == 1.0
    assert found.promotion.median >= sum(one.seconds.median for one in found.stages) / 2 >= 20
    by_name = {one.name: one.at_once for one in found.scenarios}
    assert list(by_name) == [
        "errors +1 %",
        "errors +5 %",
        "errors +20 %",
        "errors 100 %",
        "latency x1.1",
        "latency x1.5",
        "latency x3",
    ]
    dead = by_name["errors 100 %"]
    assert (dead.seconds.share, dead.before_all, dead.by) == (1.0, 1.0, {"errors": 2})
    assert dead.harmed.median == dead.requests.median <= 30
    assert by_name["errors +20 %"].requests.median > dead.requests.median / 2
    assert 0.1 < found.rounds < 1
    assert (found.begin, found.end, found.others) == (given.BEGIN, given.BEGIN + 299, 3)


def test_where_there_is_too_little_traffic_it_says_what_happens_instead():
    plan = strategies.Plan(strategies.Ramp(weights=(100, 5_000), seconds=20.0, at_most=60.0))
    settings = given.settings(plan=plan)
    wanted = calibrating.Wanted(settings, given.STABLE, given.traffic(300, rate=2, timed=False), runs=1)
    found = calibrating.calibrate(wanted, lambda _: None)
    assert found.ends == {"paused": 1}
    assert "of 200 canary requests in the time of 1%" in found.examples["paused"]
    assert (found.promotion.share, found.promotion.median) == (0.0, None)


def test_a_seed_gives_the_same_report_and_another_another():
    one, again, other = (report(seed=seed) for seed in (5, 5, 6))
    assert one == again
    assert one.scenarios != other.scenarios


def test_a_fault_begins_after_an_hour_where_releases_last_as_long():
    assert all(one.after_an_hour is None for one in report().scenarios)
    later = report(probation_seconds=3_700.0).scenarios
    dead = next(one.after_an_hour for one in later if one.name == "errors 100 %")
    assert (dead.runs, dead.seconds.share, dead.before_all) == (1, 1.0, 0.0)
    assert dead.seconds.median < 60


def test_wrong_answers_are_tried_where_outcomes_came():
    found = report(labelled=True, policy=msgspec.structs.replace(EASY, label_age=20.0, label_margin=0.2))
    assert [one.name for one in found.scenarios][-2:] == ["wrong +2 %", "wrong +5 %"]
    assert found.labelled
    assert found.wrong == pytest.approx(0.1, abs=0.01)


def test_shares_rise_by_points_of_all_requests():
    total = given.traffic(300, bad_every=2, labelled=True)
    found = calibrating.faults(total)
    assert found["errors +1 %"].errors == pytest.approx(0.02, rel=0.05)
    assert found["errors 100 %"].errors == 1.0
    assert found["wrong +5 %"].wrong == pytest.approx(0.05 / 0.9, rel=0.05)
    unlabelled = thinning.Seconds(given.BEGIN, total.counts * (total.counts != 0))
    unlabelled.counts[:, thinning.RIGHT :] = 0
    unlabelled.counts[:, thinning.LATENCY] = 0
    assert all(name.startswith("errors") for name in calibrating.faults(unlabelled))


def test_who_never_came_to_it_is_later_than_everybody():
    found = calibrations.found([walk(5), walk(9), walk(70, reached=(0, 1, 2)), walk(999, Phase.PROBATION, (0, 1, 2), 900)])
    assert found.seconds == calibrations.Quantiles(0.75, 9, None)
    assert found.before_all == 0.5
    assert found.requests.median == 10
    assert found.harmed == calibrations.Quantiles(0.75, 5, 450)
    assert found.by == {"errors": 3}
    assert calibrations.quantiles([]) == calibrations.Quantiles(0.0, None, None)


def test_stages_last_until_the_next_one_of_those_that_entered_them():
    first, second = calibrations.stages([walk(5), walk(999, Phase.PROBATION, (0, 1, 2))], ["5%", "50%"])
    assert (first.entered, first.seconds) == (1.0, calibrations.Quantiles(0.5, 60, None))
    assert (second.entered, second.seconds) == (0.5, calibrations.Quantiles(1.0, 60, 60))


@pytest.mark.parametrize(
    ("phase", "reached", "ending"),
    [
        (Phase.ROLLED_BACK, (0, 1, 2), "rolled back"),
        (Phase.PAUSED, (0,), "paused"),
        (Phase.RUNNING, (0, 1), "undecided"),
        (Phase.SUCCEEDED, (0, 1, 2), "promoted"),
    ],
)
def test_a_walk_ends_in_one_of_four_ways(phase, reached, ending):
    assert walk(5, phase, reached).ending == ending


@pytest.mark.parametrize(
    ("way", "more", "why"),
    [
        (("recreate",), {"probation": strategies.level()}, "never up together"),
        (("shadow",), {}, "only stable's are in the log"),
        (("ab",), {}, "what a metric says of the candidate"),
        (("full",), {"probation": strategies.level()}, "neither full nor what follows it"),
        (("full",), {"probation": None}, "neither full nor what follows it"),
        (("canary",), {"sticky": assignment.Sticky("header", "x-user")}, "one coin is thrown for each key"),
    ],
)
def test_what_cannot_be_redrawn_is_refused_with_why(way, more, why):
    with pytest.raises(errors.NothingCompared, match=why) as refused:
        calibrating.drafted(given.settings(*way, **more), given.STABLE)
    assert refused.value.code == "nothing-compared"
    assert "tidegate replay" in refused.value.cure


def test_stages_left_out_are_named_with_why():
    settings = given.settings("shadow", "canary", plan=msgspec.structs.replace(QUICK, cohort=True))
    shadow, cohort = calibrating.left_out(settings)
    assert shadow.startswith("shadow 10% (at least 300 s, at most 3600 s): the candidate's answers")
    assert cohort.startswith("cohort (at least 20 s, at most 120 s): who is in a cohort")
