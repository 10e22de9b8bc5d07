"""Effects between profiles: bounds that few rows do not pass, and many only for a reason."""

import math

import alone_fixtures
import numpy as np
import pytest

from tidegate.core.stats import counting, drift, effects, stacks
from tidegate.core.vocabulary import profiles


def by_name(*given):
    return {one.name: one for one in alone_fixtures.effects_of(*given)}


def levels(*given):
    return {one.name: one.level() for one in alone_fixtures.effects_of(*given) if one.level()}


RNG = np.random.default_rng(1)
REFERENCE = RNG.normal(size=50_000)
FRAME = counting.edged("x", REFERENCE)
KNOWN = alone_fixtures.column(FRAME, REFERENCE)


def test_a_frame_has_its_reference_inside_and_about_as_much_in_each_bin():
    outer = profiles.OUTER_EDGES
    assert FRAME.bins == profiles.MOST_EDGES + 1 + 2 * outer
    assert sum(KNOWN.counts[: outer + 1]) == sum(KNOWN.counts[-outer - 1 :]) == 0
    assert min(KNOWN.counts[outer + 1 : -outer - 1]) > 50_000 / 64 * 0.99
    assert [FRAME.bin(one) for one in (-1e9, REFERENCE.min(), REFERENCE.max(), 1e9)] == [0, outer + 1, outer + 64, FRAME.bins - 1]


def test_what_comes_beyond_the_first_values_is_told_apart_as_well():
    morning, summer, heat = (RNG.normal(mean, 3.0, size=2_000) for mean in (36.0, 53.0, 75.0))
    frame = counting.edged("temp", morning)
    found = by_name(frame, alone_fixtures.column(frame, summer), alone_fixtures.column(frame, heat))["ks"]
    assert found.size > 0.9


@pytest.mark.parametrize("rows", [200, 1_000, 100_000])
def test_equal_laws_are_within_what_is_normal_whatever_the_rows(rows):
    assert levels(FRAME, KNOWN, alone_fixtures.column(FRAME, RNG.normal(size=rows))) == {}


def test_a_little_is_not_called_a_shift_by_a_million_rows_and_a_lot_is_by_a_few_hundred():
    many, few = RNG.normal(0.02, 1.0, size=1_000_000), RNG.normal(1.0, 1.0, size=400)
    size = by_name(FRAME, KNOWN, alone_fixtures.column(FRAME, many))["ks"].size
    both = REFERENCE.size * many.size / (REFERENCE.size + many.size)
    assert 2 * math.exp(-2 * size**2 * both) < 1e-3, "what Kolmogorov's law says of chance"
    assert levels(FRAME, KNOWN, alone_fixtures.column(FRAME, many)) == {}
    assert levels(FRAME, KNOWN, alone_fixtures.column(FRAME, few))["ks"] == 2


def test_below_a_number_of_rows_nothing_is_said():
    assert alone_fixtures.effects_of(FRAME, KNOWN, alone_fixtures.column(FRAME, RNG.normal(9, 1, size=drift.FEWEST - 1))) == ()


def test_nulls_new_values_and_broken_ones_are_told_apart():
    window = RNG.normal(size=900)
    assert levels(FRAME, KNOWN, alone_fixtures.column(FRAME, window, nulls=100)) == {"nulls": 2}
    assert levels(FRAME, KNOWN, alone_fixtures.column(FRAME, window, broken=20)) == {"broken": 1}
    assert levels(FRAME, KNOWN, alone_fixtures.column(FRAME, np.append(window[:700], np.full(200, 50.0))))["new"] == 2


def test_categories_with_many_classes_are_quiet_in_small_windows_and_heard_when_one_grows():
    classes = [f"c{at}" for at in range(50)]
    frame = profiles.Frame("carrier", classes=tuple(classes))
    shares = RNG.dirichlet(np.ones(50))
    reference = alone_fixtures.column(frame, RNG.choice(classes, 50_000, p=shares))
    for rows in (300, 3_000):
        assert levels(frame, reference, alone_fixtures.column(frame, RNG.choice(classes, rows, p=shares))) == {}
    grown = np.append(RNG.choice(classes, 3_000, p=shares), ["c7"] * 1_000)
    assert levels(frame, reference, alone_fixtures.column(frame, grown)) == {"tv": 2}
    renamed = np.append(RNG.choice(classes, 3_000, p=shares), ["C7"] * 1_000)
    assert levels(frame, reference, alone_fixtures.column(frame, renamed)) == {"tv": 2, "new": 2}


def test_the_outputs_of_a_model_share_what_one_of_them_may_be_wrong():
    named = stacks.Layout(dict.fromkeys(("prediction", "carrier", "prediction.p.0", "prediction.p.1"), FRAME))
    there = [named.stacked(1, dict.fromkeys(names, KNOWN)) for names in (named.names, named.names[:3])]
    assert effects.shared(named, (there[0], there[1])).tolist() == [drift.ALPHA / 2, drift.ALPHA, *[drift.ALPHA / 2] * 2]


