"""tidegate.yaml: what it resolves to, and what is said about mistakes in it."""

import re

import jsonschema
import msgspec
import pytest
import yaml

from tidegate.core.spec import file, protection, settings
from tidegate.core.vocabulary import errors, manifests, monitoring, releases

MINIMUM = "endpoint: flight-delay\nmodel: mlflow://flight-delay@candidate\n"


def resolved(text: str) -> settings.Settings:
    return file.resolve(file.load(text))


def test_two_lines_are_enough_and_everything_else_is_the_vocabularys_default():
    found = resolved(MINIMUM)
    assert (found.endpoint, found.model, found.environment) == ("flight-delay", "mlflow://flight-delay@candidate", "production")
    assert [stage.weight for stage in found.stages] == [100, 500, 2_500, 5_000]
    assert [stage.must_prove for stage in found.stages] == [False, False, False, True]
    assert found.policy == releases.Policy()
    assert found.limits == settings.Settings("e", "m").limits
    assert found.given == ("endpoint", "model")


def test_what_is_watched_is_said_in_days_and_shares():
    told = "{window: 7d, season: day, rows: 500, limit: 2%, holidays: [12-25, 2026-07-03]}"
    found = resolved(f"{MINIMUM}monitors: {{drift: {told}, quality: {{window: 6h}}}}\n").monitors
    assert found.drift == monitoring.Drift("notify", 604_800.0, "day", 500, 0.02, ("12-25", "2026-07-03"))
    assert found.quality == monitoring.Quality("notify", 21_600.0)


def test_every_key_arrives_where_it_belongs():
    found = resolved(
        MINIMUM
        + """
trust: pickle
environment: staging
replicas: 3
release:
  steps: [{traffic: 5%, for: 30s, at_most: 5m, requests: 50}, 0.5, 100%]
  for: 10s
  at_most: 2m
  requests: 20
  prove_last: false
  unsure: promote
  alpha: 0.5%
  promote_if: ["errors <= stable + 0.5%", "wrong <= stable + 3%"]
  probation: 2h
outcomes: {kind: number, threshold: 0.7, tolerance: 1.5, within: 7d}
limits: {timeout: 500ms, queue: 7, body: 1MiB, batch: 8}
fallback: {delayed: null, why: [1, 2.5]}
log: {inputs: none, durability: ack}
pin: allow
keep: 2
load_within: 5m
"""
    )
    first, second = found.stages
    assert (first.name, first.weight, first.min_seconds, first.max_seconds, first.min_requests) == ("5%", 500, 30.0, 300.0, 50)
    assert (second.weight, second.min_seconds, second.max_seconds, second.min_requests, second.must_prove) == (
        5_000,
        10,
        120,
        20,
        False,
    )
    assert found.policy == releases.Policy(
        alpha=0.005,
        error_margin=0.005,
        label_margin=0.03,
        label_age=604_800.0,
        on_unsure="promote",
        loss="number",
    )
    assert (found.limits.timeout_ms, found.limits.queue, found.limits.body, found.limits.batch) == (500, 7, 1 << 20, 8)
    assert (found.outcomes.kind, found.outcomes.threshold, found.outcomes.tolerance) == ("number", 0.7, 1.5)
    assert found.fallback == '{"delayed":null,"why":[1,2.5]}'
    assert (found.trust, found.environment, found.replicas, found.keep, found.pin) == ("pickle", "staging", 3, 2, "allow")
    assert (found.inputs, found.durability, found.load_seconds, found.probation_seconds) == ("none", "ack", 300.0, 7_200.0)


def test_a_full_release_has_no_stages():
    assert resolved(MINIMUM + "release: {strategy: full}").stages == ()


def test_an_empty_block_is_the_same_as_none():
    assert resolved(MINIMUM + "release:\nlimits:\n") == resolved(MINIMUM)


def test_a_longer_least_time_moves_the_time_limit_that_nobody_gave():
    found = resolved(MINIMUM + "release: {for: 30m}")
    assert {(stage.min_seconds, stage.max_seconds) for stage in found.stages} == {(1_800.0, 1_800.0)}


