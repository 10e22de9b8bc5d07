"""What the judge says of errors: each result, its sentence, its evidence and harm."""

import math

import msgspec
import numpy as np
import pytest

from tidegate.core.decide import judge, ledger, record
from tidegate.core.stats import comparison, tally
from tidegate.core.vocabulary import marks, releases, sums, verdicts

START = 1_700_000_040
STAGES = (releases.Stage("5 %", 500), releases.Stage("25 %", 2500), releases.Stage("100 %", 10_000))


def version(ordinal):
    return releases.Version("flights", ordinal, f"digest{ordinal}", "model", "mlflow://flights/1")


def release(stage=0, stable=1, **policy):
    return releases.Release(
        *("r1", "production", "flights", version(3), version(stable) if stable else None, "canary", STAGES),
        *(releases.Policy(**policy), b"salt", float(START)),
        stage=stage,
    )


def arm(ok=0, bad=0, pending=0, rescued=0, **more):
    found = [0] * marks.SLOTS
    found[marks.Mark.OK], found[marks.Mark.ERROR] = ok, bad
    for name, count in more.items():
        found[marks.Mark[name.upper()]] = count
    return sums.Counts(opened=sum(found) + pending, marks=tuple(found), rescued=rescued)


def tick(at, candidate, stable, generation=4, weight=500, evidence=True, span=1):
    return sums.Sum(generation, weight, evidence, START + at, span, stable, candidate)


def look(found, *, closed=10_000, labels=None, now=START + 10_000, of=None):
    return judge.judge(of or release(), sums.Inputs(tuple(found), START + closed, labels), float(now))


def evidence(verdict, metric):
    return next(each for each in verdict.evidence if each.metric == metric)


def healthy(seconds=60, bad_every=20, first=0, **more):
    return [
        tick(at, arm(5), arm(95 - (at % bad_every == 0), at % bad_every == 0), **more) for at in range(first, first + seconds)
    ]


BROKEN = [tick(at, arm(2, 3, rescued=2), arm(95)) for at in range(5)]


def test_a_failing_candidate_fails_with_a_sentence_a_person_would_say():
    verdict = look([*healthy(19, first=10), *BROKEN])
    assert verdict.result is verdicts.Result.FAIL
    assert verdict.culprit == "errors"
    assert verdict.sentence.startswith("v3 fails 12.5 % [")
    assert "of requests, stable 0.0439 %; e = " in verdict.sentence
    assert verdict.sentence.endswith(" > 100 after 120 candidate requests; 5 clients saw an error, 10 were rescued.")
    found = evidence(verdict, "errors")
    assert (found.candidate, found.stable, found.group, found.weight) == ((15, 120), (1, 2280), "immediate", 0.5)
    assert found.log_e >= found.threshold == pytest.approx(math.log(100))
    assert 10 < found.interval[0] < 15 / 120 / (1 / 2280)
    excess = pytest.approx(15 * (1 - 1 / found.interval[0]))
    assert verdict.harm == verdicts.Harm(120, 15, 10, 0, excess, pytest.approx(0.2474, abs=1e-4))


def test_two_dead_requests_of_a_candidate_at_five_percent_are_enough_with_every_metric_on_and_three_with_outcomes():
    of = release(baseline_errors=0.005)
    assert look([tick(0, arm(0, 1), arm(19))], of=of).result is verdicts.Result.UNSURE
    assert look([tick(0, arm(0, 2), arm(38))], of=of).result is verdicts.Result.FAIL
    with_outcomes = release(baseline_errors=0.005, label_age=60.0)
    assert look([tick(0, arm(0, 2), arm(38))], of=with_outcomes).result is verdicts.Result.UNSURE
    assert look([tick(0, arm(0, 3), arm(57))], of=with_outcomes).result is verdicts.Result.FAIL


