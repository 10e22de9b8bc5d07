"""What answers are held to and when a fallback applies, as people write it."""

import pytest

from tidegate.core.spec import conditions, file, guards
from tidegate.core.vocabulary import errors, handling, manifests, tables

MINIMUM = "endpoint: e\nmodel: mlflow://m@candidate\n"
SIGNATURE = manifests.Signature(
    "columns",
    (manifests.Column("distance", "double"), manifests.Column("carrier", "string")),
    (manifests.Column("p(late)", "double"), manifests.Column("grade", "string")),
)
BUNDLE = manifests.Manifest("m", "sklearn", "model", SIGNATURE, (manifests.Blob("check/checks.py", "a" * 64, 9),))


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("finite", handling.Rule("finite", "finite")),
        ("0 <= probability <= 1", handling.Rule("0 <= probability <= 1", "range", "probability", 0.0, 1.0)),
        (" probability>=0 ", handling.Rule("probability>=0", "range", "probability", 0.0, None)),
        ("price.eur <= 1e6", handling.Rule("price.eur <= 1e6", "range", "price.eur", None, 1e6)),
        ("`p(late)` >= -.5", handling.Rule("`p(late)` >= -.5", "range", "p(late)", -0.5, None)),
        ("grade in [low, high]", handling.Rule("grade in [low, high]", "classes", "grade", classes=("low", "high"))),
        (
            'g in [0, "a, b", very low]',
            handling.Rule('g in [0, "a, b", very low]', "classes", "g", classes=("0", "a, b", "very low")),
        ),
    ],
)
def test_a_rule_about_an_answer_is_read(text: str, rule: handling.Rule):
    assert guards.parse(text) == rule


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("0 < p", "write <= or >="),
        ("p >= 1e999", "no finite number"),
        ("1 <= p <= 0", "can never hold"),
        ("p in []", "does not list"),
        ("p in [a,]", "does not list"),
        ("p in [a b']", "does not list"),
        ("p == 1", "no rule"),
        ("p <= stable", "no rule"),
        ("__import__('os')", "no rule"),
        ("", "no rule"),
        (5, "no rule"),
    ],
)
def test_anything_else_is_no_rule(text: object, words: str):
    with pytest.raises(errors.RuleInvalid) as raised:
        guards.parse(text)
    assert words in str(raised.value)
    assert raised.value.cure


@pytest.mark.parametrize(
    ("text", "condition"),
    [
        ("distance > 1000", tables.Condition("distance", ">", 1000.0)),
        ("carrier == AA", tables.Condition("carrier", "==", "AA")),
        ("carrier!='A A'", tables.Condition("carrier", "!=", "A A")),
        ('code == "12"', tables.Condition("code", "==", "12")),
        ("`a b` == null", tables.Condition("a b", "==", None)),
        ("vip == true", tables.Condition("vip", "==", True)),
    ],
)
def test_a_condition_is_read_and_said_again(text: str, condition: tables.Condition):
    assert conditions.parse(text) == condition
    if " " not in condition.column:
        assert conditions.parse(conditions.shown(condition)) == condition


@pytest.mark.parametrize("text", ["distance", "distance > ", "vip > true", "x < null", "1 > distance", "a == b == c", "a = 1", 5])
def test_anything_else_is_no_condition(text: object):
    with pytest.raises(errors.RuleInvalid):
        conditions.parse(text)


def test_guard_and_fallbacks_arrive_where_they_belong():
    found = file.resolve(
        file.load(
            MINIMUM
            + """
guard: {rules: [finite, 0 <= probability <= 1], check: "checks.py:plausible", action: flag}
fallback: 0.5
fallback_rules: [{when: ["distance > 1000", carrier == AA], value: {late: true}}]
fallback_version: previous
"""
        )
    )
    assert [rule.kind for rule in found.terms.rules] == ["finite", "range"]
    assert (found.check, found.terms.check, found.guard) == ("checks.py", "checks:plausible", "flag")
    assert [(one.value, [each.column for each in one.when]) for one in found.fallbacks] == [
        ('{"late":true}', ["distance", "carrier"])
    ]
    assert (found.fallback, found.fallback_version) == ("0.5", "previous")
    rows = {key: value for key, value, _ in file.explain(found)}
    assert rows["guard.rules"] == "finite; 0 <= probability <= 1"
    assert rows["guard.check"] == "checks.py:plausible"
    assert rows["fallback_rules"] == 'distance > 1000 and carrier == "AA": {"late":true}'


@pytest.mark.parametrize(
    ("extra", "line", "words"),
    [
        ("guard:\n  rules:\n  - finite\n  - p < 1", 6, "`guard.rules[1]`: 'p < 1' has < or >."),
        ("guard: {check: plausible}", 3, "`guard.check`: 'plausible' names no function."),
        ("guard: {check: ../x.py:f}", 3, "names no function"),
        ("guard: {action: resque}", 3, "Did you mean `rescue`?"),
        ("fallback_rules:\n- value: 1", 4, "`fallback_rules[0].when` is missing."),
        ("fallback_rules:\n- {when: [], value: 1}", 4, "Write at least one item."),
        ("fallback_rules:\n- when:\n  - distance\n  value: 1", 5, "'distance' is no condition."),
        ("fallback_version: 3", 3, "3 is no version. Write `previous`"),
        ("keep: 0\nfallback_version: previous", 4, "there is no previous version to ask"),
    ],
)
def test_a_mistake_is_named_with_its_line(extra: str, line: int, words: str):
    with pytest.raises(errors.SpecError) as raised:
        file.load(MINIMUM + extra)
    assert (raised.value.where, words in str(raised.value)) == (f"tidegate.yaml:{line}", True), str(raised.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [("q >= 0", "It has p(late), grade."), ("grade >= 0", "is string, not a number"), ("other in [a]", "does not have")],
)
def test_a_rule_about_an_output_that_is_not_there_is_refused(text: str, words: str):
    with pytest.raises(errors.RuleInvalid) as raised:
        guards.fit(handling.Terms(rules=(guards.parse(text),)), BUNDLE)
    assert words in str(raised.value)


def test_what_fits_the_signature_passes():
    rules = tuple(map(guards.parse, ("finite", "`p(late)` >= 0", "grade in [a, b]")))
    guards.fit(handling.Terms(rules=rules, check="checks:plausible"), BUNDLE)
    with pytest.raises(errors.RuleInvalid, match="other:plausible is not in this bundle"):
        guards.fit(handling.Terms(check="other:plausible"), BUNDLE)
    conditions.fit((tables.Fallback("1", (conditions.parse("carrier == AA"),)),), SIGNATURE)
    with pytest.raises(errors.RuleInvalid, match="It takes distance, carrier"):
        conditions.fit((tables.Fallback("1", (conditions.parse("origin == JFK"),)),), SIGNATURE)
