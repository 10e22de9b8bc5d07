"""The keys of every strategy and what surrounds a release: what they come to, and what is said about mistakes in them."""

import pytest

from tidegate.core.decide import strategies
from tidegate.core.spec import file, reference, settings
from tidegate.core.vocabulary import assignment, dependencies, errors, recipients, releases

MINIMUM = "endpoint: e\nmodel: m\n"
LABELS = "outcomes: {within: 1h}\n"
PAGER = recipients.Recipient("env:PAGER", "critical", ("drift", "release"))


def resolved(extra: str) -> settings.Settings:
    return file.resolve(file.load(MINIMUM + extra))


@pytest.mark.parametrize("name", strategies.STRATEGIES)
def test_a_strategy_by_its_name_alone_is_the_vocabularys(name: str):
    more = LABELS + "release: {strategy: ab, ab: {metric: right}}" if name == "ab" else f"release: {{strategy: {name}}}"
    found = resolved(more)
    assert (found.strategy, found.stages) == (name, strategies.STRATEGIES[name](strategies.Plan()))
    assert found.returns == (name == "shadow")


def test_strategies_in_turn_are_one_list_of_stages_and_each_step_keeps_its_own_times():
    found = resolved("release: {strategy: [shadow, canary, full], steps: [5%, {traffic: 25%, for: 1h}], cohort: {header: x-in}}")
    assert found.strategy == "shadow -> canary -> full"
    assert [(one.name, one.min_seconds) for one in found.stages] == [
        ("shadow 10%", 300.0),
        ("cohort", 60.0),
        ("5%", 60.0),
        ("25%", 3_600.0),
    ]


def test_a_switch_after_a_canary_asks_nothing_of_its_own():
    found = resolved("release: {strategy: [canary, blue-green], steps: [5%], blue_green: {switch: [50%]}}")
    assert [(one.name, one.watch) for one in found.stages] == [
        ("5%", releases.Watch.COMPARISON),
        ("50%", releases.Watch.COMPARISON),
        ("bake", releases.Watch.LEVEL),
    ]


def test_the_block_of_each_strategy_arrives():
    shadow = resolved("release: {strategy: shadow, shadow: {mirror: 5%, for: 1h, pairs: 9, tolerance: 2%, within: 0.5}}")
    made = shadow.stages[0]
    assert (made.mirror, made.min_seconds, made.max_seconds, made.min_requests) == (500, 3_600.0, 3_600.0, 9)
    assert (shadow.policy.disagreement, shadow.pairing.tolerance) == (0.02, 0.5)
    rolled = resolved("replicas: 4\nrelease: {strategy: rolling, rolling: {surge: 0, unavailable: 2, for: 1s}}")
    assert rolled.stages[0].replicas == releases.Places(2, 2, 2)
    green = resolved("release: {strategy: blue-green, blue_green: {smoke: 3, switch: [10%, 50%], bake: 1m}, for: 5s}")
    assert [(one.weight, one.min_seconds) for one in green.stages] == [(0, 0.0), (1_000, 5.0), (5_000, 5.0), (10_000, 60.0)]
    test = resolved("release: {strategy: ab, ab: {split: 60/40, metric: revenue, better: lower, difference: 1%, units: 7}}")
    assert (test.stages[0].weight, test.stages[0].min_requests) == (4_000, 7)
    assert (test.policy.metric, test.policy.higher_is_better, test.policy.difference) == ("revenue", False, 0.01)
    assert test.sticky == assignment.Sticky("cookie", "tidegate")
    assert (test.policy.limits, test.policy.covariate, test.policy.guards) == (None, "", ())
    more = "range: [-1, 2.5], covariate: last_month, guards: [refunds <= stable + 1%, basket >= stable - 0.5]"
    kept = resolved(f"release: {{strategy: ab, ab: {{metric: revenue, {more}}}}}").policy
    assert (kept.limits, kept.covariate) == ((-1.0, 2.5), "last_month")
    assert [one.text for one in kept.guards] == ["refunds <= stable + 1%", "basket >= stable - 0.5"]
    shown = {
        key: value for key, value, _ in file.explain(resolved(f"release: {{strategy: ab, ab: {{metric: revenue, {more}}}}}"))
    }
    told = "revenue, higher is better, from -1 to 2.5, adjusted by last_month, guard refunds <= stable + 1%"
    assert shown["release.ab"] == f"{told}, guard basket >= stable - 0.5"


