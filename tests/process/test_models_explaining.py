"""Contributions add up to the answer, agree with shap's own explainers, and are told of the columns that were sent."""

import itertools
import json
import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
import shap
from sklearn import compose, ensemble, impute, linear_model, pipeline, preprocessing, svm

from tests.process import explaining_fixtures as given
from tidegate.core.vocabulary import errors, explanations, manifests
from tidegate.dataplane.models import bundles, signature
from tidegate.dataplane.models.explaining import coalitions, linear, questions, trees
from tidegate.dataplane.models.loaders import catalog
from tidegate.dataplane.wire import frames, samples

C, X, Y, NUMBERS = given.C, given.X, given.Y, given.NUMBERS
bundled, row = given.bundled, given.row


def ask(bundle: bundles.Bundle, row: Any, background: tuple[Any, ...] = (), seed: int = 1) -> questions.Answer:
    body = lambda given: samples.Sample(frames.Content.RECORDS, json.dumps({"records": [given]}).encode())  # noqa: E731
    one = questions.Question(body(row), 0, ("e", "v1", "id"), seed)
    asked = questions.Asked(str(bundle.folder.parent), bundle.manifest.digest, (one,), tuple(map(body, background)), seconds=2.0)
    return questions.answer(asked).answers[0]


def explained(bundle: bundles.Bundle, row: Any, **more: Any) -> explanations.Explained:
    answer = ask(bundle, row, **more)
    assert answer.explained is not None, answer.trouble
    assert abs(answer.explained.gap) < 1e-9 * (1 + abs(answer.explained.score)) or answer.explained.method == trees.METHOD
    assert abs(answer.explained.gap) < 1e-5
    return answer.explained


def by_name(found: explanations.Explained) -> dict[str, float]:
    return {one.name: one.contribution for one in found.contributions}


def test_a_linear_model_is_explained_by_its_coefficients_as_shaps_linear_explainer_does(tmp_path):
    model = linear_model.LinearRegression().fit(X, Y)
    found = explained(bundled(tmp_path, model), row())
    assert (found.method, found.exact, found.rows, found.subject) == (linear.METHOD, True, 50, "the answer")
    theirs = shap.LinearExplainer(model, X[:50]).shap_values(X[100:101])[0]
    assert np.allclose([by_name(found)[name] for name in "abcd"], theirs)


def test_a_probability_of_a_logistic_model_adds_up_to_the_probability_itself(tmp_path):
    model = linear_model.LogisticRegression().fit(X, Y > 0)
    options = {"method": "predict_proba", "positive": "1"}
    found = explained(bundled(tmp_path, model, options=options), row())
    assert (found.method, found.subject) == (linear.LOGISTIC, "the probability of 1")
    assert found.score == pytest.approx(model.predict_proba(X[100:101])[0, 1])
    whole = coalitions_of(lambda given: model.predict_proba(given)[:, 1], X[100], X[:50])
    assert np.allclose(
        [by_name(found)[name] for name in "abcd"], whole, atol=0.03
    )  # another attribution, of the same sign and size


def coalitions_of(predict: Any, x: Any, background: Any) -> list[float]:
    """Shapley values by their other definition: the mean of each column's step over every order of the columns."""
    steps = np.zeros((0, len(x)))
    for order in itertools.permutations(range(len(x))):
        mixed, step = background.copy(), np.zeros(len(x))
        before = predict(mixed).mean()
        for column in order:
            mixed[:, column] = x[column]
            after = predict(mixed).mean()
            step[column], before = after - before, after
        steps = np.vstack([steps, step])
    return steps.mean(axis=0).tolist()