@pytest.mark.parametrize(
    ("extra", "line", "words"),
    [
        ("relese: {}", 3, "there is no key `relese`. Did you mean `release`?"),
        ("on: push", 3, "there is no key `on`. Keys here: endpoint, model"),
        ("release:\n  unsure: paus", 4, "`release.unsure` cannot be 'paus'. Did you mean `pause`?"),
        ("release:\n  unsure: wait", 4, "It is one of pause, extend, rollback, promote."),
        ("endpoint: other", 3, "`endpoint` is there twice, first on line 1."),
        ("replicas: two", 3, "`replicas` cannot be 'two'. Write a whole number."),
        ("replicas: true", 3, "Write a whole number."),
        ("replicas: 0", 3, "Write a number greater than or equal to 1."),
        ("replicas:", 3, "`replicas` cannot be empty."),
        ("release: 5%", 3, "Write a block of keys"),
        ("release:\n  for: 30", 4, "`release.for`: 30 is not a duration. Write a number and a unit"),
        ("release:\n  steps: 5%", 4, "Write a list: [ONE, ANOTHER]"),
        ("release:\n  steps: []", 4, "Write at least one item."),
        ('slices: [""]', 3, "Write at least one letter."),
        ("release: {times_from: 2m}", 3, "they are counted up to 100 s. Write 10ms, or at most 60s."),
        ("slices: [5]", 3, "Write text, in quotes where it looks like a number."),
        ("release:\n  steps:\n  - 5%\n  - traffic: 25", 6, "`release.steps[1].traffic`: 25 is not a share."),
        ("release:\n  steps:\n  - 5%\n  - trafic: 25%", 6, "(1 more after this one.)"),
        ("release:\n  steps: [25%, 5%]", 4, "a stage of 5% follows one of 25%. Stages have to go up."),
        ("release:\n  steps: [0.001%]", 4, "finer than traffic can be split"),
        ("release:\n  steps: [100%]", 4, "compares nothing"),
        ("release:\n  steps: [5%, {traffic: 100%, for: 1h}]", 4, "`probation` is the watch after it"),
        ("release:\n  steps: [{traffic: 5%, for: 1h, at_most: 1m}]", 4, "ends before its least time"),
        ("release:\n  for: 1h\n  at_most: 1m", 3, "`at_most` is less than `for`"),
        ("fallback: 012", 3, 'Write "012" where it is a word, or 12.'),
        ("limits: {timeout: 0}", 3, "Write 1ms to 1h."),
        ("limits: {body: lots}", 3, "`limits.body`: 'lots' is not a size."),
        ("outcomes:\n  tolerance: -1", 4, "greater than or equal to 0"),
        ("outcomes: {key: customer}", 3, "Add `lookback: 7d`"),
        ("outcomes:\n  lookback: 7d", 4, "Name an input column"),
        ("outcomes: {lookback: 7d, key: a}\nlog: {inputs: none}", 3, "inputs are not logged"),
        ("outcomes: {watermark: at}", 3, "no table to ask without a query"),
        ("outcomes: {query: select 1, url: sqlite:///x}", 3, "never the secret itself"),
        ("outcomes: {query: select 1, every: 10ms}", 3, "Let `every` be 1s or more"),
        ("monitors: {performance: {drop: 0%}}", 3, "a drop is a share of all answers"),
        ("monitors: {drift: {window: 5h}}", 3, "profiles are kept by the hour"),
        ("monitors: {quality: {window: 90m}}", 3, "profiles are kept by the hour"),
        ("monitors: {drift: {rows: 100}}", 3, "fewer than 200 rows say nothing"),
        ("monitors: {drift: {limit: 0%}}", 3, "a limit of drift is a share"),
        ("monitors: {drift: {lasting: 100%}}", 3, "what lasts is a share of all rows"),
        ("monitors: {drift: {holidays: [Christmas]}}", 3, "`Christmas` is no day"),
        ("fallback: .NaN\nkeep: 1e999", 4, "cannot be used here"),
        ("trust: everything", 3, "It is one of pickle."),
        ("x: &a [*a]", 3, "nested too deeply"),
        ("x: !!python/object:os.system {}", 3, "there is no key `x`"),
        ("? [a]\n: b", 3, "a key has to be a word."),
    ],
)
def test_a_mistake_is_named_with_its_line_and_its_cure(extra: str, line: int, words: str):
    with pytest.raises(errors.SpecInvalid) as raised:
        file.load(MINIMUM + extra)
    assert raised.value.where == f"tidegate.yaml:{line}"
    assert words in str(raised.value)
    assert raised.value.cure