def test_units_and_cohorts():
    found = resolved("release: {sticky: {header: X-User}, cohort: {keys: [ann, 7]}}")
    assert found.sticky == assignment.Sticky("header", "x-user")
    assert found.cohort is not None
    assert found.cohort.keys == (assignment.hashed(b"ann"), assignment.hashed(b"7"))
    assert b"ann" not in settings.encode(found)
    assert [one.must_prove for one in found.stages] == [False] * 5
    assert all(one.cohort for one in found.stages)
    some = resolved('release: {cohort: {header: "X-Internal: yes"}}').cohort
    assert some == assignment.Cohort("x-internal", ("yes",), said="header x-internal: yes")
    assert resolved("release: {sticky: {field: id}, cohort: {keys: 5%}}").cohort == assignment.Cohort(
        share=500, said="5% of all keys"
    )
    listed = file.load(MINIMUM + "release: {sticky: {field: id}, cohort: {file: who.txt}}")
    cohort = file.resolve(listed, ["ann"]).cohort
    assert cohort is not None
    assert cohort.keys == (assignment.hashed(b"ann"),)
    with pytest.raises(errors.SpecInvalid, match="lists nobody"):
        file.resolve(listed)


def test_probation_by_default_and_by_each_watch():
    plain = resolved("")
    assert (plain.probation, plain.probation_seconds, plain.keep) == (strategies.holdback(), 604_800.0, 2)
    assert resolved("release: {probation: }") == plain
    assert resolved("release: {probation: 2h}").probation_seconds == 7_200.0
    assert resolved("release: {probation: {watch: none}}").probation is None
    assert resolved("release: {probation: {watch: level}}").probation == strategies.level()
    assert resolved("release: {probation: {watch: reverse-shadow, share: 5%}}").probation == strategies.reverse_shadow(500)
    counted = resolved(LABELS + "release: {probation: {for: 1d, outcomes: 1000, share: 2%}}")
    assert (counted.probation, counted.probation_outcomes) == (strategies.holdback(200), 1_000)
    alone = resolved("release: {strategy: recreate}")
    assert (alone.keep, alone.probation and alone.probation.watch) == (0, releases.Watch.LEVEL)


def test_what_bounds_a_release_and_who_agrees_to_it():
    found = resolved(
        "release:\n  harm_budget: 200 requests\n  guard_breaks: 0\n  memory: 2\n  on_alarm: pause\n  retrain: true\n"
        "  approve: {by: [ana, ben], count: 2, not: nobody, within: 1d}\n"
    )
    policy = found.policy
    assert (policy.harm_budget, policy.guard_breaks, policy.memory, policy.on_alarm, policy.retrain) == (
        200,
        0,
        2.0,
        "pause",
        True,
    )
    assert found.approval == releases.Approval(("ana", "ben"), 2, False, 86_400.0)
    assert resolved("release: {harm_budget: 7, approve: {}}").approval == releases.Approval()
    assert resolved("release: {approve: }").approval is None


def test_what_lies_outside_the_bundle():
    found = resolved(
        """
requires: [{service: "https://a.example/up"}, {table: customers@v3, url: {env: SHOP}, query: SELECT 3},
  {table: t, url: {file: x}}]
migrations: [{name: drop-x, kind: contract}]
group: shop
notify: [{env: SLACK_URL}, {file: who.txt}, {env: PAGER, from: critical, about: [drift, release]}]
slices: [region]
rehearse: 7d
api: 2
downtime: never
"""
    )
    assert found.requires == (
        dependencies.Requirement("service", "https://a.example/up"),
        dependencies.Requirement("table", "customers", "v3", "env:SHOP", "SELECT 3"),
        dependencies.Requirement("table", "t", "", "file:x"),
    )
    assert found.migrations == (dependencies.Migration("drop-x", "contract"),)
    assert (found.endpoint, found.group, found.notify) == ("e-v2", "shop", ("env:SLACK_URL", "file:who.txt", PAGER))
    assert (found.slices, found.rehearse_seconds, found.downtime) == (("region",), 604_800.0, "never")


