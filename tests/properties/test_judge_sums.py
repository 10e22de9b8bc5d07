"""However sums are ordered, split, merged or folded, the verdict is the same."""

import itertools

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from tidegate.core.decide import judge
from tidegate.core.stats import comparison, tally
from tidegate.core.vocabulary import marks, releases, sums

START = 1_700_000_040
POLICY = releases.Policy()
STAGES = (releases.Stage("5 %", 500), releases.Stage("25 %", 2500))


def version(ordinal):
    return releases.Version("e", ordinal, "d", "m", "x")


RELEASE = releases.Release("r", "production", "e", version(2), version(1), "canary", STAGES, POLICY, b"s", 0.0, stage=1)


def counts(ok, bad, neutral, pending=0):
    found = (ok, bad, 0, 0, 0, 0, neutral) + (0,) * (marks.SLOTS - 7)
    return sums.Counts(ok + bad + neutral + pending, found)


few = st.integers(0, 6)
arms = st.builds(counts, ok=st.integers(0, 80), bad=few, neutral=few)


@st.composite
def histories(draw):
    """Ticks of up to four minutes with a ramp in the middle."""
    times = draw(st.lists(st.integers(0, 239), min_size=1, max_size=12, unique=True))
    turn = draw(st.integers(0, 240))
    rows = []
    for at in sorted(times):
        generation, weight = (4, 500) if at < turn else (7, 2500)
        evidence = draw(st.booleans()) or draw(st.booleans())
        rows.append(sums.Sum(generation, weight, evidence, START + at, 1, draw(arms), draw(arms)))
    return tuple(rows)


def look(rows, closed_before=START + 600):
    return judge.judge(RELEASE, sums.Inputs(tuple(rows), closed_before), START + 600.0)


def fold(rows):
    """Ticks of a minute as one row, as gateways do with what is old."""

    def key(row):
        return row.generation, row.weight, row.evidence, row.tick // 60

    folded = []
    for (generation, weight, evidence, minute), group in itertools.groupby(sorted(rows, key=key), key):
        members = list(group)
        stable, candidate = (sum((getattr(row, arm) for row in members), sums.Counts()) for arm in ("stable", "candidate"))
        folded.append(sums.Sum(generation, weight, evidence, minute * 60, 60, stable, candidate))
    return folded


@settings(max_examples=15, deadline=None)
@given(histories(), st.randoms(use_true_random=False))
def test_the_order_of_sums_does_not_matter(rows, random):
    shuffled = list(rows)
    random.shuffle(shuffled)
    assert look(shuffled) == look(rows)


@settings(max_examples=15, deadline=None)
@given(histories())
def test_the_live_verdict_is_the_verdict_recomputed_from_folded_epochs(rows):
    assert look(fold(rows)) == look(rows)


@settings(max_examples=15, deadline=None)
@given(histories(), arms, arms, st.integers(0, 11))
def test_splitting_a_sum_in_two_within_its_epoch_does_not_matter(rows, stable, candidate, index):
    """Two gateways' sums of one tick, or one gateway's merged: the same."""
    row = rows[index % len(rows)]
    other = msgspec.structs.replace(row, stable=stable, candidate=candidate)
    merged = msgspec.structs.replace(row, stable=row.stable + stable, candidate=row.candidate + candidate)
    assert look([*rows, other]) == look([merged if each is row else each for each in rows])


@settings(max_examples=12, deadline=None)
@given(histories(), st.integers(0, 1000))
def test_only_the_order_of_generations_matters_and_not_their_numbers(rows, shift):
    renamed = [msgspec.structs.replace(row, generation=row.generation * 3 + shift) for row in rows]
    assert look(renamed) == look(rows)


@settings(max_examples=12, deadline=None)
@given(histories())
def test_sums_without_evidence_never_move_the_evidence_of_the_segment_they_are_in(rows):
    dull = sums.Sum(rows[-1].generation, rows[-1].weight, False, rows[-1].tick, 1, counts(9, 4, 1), counts(0, 9, 0))
    with_it, without = look([*rows, dull]), look(rows)
    assert [(each.metric, each.log_e) for each in with_it.evidence] == [(each.metric, each.log_e) for each in without.evidence]


@settings(max_examples=15, deadline=None)
@given(histories(), st.lists(st.tuples(few, few), min_size=12, max_size=12), st.data())
def test_the_bound_over_pending_requests_is_below_every_way_they_can_end(rows, pending, data):
    def ended(arm, count):
        bad = data.draw(st.integers(0, count))
        neutral = data.draw(st.integers(0, count - bad))
        return arm + counts(count - bad - neutral, bad, neutral)

    first = min(rows, key=lambda row: row.tick).tick // 60
    rows = [row for row in rows if row.tick // 60 == first and row.generation == rows[0].generation]
    waiting, done = [], []
    for row, (one, zero) in zip(rows, pending, strict=False):
        waiting.append(
            msgspec.structs.replace(
                row, candidate=row.candidate + counts(0, 0, 0, one), stable=row.stable + counts(0, 0, 0, zero)
            )
        )
        done.append(msgspec.structs.replace(row, candidate=ended(row.candidate, one), stable=ended(row.stable, zero)))
    nothing_closed, bound = comparison.Comparison(tally.Counters(waiting).marked(), 0, 0.01).worse
    assert nothing_closed == 0
    assert bound <= comparison.Comparison(tally.Counters(done).marked(), START + 600, 0.01).worse[0] + 1e-9


@settings(max_examples=50, deadline=None)
@given(requests=st.integers(1, 3_000), shares=st.tuples(st.floats(0, 1), st.floats(0, 1)), neutral=st.tuples(few, few))
def test_of_as_many_requests_each_at_one_moment_evidence_speaks_against_one_arm_at_the_most(requests, shares, neutral):
    """At even odds the arms are alike but for their names: no bet that one is worse gains where the other's has gained."""
    bad = [round(share * requests) for share in shares]
    one, other = (counts(requests - some, some, more) for some, more in zip(bad, neutral, strict=True))
    found = []
    for stable, candidate in ((one, other), (other, one)):
        row = sums.Sum(4, 5000, True, START, 1, stable, candidate)
        found.append(comparison.Comparison(tally.Counters([row]).marked(), START + 600, 0.05).worse[0])
    assert min(found) <= 0
