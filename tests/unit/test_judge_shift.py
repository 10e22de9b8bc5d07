"""A candidate that predicts otherwise than stable: shown, paused for a person or sent back, as the policy says."""

import msgspec
import pytest

from tests.unit.test_judge_verdicts import evidence, release, tick
from tidegate.core.decide import judge, machine, shifting
from tidegate.core.vocabulary import assignment, decisions, marks, phases, sums, verdicts

START = 1_700_000_040
USUAL, OTHERS = (700, 200, 100), (300, 300, 400)


def arm(bins, times=1):
    count = sum(bins) * times
    return sums.Counts(
        count, (count,) + (0,) * (marks.SLOTS - 1), bins=tuple(one * times for one in bins) + (0,) * (sums.BINS - len(bins))
    )


def rows(candidate, minutes=8):
    return tuple(tick(60 * at, arm(candidate), arm(USUAL, 3), weight=2_500, span=60) for at in range(minutes))


def look(candidate, **policy):
    of = msgspec.structs.replace(
        release(stage=1, **policy), phase=phases.Phase.RUNNING, stage_since=float(START), stage_ready=True
    )
    return of, judge.judge(of, sums.Inputs(rows(candidate), START + 600), START + 600.0)


def told(of, verdict):
    return machine.advance(of, decisions.Event(decisions.Kind.JUDGED, verdict=verdict, stage_requests=10_000), START + 600.0)


def test_predictions_that_are_others_are_shown_with_their_share():
    _, verdict = look(OTHERS)
    found = evidence(verdict, shifting.SUBJECT)
    assert (found.group, found.log_e > found.threshold) == ("policy", True)
    assert found.note.startswith("40 % [")
    assert found.note.endswith("] of its predictions are others than stable's, 10 % may be")
    assert verdict.result is verdicts.Result.PASS, "it is no worse, whatever it predicts"


def test_it_pauses_once_and_a_person_may_go_on():
    of, verdict = look(OTHERS)
    after = told(of, verdict).release
    assert (after.phase, after.heeded) == (phases.Phase.PAUSED, (shifting.SUBJECT,))
    assert after.reason.startswith("v3 predicts otherwise than stable: 40 % [")
    assert "policy, it need not be worse" in after.reason
    again = msgspec.structs.replace(of, heeded=after.heeded)
    assert told(again, verdict).release.phase is not phases.Phase.PAUSED


def test_it_goes_back_where_the_policy_says_so_and_is_only_shown_where_it_says_that():
    _, verdict = look(OTHERS, on_shift="rollback")
    assert (verdict.result, verdict.culprit) == (verdicts.Result.FAIL, shifting.SUBJECT)
    of, verdict = look(OTHERS, on_shift="notify")
    assert verdict.result is verdicts.Result.PASS
    assert told(of, verdict).release.phase is not phases.Phase.PAUSED


@pytest.mark.parametrize(("candidate", "policy"), [(USUAL, {}), ((650, 230, 120), {}), (OTHERS, {"shift": 0.5})])
def test_what_is_within_the_tolerance_holds_nothing_up(candidate, policy):
    of, verdict = look(candidate, **policy)
    found = evidence(verdict, shifting.SUBJECT)
    assert found.log_e < found.threshold
    assert told(of, verdict).release.phase is not phases.Phase.PAUSED


def test_nothing_is_said_where_it_is_not_watched_or_units_are_sticky():
    _, verdict = look(OTHERS, shift=0.0)
    assert shifting.SUBJECT not in {each.metric for each in verdict.evidence}
    sticky = msgspec.structs.replace(release(stage=1), sticky=assignment.Sticky("header", "x-user"))
    verdict = judge.judge(sticky, sums.Inputs(rows(OTHERS), START + 600), START + 600.0)
    assert shifting.SUBJECT not in {each.metric for each in verdict.evidence}