def test_an_equal_candidate_is_unsure_then_passes():
    early, late = look(healthy(20)), look(healthy(300))
    assert early.result is verdicts.Result.UNSURE
    assert 100 < early.needs < 2000
    assert "proven neither worse nor no worse after 100 candidate requests; needs about " in early.sentence
    assert late.result is verdicts.Result.PASS
    assert late.needs == 0
    assert late.harm.excess == 0
    assert late.sentence.startswith(
        "v3 is no worse than stable at 5 %: it fails 0 % of requests against stable's 0.0526 % (margin 1 %, e = "
    )
    proof = evidence(late, "errors.no_worse")
    assert proof.group == ledger.PROMOTION
    assert proof.log_e >= proof.threshold == pytest.approx(math.log(20))


def test_rollback_wins_a_tie():
    """Worse for certain, yet within a generous margin: both processes have passed."""
    found = [tick(at, arm(19, 1), arm(380)) for at in range(100)]
    verdict = look(found, of=release(error_margin=0.2))
    assert evidence(verdict, "errors.no_worse").log_e > math.log(20)
    assert verdict.result is verdicts.Result.FAIL


def test_the_next_stage_begins_its_proof_anew_and_keeps_the_evidence_of_harm():
    first = healthy(300)
    assert look(first).result is verdicts.Result.PASS
    verdict = look(first, of=release(stage=1))
    assert verdict.result is verdicts.Result.UNSURE, "no request at 25 % was seen yet"
    assert evidence(verdict, "errors.no_worse").log_e == 0
    second = [tick(at, arm(25), arm(75), generation=5, weight=2500) for at in range(300, 330)]
    verdict = look([*first, *second], of=release(stage=1))
    assert evidence(verdict, "errors.no_worse").candidate == (0, 750)
    assert evidence(verdict, "errors").candidate == (0, 2250)


def test_a_new_table_generation_of_the_same_weight_is_the_same_stage():
    found = [*healthy(150), *healthy(150, first=150, generation=9)]
    assert evidence(look(found), "errors.no_worse").candidate == (0, 1500)
    paused = [tick(150, arm(), arm(100), generation=6, weight=0, evidence=False)]
    again = look([*healthy(150), *paused, *healthy(100, first=151, generation=9)])
    assert evidence(again, "errors.no_worse").candidate == (0, 500), "after a pause the stage is proven from its resumption"


def test_two_stages_of_one_weight_are_told_apart_by_when_they_began():
    twice = msgspec.structs.replace(release(stage=1), stages=(STAGES[0], STAGES[0]), stage_since=START + 200.0)
    assert evidence(look(healthy(300), of=twice), "errors.no_worse").candidate == (0, 500)


def test_a_stage_without_a_coin_says_so():
    everything = [tick(at, arm(100), arm(), generation=8, weight=10_000) for at in range(100)]
    verdict = look(everything, of=release(stage=2))
    assert verdict.result is verdicts.Result.UNSURE
    assert verdict.needs == -1
    assert "this stage (100 %) has no comparison" in verdict.sentence
    assert {each.log_e for each in verdict.evidence} == {0.0}
    assert verdict.harm.candidate_requests == 10_000


def test_warm_up_is_harm_and_not_evidence():
    verdict = look([tick(at, arm(0, 5, rescued=5), arm(95), evidence=False) for at in range(20)])
    assert verdict.result is verdicts.Result.UNSURE
    assert verdict.sentence.startswith("No request that v3 answered counts as evidence yet; needs about ")
    assert evidence(verdict, "errors").log_e == 0
    assert (verdict.harm.failed, verdict.harm.rescued) == (100, 100)


def test_no_sums_and_no_stable_are_unsure_and_say_why():
    assert look([]).sentence.startswith("No request that v3 answered counts as evidence yet; needs about ")
    assert "first release" in look(healthy(), of=release(stable=0)).sentence


def test_neutral_marks_are_a_factor_of_one():
    plain = look(BROKEN[:1])
    noisy = look([tick(0, arm(2, 3, rescued=2, shed=9, cancelled=4, collateral=8), arm(95, cancelled=50))])
    assert evidence(noisy, "errors").log_e == evidence(plain, "errors").log_e
    assert noisy.harm.failed == plain.harm.failed + 17, "shed and collateral requests are harm"