@pytest.mark.parametrize(
    ("extra", "line", "words"),
    [
        ("release:\n  strategy: cannary", 4, "Did you mean `canary`?"),
        ("release:\n  strategy: []", 4, "no strategy in the list"),
        ("release:\n  strategy: [canary, recreate]", 4, "recreate cannot follow canary"),
        ("release:\n  strategy: [full, canary]", 4, "canary cannot follow full"),
        ("release:\n  strategy: [canary, shadow]", 4, "Stages have to go up."),
        ("release:\n  strategy: [shadow, shadow]", 4, "shadow cannot follow shadow"),
        ("release:\n  shadow: {mirror: 5%}", 4, "this is of the strategy shadow"),
        ("release:\n  strategy: full\n  steps: [5%]", 5, "these are a canary's"),
        ("release:\n  strategy: shadow\n  shadow: {mirror: 0.001%}", 5, "finer than traffic can be split"),
        ("release:\n  strategy: shadow\n  shadow: {for: 2h, at_most: 1h}", 5, "`at_most` is less than `for`"),
        ("release:\n  strategy: rolling\n  rolling: {surge: 0}", 5, "cannot be rolled"),
        ("release:\n  strategy: rolling\n  rolling: {surge: 0, unavailable: 1}", 5, "one replica needs a surge of 1"),
        ("release:\n  strategy: blue-green\n  blue_green: {switch: [50%, 10%]}", 5, "Stages have to go up."),
        ("release:\n  strategy: ab", 3, "a test without a metric decides nothing"),
        ("release:\n  strategy: ab\n  ab: {metric: right}", 5, "never known without outcomes"),
        (
            "release:\n  strategy: ab\n  ab: {metric: x, split: 60/50}",
            5,
            'comes to 110, not to 100. Write stable/candidate, such as "50/50"',
        ),
        ("release:\n  strategy: ab\n  ab: {metric: x, split: 100/0}", 5, "one of the two groups would be empty"),
        ("release:\n  strategy: ab\n  ab: {metric: x, horizon: 1h}", 5, "`horizon` is less than `for`"),
        ("release:\n  strategy: ab\n  ab: {metric: x, range: [1, 0]}", 5, "[1, 0] is no range"),
        ("release:\n  strategy: ab\n  ab: {metric: x, range: [0, .inf]}", 5, "is no range"),
        (
            "release:\n  strategy: ab\n  ab: {metric: x, range: [0, 1], difference: 1}",
            5,
            "Let `difference` be less than the range is wide.",
        ),
        ("release:\n  strategy: ab\n  ab: {metric: x, range: 1}", 5, "is no range. Write the least and the most"),
        (LABELS + "release:\n  strategy: ab\n  ab: {metric: right, range: [0, 1]}", 6, "Take `range` away"),
        (LABELS + "release:\n  strategy: ab\n  ab: {metric: right, covariate: x}", 6, "only posted metrics are adjusted"),
        ("release:\n  strategy: ab\n  ab: {metric: x, covariate: x}", 5, "cannot be its own past"),
        ("release:\n  strategy: ab\n  ab: {metric: x, guards: [x >= stable - 1%]}", 5, "it cannot guard as well"),
        ("release:\n  strategy: ab\n  ab: {metric: x, covariate: y, guards: [y >= stable - 1%]}", 5, "time before the test"),
        ("release:\n  strategy: ab\n  ab: {metric: x, guards: [y >= stable - 1%, y <= stable + 1]}", 5, "two guards on y"),
        ("release:\n  strategy: ab\n  ab: {metric: x, guards: [right >= stable - 1%]}", 5, "never known without outcomes"),
        ("release:\n  sticky: {}", 4, "a unit goes by one thing"),
        ("release:\n  sticky: {header: a, cookie: b}", 4, "a unit goes by one thing"),
        ("release:\n  sticky: {header: a b}", 4, "cannot be the name of a header"),
        ("release:\n  sticky: {header: a}\n  prove_last: true", 5, "cannot prove yet"),
        ("release:\n  cohort: {keys: [a]}", 4, "Add `sticky: {header: x-user}`."),
        ("release:\n  cohort: {keys: 5%}", 4, "keys are those that requests stick by"),
        ("release:\n  cohort: {}", 4, "nobody belongs to it"),
        ("release:\n  strategy: shadow\n  cohort: {header: a}", 5, "nobody goes first in shadow"),
        ('release:\n  cohort: {header: "a b"}', 4, "is no header"),
        ("release:\n  probation: {outcomes: 5}", 4, "never counted without `outcomes.within`"),
        ("release:\n  probation: {watch: level, share: 5%}", 4, "has no share"),
        ("release:\n  probation: {share: 0%}", 4, "compares nothing"),
        ("release:\n  strategy: recreate\n  probation: {watch: holdback}", 5, "no version before for a holdback"),
        ("release:\n  approve: {by: [a], count: 2}", 4, "2 have to agree, and 1 may."),
        ("release:\n  harm_budget: lots", 4, "is no number of requests"),
        ("downtime: never\nrelease: {strategy: recreate}", 3, "recreate leaves the endpoint without a worker"),
        ("keep: 1\nrelease: {strategy: recreate}", 3, "Write `keep: 0`"),
        ("group: g\nrelease: {strategy: full}", 3, "full cannot wait for the others of a group"),
        ("group: g\nrelease: {strategy: recreate}", 3, "recreate cannot wait for the others of a group"),
        ("requires:\n- {table: t}", 4, "nothing says where the table is"),
        ("requires:\n- {service: 'https://a', table: t}", 4, "has to name one thing"),
        ("requires:\n- service: ftp://a", 4, "is no service"),
        ("requires:\n- {table: t, url: 'postgresql://u:p@h/d'}", 4, "says where a secret is"),
        ("notify:\n- slack://token", 4, "Write {env: NAME_OF_A_VARIABLE} or {file: PATH}"),
        ("notify:\n- {}", 4, "a secret is in one place"),
        ("migrations: [{name: a, kind: expand}, {name: a, kind: contract}]", 3, "two migrations a"),
        ("migrations: [{name: a, kind: drop}]", 3, "It is one of expand, contract."),
        ("group: g\nrelease: {strategy: shadow}", 3, "shadow cannot wait for the others of a group"),
        ("rehearse: 1d\nrelease: {strategy: recreate}", 3, "a rehearsal has two versions up at once"),
        ("slices: [region, region]", 3, "region is there twice"),
        ("slices: [a=b]", 3, "a=b could not be told from its values"),
        ("release:\n  steps: [5%, 100%, 100%]", 4, "nobody is left to compare with in 100%"),
        ("release:\n  strategy: blue-green\n  blue_green: {switch: [100%]}", 5, "nobody is left to compare with in 100%"),
        ("release:\n  strategy: shadow\n  for: 1h", 5, "Write `shadow: {for: ...}` instead."),
        ("release:\n  strategy: blue-green\n  requests: 9", 5, "Take it away."),
        ("release:\n  strategy: rolling\n  prove_last: true", 5, "Take it away."),
        ("release:\n  strategy: shadow\n  harm_budget: 9", 5, "nothing is held to it in shadow"),
        ("release:\n  strategy: full\n  promote_if: ['errors <= stable + 1%']", 5, "nothing is held to it in full"),
        ("release:\n  alpha: 0%", 4, "decides nothing"),
        ("release:\n  alpha: 80%", 4, "decides nothing"),
        ("rehearse: 5s", 3, "Let ten minutes be between two"),
        ("release:\n  memory: 1", 4, "Write a number above 1"),
        ("release:\n  approve: {by: ['']}", 4, "is nobody's name"),
        ("release:\n  sticky: {header: u}\n  cohort: {keys: [012]}", 5, 'Write "012" where it is a word, or 12.'),
        ("release:\n  strategy: ab\n  ab: {metric: Right}", 5, "cannot be a metric"),
        ("api: 0", 3, "greater than or equal to 1"),
    ],
)
def test_a_mistake_is_named_with_its_line_and_its_cure(extra: str, line: int, words: str):
    with pytest.raises(errors.SpecInvalid) as raised:
        file.load(MINIMUM + extra)
    assert words in str(raised.value)
    assert raised.value.where == f"tidegate.yaml:{line}", str(raised.value)
    assert raised.value.cure


