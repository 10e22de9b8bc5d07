"""A glance says what a whole look would say of the immediate group, from the sums since the last one alone."""

import msgspec
import numpy as np
import pytest

from tidegate.core.decide import case, judge, ledger
from tidegate.core.stats import tally, wealth
from tidegate.core.vocabulary import assignment, marks, releases, sums, verdicts

START = 1_700_000_040
STAGES = (releases.Stage("5 %", 500), releases.Stage("25 %", 2500))
NEW, OLD = (releases.Version("e", ordinal, "d", "m", "x") for ordinal in (2, 1))
RELEASE = releases.Release("r", "production", "e", NEW, OLD, "canary", STAGES, releases.Policy(), b"s", 0.0, stage=1)
TURN = 250
"""Second at which the second stage begins."""


@pytest.mark.parametrize("seed", range(3))
def test_a_glance_says_what_a_whole_look_says(seed):
    rng = np.random.default_rng(seed)
    history, exact = [second(rng, at) for at in range(900)], 0
    for turn in range(12):
        at = int(rng.integers(TURN + 70, 830))
        later = min(at // 60 * 60 + 59, at + int(rng.integers(1, 40)))
        later -= later % 3 if turn % 2 and later - later % 3 >= at else 0  # in every third second nothing is pending
        _, left = judge.look(RELEASE, upto(history, at), float(START))
        given = upto(history, later)
        assert left.since // 60 == given.closed_before // 60, "else another minute is whole, and waits for the next look"
        since = tuple(one for one in given.sums if one.tick >= left.since)
        assert len(since) < 200
        line = ledger.line(RELEASE, ledger.IMMEDIATE)
        found, whole = left.log_e(tally.Counters(since), given.closed_before), case.make(RELEASE, given, float(START)).log_e(line)
        exact += not given.sums[-1].stable.pending
        assert found == pytest.approx(whole, abs=1e-9)
    assert exact >= 4


def test_it_is_alarmed_by_harm_within_a_tick_and_by_nothing_else():
    rng = np.random.default_rng(3)
    history = [second(rng, at, worse=0) for at in range(700)]
    verdict, left = judge.look(RELEASE, upto(history, 600), float(START))
    assert verdict.result is not verdicts.Result.FAIL
    quiet = upto(history, 610)
    assert not left.alarmed(tuple(one for one in quiet.sums if one.tick >= left.since), quiet.closed_before)
    dead = tuple(history[:601]) + tuple(
        msgspec.structs.replace(one, candidate=counts(rng, 0, bad=one.candidate.opened)) for one in history[601:603]
    )
    given = sums.Inputs(dead, START + 603)
    assert left.alarmed(tuple(one for one in dead if one.tick >= left.since), given.closed_before)
    assert judge.judge(RELEASE, given, float(START)).culprit == "errors"


def test_a_broken_contract_is_looked_at_whole():
    rng = np.random.default_rng(4)
    history = [second(rng, at) for at in range(700)]
    _, left = judge.look(RELEASE, upto(history, 600), float(START))
    once = msgspec.structs.replace(history[601], candidate=counts(rng, 20, invalid=1))
    assert left.alarmed((once,), START + 602)


def test_broken_contracts_that_do_nothing_alarm_nobody():
    rng = np.random.default_rng(7)
    history = [second(rng, at, worse=0) for at in range(700)]
    both = [
        msgspec.structs.replace(one, stable=counts(rng, 48, invalid=1)) if at == 500 else one for at, one in enumerate(history)
    ]
    careless = msgspec.structs.replace(RELEASE, policy=releases.Policy(guard_breaks=0))
    once = msgspec.structs.replace(history[601], candidate=counts(rng, 20, invalid=1))
    for release, given in ((RELEASE, both), (careless, history)):
        _, left = judge.look(release, upto(given, 600), float(START))
        assert not left.alarmed((once,), START + 602)


def test_a_segment_that_the_whole_look_has_not_seen_is_looked_at_whole():
    rng = np.random.default_rng(8)
    history = [second(rng, at) for at in range(300)]
    _, left = judge.look(RELEASE, upto(history, TURN - 1), float(START))
    assert left.alarmed(tuple(history[TURN - 9 : TURN + 1]), START + TURN + 1)
    unseen = msgspec.structs.replace(history[TURN], weight=0)
    assert not left.alarmed((*history[TURN - 9 : TURN - 1], unseen), START + TURN + 1)


def test_counts_that_cannot_be_trusted_leave_nothing_to_glance_by():
    rng = np.random.default_rng(9)
    history = [second(rng, at) for at in range(300)]
    askew = [msgspec.structs.replace(one, candidate=one.candidate + one.candidate + one.candidate) for one in history]
    verdict, left = judge.look(RELEASE, upto(askew, 299), float(START))
    assert (verdict.result, left) == (verdicts.Result.ERROR, None)


@pytest.mark.parametrize(
    "release",
    [
        msgspec.structs.replace(RELEASE, sticky=assignment.Sticky("header", "x-user")),
        msgspec.structs.replace(RELEASE, stages=(STAGES[0], releases.Stage("all", 10_000, watch=releases.Watch.LEVEL))),
    ],
    ids=["keys", "a level"],
)
def test_what_no_wealth_foretells_is_always_looked_at_whole(release):
    rng = np.random.default_rng(5)
    assert judge.look(release, upto([second(rng, at) for at in range(300)], 299), float(START))[1] is None


def test_wealth_goes_on_from_any_epoch_to_what_it_would_be_at_once():
    rng = np.random.default_rng(6)
    weights = np.log(rng.dirichlet(np.ones(5), 7))
    grown = rng.normal(size=(40, 7, 5))
    at_once = [wealth.mixture(weights[one], grown[:, one]) for one in range(7)]
    for cut in (0, 1, 17, 40):
        assert wealth.running(weights, grown[:cut]).after(grown[cut:]).log_e() == pytest.approx(at_once, abs=1e-12)


def second(rng, at, worse=1):
    """One second of 60 requests, of which the candidate fails a little more, and takes a little longer."""
    generation, weight = (4, 500) if at < TURN else (7, 2500)
    drawn = int(rng.binomial(60, weight / 10_000))
    bad, poor = int(rng.binomial(drawn, 0.01 + 0.01 * worse)), int(rng.binomial(60 - drawn, 0.01))
    candidate, stable = counts(rng, drawn - bad, bad=bad, slower=worse), counts(rng, 60 - drawn - poor, bad=poor)
    return sums.Sum(generation, weight, True, START + at, 1, stable, candidate)


def counts(rng, ok, bad=0, invalid=0, slower=0):
    times = np.bincount(np.minimum(rng.poisson(36 + slower, ok), marks.LATENCY_BUCKETS - 1), minlength=marks.LATENCY_BUCKETS)
    told = [0] * marks.SLOTS
    told[marks.Mark.OK], told[marks.Mark.ERROR], told[marks.Mark.INVALID] = ok, bad, invalid
    return sums.Counts(ok + bad + invalid, tuple(told), tuple(times.tolist()))


def upto(history, at):
    """All until a second of which one request of each arm is still pending, as is now and then one of the second before."""
    pending = at % 3
    rows = list(history[: at + 1])
    for back in range(pending):
        row = rows[-1 - back]
        more = [msgspec.structs.replace(arm, opened=arm.opened + 1) for arm in (row.stable, row.candidate)]
        rows[-1 - back] = msgspec.structs.replace(row, stable=more[0], candidate=more[1])
    return sums.Inputs(tuple(rows), START + at + 1 - pending)
