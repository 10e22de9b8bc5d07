"""What the judge says of outcomes: the label group, its share of alpha, and whether labels reach both arms alike."""

import math

import msgspec
import numpy as np
import pytest

from tidegate.core.decide import judge
from tidegate.core.vocabulary import losses, marks, releases, sums, verdicts

START, AGE = 1_700_000_040, 60.0
RELEASE = releases.Release(
    *(
        "r1",
        "production",
        "flights",
        releases.Version("flights", 4, "d4", "m4", "x"),
        releases.Version("flights", 1, "d1", "m1", "x"),
    ),
    *("canary", (releases.Stage("25 %", 2500),), releases.Policy(label_age=AGE, baseline_wrong=0.2), b"salt", float(START)),
)


def traffic(seconds):
    return tuple(sums.Sum(4, 2500, True, START + at, 1, counts(75), counts(25)) for at in range(seconds))


def counts(ok):
    return sums.Counts(ok, (ok,) + (0,) * (marks.SLOTS - 1))


def outcomes(seconds, wrong=(5, 15), labelled=(25, 75), closed=None):
    """Pairs are (candidate, stable) a second; `closed` is how many seconds are complete."""
    rows = [
        sums.LabelSum(4, 2500, True, START + at, 75, 25, labelled[1], labelled[0], wrong[1], wrong[0]) for at in range(seconds)
    ]
    return sums.Labels(START + (seconds if closed is None else closed), tuple(rows), seconds * sum(labelled), seconds * wrong[0])


def look(seconds, labels):
    return judge.judge(RELEASE, sums.Inputs(traffic(seconds), START + seconds, labels), START + float(seconds))


def evidence(verdict, metric):
    return next(each for each in verdict.evidence if each.metric == metric)


def test_a_candidate_that_answers_but_is_wrong_fails_by_its_outcomes():
    verdict = look(100, outcomes(30, wrong=(9, 15)))
    assert (verdict.result, verdict.culprit) == (verdicts.Result.FAIL, "labels")
    assert verdict.sentence.startswith("v4 is wrong on 36 % [")
    assert "of labelled predictions, stable 20 %; e = " in verdict.sentence
    assert " > 500 after 750 labelled candidate predictions; no client saw an error, 270 got a wrong" in verdict.sentence
    assert evidence(verdict, "labels").threshold == -math.log(0.2 * 0.01)
    assert evidence(verdict, "errors").threshold == -math.log(0.8 * 0.01)
    assert verdict.harm.wrong == 270
    assert 0 < verdict.harm.excess < 270 * (1 - 20 / 36)


def test_an_equal_candidate_passes_only_when_both_guards_do():
    young, old = look(300, None), look(300, outcomes(240))
    assert young.result is verdicts.Result.UNSURE
    assert evidence(young, "errors.no_worse").log_e > math.log(20)
    assert old.result is verdicts.Result.PASS
    assert "and is wrong on 20 % of labelled predictions against stable's 20 % (margin 2 %, e = " in old.sentence


def test_waiting_for_outcomes_is_explained():
    soon, later = look(20, None), look(3000, None)
    assert soon.needs > 500, "what is on its way to its label does not yet make a proof"
    assert later.needs == 0
    assert later.sentence.endswith("waits for the outcomes of requests already answered.")
    waiting = judge.judge(RELEASE, sums.Inputs(traffic(3000), START + 3000), START + 12.0)
    assert waiting.sentence.endswith("the first in about 48 s.")


def test_only_complete_cohorts_count():
    """Ticks younger than the label age hold whatever came early; they are not looked at."""
    assert evidence(look(100, outcomes(30, wrong=(9, 15), closed=4)), "labels").candidate == (36, 100)


def test_outcomes_that_do_not_reach_both_arms_alike_discredit_the_labels_and_not_the_errors():
    labels = outcomes(60, wrong=(4, 14), labelled=(15, 70))
    verdict = look(100, labels)
    assert (verdict.result, verdict.culprit) == (verdicts.Result.ERROR, "label_share")
    assert "labelled in time: 900 of 1,500 candidate predictions, 4,200 of 4,500 of stable's" in verdict.sentence
    failing = sums.Counts(25, (5, 20) + (0,) * (marks.SLOTS - 2))
    broken = (*traffic(50), sums.Sum(4, 2500, True, START + 50, 1, counts(75), failing))
    assert judge.judge(RELEASE, sums.Inputs(broken, START + 51, labels), START + 51.0).result is verdicts.Result.FAIL