SECRETS = [
    "notify: ['slack://tokenA/tokenB']",
    "notify: slack://tokenA",
    "notify: [{env: 'https://hooks/tokenA'}]",
    "requires: [{service: 'https://u:tokenA@host'}]",
    "training: s3://key:tokenA@bucket/train.parquet",
    "training: 's3://[tokenA/train.parquet'",
]


@pytest.mark.parametrize("text", SECRETS)
def test_a_secret_in_the_file_is_not_repeated_by_the_error(text):
    with pytest.raises(errors.SpecInvalid) as raised:
        file.load(MINIMUM + text)
    assert "tokenA" not in str(raised.value)


def test_a_block_in_the_place_of_a_strategys_name_is_refused_as_one():
    with pytest.raises(errors.SpecInvalid, match="Did you mean `canary`"):
        file.load(MINIMUM + "release: {strategy: {canary: {}}}")


def test_another_strategy_passes_over_blocks_of_those_it_does_not_name():
    read = file.load(MINIMUM + "downtime: never\nrelease: {strategy: [shadow, canary], shadow: {mirror: 5%}, for: 5s}")
    found = file.resolve(file.by(read, "shadow, canary"))
    assert [one.name for one in found.stages] == ["shadow 5%", "1%", "5%", "25%", "50%"]
    assert found.stages[1].min_seconds == 5.0
    assert file.resolve(file.by(read, "full")).stages == ()
    for wrong in ("recreate", "canary,canary", "blue", "ab"):
        with pytest.raises(errors.SpecInvalid) as raised:
            file.by(read, wrong)
        assert raised.value.where == "--strategy"