def test_an_address_of_training_data_with_a_secret_in_it_is_refused_without_being_repeated():
    for address in ("s3://AKIA:hush@bucket/train.parquet", "s3://bucket/a.csv?region=eu-west-1&secret_key=hush"):
        with pytest.raises(errors.SpecInvalid, match="the address of training data says a secret") as raised:
            file.load(f"{MINIMUM}training: {address}")
        assert "hush" not in f"{raised.value} {raised.value.cure} {raised.value.__cause__}"
    assert file.load(f"{MINIMUM}training: s3://bucket/a.csv?region=eu-west-1").training


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "x.yaml:1: the file is empty. Write `endpoint: NAME` and `model: SOURCE`, a line each."),
        ("- a", "x.yaml:1: the file is not a list of keys."),
        ("endpoint: a", "x.yaml:1: `model` is missing. Add `model: ...`."),
        ("endpoint: Flight Delay\nmodel: m", "x.yaml:1: `endpoint`: 'Flight Delay' cannot be a name."),
        ("endpoint: a\nmodel: s3://bucket/m", "x.yaml:2: `model`: 's3://bucket/m' is no model."),
        ("endpoint: a\n\tmodel: b", "x.yaml:2: this is not YAML"),
        ("endpoint: 'a", "x.yaml:1: this is not YAML"),
        ("a: 1\n---\nb: 2", "x.yaml:2: this is not YAML"),
        ("endpoint: a\x00", "x.yaml:1: this is not YAML"),
    ],
)
def test_a_file_that_says_too_little_is_told_what_to_write(text: str, words: str):
    with pytest.raises(errors.SpecInvalid) as raised:
        file.load(text, "x.yaml")
    assert str(raised.value).startswith(words)


@pytest.mark.parametrize(
    ("rule", "line", "words"),
    [
        ("p99 <= 120ms", 6, "is not supported in promote_if"),
        ("p42 <= stable + 30%", 6, 'nothing here measures "p42"'),
        ("p99 <= stable + 5%", 6, "times are counted in steps of 30 %"),
        ("wrong <= 1 x stable", 6, "is not supported in promote_if"),
        ("wrong <= 200 x stable", 6, 'Write a margin such as "wrong <= 1.5 x stable".'),
        ("p50 <= stable + 1100%", 6, 'Write "p50 <= stable + 30%", or more, up to 1000%.'),
        ("errors < stable + 1%", 6, "is not supported in promote_if"),
        ("errors <= champion + 1%", 6, "is not supported in promote_if"),
        ("errors <= stable + 10ms", 6, "is not supported in promote_if"),
        ("errors <= stable", 6, "is not supported in promote_if"),
        ("errors <= stable + 0%", 6, "can never be proven"),
        ("be nice", 6, "is not a rule"),
        ("errors <= stable + 3%", 4, "two rules on errors"),
        ("wrong <= stable + 1%", 4, "never known without outcomes"),
    ],
)
def test_a_rule_that_could_not_be_held_to_is_refused_at_load(rule: str, line: int, words: str):
    text = MINIMUM + f"release:\n  promote_if:\n  - errors <= stable + 1%\n  - '{rule}'\n"
    with pytest.raises(errors.RuleInvalid) as raised:
        file.load(text)
    assert (raised.value.where, words in str(raised.value)) == (f"tidegate.yaml:{line}", True), str(raised.value)


def test_yaml_words_that_other_readers_twist_stay_words():
    found = resolved("endpoint: on\nmodel: no\nfallback: [2013-01-01, yes, 12, 1:30]\n")
    assert (found.endpoint, found.model, found.fallback) == ("on", "no", '["2013-01-01","yes",12,"1:30"]')


def test_plan_shows_every_key_and_where_it_comes_from():
    rows = {
        key: (value, source)
        for key, value, source in file.explain(resolved(MINIMUM + "limits: {timeout: 1500ms}\nrelease: {for: 5s}"))
    }
    assert rows["limits.timeout"] == ("1s500ms", "file")
    assert rows["limits.body"] == ("4MiB", "default")
    assert rows["release.steps"][1] == "file"
    assert rows["release.steps"][0].startswith("1% for 5s and 200 requests, at most 10m; ")
    assert rows["release.steps"][0].endswith("until proven; 100%")
    assert rows["fallback"] == ("none: 503", "default")


