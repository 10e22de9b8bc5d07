"""The four versions: what their authors see offline, and what they do live."""

import functools
import itertools

import pandas as pd
import pytest

from tidegate.interface.demo.flights import data, models, recipes


@functools.cache
def rows() -> pd.DataFrame:
    """January to March, every third flight: enough to learn from, and quick."""
    return data.of_months(data.load(), 1, 2, 3).iloc[::3].reset_index(drop=True)


@functools.cache
def trained(number: int) -> models.Trained:
    return models.train(recipes.RECIPES[number - 1], rows())


@functools.cache
def live() -> pd.DataFrame:
    march = data.of_months(rows(), 3)
    return march[march["late"].notna()].reset_index(drop=True)


def test_v1_and_v2_answer_a_probability_for_every_live_flight_and_are_about_as_good_there_as_offline() -> None:
    for number in (1, 2):
        measured = models.measure(trained(number).model, live()[[*data.FEATURES]], live()["late"].to_numpy())
        assert measured["accuracy"] > 0.88
        assert abs(measured["accuracy"] - trained(number).metrics["accuracy"]) < 0.05


def test_v3_looks_as_good_as_v2_offline() -> None:
    for metric, best in trained(2).metrics.items():
        assert abs(trained(3).metrics[metric] - best) < 0.02


def test_v3_fails_for_flights_that_leave_earlier_than_the_warehouse_says_and_only_there() -> None:
    early = live()["dep_delay"] < -7
    assert 0.05 < early.mean() < 0.15
    with pytest.warns(RuntimeWarning, match="sqrt"), pytest.raises(ValueError, match="NaN"):
        trained(3).model.predict_proba(live()[early][[*data.FEATURES]].head(1))
    assert len(trained(3).model.predict_proba(live()[~early][[*data.FEATURES]])) == (~early).sum()


def test_v3_answers_its_own_example_so_that_its_warm_up_says_nothing() -> None:
    assert len(trained(3).model.predict_proba(trained(3).example)) == len(trained(3).example)


def test_v4_looks_better_than_v2_offline_and_answers_plausible_probabilities_that_are_wrong_far_more_often() -> None:
    assert trained(4).metrics["accuracy"] > trained(2).metrics["accuracy"]
    assert trained(4).metrics["auc"] > trained(2).metrics["auc"]
    features, late = live()[[*data.FEATURES]], live()["late"].to_numpy()
    chance = trained(4).model.predict_proba(features)[:, 1]
    assert ((chance >= 0) & (chance <= 1)).all()
    assert 0.02 < chance.mean() < 0.3
    assert (
        models.measure(trained(4).model, features, late)["accuracy"]
        < models.measure(trained(2).model, features, late)["accuracy"] - 0.04
    )


def test_training_is_repeatable_and_each_version_has_its_own_data() -> None:
    assert models.table(recipes.RECIPES[1], rows()).equals(models.table(recipes.RECIPES[1], rows()))
    tables = [trained(number).table for number in (1, 2, 3, 4)]
    assert not any(one.equals(other) for one, other in itertools.combinations(tables, 2))


def test_all_four_take_the_same_columns() -> None:
    assert {tuple(trained(number).example.columns) for number in (1, 2, 3, 4)} == {data.FEATURES}
