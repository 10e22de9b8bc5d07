"""How good versions are: cohorts of prediction time, mature and provisional, compared at the same age."""

import math

import numpy as np
import pytest

from tidegate.core.vocabulary import tables
from tidegate.dataplane.predlog import labelled
from tidegate.interface.cli.views import performance as view
from tidegate.observability.outcomes import graded, parting, performance

DAY = performance.DAY
NOW = 20_000 * DAY
RULE = tables.Outcomes(kind="probability")


def rows(at: np.ndarray, answer: np.ndarray, label: np.ndarray, lag: np.ndarray, **more: np.ndarray) -> labelled.Rows:
    """Rows whose labels came `lag` later: those that came after NOW are not there."""
    order = np.argsort(at)
    there = at + lag <= NOW
    heard = np.array([one if here else None for one, here in zip(label.tolist(), there, strict=True)], object)
    whole = {
        "version": np.ones(at.size, np.int64),
        "at": at,
        "answer": answer.astype(object),
        "label": heard,
        "lag": np.where(there, lag, math.nan),
        "segment": np.full(at.size, "", object),
        "id": np.array([b"%036d" % number for number in range(at.size)]),
        "row": np.zeros(at.size, np.int64),
        "drawn": np.zeros(at.size, bool),
    } | more
    return labelled.Rows(**{name: values[order] for name, values in whole.items()})


def report(given: labelled.Rows, days: float = 30.0, rule: tables.Outcomes = RULE, **asked: str) -> performance.Report:
    chances = asked.pop("chances", {})
    return performance.report(performance.Asked("e", NOW - days * DAY, NOW, **asked), rule, given, chances)


def frauds(rng: np.random.Generator, count: int = 60_000) -> labelled.Rows:
    """Of 10 % frauds the label comes in two days, of the rest in twenty; the model finds 80 % of them."""
    at = NOW - rng.uniform(0, 120, count) * DAY
    truth = rng.random(count) < 0.1
    told = np.where(truth, rng.random(count) < 0.8, rng.random(count) < 0.05)
    score = np.where(told, 0.6 + 0.3 * rng.random(count), 0.4 * rng.random(count))
    return rows(at, score, truth.astype(float), rng.exponential(np.where(truth, 2.0, 20.0)) * DAY)


def test_classes_are_told_apart_by_all_of_their_digits_and_joined_by_what_they_spell() -> None:
    answers = [1_000_001.0, "1000001", "1_2", "1_2", True, "cat", 3.0]
    labels = ["1000001", 1_000_002.0, "12", "1_2", "true", "cat", "3.0"]
    given = rows(np.full(7, NOW - DAY), np.array(answers, object), np.array(labels, object), np.zeros(7))
    found = graded.graded(tables.Outcomes(kind="class"), given)
    assert found.wrong.tolist() == [0, 1, 1, 0, 0, 0, 0]
    assert found.classes == ("1", "1000001", "1000002", "12", "1_2", "3", "cat")


def test_the_headline_is_of_what_is_mature_and_the_provisional_is_weighted_for_what_has_not_come() -> None:
    found = report(frauds(np.random.default_rng(0)), 120.0)
    (standing,) = found.standings
    assert 75 < found.mature_seconds / DAY < 100, "the slowest label's 99 %"
    assert found.whole
    assert standing.covered[0] / standing.covered[1] > 0.985
    assert 0.8 < standing.labelled / standing.answered < 0.9
    young = report(frauds(np.random.default_rng(0)), 20.0).standings[0]
    assert young.headline is None
    truth = 0.1 * 0.8 / (0.1 * 0.8 + 0.9 * 0.05)
    assert young.provisional["precision"].value == pytest.approx(truth, abs=0.03)
    assert young.provisional["accuracy"].value == pytest.approx(0.935, abs=0.01)
    assert standing.headline["recall"].value == pytest.approx(0.8, abs=0.03)


def test_cohorts_are_of_prediction_time_and_each_has_its_coverage() -> None:
    found = report(frauds(np.random.default_rng(1)), 100.0, by="week").standings[0]
    assert len(found.cohorts) in (15, 16)
    whole = [one for one in found.cohorts if one.predicted > 2_000]
    assert [one.mature for one in whole] == sorted((one.mature for one in whole), reverse=True)
    shares = [one.labelled / one.predicted for one in whole]
    assert shares[0] > 0.97
    assert shares[-1] < 0.4
    assert all(one.measured["accuracy"].value == pytest.approx(0.935, abs=0.04) for one in whole)
    assert all(one.begins % (7 * DAY) == 4 * DAY for one in whole), "weeks begin on Mondays"


def test_a_day_that_goes_on_is_as_mature_as_the_headline_of_the_same_rows() -> None:
    at = NOW - np.linspace(0.01, 0.4, 400) * DAY
    given = rows(at, np.full(400, 0.9), np.ones(400), np.full(400, 0.001 * DAY))
    (standing,) = report(given, 1.0, by="week").standings
    (cohort,) = standing.cohorts
    assert standing.covered == (cohort.labelled, cohort.predicted) == (400, 400)
    assert cohort.mature