@pytest.mark.parametrize(
    ("model", "options", "subject"),
    [
        (ensemble.RandomForestRegressor(8, random_state=0).fit(X, Y), {}, "the answer"),
        (
            ensemble.GradientBoostingClassifier(n_estimators=8).fit(X, Y > 0),
            {"method": "predict_proba", "positive": "1"},
            "the probability of 1",
        ),
        (
            ensemble.RandomForestClassifier(8, random_state=0).fit(X, Y > 0),
            {"method": "predict_proba", "positive": "1"},
            "the probability of 1",
        ),
        (ensemble.HistGradientBoostingRegressor(max_iter=8).fit(X, Y), {}, "the answer"),
    ],
    ids=["forest", "boosted classes", "forest of classes", "histograms"],
)
def test_trees_are_explained_by_shaps_tree_explainer_and_a_black_box_comes_to_the_same(tmp_path, model, options, subject):
    found = explained(bundled(tmp_path, model, options=options), row())
    assert (found.method, found.subject) == (trees.METHOD, subject)
    predict = (lambda given: model.predict_proba(given)[:, 1]) if options else model.predict
    if "boosted" not in subject and not isinstance(model, ensemble.GradientBoostingClassifier):
        assert np.allclose([by_name(found)[name] for name in "abcd"], coalitions_of(predict, X[100], X[:50]), atol=1e-6)


def test_a_black_box_with_few_columns_is_exact(tmp_path):
    model = svm.SVR().fit(X, Y)
    found = explained(bundled(tmp_path, model), row())
    assert found.exact
    assert "black box" in found.method
    assert np.allclose([by_name(found)[name] for name in "abcd"], coalitions_of(model.predict, X[100], X[:50]))


def test_many_columns_are_drawn_with_an_error_that_covers_the_truth_and_add_up_all_the_same():
    weights = [math.sin(place) for place in range(14)]
    values = lambda masks: [  # noqa: E731
        sum(weight for place, weight in enumerate(weights) if mask >> place & 1) + (mask & 3 == 3) * 2.0 + (mask & 12 == 12)
        for mask in masks
    ]
    exact = coalitions.exactly(14, values)
    drawn = coalitions.sampled(14, values, seed=3, more=lambda pairs: pairs < 30)
    assert sum(drawn.values) == pytest.approx(values([(1 << 14) - 1])[0] - values([0])[0])
    assert sum(exact.values) == pytest.approx(sum(drawn.values))
    for one, other, error in zip(exact.values, drawn.values, drawn.errors, strict=True):
        assert abs(one - other) <= 4 * error + 1e-9
    assert drawn == coalitions.sampled(14, values, seed=3, more=lambda pairs: pairs < 30)
    # Pairs of an order and its reverse make interactions of two exact.
    assert max(drawn.errors) < 1e-9


MIXED = manifests.Signature(
    "columns",
    (C("age", "double", required=False), C("plan", "string"), C("income", "double"), C("home", "string")),
    (C("score", "double"),),
)


def mixed() -> tuple[pd.DataFrame, Any]:
    chance = np.random.default_rng(3)
    frame = pd.DataFrame(
        {
            "age": chance.integers(18, 80, 200).astype(float),
            "plan": chance.choice(["basic", "plus", "pro"], 200),
            "income": chance.normal(40_000, 9_000, 200),
            "home": chance.choice(["own", "rent"], 200),
        }
    )
    frame.loc[::9, "age"] = np.nan
    wanted = frame["income"] / 1e4 + (frame["plan"] == "pro") * 2 - (frame["home"] == "rent") + frame["age"].fillna(40) / 20
    return frame, wanted


def split(final: Any) -> Any:
    numbers = pipeline.Pipeline([("fill", impute.SimpleImputer()), ("scale", preprocessing.StandardScaler())])
    parts = compose.ColumnTransformer(
        [
            ("numbers", numbers, ["income", "age"]),
            ("words", preprocessing.OneHotEncoder(handle_unknown="ignore"), ["plan", "home"]),
        ]
    )
    return pipeline.Pipeline([("parts", parts), ("model", final)])


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return [{name: None if value != value else value for name, value in one.items()} for one in frame.to_dict("records")]