def test_settings_are_the_same_after_a_trip_through_json():
    found = resolved(MINIMUM)
    assert settings.decode(settings.encode(found)) == found
    assert settings.of(settings.plain(found)) == found
    for broken in (b"{", b"[]"):
        with pytest.raises(errors.SpecInvalid):
            settings.decode(broken)
    with pytest.raises(errors.SpecInvalid):
        settings.of({"endpoint": 5})


def test_the_file_that_init_writes_says_the_defaults_it_has():
    signature = manifests.Signature(
        "columns",
        (manifests.Column("dep_delay", "double"), manifests.Column("carrier\n", "string", required=False)),
        (manifests.Column("late", "double", shape=(-1, 2)),),
    )
    manifest = manifests.Manifest("m", "sklearn", "model", signature, (), profile=manifests.Profile(9, edges=(0.25, 0.5)))
    text = file.template("flight-delay", "mlflow://flight-delay@candidate", manifest)
    assert '#   dep_delay: double\n#   "carrier\\n": string, may be missing\n#   -> late: double [-1, 2]' in text
    assert resolved(text) == resolved(MINIMUM)
    bare = file.template("flight-delay", "mlflow://flight-delay@candidate")
    loud = resolved(re.sub(r"^# ( *[a-z_]+:)", r"\1", bare, flags=re.MULTILINE))
    assert set(loud.given) > {"release.steps", "outcomes.within", "keep", "fallback"}
    assert settings.plain(loud) | {"given": ()} == settings.plain(resolved(MINIMUM)) | {"given": ()}


@pytest.mark.parametrize(
    "release",
    [
        "{promote_if: [wrong <= stable + 1%]}",
        "{strategy: ab, ab: {metric: right}}",
        "{strategy: ab, ab: {metric: v, guards: [right >= stable - 1%]}}",
    ],
)
def test_numbers_are_right_or_wrong_by_a_tolerance_only(release: str):
    text = MINIMUM + f"release: {release}\noutcomes: {{kind: number, within: 1h, tolerance: 5}}\n"
    assert resolved(text).outcomes.tolerance == 5
    with pytest.raises(errors.TidegateError, match=r"never known of numbers by themselves.*tolerance: 5"):
        resolved(text.replace(", tolerance: 5", ""))


def test_init_says_that_quantities_are_measured_and_outcomes_without_that_are_refused():
    signature = manifests.Signature("columns", (), (manifests.Column("price", "double"),))
    manifest = manifests.Manifest("m", "sklearn", "model", signature, (), profile=manifests.Profile(9, edges=(12.5, 150.0)))
    text = file.template("flight-delay", "mlflow://flight-delay@candidate", manifest)
    assert resolved(text).outcomes.kind == "number"
    whole = text.replace("#   within: 0s ", "  within: 7d ")
    protection.fit(resolved(whole).outcomes, manifest)
    silent = resolved(whole.replace("  kind: number", "  # kind"))
    assert silent.outcomes.within_seconds > 0
    with pytest.raises(errors.RuleInvalid, match="kind: number"):
        protection.fit(silent.outcomes, manifest)
    scores = msgspec.structs.replace(manifest, profile=manifests.Profile(9, edges=(0.2, 0.9)))
    protection.fit(silent.outcomes, scores)


@pytest.mark.parametrize("model", ["models/a b#c.joblib", "12", "x: y", "./model.joblib", "file:///models/x.joblib", "a'\"b"])
def test_whatever_the_models_path_is_the_file_that_init_writes_keeps_it(model: str):
    found = resolved(file.template("e", model, trust="pickle"))
    assert (found.model, found.trust) == (model, "pickle")


def test_the_json_schema_takes_what_load_takes():
    schema = file.json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    good = yaml.safe_load(MINIMUM + "release: {steps: [5%, {traffic: 25%, for: 1h}, 0.5]}\nlimits:\nkeep: 2\nfallback: [1]")
    assert validator.is_valid(good)
    assert not validator.is_valid(good | {"relese": {}})
    assert not validator.is_valid(good | {"load_within": "soon"})