def test_every_bad_mark_is_one_composite_mark():
    for name in ("error", "timeout", "invalid", "rejected"):
        verdict = look([tick(at, arm(2, **{name: 3}), arm(95)) for at in range(5)])
        assert verdict.result is verdicts.Result.FAIL


def test_what_is_pending_speaks_least_and_the_closed_prefix_counts_as_it_is():
    """A slow candidate's pending requests are taken as ok, stable's as bad; failures before them are evidence at once."""
    failing, waiting = [tick(0, arm(0, 2), arm(60))], [tick(at, arm(0, 0, pending=5), arm(5, pending=90)) for at in range(1, 8)]
    of = release(baseline_errors=0.005)
    prefix = look([*failing, *waiting], closed=1, of=of)
    assert prefix.result is verdicts.Result.FAIL
    assert evidence(prefix, "errors").log_e == evidence(look(failing, of=of), "errors").log_e
    unknown = look([*failing, *waiting], closed=0, of=of)
    assert unknown.result is verdicts.Result.UNSURE
    seen = [tick(0, arm(0, 2), arm(60, pending=1)), tick(1, arm(0, 5, pending=3), arm(90, pending=2))]
    bound = evidence(look(seen, closed=0, of=of), "errors").log_e
    ends = [
        evidence(
            look([tick(0, arm(0, 2), arm(61 - late, late)), tick(1, arm(3 - bad, 5 + bad), arm(92 - late, late))], of=of),
            "errors",
        ).log_e
        for late in (0, 1)
        for bad in (0, 3)
    ]
    assert look(seen, closed=0, of=of).result is verdicts.Result.FAIL
    assert bound <= min(ends)


def test_a_slow_start_rolls_no_healthy_candidate_back():
    """Failures answer at once, and the candidate's good answers take eight seconds more than stable's: equal shares of 5 %.

    In the order of completion the candidate would look broken within a second.
    """
    rng, looks = np.random.default_rng(31), []
    for _ in range(20):
        candidate, bad = rng.binomial(1, 0.05, (20, 100)) == 1, rng.random((20, 100)) < 0.05
        for now in range(1, 20, 2):
            found = []
            for at in range(now):
                age, ours, failed = now - at, candidate[at], bad[at]
                pending = int((ours & ~failed).sum()) if age <= 8 else 0
                fine = int((ours & ~failed).sum()) - pending
                stable = arm(int((~ours & ~failed).sum()), int((~ours & failed).sum()))
                found.append(tick(at, arm(fine, int((ours & failed).sum()), pending), stable))
            rows = tally.Counters(found).marked()
            looks.append(max(comparison.Comparison(rows, START + max(0, now - 8), 0.05).worse))
            assert looks[-1] < math.log(100)
    assert len(looks) == 200


def test_promotion_waits_for_the_closed_prefix():
    assert look(healthy(300), closed=0).result is verdicts.Result.UNSURE
    assert evidence(look(healthy(300), closed=100), "errors.no_worse").candidate == (0, 500)


def test_a_split_that_is_not_as_recorded_is_an_error_of_the_feed_even_if_the_candidate_fails():
    found = [tick(at, arm(30, 10), arm(60)) for at in range(20)]
    verdict = look(found)
    assert verdict.result is verdicts.Result.ERROR
    assert verdict.culprit == "sample_ratio"
    assert "800 of 2,000 requests drawn for the candidate, 100 expected" in verdict.sentence


def test_a_sound_first_stage_does_not_hide_a_broken_second_one():
    broken = [tick(at, arm(17), arm(83), generation=5, weight=2500) for at in range(3600, 3660)]
    assert look([*healthy(60, span=60), *broken], of=release(stage=1)).result is verdicts.Result.ERROR


def test_lost_records_are_an_error_of_the_feed():
    some = [tick(at, arm(4, pending=1), arm(95)) for at in range(60)]
    assert look(some, closed=0).result is verdicts.Result.UNSURE, "pending is not lost"
    for found in (some, [tick(at, arm(5), arm(90, pending=5)) for at in range(60)]):
        verdict = look(found)
        assert (verdict.result, verdict.culprit) == (verdicts.Result.ERROR, "lost_records")
    twice = msgspec.structs.replace(arm(5), opened=4)
    assert "more marks than requests" in look([*healthy(), tick(61, twice, arm(95))]).sentence


