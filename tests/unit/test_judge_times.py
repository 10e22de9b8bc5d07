"""What the judge says of how long a candidate takes: slower, not too slow, and in words."""

import math

import msgspec

from tests.unit.test_judge_verdicts import evidence, release, tick
from tidegate.core.decide import judge, ledger
from tidegate.core.vocabulary import assignment, marks, releases, sums, verdicts

START = 1_700_000_040
USUAL = {33: 60, 34: 300, 35: 400, 36: 180, 37: 50, 38: 10}
"""Requests of a minute by time: about 70 ms."""


def arm(times, share=1.0, later=0, failed=0):
    """An arm with so much of a minute's requests, all of them `later` buckets later."""
    found, latency = [0] * marks.SLOTS, [0] * marks.LATENCY_BUCKETS
    for bucket, count in times.items():
        latency[bucket + later] += round(count * share)
    found[marks.Mark.OK], found[marks.Mark.ERROR] = sum(latency), failed
    return sums.Counts(sum(found), tuple(found), tuple(latency))


def minutes(count, later=0, first=0, weight=2_500, failed=0):
    share = weight / (10_000 - weight)
    return [
        tick(60 * at, arm(USUAL, share, later, failed), arm(USUAL), weight=weight, span=60) for at in range(first, first + count)
    ]


def look(rows, **more):
    of = release(stage=1, **more)
    return judge.judge(of, sums.Inputs(tuple(rows), START + 100_000), START + 100_000.0)


def test_a_slower_candidate_goes_back_and_the_sentence_says_by_how_much():
    verdict = look([*minutes(2), *minutes(1, later=2, first=2)])
    assert (verdict.result, verdict.culprit) == (verdicts.Result.FAIL, ledger.LATENCY)
    assert verdict.sentence.startswith("v3 takes longer than stable's p90 (")
    assert " ms) for " in verdict.sentence
    assert " of requests, stable 6 %; e = " in verdict.sentence
    assert verdict.sentence.endswith("; no client saw an error, at least 173 waited longer.")
    found = evidence(verdict, ledger.LATENCY)
    assert (found.group, found.weight) == (ledger.IMMEDIATE, 0.25)
    assert found.interval[0] > 1
    assert found.note.startswith("beyond stable's p50 (")
    assert verdict.harm.excess == 0, "who waits is not failed"


def of_one_time(bucket, count):
    return sums.Counts(count, (count,) + (0,) * 15, tuple(count * (at == bucket) for at in range(marks.LATENCY_BUCKETS)))


def test_times_of_one_bucket_are_told_apart_from_those_of_the_next():
    rows = [tick(60 * at, of_one_time(34 + (at > 2), 200), of_one_time(34, 600), weight=2_500, span=60) for at in range(5)]
    verdict = look(rows)
    assert verdict.result is verdicts.Result.FAIL
    assert verdict.sentence.startswith("v3 takes longer than stable's p90 (69 ms) for 50 % [")
    assert " of requests, stable 0 %; e = " in verdict.sentence


def test_times_that_are_all_the_same_or_beyond_all_buckets_are_said_so():
    rows = minutes(4)
    assert evidence(look(rows, time_floor=2.0), ledger.LATENCY).note.startswith("stable's p99 is at most ")
    endless = [tick(60 * at, of_one_time(63, 200), of_one_time(63, 600), weight=2_500, span=60) for at in range(5)]
    assert "p90 (over 100,000 ms): 0 %, stable 0 %" in evidence(look(endless), ledger.LATENCY).note


def test_a_faster_candidate_passes_and_so_does_an_equal_one():
    for later in (0, -3):
        verdict = look([*minutes(2), *minutes(4, later=later, first=2)])
        assert verdict.result is verdicts.Result.PASS
        assert "and takes at most 30 % longer at p90 (e = " in verdict.sentence
        assert evidence(verdict, "latency.p90.no_worse").log_e > math.log(20)


