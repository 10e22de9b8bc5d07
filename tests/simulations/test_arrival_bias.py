"""Labels that arrive at their own pace: what is here says too much of what comes first, and weights put it right.

Of 2 % that are true the label comes after 5 days on average, of the others after 30; looked at after 30 days, 38 % are
labelled. The laws of the lags are known from the half year before.
"""

import numpy as np

from tidegate.core.stats import arrival, metrics

DAYS, HISTORY, ROWS = 30.0, 240.0, 100_000


def world(rng: np.random.Generator, oldest: float, rows: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(truth, lag, age) of rows that came evenly over the last `oldest` days."""
    truth = rng.random(rows) < 0.02
    return truth, rng.exponential(np.where(truth, 5.0, 30.0)), rng.uniform(0, oldest, rows)


def test_weights_by_the_law_of_the_lag_undo_the_bias_of_what_came_early() -> None:
    rng = np.random.default_rng(20)
    truth, lags, ages = world(rng, HISTORY, 8 * ROWS)
    here = lags <= ages
    laws = arrival.laws(truth[here].astype(int), lags[here], ages[here])
    young = here & (ages <= DAYS)
    assert abs(young.sum() / (ages <= DAYS).sum() - 0.38) < 0.01
    seen = truth[young].mean()
    matured = truth[young & (ages >= 20)].mean()
    weight = laws.weights(truth[young].astype(int), ages[young])
    right = metrics.share("rate", truth[young], np.ones(young.sum(), bool), weight)
    print(f"true 2.0 %, seen {seen:.2%}, twenty days and older {matured:.2%}, weighted {right.value:.2%}")
    assert abs(seen - 0.044) < 0.002
    assert abs(matured - 0.034) < 0.003
    assert abs(right.value - 0.02) < 0.0015
    assert right.low <= 0.02 <= right.high
    assert laws.matured() > 100, "the headline waits for the slowest: twenty days are not mature"


def test_weights_by_what_was_predicted_alone_are_not_enough_where_the_label_sets_the_pace() -> None:
    """The law of all, for want of the label's own, leaves the bias where it was."""
    rng = np.random.default_rng(21)
    truth, lags, ages = world(rng, HISTORY, 4 * ROWS)
    here = lags <= ages
    laws = arrival.laws(np.zeros(here.sum(), int), lags[here], ages[here])
    young = here & (ages <= DAYS)
    told = metrics.share("rate", truth[young], np.ones(young.sum(), bool), laws.weights(np.zeros(young.sum(), int), ages[young]))
    assert told.value > 0.035
