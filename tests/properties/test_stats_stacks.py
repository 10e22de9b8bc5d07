"""Many columns and series at once: each as it is alone, and as plain sums over its bins and windows have it."""

import collections
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tidegate.core.stats import calibration, drift, effects, lasting, seasons, stacks
from tidegate.core.vocabulary import profiles

DAY = seasons.DAY


@st.composite
def worlds(draw):
    """Frames, and what was seen of them in a reference and in four weeks; some columns are absent, few or constant."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    frames, sides = {}, [{} for _ in range(5)]
    for at in range(draw(st.integers(1, 8))):
        bins = int(rng.integers(2, 9))
        kind = ("x", "c", "prediction.p.")[rng.integers(0, 3)]
        name = f"{kind}{at}"
        numbers = kind != "c"
        frames[name] = profiles.Frame(
            name, tuple(range(bins - 1)), () if numbers else tuple(f"v{one}" for one in range(bins - 1))
        )
        if not numbers:
            frames[name] = profiles.Frame(name, classes=frames[name].classes)
        for side in sides:
            if rng.random() < 0.9:
                side[name] = seen(rng, bins, numbers)
    return frames, [profiles.Profile(1_000, side) for side in sides]


def seen(rng, bins, numbers):
    rows = int(rng.choice([0, 3, 150, 400, 5_000]))
    chances = np.eye(bins)[rng.integers(0, bins)] if rng.random() < 0.2 else rng.dirichlet(np.full(bins, 0.7))
    counts = tuple(rng.multinomial(rows, chances).tolist())
    nulls, broken = (int(rng.choice([0, 1, 30, 300])) for _ in range(2))
    least, most = (-1.0, float(rng.choice([-1.0, 3.0]))) if numbers and rows else (math.inf, -math.inf)
    return profiles.Column(counts, nulls, broken, float(rows), 2.0 * rows, least, most)


@settings(max_examples=60, deadline=None)
@given(worlds())
def test_columns_together_are_what_each_is_alone(world):
    frames, sides = world
    layout, several = stacked(frames, sides)
    alpha = effects.shared(layout, (several[0], layout.total(several[1:])))
    both = (several[0], several[1])
    ways = (lambda one, known, all_of, chance: effects.effects(one, (known, all_of[0]), chance), lasting.effects)
    together = [effects.told(layout, way(layout, several[0], several[1:], alpha)) for way in ways]
    for at, (name, frame) in enumerate(frames.items()):
        one, only = stacked({name: frame}, sides)
        for found, way in zip(together, ways, strict=True):
            alone = effects.told(one, way(one, only[0], only[1:], alpha[at : at + 1]))
            assert found.get(name) == alone.get(name)
    assert [one.tolist() for one in effects.new(layout, both)] == np.concatenate(
        [effects.new(*pair(frames, sides, name)) for name in frames], axis=1
    ).tolist()


def stacked(frames, sides):
    layout = stacks.Layout(frames)
    return layout, [layout.stacked(side.rows, side.columns) for side in sides]


def pair(frames, sides, name):
    layout, several = stacked({name: frames[name]}, sides)
    return layout, (several[0], several[1])


@settings(max_examples=60, deadline=None)
@given(worlds())
def test_sizes_are_what_plain_sums_say(world):
    frames, (reference, window, *_) = world
    layout, (known, seen_, *_) = stacked(frames, (reference, window))
    found = effects.told(layout, effects.effects(layout, (known, seen_), np.full(len(frames), drift.ALPHA)))
    for name, frame in frames.items():
        sides = [side.columns.get(name) for side in (reference, window)]
        plainly = {} if None in sides or min(one.seen for one in sides) < 200 else plain(frame, *sides)
        sizes = {one.name: one.size for one in found.get(name, [])}
        tails = ends(*sides) if "tail" in sizes else []
        assert not tails or sizes.pop("tail") in [pytest.approx(one) for one in tails]
        assert sizes == pytest.approx(plainly)


def plain(frame, known, window):
    told = {
        "nulls": window.nulls / window.seen - known.nulls / known.seen,
        "broken": window.broken / window.seen - known.broken / known.seen,
    }
    bins = range(frame.bins)
    few = 0.001 * known.valued
    outside = [at for at in bins if frame.numeric and min(sum(known.counts[: at + 1]), sum(known.counts[at:])) <= few]
    outside = outside if frame.numeric else [frame.bins - 1]
    told["new"] = sum(window.counts[at] for at in outside) / window.seen - sum(known.counts[at] for at in outside) / known.seen
    if not frame.numeric:
        sides = [[count / one.seen for count in (*one.counts, one.nulls, one.broken)] for one in (known, window)]
        told["tv"] = sum(max(0.0, b - a) for a, b in zip(*sides, strict=True))
    if min(known.valued, window.valued) >= 200:
        told["same"] = float(max(window.counts) == window.valued and not (frame.numeric and window.least < window.most))
        if frame.numeric:
            below = [[sum(one.counts[: at + 1]) / one.valued for at in bins] for one in (known, window)]
            told["ks"] = max(abs(a - b) for a, b in zip(*below, strict=True))
    return told


def ends(known, window):
    """How many times as many there are at either end: that of which the bound is higher is told."""
    return [ratio(one, other) for one, other in ((known.counts, window.counts), (known.counts[::-1], window.counts[::-1]))]


def ratio(known, window):
    bins = next(at for at in range(len(known)) if sum(known[: at + 1]) >= 0.01 * sum(known)) + 1
    return (sum(window[:bins]) / sum(window)) / (sum(known[:bins]) / sum(known))


@settings(max_examples=60, deadline=None)
@given(worlds())
def test_the_sum_of_stacks_is_the_stack_of_the_sum(world):
    frames, sides = world
    layout, several = stacked(frames, sides)
    whole = layout.total(several)
    summed = sides[0]
    for one in sides[1:]:
        summed = summed + one
    assert {name: layout.column(whole, name) for name in summed.columns} == summed.columns
    assert [layout.names[at] for at in np.flatnonzero(whole.there)] == [name for name in frames if name in summed.columns]


class Plain:
    """One series, window by window."""

    def __init__(self, rule, frozen):
        self.rule, self.frozen, self.first = rule, frozen, None
        self.history, self.recent, self.waiting, self.since = [], collections.deque(maxlen=3), [], None

    def put(self, begin, size, low):
        self.first = begin if self.first is None else self.first
        known = [one for at, one in self.history if at % DAY == begin % DAY and (self.frozen or at >= begin - 8 * seasons.WEEK)]
        usual = math.inf if self.rule.patient else 0.0
        if len(known) >= 7:
            most = max(0.0, float(np.quantile(known, 0.99)))
            usual = 1 - (1 - min(1.0, most)) ** 1.5 if self.rule.share else 1.5 * most
        self.recent.append((begin, low > self.rule.limit and size > usual))
        self.waiting.append((begin, size))
        overs = [at for at, over in self.recent if over]
        self.since = (self.since if self.since is not None else overs[0]) if len(overs) >= 2 else None
        if not overs:
            self.history += [one for one in self.waiting if not self.frozen or one[0] < self.first + self.frozen]
            self.waiting = []


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from([0, 20 * DAY]), st.sampled_from([DAY, DAY // 2]))
def test_series_together_are_what_each_is_alone(seed, frozen, step):
    rng = np.random.default_rng(seed)
    rules = [calibration.Rule(0.1, share, patient) for share in (True, False) for patient in (True, False)] * 2
    several, each = calibration.Series(frozen), [Plain(rule, frozen) for rule in rules]
    keys = [(f"x{at}", "ks") for at in range(len(rules))]
    begun = int(rng.integers(1, len(keys)))
    level = rng.uniform(0.01, 0.3, len(keys))
    for turn in range(int(rng.integers(10, 180))):
        begin = turn * step
        some = np.flatnonzero(rng.random(len(keys) if turn > 5 else begun) < 0.9)
        at = np.array([several.places([keys[one]], rules[one])[0] for one in some], np.int64)
        level = np.where(rng.random(len(keys)) < 0.03, rng.uniform(0.01, 0.9, len(keys)), level)
        sizes = (level * rng.uniform(0.8, 1.2, len(keys)))[some]
        several.put(begin, at, sizes, sizes - 0.02)
        runs, latest = several.runs(begin), dict(several.latest(begin))
        for one, size in zip(some.tolist(), sizes.tolist(), strict=True):
            each[one].put(begin, size, size - 0.02)
            assert runs.get(keys[one]) == each[one].since
            assert latest[keys[one]].over == each[one].recent[-1][1]