def test_a_pipeline_is_explained_by_the_columns_that_were_sent(tmp_path):
    frame, wanted = mixed()
    model = split(linear_model.Ridge()).fit(frame, wanted)
    rows = records(frame)
    found = explained(bundled(tmp_path, model, MIXED, rows[:60]), rows[100] | {"plan": "pro", "home": "own"})
    assert found.method == linear.METHOD
    assert set(by_name(found)) == {"age", "plan", "income", "home"}
    assert by_name(found)["plan"] > 0.5 > 0 < by_name(found)["home"]
    black = split(svm.SVR()).fit(frame, wanted)
    (tmp_path / "other").mkdir()
    other = explained(bundled(tmp_path / "other", black, MIXED, rows[:60]), rows[100] | {"plan": "pro", "home": "own"})
    assert "black box" in other.method
    assert other.exact
    assert set(by_name(other)) == set(by_name(found))


def test_trees_behind_one_hot_columns_take_each_column_as_one(tmp_path):
    frame, wanted = mixed()
    model = split(ensemble.GradientBoostingRegressor(n_estimators=10)).fit(frame, wanted)
    rows = records(frame)
    found = explained(bundled(tmp_path, model, MIXED, rows[:40]), rows[3])
    assert found.exact
    assert "coalitions" in found.method


def test_a_missing_value_is_a_value(tmp_path):
    frame, wanted = mixed()
    model = split(linear_model.Ridge()).fit(frame, wanted)
    rows = records(frame)
    found = explained(bundled(tmp_path, model, MIXED, rows[:60]), rows[100] | {"age": None})
    assert next(one for one in found.contributions if one.name == "age").value is None


def test_a_class_is_explained_by_its_probability_where_the_model_has_one_and_else_by_whether_it_holds(tmp_path):
    names = np.where(Y > 1, "high", np.where(Y < -1, "low", "middle"))
    said = manifests.Signature("columns", NUMBERS.inputs, (C("class", "string"),))
    model = ensemble.RandomForestClassifier(8, random_state=0).fit(X, names)
    answer = model.predict(X[100:101])[0]
    found = explained(bundled(tmp_path, model, said), row())
    assert found.subject == f"the probability of {answer}"
    assert found.score == pytest.approx(model.predict_proba(X[100:101])[0].max())
    (tmp_path / "svm").mkdir()
    hard = svm.SVC().fit(X, names)
    held = explained(bundled(tmp_path / "svm", hard, said), row())
    assert held.subject == f"whether the answer is {hard.predict(X[100:101])[0]} (1: it is)"
    assert (held.score, held.exact) == (1.0, True)
    (tmp_path / "numbers").mkdir()
    counted = ensemble.RandomForestClassifier(8, random_state=0).fit(X, (Y > 0).astype(int))
    whole = manifests.Signature("columns", NUMBERS.inputs, (C("class", "long"),))
    labelled = bundled(tmp_path / "numbers", counted, whole, profile=manifests.Profile(2, classes=("0", "1")))
    assert explained(labelled, row()).subject.startswith("the probability of ")


def test_probabilities_of_several_classes_are_explained_by_the_one_that_was_answered(tmp_path):
    names = np.where(Y > 1, "high", np.where(Y < -1, "low", "middle"))
    model = linear_model.LogisticRegression(max_iter=500).fit(X, names)
    outputs = manifests.Signature("columns", NUMBERS.inputs, (C("probabilities", "FP64", shape=(-1, 3)),))
    options = {"method": "predict_proba", "classes": json.dumps(model.classes_.tolist())}
    found = explained(bundled(tmp_path, model, outputs, options=options), row())
    assert found.subject == f"the probability of {model.predict(X[100:101])[0]}"
    assert found.exact


