"""The arm that was drawn is the arm that counts, once: whoever answered in the end, and however many failed with it."""

import dataclasses

import msgspec
import numpy as np
import pytest

from tests.simulations import traffic
from tidegate.core.decide import judge, strategies
from tidegate.core.stats import tally
from tidegate.core.vocabulary import marks, sums, verdicts
from tidegate.core.vocabulary.phases import Phase

RHO, RUNS = 0.05, 600


def poisoned(rng, all_of_them):
    """Twelve hours in which every half hour one request kills the worker that it reaches, and eight others with it.

    The first is the mark ERROR; the others are COLLATERAL, which no bet is made on: all counted, nine errors hang on one coin.
    """
    for minute in range(12 * 60):
        counts = traffic.drawn(rng, traffic.Minute(RHO, 0.001, 0.001, 6_000), (RUNS, 1))
        if minute % 30 == 7:
            ours = rng.random(RUNS) < RHO
            counts[:, 0, tally.CANDIDATE_BAD] += ours * (9 if all_of_them else 1)
            counts[:, 0, tally.STABLE_BAD] += ~ours * (9 if all_of_them else 1)
        yield RHO, counts


def test_a_request_that_kills_what_it_reaches_sends_no_equal_candidate_back():
    lost = traffic.found_worse(RUNS, poisoned(np.random.default_rng(141), all_of_them=False))
    assert traffic.at_least(lost.sum(), RUNS) <= traffic.ALPHA
    counted = traffic.found_worse(RUNS, poisoned(np.random.default_rng(141), all_of_them=True))
    assert traffic.at_least(counted.sum(), RUNS) > 5 * traffic.ALPHA, "why what fails along with it is no evidence"


def marked(rng, seconds, share, name):
    """An equal candidate of whose requests a share ends otherwise than by an answer of its own."""
    found = traffic.requests(rng, ((500, seconds),), lambda arrival, _: np.full(arrival.size, traffic.BASE), rate=60)
    other = found.candidate & (rng.random(found.arrival.size) < share)
    return dataclasses.replace(found, mark=np.where(other, int(marks.Mark[name]), found.mark))


@pytest.mark.parametrize("name", ["SHED", "CANCELLED", "COLLATERAL"])
def test_what_ended_without_an_answer_is_counted_and_speaks_for_nobody(name):
    """A third of the candidate's requests are shed, or their clients leave: 60 releases, and the split is seen to be as drawn."""
    rng, lost = np.random.default_rng(142), 0
    for _ in range(60):
        found = marked(rng, 60, 0.3, name)
        slow = dataclasses.replace(found, end=found.arrival + rng.exponential(0.5, found.arrival.size))
        looks = [slow.seen(now) for now in (20, 40, 70)]
        for given, now in zip(looks, (20, 40, 70), strict=True):
            both = [arm for row in given.sums for arm in (row.stable, row.candidate)]
            assert sum(arm.opened for arm in both) == (slow.arrival < now).sum()
            assert all(arm.opened == arm.closed + arm.pending and arm.pending >= 0 for arm in both)
        said = [judge.judge(traffic.release(), given, 0.0) for given in looks]
        assert all(each.result is not verdicts.Result.ERROR for each in said)
        lost += any(each.result is verdicts.Result.FAIL for each in said)
        failed = int((found.candidate & np.isin(found.mark, marks.HARMFUL)).sum())
        assert said[-1].harm.failed == failed, "what is shed hurts, who leaves is not hurt"
    assert traffic.at_least(lost, 60) <= traffic.ALPHA


def test_requests_that_were_shed_and_not_counted_would_be_a_broken_split():
    """Dropping them from the arm drawn leaves fewer of the candidate's than its coin gave it; the feed check says so."""
    rng = np.random.default_rng(143)
    for _ in range(10):
        found = marked(rng, 300, 0.3, "SHED")
        kept = found.mark != marks.Mark.SHED
        left = traffic.Requests(*(getattr(found, each.name)[kept] for each in dataclasses.fields(found)))
        assert judge.judge(traffic.release(), left.seen(310), 0.0).result is verdicts.Result.ERROR
        assert judge.judge(traffic.release(), found.seen(310), 0.0).result is not verdicts.Result.ERROR


