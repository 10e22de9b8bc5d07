"""Units and rules, as people write them."""

import pytest

from tidegate.core.spec import rules, units
from tidegate.core.vocabulary import errors, releases


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("errors <= stable + 0.1%", rules.Rule("errors", "<=", "stable", 0.001, "%", "errors <= stable + 0.1%")),
        (" p99<=120ms ", rules.Rule("p99", "<=", "", 0.12, "ms", "p99<=120ms")),
        ("auc >= champion - 0.005", rules.Rule("auc", ">=", "champion", -0.005, "", "auc >= champion - 0.005")),
        ("score.psi < 0.2", rules.Rule("score.psi", "<", "", 0.2, "", "score.psi < 0.2")),
        ("errors <= 1.5 x stable", rules.Rule("errors", "<=", "stable", 0.0, "", "errors <= 1.5 x stable", 1.5)),
        ("wrong > stable", rules.Rule("wrong", ">", "stable", 0.0, "", "wrong > stable")),
    ],
)
def test_a_comparison_with_units_becomes_a_rule(text: str, rule: rules.Rule):
    assert rules.parse(text) == rule


@pytest.mark.parametrize(
    "text", ["", "errors", "errors <= ", "errors == 1%", "1% >= errors", "errors <= other + 1%", "__import__('os')", 5, None]
)
def test_anything_else_is_no_rule(text: object):
    with pytest.raises(errors.RuleInvalid):
        rules.parse(text)


def test_margins_are_read_by_metric():
    assert rules.margins(["wrong <= stable + 2%"]) == rules.Margins(wrong=0.02)
    assert rules.margins([]) == rules.Margins()
    given = rules.margins(["errors <= 1.5 x stable", "p90 <= stable + 30%", "p99 <= stable + 100%"])
    assert (given.error_ratio, given.wrong_ratio) == (0.5, 0.0)
    assert given.times == (releases.TimeMargin(0.9, 0.3), releases.TimeMargin(0.99, 1.0))


@pytest.mark.parametrize(
    ("text", "guard"),
    [
        ("refunds <= stable + 1%", releases.Guard("refunds", True, 0.01, True, "refunds <= stable + 1%")),
        ("basket >= stable - 5%", releases.Guard("basket", False, 0.05, True, "basket >= stable - 5%")),
        (" cart-size>=stable-0.5 ", releases.Guard("cart-size", False, 0.5, False, "cart-size>=stable-0.5")),
        ("right >= stable - 1%", releases.Guard("right", False, 0.01, False, "right >= stable - 1%")),
    ],
)
def test_a_guard_says_how_much_worse_is_still_taken(text: str, guard: releases.Guard):
    assert rules.guard(text) == guard


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("refunds <= stable", "leave room"),
        ("refunds <= stable - 1%", "leave room"),
        ("basket >= stable + 1", "leave room"),
        ("basket >= stable - 100%", "leave room"),
        ("right >= stable - 100%", "leave room"),
        ("right >= stable - 5", "leave room"),
        ("basket >= 5", "not supported in ab.guards"),
        ("basket > stable - 1", "not supported in ab.guards"),
        ("basket >= champion - 1", "not supported in ab.guards"),
        ("wait <= stable + 5ms", "not supported in ab.guards"),
        ("refunds <= 1.5 x stable + 5%", "not supported in ab.guards"),
        ("errors <= stable + 1%", "in `promote_if`"),
        ("p90 <= stable + 30%", "in `promote_if`"),
        ("basket", "is not a rule"),
    ],
)
def test_a_guard_that_could_not_be_held_to_is_refused_with_the_cure(text: str, words: str):
    with pytest.raises(errors.RuleInvalid) as raised:
        rules.guard(text)
    assert words in str(raised.value)
    assert raised.value.cure


@pytest.mark.parametrize(
    ("interval", "more", "less"),
    [
        ((-3.0, 0.5), "within", "open"),
        ((-0.5, 3.0), "open", "within"),
        ((1.5, 3.0), "beyond", "within"),
        ((-3.0, -1.5), "within", "beyond"),
        ((0.5, 3.0), "open", "within"),
        ((-9.0, 9.0), "open", "open"),
    ],
)
def test_a_guard_is_held_by_the_ends_of_its_interval(interval: tuple[float, float], more: str, less: str):
    assert releases.Guard("refunds", True, 1.0).held(interval) == more
    assert releases.Guard("basket", False, 1.0).held(interval) == less


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("30s", 30), ("500ms", 0.5), ("1h30m", 5_400), ("1h 30m", 5_400), ("7d", 604_800), ("1.5m", 90), (0, 0), ("0s", 0)],
)
def test_durations_read_as_written(text: object, seconds: float):
    assert units.duration(text) == seconds


@pytest.mark.parametrize("value", ["30", 30, "s", "30 sec", "-5s", True, None, "400d", ["30s"], ""])
def test_other_durations_are_refused_with_the_cure(value: object):
    with pytest.raises(errors.SpecInvalid) as raised:
        units.duration(value)
    assert raised.value.cure


@pytest.mark.parametrize(("value", "part"), [("5%", 0.05), ("0.1 %", 0.001), ("100%", 1.0), (0.25, 0.25), (0, 0.0), ("0%", 0.0)])
def test_shares_read_as_written(value: object, part: float):
    assert units.share(value) == part


@pytest.mark.parametrize("value", [5, 1, "5", "101%", "-1%", True, None, 1.5, "%"])
def test_other_shares_are_refused(value: object):
    with pytest.raises(errors.SpecInvalid):
        units.share(value)


@pytest.mark.parametrize(("value", "number"), [("4MiB", 4 << 20), ("500kB", 500_000), ("1.5 KiB", 1_536), (77, 77), ("9B", 9)])
def test_sizes_read_as_written(value: object, number: int):
    assert units.size(value) == number


@pytest.mark.parametrize("value", ["4", "4mb", -1, 1.5, True, None])
def test_other_sizes_are_refused(value: object):
    with pytest.raises(errors.SpecInvalid):
        units.size(value)