def test_a_model_of_one_tensor_of_numbers_is_a_table_with_numbered_columns(tmp_path):
    signed = manifests.Signature("tensor", (C("input", "FP64", shape=(-1, 4)),), (C("score", "double"),))
    model = linear_model.LinearRegression().fit(X, Y)
    found = explained(bundled(tmp_path, model, signed, X[:50].tolist()), X[100].tolist())
    assert set(by_name(found)) == {"input[0]", "input[1]", "input[2]", "input[3]"}


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        (manifests.Signature("tensor", (C("image", "FP32", shape=(-1, 8, 8)),), (C("s", "double"),)), "such as images"),
        (
            manifests.Signature("tensor", (C("a", "FP32", shape=(-1, 2)), C("b", "FP32", shape=(-1, 2))), (C("s", "double"),)),
            "tensors",
        ),
        (manifests.Signature("columns", (C("text", "string"),), (C("s", "double"),)), "one text"),
    ],
)
def test_what_is_no_table_is_said_not_to_be(tmp_path, inputs, words):
    bundle = bundled(tmp_path, linear_model.LinearRegression().fit(X, Y), inputs, [])
    with pytest.raises(errors.NotExplainable, match=words):
        ask(bundle, row())


def test_what_cannot_be_read_computed_or_told_apart_is_said(tmp_path):
    bundle = bundled(tmp_path, linear_model.LinearRegression().fit(X, Y))
    assert "does not fit" in ask(bundle, {"a": "[redacted]"}).trouble
    whole = samples.Sample(frames.Content.RECORDS, json.dumps({"records": [row()]}).encode())
    asked = questions.Asked(str(tmp_path), bundle.manifest.digest, (questions.Question(whole, 3, ("e", "v1", "id"), 1),), ())
    assert "it has no row 3" in questions.answer(asked).answers[0].trouble
    vectors = manifests.Signature("columns", NUMBERS.inputs, (C("v", "FP64", shape=(-1, 2)),))
    (tmp_path / "v").mkdir()
    several = linear_model.LinearRegression().fit(X, np.stack([Y, Y], axis=1))
    assert "2 numbers a row" in ask(bundled(tmp_path / "v", several, vectors), row()).trouble


def test_the_background_is_logged_rows_where_there_are_enough_and_typical_values_are_tried(tmp_path):
    bundle = bundled(tmp_path, linear_model.LinearRegression().fit(X, Y))
    many = tuple(dict(zip("abcd", one, strict=True)) for one in X[:30].tolist())
    found = explained(bundle, row(), background=many)
    assert found.rows == 30
    assert explained(bundle, row(), background=many[:5]).rows == 50
    model = catalog.load(bundle)
    codec = signature.Codec(bundle.manifest, bundle.example())
    for one in found.contributions:
        asked = codec.decode(json.dumps({"records": [row() | {one.name: one.typical}]}).encode(), frames.Content.RECORDS)
        assert one.instead == pytest.approx(model.predict(asked.batch)["score"][0])


def test_a_special_method_that_does_not_add_up_is_left_for_the_black_box(tmp_path, monkeypatch):
    monkeypatch.setattr(trees, "contributions", lambda *_: iter([([9.0] * 4, 0.0)]))
    model = ensemble.RandomForestRegressor(4, random_state=0).fit(X, Y)
    found = explained(bundled(tmp_path, model), row())
    assert "black box" in found.method
    assert "does not add up" in found.note


def test_a_model_that_is_slow_for_its_time_is_asked_less_and_adds_up_all_the_same(tmp_path):
    bundle = bundled(tmp_path, svm.SVR().fit(X, Y))
    body = samples.Sample(frames.Content.RECORDS, json.dumps({"records": [row()]}).encode())
    one = questions.Question(body, 0, ("e", "v1", "id"), 1)
    (answer,) = questions.answer(questions.Asked(str(tmp_path), bundle.manifest.digest, (one,), (), seconds=1e-9)).answers
    found = answer.explained
    assert found is not None
    assert (found.rows, found.exact) == (1, False)
    assert "so 1 typical rows were mixed in" in found.note
    assert abs(found.gap) < 1e-9


def test_without_shap_a_forest_is_a_black_box_and_the_note_says_so(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "shap", None)
    model = ensemble.RandomForestRegressor(4, random_state=0).fit(X, Y)
    found = explained(bundled(tmp_path, model), row())
    assert found.exact
    assert "shap is not installed" in found.note