def test_few_unlabelled_of_one_arm_are_seen_as_well():
    """99 % against 93 % labelled is a small difference of the labelled and a sevenfold one of the others."""
    rows = [sums.LabelSum(4, 2500, True, START + at, 300, 100, 297, 93, 59, 19, 1) for at in range(60)]
    assert look(100, sums.Labels(START + 60, tuple(rows))).culprit == "label_share"


def test_a_class_that_reports_first_rolls_no_equal_model_back():
    """Late flights report soon, others later. The candidate errs on the first kind, stable on the other, both on 20 %.

    Joined on arrival of the label this looks like a worse candidate; at a fixed age beyond the slowest label it does not.
    """
    rng, seconds, age, joined_fails = np.random.default_rng(21), 240, 60, 0
    for _ in range(8):
        arrival = np.repeat(np.arange(seconds), 100)
        candidate, early = rng.random(arrival.size) < 0.25, rng.random(arrival.size) < 0.4
        lag = np.where(early, rng.integers(1, 5, arrival.size), rng.integers(30, 59, arrival.size))
        chance = np.where(candidate & early, 0.5, np.where(~candidate & ~early, 1 / 3, 0.0))
        wrong = rng.random(arrival.size) < chance
        for seen_at in (25, 40):
            joined = arrival + lag <= seen_at
            joined_fails += look(seconds, cohort(arrival, candidate, wrong, joined)).result is verdicts.Result.FAIL
        for seen_at in range(age + 30, seconds, 50):
            due = (arrival + age <= seen_at) & (lag <= age)
            verdict = look(seen_at, cohort(arrival, candidate, wrong, due))
            assert verdict.result is not verdicts.Result.FAIL
    assert joined_fails > 0


def cohort(arrival, candidate, wrong, labelled):
    rows, seen = [], int(arrival[labelled].max()) + 1

    def count(chosen):
        return np.bincount(arrival[chosen], minlength=seen)[:seen].tolist()

    columns = [~candidate, candidate, labelled & ~candidate, labelled & candidate]
    columns += [labelled & ~candidate & wrong, labelled & candidate & wrong]
    for at, each in enumerate(zip(*map(count, columns), strict=True)):
        rows.append(sums.LabelSum(4, 2500, True, START + at, *each))
    return sums.Labels(START + seen, tuple(rows))


def off(losses_of, wrong):
    """(bucket, count) of losses, and how many of them are wrong."""
    found = {}
    for one in losses_of:
        found[losses.bucket(one)] = found.get(losses.bucket(one), 0) + 1
    return tuple(sorted(found.items())), wrong


@pytest.mark.parametrize("kind", losses.KINDS)
@pytest.mark.parametrize(
    "labels", [None, sums.Labels(0, ()), sums.Labels(START, (sums.LabelSum(4, 2500, True, START - 60, 9, 3, 0, 0, 0, 0),))]
)
def test_before_the_first_outcome_is_of_age_the_release_is_judged_by_what_is_known(kind, labels):
    of = msgspec.structs.replace(RELEASE, policy=msgspec.structs.replace(RELEASE.policy, loss=kind))
    verdict = judge.judge(of, sums.Inputs((), START + 600, labels), START + 600.0)
    assert verdict.result is verdicts.Result.UNSURE
    assert {"labels", "loss" if kind == losses.NUMBER else "score"} <= {each.metric for each in verdict.evidence}