def test_a_candidate_whose_failures_stable_rescues_is_sent_back_all_the_same():
    """No client sees an error. The mark stays with the arm drawn, and stable's answer to it is no request of stable's."""
    rng = np.random.default_rng(144)
    for _ in range(20):
        rows = traffic.folded(traffic.drawn(rng, traffic.Minute(RHO, 0.2, 0.001, 100), (60, 1))[:, 0], span=1)
        rescued = tuple(
            msgspec.structs.replace(row, candidate=msgspec.structs.replace(row.candidate, rescued=row.candidate.bad))
            for row in rows
        )
        found = judge.judge(traffic.release(), sums.Inputs(rescued, traffic.START + 60), 0.0)
        assert found.result is verdicts.Result.FAIL
        assert found.harm.rescued == found.harm.failed > 0
        assert found.sentence.split("; ")[-1].startswith("no client saw an error")
        answered = tuple(
            msgspec.structs.replace(
                row,
                candidate=sums.Counts(row.candidate.ok, (row.candidate.ok,) + (0,) * (marks.SLOTS - 1)),
                stable=row.stable + sums.Counts(row.candidate.bad, (row.candidate.bad,) + (0,) * (marks.SLOTS - 1)),
            )
            for row in rows
        )
        blind = judge.judge(traffic.release(), sums.Inputs(answered, traffic.START + 60), 0.0)
        assert blind.result is not verdicts.Result.FAIL, "by who answered, nothing would ever be seen"


def test_failures_while_warming_up_are_harm_and_a_restart_after_a_crash_is_evidence():
    """A minute that was meant for warming up, in which the candidate crashes, is counted against nobody; what follows is."""
    rng = np.random.default_rng(145)
    for _ in range(20):
        counts = traffic.drawn(rng, traffic.Minute(RHO, 0.9, 0.001, 100), (60, 1))[:, 0]
        warm = tuple(msgspec.structs.replace(row, evidence=False) for row in traffic.folded(counts, span=1, generation=3))
        failed = int(counts[:, tally.CANDIDATE_BAD].sum())
        found = judge.judge(traffic.release(), sums.Inputs(warm, traffic.START + 60), 0.0)
        assert found.result is verdicts.Result.UNSURE
        assert (found.harm.failed, traffic.evidence(found).log_e) == (failed, 0.0)
        again = traffic.folded(traffic.drawn(rng, traffic.Minute(RHO, 0.9, 0.001, 100), (8, 1))[:, 0], first=60, span=1)
        found = judge.judge(traffic.release(), sums.Inputs(warm + again, traffic.START + 68), 0.0)
        assert found.result is verdicts.Result.FAIL
        assert found.harm.failed == failed + sum(row.candidate.bad for row in again)


def test_a_coin_that_is_not_what_was_recorded_is_an_error_of_the_feed_and_no_fault_of_the_candidate():
    """4.5 % drawn, 5 % recorded, for 40 minutes: it pauses, and rolls nothing back."""
    rng, said = np.random.default_rng(146), []
    for _ in range(40):
        rows = traffic.folded(traffic.drawn(rng, traffic.Minute(0.045, traffic.BASE, traffic.BASE, 6_000), (40, 1))[:, 0])
        looks = (judge.judge(traffic.release(), sums.Inputs(rows[:at], traffic.START + 60 * at), 0.0) for at in range(4, 41, 4))
        said.append([each.result for each in looks])
    assert not any(verdicts.Result.FAIL in each for each in said)
    assert np.mean([verdicts.Result.ERROR in each for each in said]) >= 0.9


def test_a_model_that_breaks_its_contract_once_in_a_while_is_not_sent_back_by_policy():
    """One answer in 100,000 of either version is not finite: through a ramp, and a day of probation at 99 %."""
    rng, runs, lost = np.random.default_rng(147), 40, 0
    minutes = ((100, 5), (500, 3), (2_500, 2), (5_000, 2), (9_900, 24 * 60))
    of = msgspec.structs.replace(traffic.release(), phase=Phase.PROBATION, probation=strategies.holdback())
    for _ in range(runs):
        rows, first = [], 0
        for generation, (weight, count) in enumerate(minutes):
            minute = traffic.Minute(weight / 10_000, 1e-5, 1e-5, 6_000)
            rows += traffic.folded(traffic.drawn(rng, minute, (count, 1))[:, 0], weight, first, generation=generation)
            first += 60 * count
        broken = tuple(msgspec.structs.replace(row, stable=invalid(row.stable), candidate=invalid(row.candidate)) for row in rows)
        looks = (sums.Inputs(broken[:at], traffic.START + 60 * at) for at in (12, 60, 300, len(rows)))
        lost += any(judge.judge(of, each, 0.0).result is verdicts.Result.FAIL for each in looks)
    assert traffic.at_least(lost, runs) <= traffic.ALPHA


def invalid(counts):
    """The same with its errors being broken contracts."""
    return sums.Counts(counts.opened, (counts.ok, 0, 0, counts.bad) + (0,) * (marks.SLOTS - 4))