def test_versions_are_compared_on_the_days_on_which_both_served() -> None:
    rng = np.random.default_rng(2)
    at = NOW - rng.uniform(0, 10, 40_000) * DAY
    young = (at > NOW - 3 * DAY) & (rng.random(at.size) < 0.3)
    truth = rng.random(at.size) < 0.3
    right = rng.random(at.size) < 0.9
    # Wrong answers are found out at once, right ones take days: both versions alike.
    lag = np.where(right, rng.exponential(3.0, at.size), 0.01) * DAY
    score = np.where(truth == right, 0.9, 0.1)
    given = rows(at, score, truth.astype(float), lag, version=np.where(young, 2, 1).astype(np.int64))
    found = report(given, 10.0).difference
    assert (found.newer, found.older, found.same_days) == (2, 1, True)
    assert found.low < 0 < found.high
    known = ~np.isnan(given.lag)
    wrong = (given.answer.astype(float) >= 0.5) != (given.label == 1.0)
    naive = wrong[known & (given.version == 2)].mean() - wrong[known & (given.version == 1)].mean()
    assert naive > 0.05, "what a comparison of all that is labelled would say of equal versions"


def test_versions_that_never_served_together_are_compared_once_both_are_mature() -> None:
    rng = np.random.default_rng(3)
    at = NOW - rng.uniform(0, 40, 20_000) * DAY
    truth = rng.random(at.size) < 0.5
    version = np.where(at > NOW - 20 * DAY, 2, 1).astype(np.int64)
    right = rng.random(at.size) < np.where(version == 2, 0.8, 0.9)
    given = rows(at, np.where(truth == right, 0.9, 0.1), truth.astype(float), np.full(at.size, DAY), version=version)
    cut = given.of((given.version == 1) | (given.at > NOW - 19 * DAY))
    found = report(cut, 40.0).difference
    assert not found.same_days
    assert found.low > 0.05
    fresh = given.of((given.version == 1) & (given.at < NOW - 20.5 * DAY) | (given.at > NOW - 0.5 * DAY))
    assert report(fresh, 40.0).difference is None, "the newer one's labels are not here"


def test_truth_for_some_answers_only_is_said_and_nothing_is_estimated() -> None:
    rng = np.random.default_rng(4)
    at = NOW - rng.uniform(0, 40, 20_000) * DAY
    score = rng.random(at.size)
    lag = np.where((score >= 0.5) & (rng.random(at.size) < 0.95), 2.0, np.where(rng.random(at.size) < 0.05, 2.0, 1e6)) * DAY
    found = report(rows(at, score, (rng.random(at.size) < score).astype(float), lag), 40.0)
    assert found.selective["true"] > 0.9
    assert found.selective["false"] < 0.1
    assert found.standings[0].provisional is None
    assert found.standings[0].headline is not None


def test_labels_from_a_sample_count_by_their_chance_and_only_where_no_others_are() -> None:
    rng = np.random.default_rng(5)
    at = NOW - rng.uniform(0, 10, 20_000) * DAY
    score = rng.random(at.size)
    truth = (rng.random(at.size) < score).astype(float)
    chance = np.where(np.abs(score - 0.5) < 0.1, 0.5, 0.05)  # the doubtful are asked for ten times as often
    asked = rng.random(at.size) < chance
    given = rows(at, score, truth, np.where(asked, 0.5, 1e6) * DAY, drawn=asked)
    order = np.argsort(at)
    chances = {(name.decode(), 0): float(one) for name, one in zip(given.id.tolist(), chance[order].tolist(), strict=True)}
    (found,) = report(given, 11.0, chances=chances).standings
    plain = report(given, 11.0, chances={}).standings[0]
    assert found.headline["accuracy"].value == pytest.approx(0.75, abs=0.02)
    assert plain.headline["accuracy"].value < 0.68, "doubtful answers are wrong more often than others"
    assert found.sampled == int((asked & (at <= NOW - 0.5 * DAY)).sum())
    drawn = given.drawn & (rng.random(at.size) < 0.5)
    mixed = report(rows(given.at, given.answer, truth[order], np.full(at.size, 0.0), drawn=drawn), 11.0).standings[0]
    assert (mixed.labelled, mixed.by_chance) == (int((~drawn).sum()), False)


@pytest.mark.parametrize(("kind", "names"), [("number", {"mae", "rmse", "bias"}), ("class", {"accuracy", "macro_f1"})])
def test_numbers_and_classes_have_their_own_metrics(kind: str, names: set[str]) -> None:
    rng = np.random.default_rng(6)
    at = NOW - rng.uniform(0, 30, 5_000) * DAY
    truth = rng.integers(0, 4, at.size).astype(float)
    given = rows(at, truth + rng.integers(0, 2, at.size), truth, rng.exponential(0.5, at.size) * DAY)
    found = report(given, 30.0, tables.Outcomes(kind=kind))
    assert found.kind == kind
    assert names <= {one.name for one in found.standings[0].headline.metrics}


