"""However a release's requests are spread over gateways and batches, and whatever their tables are numbered, the verdict is one.

Beside what `test_judge_sums` says of sums that are all closed: sums with requests pending, outcomes, sticky keys, cohorts, and a
second, plain computation of the e-value.
"""

import math

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tidegate.core.decide import judge
from tidegate.core.stats import bets, comparison, tally
from tidegate.core.vocabulary import arms, assignment, marks, releases, sums

START = 1_700_000_040
STAGES = (releases.Stage("5 %", 500), releases.Stage("25 %", 2_500))
few, some = st.integers(0, 4), st.integers(0, 60)


def version(ordinal):
    return releases.Version("e", ordinal, "d", "m", "x")


RELEASE = releases.Release(
    *("r", "production", "e", version(2), version(1), "canary", STAGES, releases.Policy(label_age=60.0), b"s", 0.0), stage=1
)
STICKY = msgspec.structs.replace(RELEASE, sticky=assignment.Sticky("header", "x-user"))


@st.composite
def counts(draw, pending=few):
    """One arm's requests of a tick, some of each kind of mark and some pending."""
    found = [0] * marks.SLOTS
    found[marks.Mark.OK] = draw(some)
    for mark in draw(st.lists(st.sampled_from([mark for mark in marks.Mark if mark]), max_size=5)):
        found[mark] += 1
    return sums.Counts(sum(found) + draw(pending), tuple(found))


@st.composite
def given_sums(draw):
    """Inputs whose ticks are closed up to somewhere and may have requests pending from there on; the weight goes up once."""
    times = sorted(draw(st.lists(st.integers(0, 239), min_size=1, max_size=12, unique=True)))
    turn, closed = draw(st.integers(0, 240)), draw(st.integers(0, 240))
    rows = []
    for at in times:
        pending = st.just(0) if at < closed else few
        generation, weight = (4, 500) if at < turn else (7, 2_500)
        rows.append(
            sums.Sum(generation, weight, at % 9 > 0, START + at, 1, draw(counts(pending=pending)), draw(counts(pending=pending)))
        )
    return sums.Inputs(tuple(rows), START + closed)


@st.composite
def labels(draw):
    """Outcomes of ticks of four minutes."""
    rows = []
    for at in sorted(draw(st.lists(st.integers(0, 239), min_size=1, max_size=12, unique=True))):
        drawn = draw(some), draw(some)
        labelled = [draw(st.integers(0, each)) for each in drawn]
        wrong = [draw(st.integers(0, each)) for each in labelled]
        rows.append(sums.LabelSum(4, 2_500, True, START + at, *drawn, *labelled, *wrong))
    return tuple(rows)


def look(found, of=RELEASE):
    return judge.judge(of, found, START + 600.0)


def divided(draw, whole, gateways):
    """One arm's counts, each request at one of the gateways."""
    parts = [[0] * (1 + marks.SLOTS) for _ in range(gateways)]
    for kind, number in enumerate((whole.pending, *whole.marks)):
        cuts = sorted(draw(st.integers(0, number)) for _ in range(gateways - 1))
        for part, (low, high) in zip(parts, zip([0, *cuts], [*cuts, number], strict=True), strict=True):
            part[kind] = high - low
    return [sums.Counts(sum(part), tuple(part[1:])) for part in parts]


@settings(max_examples=12, deadline=None)
@given(given_sums(), st.integers(2, 4), st.data())
def test_requests_divided_among_gateways_in_any_order(found, gateways, data):
    rows = []
    for row in found.sums:
        both = (divided(data.draw, arm, gateways) for arm in (row.stable, row.candidate))
        rows += [msgspec.structs.replace(row, stable=one, candidate=other) for one, other in zip(*both, strict=True)]
    data.draw(st.randoms(use_true_random=False)).shuffle(rows)
    assert look(msgspec.structs.replace(found, sums=tuple(rows))) == look(found)


@settings(max_examples=12, deadline=None)
@given(given_sums(), st.integers(0, 300))
def test_folded_up_to_wherever_nothing_is_pending(found, until):
    until = min(START + until, found.closed_before)
    again = msgspec.structs.replace(found, sums=sums.folded(found.sums, until))
    assert look(again) == look(found)
    assert look(msgspec.structs.replace(again, sums=sums.folded(again.sums, until))) == look(found)


@settings(max_examples=12, deadline=None)
@given(given_sums(), st.lists(st.integers(1, 400), min_size=2, max_size=2, unique=True))
def test_tables_numbered_otherwise_in_the_same_order(found, numbers):
    names = dict(zip((4, 7), sorted(numbers), strict=True))
    rows = tuple(msgspec.structs.replace(row, generation=names[row.generation]) for row in found.sums)
    assert look(msgspec.structs.replace(found, sums=rows)) == look(found)


@settings(max_examples=12, deadline=None)
@given(given_sums(), st.permutations(marks.BAD))
def test_which_of_the_bad_marks_it_was_matters_only_to_the_metrics_of_single_marks(found, other):
    def marked(arm):
        changed = list(arm.marks)
        for one, two in zip(marks.BAD, other, strict=True):
            changed[two] = arm.marks[one]
        return msgspec.structs.replace(arm, marks=tuple(changed))

    rows = tuple(msgspec.structs.replace(row, stable=marked(row.stable), candidate=marked(row.candidate)) for row in found.sums)
    changed, plain = (
        [each for each in look(one).evidence if each.metric not in ("timeouts", "invalid")]
        for one in (msgspec.structs.replace(found, sums=rows), found)
    )
    assert changed == plain