def test_a_column_is_described_as_numpy_would():
    values = RNG.gamma(2.0, 3.0, size=20_000)
    frame = counting.edged("x", values)
    found = drift.described(frame, alone_fixtures.column(frame, values))
    wanted = (values.mean(), values.std(), *np.quantile(values, [0.25, 0.5, 0.75]), values.min(), values.max())
    assert found == pytest.approx(wanted, rel=0.02)
    assert all(math.isnan(one) for one in drift.described(profiles.Frame("c", classes=("a",)), profiles.Column((3, 4))))


def test_how_far_numbers_have_moved_is_told_in_quartile_ranges():
    window = alone_fixtures.column(FRAME, RNG.normal(0.5, 1.0, size=50_000))
    assert drift.moved(FRAME, KNOWN, window) == pytest.approx(0.5 / 1.349, rel=0.2)
    assert drift.moved(FRAME, KNOWN, KNOWN) == 0.0
    constant = counting.edged("x", np.full(9, 3.0))
    assert (
        drift.moved(constant, alone_fixtures.column(constant, np.full(9, 3.0)), alone_fixtures.column(constant, np.full(9, 3.0)))
        == 0.0
    )


def test_the_stability_index_is_near_0_where_nothing_changed_and_near_its_formula_where_something_did():
    assert drift.psi(KNOWN, alone_fixtures.column(FRAME, RNG.normal(size=300))) < 0.1
    shifted = RNG.normal(0.5, 1.0, size=100_000)
    cuts = [-math.inf, *np.quantile(REFERENCE, np.arange(1, 10) / 10), math.inf]
    one, two = (np.histogram(each, cuts)[0] / len(each) for each in (REFERENCE, shifted))
    assert drift.psi(KNOWN, alone_fixtures.column(FRAME, shifted)) == pytest.approx(
        ((two - one) * np.log(two / one)).sum(), rel=0.05
    )


def test_numbers_far_outside_of_the_reference_are_outliers():
    window = np.append(RNG.normal(size=990), np.full(10, 40.0))
    assert drift.outliers(FRAME, KNOWN, alone_fixtures.column(FRAME, window)) == pytest.approx(0.01, abs=0.004)
    assert drift.outliers(FRAME, KNOWN, KNOWN) < 0.005


def test_profiles_add_up():
    halves = [alone_fixtures.column(FRAME, REFERENCE[at::2]) for at in (0, 1)]
    both = profiles.Profile(25_000, {"x": halves[0]}) + profiles.Profile(25_000, {"x": halves[1], "y": profiles.Column((1, 2))})
    assert both.rows == 50_000
    assert both.columns["x"].counts == KNOWN.counts
    assert both.columns["x"].total == pytest.approx(KNOWN.total)
    assert both.columns["y"].seen == 3


def test_a_tail_that_grows_is_seen_where_the_distribution_is_not():
    window = np.append(RNG.normal(size=38_000), RNG.uniform(2.4, 4.0, size=2_000))
    assert levels(FRAME, KNOWN, alone_fixtures.column(FRAME, window)) == {"tail": 2}
    found = by_name(FRAME, KNOWN, alone_fixtures.column(FRAME, -window))["tail"]
    assert found.size == pytest.approx(0.05 / 0.0156 + 1, rel=0.15)
    assert found.size * 0.7 < found.low < found.size


def test_a_column_that_is_always_the_same_is_told_from_one_that_always_was():
    stuck = alone_fixtures.column(FRAME, np.full(300, REFERENCE[0]))
    assert levels(FRAME, KNOWN, stuck)["same"] == 2
    assert levels(FRAME, stuck, stuck) == {}
    words = profiles.Frame("c", classes=("a", "b"))
    assert levels(words, profiles.Column((9_990, 10, 0)), profiles.Column((300, 0, 0))) == {}
    assert levels(words, profiles.Column((9_000, 1_000, 0)), profiles.Column((300, 0, 0)))["same"] == 2


def test_nulls_that_have_not_doubled_are_no_warning_and_many_more_are_an_alarm():
    window, nulls = RNG.normal(size=50_000), [5_000, 7_000, 12_000]
    known = alone_fixtures.column(FRAME, REFERENCE, nulls=5_000)
    assert [levels(FRAME, known, alone_fixtures.column(FRAME, window, nulls=more)).get("nulls", 0) for more in nulls] == [0, 0, 2]
    few = alone_fixtures.column(FRAME, REFERENCE, nulls=500)
    assert levels(FRAME, few, alone_fixtures.column(FRAME, window, nulls=1_500)) == {"nulls": 1}


def test_only_what_is_wanted_is_worked_out() -> None:
    """What a window of quality looks at is the same without the distributions, which it does not look at."""
    window = alone_fixtures.column(FRAME, RNG.normal(1, 1, size=5_000), nulls=400)
    every = by_name(FRAME, KNOWN, window)
    for wanted in ({"nulls", "broken", "new", "same"}, {"ks", "tail"}, {"tv"}):
        some = alone_fixtures.effects_of(FRAME, KNOWN, window, drift.ALPHA, wanted)
        assert {one.name: one for one in some} == {name: one for name, one in every.items() if name in wanted}