def test_what_is_said_to_be_proven_is_the_whole_steps_that_were():
    """Times are counted in steps of 30 %: a margin of 15 % is held to as one of them, and one of 1000 % as nine."""
    given = (releases.TimeMargin(0.5, 0.15), releases.TimeMargin(0.9, 10.0))
    said = look(minutes(6), time_margins=given).sentence
    assert ", takes at most 30 % longer at p50 (e = " in said
    assert " and takes at most 940 % longer at p90 (e = " in said


def test_nothing_passes_while_the_time_is_not_proven():
    """An equal candidate's errors are within 1 % long before a margin at p99 is proven."""
    rows = [*minutes(2), *[tick(120 + at, arm(USUAL, 0.01), arm(USUAL, 0.03), weight=2_500) for at in range(30)]]
    strict = look(rows, time_margins=(releases.TimeMargin(0.99, 0.3),), error_margin=0.05)
    assert evidence(strict, "errors.no_worse").log_e > math.log(20)
    assert strict.result is verdicts.Result.UNSURE
    assert strict.needs > 0
    assert look(rows, time_margins=(), error_margin=0.05).result is verdicts.Result.PASS


def test_times_that_are_not_known_hold_nothing_up():
    """In the first minute, or where calls are never for one request alone."""
    verdict = look(minutes(1), error_margin=0.05)
    assert {each.metric for each in verdict.evidence if each.group == ledger.PROMOTION} == {"errors.no_worse"}
    assert verdict.sentence.endswith(" of requests alone in their call.")


def test_beyond_half_of_the_traffic_times_are_not_compared():
    rows = [*minutes(3), *minutes(5, later=3, first=3, weight=7_500)]
    verdict = look(rows)
    assert verdict.culprit != ledger.LATENCY
    assert evidence(verdict, ledger.LATENCY).candidate[0] < 700


def test_below_ten_milliseconds_nobody_is_slower():
    quick = {bucket - 14: count for bucket, count in USUAL.items()}
    rows = [tick(60 * at, arm(quick, 1 / 3, 3 if at > 1 else 0), arm(quick), weight=2_500, span=60) for at in range(6)]
    assert look(rows).result is verdicts.Result.PASS
    assert look(rows, time_floor=0.001).culprit == ledger.LATENCY


def test_a_kind_of_failure_that_is_new_is_seen_among_many_others():
    """Stable fails 5 % of requests by itself; the candidate no more than that, but some of its answers break the contract."""

    def failing(share, invalid):
        found = [0] * marks.SLOTS
        failures = round(0.05 * share)
        found[marks.Mark.OK], found[marks.Mark.ERROR] = round(0.95 * share), failures - invalid
        found[marks.Mark.INVALID] = invalid
        return sums.Counts(sum(found), tuple(found))

    rows = [tick(at, failing(80, 1 if at % 2 else 0), failing(1_520, 0)) for at in range(40)]
    verdict = judge.judge(release(guard_breaks=0, baseline_errors=0.05), sums.Inputs(tuple(rows), START + 1_000), START + 1_000.0)
    assert (verdict.result, verdict.culprit) == (verdicts.Result.FAIL, ledger.INVALID)
    assert verdict.sentence.startswith("v3 breaks its contract on ")


def test_of_sticky_units_only_the_errors_are_evidence():
    sticky = msgspec.structs.replace(release(stage=1), sticky=assignment.Sticky("header", "x-user"))
    verdict = judge.judge(sticky, sums.Inputs(tuple(minutes(6, later=3)), START + 100_000), START + 100_000.0)
    assert [each.metric for each in verdict.evidence if each.group == ledger.IMMEDIATE] == ["errors"]
    assert ledger.lines(sticky)[0].weights == {"errors": 1.0}


def test_what_a_prediction_costs_is_shown_with_its_interval_and_decides_nothing():
    verdict = look([*minutes(3), *minutes(3, later=1, first=3)], time_floor=100.0, time_margins=())
    found = evidence(verdict, "cost")
    assert found.group == ledger.SHOWN
    assert 1.0 < found.interval[0] < 1 + 0.297 / 2 < found.interval[1] < 1.3
    assert " ms, stable " in found.note
    assert "% [+" in found.note
    assert verdict.result is verdicts.Result.PASS
    assert not [each for each in look([tick(0, sums.Counts(), sums.Counts())]).evidence if each.metric == "cost"]