@settings(max_examples=12, deadline=None)
@given(labels(), st.integers(0, 300), st.randoms(use_true_random=False))
def test_outcomes_in_any_order_and_folded_into_minutes(rows, closed, random):
    plain = sums.Inputs(labels=sums.Labels(START + closed, rows))
    shuffled, folded = list(rows), {}
    random.shuffle(shuffled)
    for row in rows:
        minute = row.tick // 60 * 60
        key = (minute, 60) if minute + 60 <= START + closed else (row.tick, 1)
        before = folded.get(key)
        names = [name for name in row.__struct_fields__ if name.startswith(("stable", "candidate"))]
        fields = [name for name in names if not name.endswith("loss")]
        totals = {name: getattr(row, name) + (getattr(before, name) if before else 0) for name in fields}
        folded[key] = msgspec.structs.replace(row, tick=key[0], span=key[1], **totals)
    for other in (shuffled, folded.values()):
        assert look(msgspec.structs.replace(plain, labels=sums.Labels(START + closed, tuple(other)))) == look(plain)


events = st.builds(
    lambda key, arm, at: sums.KeyEvent("r", 4, 500, True, START + at, int(arm), 1, assignment.digest(b"%d" % key)),
    *(st.integers(0, 30), st.sampled_from(arms.Arm), st.integers(0, 300)),
)


@settings(max_examples=12, deadline=None)
@given(st.lists(events, max_size=40, unique_by=lambda one: one.key), st.integers(0, 300), st.data())
def test_sticky_keys_told_by_several_gateways_in_any_order(first, closed, data):
    later = [
        msgspec.structs.replace(one, tick=one.tick + data.draw(st.integers(1, 90))) for one in first for _ in range(one.tick % 3)
    ]
    told = data.draw(st.permutations([*first, *later]))
    assert look(sums.Inputs(closed_before=START + closed, keys=tuple(told)), STICKY) == look(
        sums.Inputs(closed_before=START + closed, keys=tuple(first)), STICKY
    )


@settings(max_examples=12, deadline=None)
@given(given_sums(), st.lists(st.tuples(st.integers(0, 240), counts()), min_size=1, max_size=5))
def test_a_cohort_moves_no_evidence(found, chosen):
    """Its requests are counted beside those drawn, as the candidate's at 100 %, in the same table generations."""
    generations, first = sorted({row.generation for row in found.sums}), min(row.tick for row in found.sums)
    beside = tuple(
        sums.Sum(generations[at % len(generations)], arms.BUCKETS, False, first + at, 1, sums.Counts(), arm) for at, arm in chosen
    )
    with_it = look(msgspec.structs.replace(found, sums=(*found.sums, *beside)))
    assert with_it.evidence == look(found).evidence


@settings(max_examples=12, deadline=None)
@given(given_sums(), st.sampled_from([0, arms.BUCKETS]), st.lists(st.tuples(counts(), counts()), min_size=1, max_size=4))
def test_where_no_coin_is_thrown_nothing_is_won_or_lost(found, weight, both):
    last = max(row.tick for row in found.sums)
    rows = [sums.Sum(9, weight, True, last + at, 1, *pair) for at, pair in enumerate(both)]
    before, after, alone = (
        comparison.Comparison(tally.Counters(each).marked(), START + 600, 0.01)
        for each in (found.sums, [*found.sums, *rows], rows)
    )
    assert after.worse == before.worse
    assert max(map(abs, alone.worse)) < 1e-12
    assert abs(alone.no_worse(comparison.Margin(0.01), alone.rows.evidence).log_e) < 1e-12


@settings(max_examples=25, deadline=None)
@given(given_sums())
def test_the_e_value_is_that_of_bettors_who_bet_minute_by_minute(found):
    """A second computation, by the recursion and in plain numbers: epochs, guesses and segments as one finds them by hand."""
    rows = [row for row in found.sums if row.tick + row.span <= found.closed_before]
    compared = comparison.Comparison(tally.Counters(found.sums).marked(), found.closed_before, 0.01)
    epochs = {}
    for row in sorted(rows, key=lambda row: (row.tick // 60, row.generation)):
        if row.evidence:
            epochs.setdefault((row.tick // 60, row.generation), []).append(row)
    began = {}
    for row in found.sums:
        if row.evidence:
            began[row.generation] = min(began.get(row.generation, row.tick // 60), row.tick // 60)
    start = list(bets.RATIO_WEIGHTS)
    placed, kept = [0.0] * len(start), 1.0
    for number, ((_, generation), members) in enumerate(epochs.items()):
        earlier = [row.stable for row in found.sums if row.tick // 60 < began[generation]]
        bad, ok = sum(each.bad for each in earlier), sum(each.ok for each in earlier)
        p0, rho = (bad + 200 * 0.01) / (bad + ok + 200), members[0].weight / arms.BUCKETS
        share = 1 / ((number + 1) * (number + 2))
        kept -= share
        for k, (r, weight) in enumerate(zip(bets.RATIOS, bets.RATIO_WEIGHTS, strict=True)):
            p1 = r * p0 / (1 - p0 + r * p0)
            mean = rho * p1 + (1 - rho) * p0
            e = 1.0
            for row in members:
                e *= (p1 / mean) ** row.candidate.bad * (p0 / mean) ** row.stable.bad
                e *= ((1 - p1) / (1 - mean)) ** row.candidate.ok * ((1 - p0) / (1 - mean)) ** row.stable.ok
            start[k], placed[k] = start[k] * e, (placed[k] + weight * share) * e
    assert compared.worse[0] == pytest.approx(math.log((sum(start) + sum(placed) + kept) / 2), rel=1e-9, abs=1e-9)