def test_auto_is_what_answers_and_labels_are() -> None:
    at = NOW - np.linspace(1, 20, 300) * DAY
    label = (np.arange(300) % 2).astype(float)
    auto = tables.Outcomes()
    assert report(rows(at, label * 0.5 + 0.2, label, np.full(300, DAY)), 30, auto).kind == "probability"
    assert report(rows(at, label + 1, label + 1, np.full(300, DAY)), 30, auto).kind == "class"
    assert report(rows(at, label * 120 + 30.5, label * 118 + 31, np.full(300, DAY)), 30, auto).kind == "number"
    assert report(rows(at, label * 120 + 30.5, label, np.full(300, DAY)), 30, auto).kind == "probability", "a score"
    words = np.array(["early", "late"], object)[label.astype(int)]
    assert report(rows(at, label * 120 + 30.5, words, np.full(300, DAY)), 30, auto).kind == "class"


def test_unanswered_requests_are_counted_and_in_no_metric() -> None:
    at = NOW - np.linspace(1, 20, 300) * DAY
    given = rows(at, np.full(300, 0.9), np.ones(300), np.full(300, 0.1 * DAY))
    given.answer[:30] = None
    (found,) = report(given, 30).standings
    assert (found.predicted, found.unanswered, found.answered, found.labelled) == (300, 30, 270, 270)
    assert found.headline["accuracy"].value == 1.0


def test_segments_have_a_line_each() -> None:
    at = NOW - np.linspace(1, 20, 300) * DAY
    region = np.array(["north", "south", "south"] * 100, object)
    given = rows(at, np.where(region == "north", 0.1, 0.9).astype(float), np.ones(300), np.full(300, 0.1 * DAY), segment=region)
    found = report(given, 30, segment="region")
    assert [(one.segment, one.predicted) for one in found.standings] == [("", 300), ("region=south", 200), ("region=north", 100)]
    assert [one.headline["accuracy"].value for one in found.standings] == [pytest.approx(2 / 3), 1.0, 0.0]


def test_a_number_with_many_values_is_parted_at_fifths_of_all_that_is_looked_at() -> None:
    rng = np.random.default_rng(5)
    at = NOW - rng.uniform(1, 20, 2_000) * DAY
    version = np.where(np.arange(2_000) < 500, 2, 1).astype(np.int64)
    amount = np.array([f"{one:.4f}" for one in rng.gamma(2, 30, 1_990)] + ["null", ""] * 5, object)
    given = rows(at, np.full(2_000, 0.9), np.ones(2_000), np.full(2_000, 0.1 * DAY), segment=amount, version=version)
    found = report(given, 30, segment="amount").standings
    newer, older = ([one.segment for one in found if one.version == which and one.segment] for which in (2, 1))
    assert older[:-1] == newer, "the same edges"
    assert older[-1] == "amount=none"
    assert (len(newer), newer[0][:8], newer[-1][-1]) == (5, "amount=[", "]")
    assert newer[0].split(", ")[1][:-1] == newer[1].split("[")[1].split(", ")[0]
    told = [sum(one.predicted for one in found if one.segment == name) for name in newer]
    assert max(told) - min(told) <= 2
    assert sum(told) == 1_990


def test_numbers_with_few_values_and_words_are_themselves() -> None:
    every = np.ones(60, bool)
    few = parting.parts(np.array([str(at % 20) for at in range(60)], object), every)
    words = parting.parts(np.array([*map(str, range(59)), "x"], object), every)
    whole = parting.parts(np.array([str(1_700_000_000 + at) for at in range(60)], object), every)
    assert len(few.within(every)) == len(words.within(every)) == parting.MOST
    assert whole.within(every)[0][0] == "[1700000000, 1700000011)"


def test_labels_that_are_none_of_the_classes_are_told() -> None:
    at = NOW - np.linspace(1, 20, 300) * DAY
    answers = np.array(["barolo", "grignolino"] * 150, object)
    labels = np.array([*answers[:-3], "merlot", "merlot", "Barolo"], object)
    given = rows(at, answers, labels, np.full(300, 0.1 * DAY))
    found = report(given, 30.0, tables.Outcomes(kind="class"))
    assert found.strange == {"Barolo": 1, "merlot": 2}
    assert "labels that no version ever answered count as wrong: Barolo (1), merlot (2)" in view.cautions(found)
    assert report(given.of(np.arange(300) >= 100), 30.0, tables.Outcomes(kind="class")).strange == {}


def test_nothing_and_almost_nothing_say_so() -> None:
    nothing = rows(*(np.zeros(0) for _ in range(4)))
    assert report(nothing).standings == ()
    one = report(rows(np.array([NOW - 5.0]), np.array([0.5]), np.array([1.0]), np.array([1.0]))).standings[0]
    assert (one.predicted, one.labelled, one.headline, one.provisional) == (1, 1, None, None)
