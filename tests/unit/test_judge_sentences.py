"""What the judge's sentences say at the edges: numbers as people write them, one and many, who is hurt, keys, nothing at all."""

import math

import msgspec
import pytest

from tests.unit.test_judge_verdicts import START, arm, evidence, healthy, look, release, tick
from tidegate.core.decide import judge, sentences, shifting
from tidegate.core.vocabulary import amounts, assignment, losses, marks, releases, sums, verdicts


@pytest.mark.parametrize(
    ("number", "digits", "sign", "words"),
    [
        (1_234_567, 3, "", "1,230,000"),
        (999.7, 3, "", "1,000"),
        (34_567.8, 3, "+", "+34,600"),
        (-1_000_000, 4, "+", "-1,000,000"),
        (0.01234, 2, "", "0.012"),
        (1e20, 3, "", "1e+20"),
        (math.inf, 3, "", "inf"),
    ],
)
def test_figures_are_written_out(number: float, digits: int, sign: str, words: str):
    assert amounts.figure(number, digits, sign) == words


def test_shares_near_all_have_no_exponent():
    assert sentences.percent(9_994, 10_000) == "99.9 %"
    assert sentences.span(1_500, 1_500) == "[99.5, 100]"
    assert sentences.span(5_000, 5_000) == "[99.8, 100]"


def test_a_difference_without_an_interval_says_so():
    assert sentences.difference(1.0, (-math.inf, math.inf)) == "+1 (no interval yet)"
    assert sentences.difference(34_567.0, (32_100.0, 36_900.0)) == "+34,600 [32,100, 36,900]"
    assert sentences.difference(0.02, (-0.01, 0.05), relative=True) == "+2 % [-1, 5]"


@pytest.mark.parametrize(
    ("rescued", "words"),
    [
        (0, "; 3 clients saw an error."),
        (1, "; 2 clients saw an error, 1 was rescued."),
        (3, "; no client saw an error, 3 were rescued."),
    ],
)
def test_who_is_hurt_is_counted_in_words(rescued: int, words: str):
    assert look([tick(0, arm(0, 3, rescued=rescued), arm(57))]).sentence.endswith(words)


def test_each_kind_of_failure_has_a_verb_that_goes_with_its_numbers():
    slow = look([*healthy(19, first=10), *[tick(at, arm(2, timeout=3), arm(95)) for at in range(5)]])
    assert slow.sentence.startswith("v3 does not answer 12.5 % [4.7, 25] of requests in time, stable 0 %; e = ")
    once = look([*healthy(10), tick(61, arm(2, invalid=1), arm(95), weight=100)], of=release(guard_breaks=1))
    assert once.sentence == "v3 broke its contract 1 time, v1 never (policy: 1 is enough, if not by chance)."


def test_of_sticky_units_it_tells_the_keys_and_not_the_requests():
    def told(failed: int) -> verdicts.Verdict:
        keys = tuple(sums.KeyEvent("r1", 4, 500, True, START + at, 1, marks.Mark.ERROR, bytes([at]) * 16) for at in range(failed))
        sticky = msgspec.structs.replace(release(), sticky=assignment.Sticky("header", "x-user"))
        return judge.judge(sticky, sums.Inputs(tuple(healthy(60)), START + 600, keys=keys), START + 600.0)

    assert told(0).sentence == (
        "No key has had a failed request of v3 or stable yet; not proven worse, and not to be proven no worse, since keys that "
        "are well are not counted."
    )
    assert told(1).sentence.startswith("Of 1 key with a failed request 1 had it from v3, 0.05 expected; not proven worse")
    failed = told(5)
    assert failed.result is verdicts.Result.FAIL
    assert told(1).harm.share_high == look(healthy(60)).harm.share_high < 0.1, "or a budget for harm would never let it go on"
    assert failed.sentence.startswith("Of 5 keys with a failed request 5 had it from v3, 0.25 expected; e = ")


def test_a_loss_where_stable_has_none_is_held_against_0():
    """A lookup that was exact becomes a guess: no quantile in scientific notation, and nobody else's words."""
    rows = tuple(
        sums.LabelSum(
            *(4, 500, True, START + 60 * at, 5_700, 300, 5_700, 300, 0, 0, 60, ((losses.LEAST, 5_700),)),
            ((losses.LEAST if at < 3 else 0, 300),),
        )
        for at in range(10)
    )
    labels = sums.Labels(START + 10_000, rows)
    verdict = look(healthy(60), labels=labels, of=release(label_age=60.0, loss="number"))
    assert (verdict.result, verdict.culprit) == (verdicts.Result.FAIL, "loss")
    assert verdict.sentence.startswith(
        "v3 is further off than stable's p90 (0) for 77.8 % [75, 81] of labelled predictions, stable 0 %"
    )
    assert verdict.sentence.endswith(" got a prediction that is further off.")


def test_of_quantities_it_tells_how_far_off_they_are_and_not_that_none_is_wrong():
    far = losses.bucket(100.0)

    def told(**more: int) -> str:
        rows = tuple(
            sums.LabelSum(
                *(4, 500, True, START + 60 * at, 5_700, 300, 5_700, 300),
                *(more.get("stable_wrong", 0), 0, 60, ((far - 4, 5_000), (far, 700)), ((far - 4, 265), (far, 35))),
            )
            for at in range(2)
        )
        return look(healthy(9), labels=sums.Labels(START + 10_000, rows), of=release(label_age=60.0, loss=losses.NUMBER)).sentence

    assert "; is further off than stable's p90 (108) for 0 % [0, " in told(), told()
    assert "is wrong on" not in told()
    assert "; is wrong on 0 % [0, " in told(stable_wrong=50)


def test_predictions_are_never_apart_by_less_than_nothing():
    def predicted(*bins: int) -> sums.Counts:
        return sums.Counts(sum(bins), (sum(bins),) + (0,) * 15, bins=bins + (0,) * (sums.BINS - len(bins)))

    chosen, after = (predicted(60, 140), predicted(280, 320)), (predicted(150, 50), predicted(280, 320))
    rows = [tick(60 * at, *(chosen if at < 1 else after), weight=2_500, span=60) for at in range(2)]
    note = evidence(look(rows, of=release(stage=1)), shifting.SUBJECT).note
    assert note.startswith("0 % [0, 0]")


def test_a_level_and_a_cohort_that_nobody_asked_yet_fail_nothing_of_nothing():
    stages = (releases.Stage("100 %", 10_000, watch=releases.Watch.LEVEL),)
    verdict = look([], of=msgspec.structs.replace(release(), stages=stages))
    assert verdict.sentence.startswith("No request of v3 that counts here has ended yet; ")