@pytest.mark.parametrize("broken", [{"opened": -1}, {"marks": (-5,) + (0,) * 15}, {"latency": (-1,) * 64}, {"rescued": -1}])
def test_a_count_below_none_is_an_error_of_the_feed_and_nothing_else(broken):
    """As a damaged file may have it: it is said, whatever else was counted."""
    verdict = look([*healthy(), tick(61, msgspec.structs.replace(arm(5), **broken), arm(95))])
    assert (verdict.result, verdict.culprit) == (verdicts.Result.ERROR, "lost_records")
    assert "fewer requests than none were counted" in verdict.sentence
    assert verdict.harm.failed == 0


def test_what_is_broken_in_one_tick_is_still_so_in_what_is_kept_of_it():
    twice = msgspec.structs.replace(arm(5), opened=4)
    given = sums.Inputs((*healthy(60), tick(10, twice, arm(95), generation=5), *lossy(first=5)), START + 10_000)
    found, kept = judge.judge(release(), given, 0.0), record.of(release(), given, 0.0)
    assert len(kept.inputs.sums) < len(given.sums)
    assert "more marks than requests" in found.sentence
    assert record.same(found, record.again(kept))


def lossy(first):
    return [tick(at, arm(4, pending=1), arm(95), generation=5) for at in range(first, first + 9)]


def test_a_few_lost_records_of_both_arms_stop_nothing():
    few = [tick(60, arm(5, pending=1), arm(95, pending=10))]
    assert look([*healthy(300), *few]).result is verdicts.Result.PASS


def test_the_guess_is_learned_from_earlier_minutes_only_and_prices_no_old_count_again():
    """A 25 % request is worth more once stable was seen to be better than guessed; what stable does later changes nothing."""
    of, second = (
        release(stage=1, baseline_errors=0.02),
        [tick(at, arm(22, 2), arm(74), generation=5, weight=2500) for at in range(600, 602)],
    )
    after_good = look([*healthy(600), *second], of=of)
    later = [tick(at, arm(), arm(50, 50), generation=5, weight=2500, evidence=False) for at in range(602, 640)]
    assert evidence(look([*healthy(600), *second, *later], of=of), "errors").log_e == evidence(after_good, "errors").log_e
    assert evidence(after_good, "errors").log_e != evidence(look(second, of=of), "errors").log_e


def test_while_the_guess_may_still_change_the_open_tail_stops_before_its_segment():
    first = [tick(0, arm(5), arm(90, pending=5)), tick(1, arm(5), arm(95))]
    second = [tick(60, arm(0, 25), arm(75), generation=5, weight=2500)]
    assert look([*first, *second], closed=0, of=release(stage=1)).result is verdicts.Result.UNSURE
    settled = [tick(0, arm(5), arm(95)), first[1]]
    assert look([*settled, *second], closed=60, of=release(stage=1)).result is verdicts.Result.FAIL


def test_the_alpha_ledger_spends_alpha_once():
    for policy in ({}, {"label_age": 30.0}, {"label_age": 30.0, "loss": "number"}, {"label_age": 30.0, "loss": "probability"}):
        lines = ledger.lines(release(**policy))
        assert sum(math.exp(-line.threshold) for line in lines) == pytest.approx(0.01)
        assert all(sum(line.weights.values()) == pytest.approx(1) for line in lines)
        assert lines[0].weights["errors"] >= 0.5
    immediate, labels = ledger.lines(release(label_age=30.0))
    assert (round(math.exp(immediate.threshold)), round(math.exp(labels.threshold))) == (125, 500)


def test_a_group_is_the_weighted_average_of_what_its_members_say_at_one_moment():
    line = ledger.Line("immediate", 1.0, {"errors": 0.6, "nulls": 0.4}, math.log(100))
    found = {"errors": (2.0, 0.0), "nulls": (1.0, 5.0), "labels": (50.0, 50.0)}
    assert ledger.group_log_e(line, found) == pytest.approx(math.log(0.6 * math.exp(0) + 0.4 * math.exp(5)))