@pytest.mark.parametrize(
    ("extra", "judged", "shown"),
    [
        ("", ("region", "plan"), "region, plan"),
        ("release: {sticky: {header: u}}", (), "region, plan: of mirrored answers only, since units are sticky"),
        ("release: {strategy: ab, ab: {metric: x}}", (), "region, plan: of mirrored answers only, since units are sticky"),
        ("log: {inputs: none}", ("region", "plan"), "region, plan: never known without log.inputs"),
    ],
)
def test_slices_are_judged_unless_units_are_sticky_and_plan_says_so(extra: str, judged: tuple[str, ...], shown: str):
    found = resolved(f"slices: [region, plan]\n{extra}")
    assert (found.slices, found.policy.slices) == (("region", "plan"), judged)
    assert {key: value for key, value, _ in file.explain(found)}["slices"] == shown


def test_plan_shows_each_key_of_the_page():
    shown = {key for key, _, _ in file.explain(resolved(""))}
    told = [line.split("`")[1] for line in reference.table().splitlines()[2:]]
    paced = {"release.for", "release.at_most", "release.requests", "release.prove_last"}
    missing = [key for key in told if key not in paced and not any(one == key or one.startswith(f"{key}.") for one in shown)]
    inner = ("[]", "release.shadow.", "release.rolling.", "release.blue_green.", "release.ab.", "release.sticky.")
    inner += ("log.key.", "release.cohort.", "release.approve.", "release.probation.", "outcomes.url.")
    assert [key for key in missing if not any(part in key for part in inner)] == []
    given = {key: source for key, _, source in file.explain(resolved("release: {probation: {for: 1d}}\nkeep: 1"))}
    assert (given["release.probation"], given["keep"], given["release.memory"]) == ("file", "file", "default")


def test_what_sticky_units_are_not_held_to_is_said():
    told = {key: value for key, value, _ in file.explain(resolved("release: {sticky: {header: x-user}}"))}
    assert told["release.promote_if"].endswith("p90 <= stable + 30%: never proven, since units are sticky")
    assert told["release.shift"] == "10% of predictions: not watched, since units are sticky"


def test_a_wide_range_is_written_out():
    test = "release: {strategy: ab, ab: {metric: revenue, range: [-500, 1250000]}}"
    told = {key: value for key, value, _ in file.explain(resolved(test))}
    assert told["release.ab"] == "revenue, higher is better, from -500 to 1,250,000"