def test_where_most_of_stables_predictions_are_exactly_right_the_others_are_told_apart_all_the_same():
    of = msgspec.structs.replace(RELEASE, policy=msgspec.structs.replace(RELEASE.policy, loss="number"))

    def look(times):
        rows = [
            sums.LabelSum(
                *(4, 2500, True, START + 60 * minute, 300, 100, 300, 100, 30, 10, 60),
                *(
                    off([0.0] * 6 * many + [scale * (1 + at % 4) for at in range(4 * many)], 0)[0]
                    for scale, many in ((1.0, 30), (times, 10))
                ),
            )
            for minute in range(60)
        ]
        return judge.judge(of, sums.Inputs((), START + 100_000, sums.Labels(START + 100_000, tuple(rows))), START + 100_000.0)

    assert look(1.0).result is verdicts.Result.UNSURE
    assert look(30.0).culprit == "loss"


def test_a_probability_is_judged_by_its_brier_score_whatever_the_quantiles_say():
    """A model that dares less is a little further off where it was near, and much nearer where it was far off."""
    of = msgspec.structs.replace(RELEASE, policy=msgspec.structs.replace(RELEASE.policy, loss="probability"))

    def look(far):
        """Stable is off by .01 in nine of ten predictions and by .81 in the tenth, the candidate by .03 and `far`."""
        rows = [
            sums.LabelSum(
                *(4, 2500, True, START + 60 * minute, 300, 100, 300, 100, 30, 10, 60),
                *(off([one] * 9 * many + [ten] * many, 0)[0] for one, ten, many in ((0.01, 0.81, 30), (0.03, far, 10))),
            )
            for minute in range(60)
        ]
        return judge.judge(of, sums.Inputs((), START + 100_000, sums.Labels(START + 100_000, tuple(rows))), START + 100_000.0)

    better, worse = look(0.5), look(1.0)
    told = next(each for each in better.evidence if each.metric == "score")
    assert (better.result, told.log_e < 0) == (verdicts.Result.UNSURE, True)
    assert (told.candidate[1], told.stable[1]) == (6_000, 18_000)
    assert told.candidate[0] / told.candidate[1] == pytest.approx(0.9 * 0.03 + 0.1 * 0.5, rel=0.1)
    assert "Brier" in told.note
    assert (worse.result, worse.culprit) == (verdicts.Result.FAIL, "score")
    assert worse.sentence.startswith("v4 has a Brier score of 0.126 over labelled predictions, stable 0.0862; e = "), (
        worse.sentence
    )
    assert worse.sentence.endswith(
        "after 6,000 labelled candidate predictions; it is wrong on 10 %, stable on 10 %; no client saw an error."
    )
    low, high = told.interval
    assert low < told.candidate[0] / told.candidate[1] / (told.stable[0] / told.stable[1]) < high


def test_a_candidate_that_is_further_off_goes_back_though_it_is_not_wrong_more_often():
    """Losses of a regression, in a unit of which nobody knows anything: the candidate's are 40 % larger."""
    rng = np.random.default_rng(12)
    of = msgspec.structs.replace(RELEASE, policy=msgspec.structs.replace(RELEASE.policy, loss="number"))

    def history(times):
        rows = []
        for minute in range(12):
            stable, candidate = (
                scale * np.abs(rng.standard_t(3, size=count)) for scale, count in ((5e5, 300), (5e5 * times, 100))
            )
            pairs = off(stable, 30), off(candidate, 10)
            rows.append(
                sums.LabelSum(
                    *(4, 2500, True, START + 60 * minute, 300, 100, 300, 100, pairs[0][1], pairs[1][1], 60),
                    *(pairs[0][0], pairs[1][0]),
                )
            )
        return sums.Labels(START + 100_000, tuple(rows))

    def look(labels):
        return judge.judge(of, sums.Inputs((), START + 100_000, labels), START + 100_000.0)

    verdict = look(history(1.4))
    assert (verdict.result, verdict.culprit) == (verdicts.Result.FAIL, "loss")
    assert verdict.sentence.startswith("v4 is further off than stable's p90 (")
    assert look(history(1.0)).result is verdicts.Result.UNSURE
    assert look(history(0.6)).result is verdicts.Result.UNSURE
    blind = judge.judge(RELEASE, sums.Inputs((), START + 100_000, history(1.4)), START + 100_000.0)
    assert "loss" not in {each.metric for each in blind.evidence}
