"""The block `log`: what it comes to, and what is refused with a cure."""

import pytest

from tidegate.core.spec import file, logged, settings
from tidegate.core.vocabulary import errors, keeping, manifests

MINIMUM = "endpoint: flight-delay\nmodel: mlflow://flight-delay@candidate\n"


def resolved(block: str, more: str = "") -> settings.Settings:
    return file.resolve(file.load(f"{MINIMUM}log: {block}\n{more}"))


def test_everything_arrives_where_it_belongs():
    found = resolved(
        "{inputs: sample 10%, columns: {income: 5%}, redact: [ssn], encrypt: [name], key: {env: LOG_KEY}, retention: 90d}"
    )
    told = keeping.Keeping(0.1, (("income", 0.05),), ("ssn",), ("name",), "env:LOG_KEY", 90 * 86_400.0)
    assert (found.inputs, found.log) == ("all", told)
    assert found.terms.discreet
    shown = {key: value for key, value, _ in file.explain(found) if key.startswith("log.")}
    assert shown["log.inputs"] == "sample 10%"
    assert (shown["log.columns"], shown["log.redact"], shown["log.key"]) == ("income 5%", "ssn", "env:LOG_KEY")
    assert shown["log.retention"] == "90d"


def test_defaults_keep_everything_for_good():
    found = resolved("{}")
    assert (found.inputs, found.log, found.terms.discreet) == ("all", keeping.ALL, False)
    assert resolved("{inputs: none}").inputs == "none"
    assert resolved("{retention: 2555d}").log.retention_seconds == 2_555 * 86_400.0


@pytest.mark.parametrize(
    ("block", "more", "said"),
    [
        ("{inputs: some}", "", "no amount of inputs"),
        ("{inputs: sample 100%}", "", "no sample"),
        ("{inputs: sample 0%}", "", "no sample"),
        ("{inputs: none, redact: [ssn]}", "", "nothing to sample, redact or encrypt"),
        ("{redact: [ssn, ssn]}", "", "there twice"),
        ("{redact: [ssn], encrypt: [ssn], key: {env: K}}", "", "nothing of it is left to encrypt"),
        ("{redact: [ssn], columns: {ssn: 10%}}", "", "kept of no prediction"),
        ("{encrypt: [ssn]}", "", "nothing says where the key is"),
        ("{key: {env: K}}", "", "nothing to encrypt"),
        ("{encrypt: [ssn], key: {env: K, file: k}}", "", "in one place"),
        ('{encrypt: [ssn], key: "ab11"}', "", "never the secret itself"),
        ("{retention: 5m}", "", "whole days"),
        ("{retention: 2d}", "outcomes: {within: 7d}", "gone before they count as labelled"),
        ("{redact: [region]}", "slices: [region]", "values stand in sums"),
        ("{encrypt: [region], key: {env: K}}", "slices: [region]", "values stand in sums"),
        ("{redact: [ssn]}", "release: {sticky: {field: ssn}}", "hash of what is redacted"),
        ("{redact: [ssn]}", "outcomes: {key: ssn, lookback: 1d}", "has hashes of it"),
    ],
)
def test_what_does_not_go_together_is_refused_with_a_cure(block: str, more: str, said: str):
    with pytest.raises(errors.SpecInvalid) as caught:
        resolved(block, more)
    assert said in str(caught.value)
    assert caught.value.cure
    assert caught.value.where.startswith("tidegate.yaml:")


def test_a_column_that_no_model_takes_is_a_slip_that_lets_another_through():
    signature = manifests.Signature("columns", (manifests.Column("ssn", "string"),), (manifests.Column("score", "double"),))
    logged.fit(keeping.Keeping(redact=("ssn",)), signature)
    for told in (keeping.Keeping(redact=("snn",)), keeping.Keeping(encrypt=("snn",)), keeping.Keeping(columns=(("snn", 0.1),))):
        with pytest.raises(errors.SpecInvalid, match="does not take") as caught:
            logged.fit(told, signature)
        assert caught.value.cure == "Did you mean `ssn`?"
