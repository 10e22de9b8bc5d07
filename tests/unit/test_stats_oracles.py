"""The formulas of core.stats against what others wrote, and against scipy and scikit-learn in another way than theirs.

Values of confseq 0.0.11, savvi 0.3.1 and ville 0.1.0 are written down here with the call that gave them: confseq is built from
C++, and savvi brings half a gigabyte of solvers along.
"""

import math

import alone_fixtures
import numpy as np
import pytest
import test_stats_drift
import test_stats_metrics

from tests import later
from tidegate.core.stats import betabinomial, bets, intervals, isotonic, logspace, means, metrics, paired, shares, tally, wealth
from tidegate.core.vocabulary import sums

laws, special = later.Module("scipy.stats"), later.Module("scipy.special")
integrate, optimize = later.Module("scipy.integrate"), later.Module("scipy.optimize")
measures, curves = later.Module("sklearn.metrics"), later.Module("sklearn.isotonic")


@pytest.mark.parametrize(
    ("candidate", "stable", "rho", "k", "expected"),
    [
        (10, 0, 0.05, 100, 5.482399296361127),
        (10, 100, 0.05, 100, 0.35225989735774016),
        (30, 200, 0.05, 10, 8.558517321100794),
        (560, 9440, 0.05, 1000, 2.0830207073558995),
        (2700, 7300, 0.25, 1000, 8.32452701395232),
        (0, 50, 0.25, 100, 2.9805898332358893),
        (7, 3, 0.5, 10, 0.06477664472483641),
    ],
)
def test_the_beta_binomial_process_is_savvis_and_confseqs(candidate, stable, rho, k, expected):
    """savvi: Multinomial(alpha, [rho, 1 - rho], k), update([s1, s0]), log(odds).

    confseq: beta_binomial_log_mixture(s1 - rho n, rho (1-rho) n, v_opt, rho, 1 - rho, .05, False), with the v_opt whose best
    precision is (k + 1) rho (1 - rho); the five of k > 10 were computed, and agree to eleven digits.
    """
    assert betabinomial.log_e(candidate, stable, rho, k) == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize(
    ("candidate", "stable", "rho", "alpha", "expected"),
    [
        (30, 200, 0.05, 0.05, (1.40229079, 5.21451598)),
        (120, 300, 0.25, 0.05, (0.84542319, 1.67514417)),
        (9, 40, 0.5, 0.01, (0.04082793, 0.79602287)),
    ],
)
def test_the_risk_ratio_interval_is_savvis(candidate, stable, rho, alpha, expected):
    """savvi: InhomogeneousPoissonProcess(alpha, [rho, 1 - rho], [[1, -1]], k=10), update, exp(conf_int), by a convex solver."""
    assert intervals.risk_ratio(candidate, stable, rho, alpha, k=10) == pytest.approx(expected, rel=5e-4)


@pytest.mark.parametrize(
    ("bad", "counted", "expected"),
    [
        (0, 50, (0.0, 0.10464247710451552)),
        (10, 100, (0.029060851284072625, 0.2275099498585535)),
        (1_000, 10_000, (0.08854880277690391, 0.11228555525441403)),
        (50, 50, (0.8953575228954844, 1.0)),
        (3, 2_000, (5.4884263135859536e-05, 0.0073930794538112354)),
    ],
)
def test_the_share_interval_is_villes(bad, counted, expected):
    """ville: BernoulliCS(alpha=.05, prior=(.5, .5), intersect=False), the last bounds."""
    assert intervals.share(bad, counted, 0.05) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(
    ("units", "alpha", "tightest", "expected"),
    [
        (1_000, 0.01, 5_000, 0.12213742378244342),
        (5_000, 0.05, 5_000, 0.04292433718826845),
        (100, 0.05, 500, 0.33638877257827815),
        (100_000, 0.05, 5_000, 0.010552070034257914),
        (10**9, 0.01, 5_000, 0.00015447232944591343),
    ],
)
def test_the_half_width_of_a_mean_is_confseqs_and_villes(units, alpha, tightest, expected):
    """confseq: normal_mixture_bound(n, alpha, t, alpha, False) / n. ville: normal_mixture(n, alpha, 1 / r^2) / n."""
    assert means.radius(units, alpha, tightest) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(
    ("pairs", "expected"),
    [
        ((9, 1), 2.9403309956465047),
        ((1, 9), -2.658130836732943),
        ((100, 90), -2.1609337166703866),
        ((0, 30), -3.8846160940476913),
        ((40, 0), 25.99910481434097),
    ],
)
def test_the_one_sided_test_of_pairs_is_confseqs(pairs, expected):
    """confseq: beta_binomial_log_mixture(b - n/2, n/4, v_opt, .5, .5, .05, True), with the v_opt of a Beta(1/2, 1/2) prior."""
    assert paired.worse(*pairs) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("segments", [[(0.05, 12, 200), (0.25, 40, 100), (0.5, 9, 11)], [(0.01, 1, 3)], [(0.5, 400, 300)]])
def test_the_interval_over_a_ramp_is_where_the_mixture_over_the_likelihood_is_one_over_alpha(segments):
    """The likelihood by scipy's binomial law, the ends by scipy's root finder."""
    ratios = np.geomspace(1 / 50, 500, 60)

    def log_likelihood(ratio):
        theta = [ratio * rho / (ratio * rho + 1 - rho) for rho, _, _ in segments]
        return sum(laws.binom.logpmf(s1, s1 + s0, at) for at, (_, s1, s0) in zip(theta, segments, strict=True))

    mixed = special.logsumexp([log_likelihood(ratio) for ratio in ratios]) - math.log(60)

    def outside(log_ratio):
        return mixed - log_likelihood(math.exp(log_ratio)) - math.log(20)

    middle = optimize.minimize_scalar(outside, bounds=(-5, 7), method="bounded").x
    expected = [math.exp(optimize.brentq(outside, *ends)) for ends in ((-20, middle), (middle, 20))]
    assert intervals.risk_ratio_over_ramp(segments, 0.05) == pytest.approx(expected, rel=1e-7)


@pytest.mark.parametrize(("bad", "counted", "share"), [(5, 100, 0.0075), (0, 700, 0.01), (700, 1_000, 0.6), (13, 13, 0.2)])
def test_the_test_of_a_share_is_an_average_of_binomial_laws(bad, counted, share):
    odds = share / (1 - share)
    for found, powers in ((shares.above, 1), (shares.below, -1)):
        bet = [ratio**powers * odds / (1 + ratio**powers * odds) for ratio in shares.ODDS]
        logs = laws.binom.logpmf(bad, counted, bet) - laws.binom.logpmf(bad, counted, share)
        assert found(bad, counted, share) == pytest.approx(special.logsumexp(logs) - math.log(len(bet)), rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("pairs", [(3, 1), (12, 20), (60, 30)])
def test_the_one_sided_test_of_pairs_is_its_integral(pairs):
    """By adaptive quadrature over theta, apart from the change of variable and the nodes of `paired`."""
    worse, better = pairs

    def law(theta):
        return laws.beta.pdf(theta, 0.5, 0.5) / 0.5 * (2 * theta) ** worse * (2 * (1 - theta)) ** better

    expected = math.log(integrate.quad(law, 0.5, 1, limit=200)[0])
    assert paired.worse(*pairs) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize(("sizes", "scales"), [((300, 300), (3.0, 2.5)), ((80, 2_000), (3.0, 2.5)), ((80, 2_000), (2.0, 2.5))])
def test_the_error_of_a_difference_is_that_of_welchs_test_and_of_students(sizes, scales):
    """At least each of them, and no more than both together: no arm varies less than the two do within themselves."""
    rng = np.random.default_rng(1)
    one, two = (rng.gamma(2.0, scale, size) for scale, size in zip(scales, sizes, strict=True))
    both = [sums.Moments(len(each), float(each.sum()), float(np.square(each).sum())) for each in (one, two)]
    found = means.difference([sums.Values("revenue", 5_000, *both)], 0.05)
    welch, student = (laws.ttest_ind(one, two, equal_var=equal) for equal in (False, True))
    errors = [(one.mean() - two.mean()) / each.statistic for each in (welch, student)]
    per_error = math.sqrt(sum(sizes)) * means.radius(sum(sizes), 0.05)
    half = (found.interval[1] - found.interval[0]) / 2 / per_error
    pooled = student_variance(one, two)
    expected = math.sqrt(sum(max(each.var(ddof=1), pooled) / len(each) for each in (one, two)))
    assert half == pytest.approx(expected, rel=1e-9)
    assert max(errors) * (1 - 1e-9) <= half <= math.hypot(*errors)
    assert found.difference == pytest.approx(one.mean() - two.mean(), rel=1e-12)


def student_variance(one, two):
    return (one.var(ddof=1) * (len(one) - 1) + two.var(ddof=1) * (len(two) - 1)) / (len(one) + len(two) - 2)


@pytest.mark.parametrize(("a", "b"), [(0.5, 0.5), (50.0, 950.0), (1e-3, 7.0), (3e7, 2e8)])
def test_logarithms_of_the_beta_function_and_of_sums_are_scipys(a, b):
    assert logspace.beta(a, b) == pytest.approx(special.betaln(a, b), rel=1e-10)
    given = np.array([[a, -b], [-a, b / 2]])
    assert logspace.total(given) == pytest.approx(special.logsumexp(given), rel=1e-12)


def test_the_wealth_of_a_ramp_is_what_a_bettor_has_who_bets_request_by_request():
    """One bettor an odds ratio and a starting epoch, in plain numbers: each multiplies its stake by q(arm | mark) / rho(arm)."""
    rng, segments, epochs = np.random.default_rng(2), [(0.05, 0.01), (0.25, 0.02)], 6
    book = bets.worse(*(np.array(column) for column in zip(*segments, strict=True)))
    counts, where = np.zeros((epochs, 4), np.int64), np.array([0, 0, 0, 1, 1, 1])
    stakes = {(r, None): weight / 2 for r, weight in zip(bets.RATIOS, bets.RATIO_WEIGHTS, strict=True)}
    kept = 0.5
    for epoch in range(epochs):
        rho, p0 = segments[where[epoch]]
        share = 0.5 / ((epoch + 1) * (epoch + 2))
        stakes |= {(r, epoch): weight * share for r, weight in zip(bets.RATIOS, bets.RATIO_WEIGHTS, strict=True)}
        kept -= share
        for _ in range(150):
            candidate = rng.random() < rho
            bad = rng.random() < (0.1 if candidate and epoch > 2 else 0.02)
            column = {(True, True): tally.CANDIDATE_BAD, (False, True): tally.STABLE_BAD, (True, False): tally.CANDIDATE_OK}
            counts[epoch, column.get((candidate, bad), tally.STABLE_OK)] += 1
            for r, began in stakes:
                p1 = r * p0 / (1 - p0) / (1 + r * p0 / (1 - p0))
                law = (p1, p0) if bad else (1 - p1, 1 - p0)
                q = rho * law[0] / (rho * law[0] + (1 - rho) * law[1])
                stakes[r, began] *= q / rho if candidate else (1 - q) / (1 - rho)
    grown = wealth.growth(book.factors, where, counts)
    assert wealth.mixture(book.log_weights, grown) == pytest.approx(math.log(sum(stakes.values()) + kept), rel=1e-10)


@pytest.mark.parametrize("pairs", [(100, 90), (0, 30), (500_000, 500_000), (5_200, 4_800), (40, 0)])
def test_sequential_mcnemar_is_the_truncated_beta_of_its_closed_form(pairs):
    worse, better = pairs
    logs = special.betaln(0.5 + worse, 0.5 + better) + np.log(special.betainc(0.5 + better, 0.5 + worse, 0.5))
    closed = sum(pairs) * math.log(2) + logs - special.betaln(0.5, 0.5) + math.log(2)
    assert paired.worse(*pairs) == pytest.approx(closed, abs=1e-7)


def test_the_largest_difference_is_that_of_the_samples_themselves_up_to_a_bin():
    window = np.random.default_rng(3).normal(0.3, 1.2, size=5_000)
    frame, known = test_stats_drift.FRAME, test_stats_drift.KNOWN
    found = test_stats_drift.by_name(frame, known, alone_fixtures.column(frame, window))["ks"]
    assert found.size == pytest.approx(laws.ks_2samp(test_stats_drift.REFERENCE, window).statistic, abs=1 / 64)
    assert found.low < found.size


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("weighted", [False, True])
def test_probabilities_are_as_scikit_learn_has_them(seed: int, weighted: bool) -> None:
    score, truth, weight = test_stats_metrics.drawn(seed, weighted=weighted)
    told, found = score >= 0.4, metrics.probabilities(score, truth, weight, 0.4)
    expected = {
        "accuracy": measures.accuracy_score(truth, told, sample_weight=weight),
        "precision": measures.precision_score(truth, told, sample_weight=weight),
        "recall": measures.recall_score(truth, told, sample_weight=weight),
        "f1": measures.f1_score(truth, told, sample_weight=weight),
        "auc": measures.roc_auc_score(truth, score, sample_weight=weight),
        "brier": measures.brier_score_loss(truth, score, sample_weight=weight),
    }
    for name, value in expected.items():
        assert found[name].value == pytest.approx(value, rel=1e-9), name
    inner = (score > 0) & (score < 1)
    told = metrics.probabilities(score[inner], truth[inner], weight[inner])
    assert told["log_loss"].value == pytest.approx(
        measures.log_loss(truth[inner], score[inner], sample_weight=weight[inner]), rel=1e-9
    )
    assert sum(rows for _, _, rows in found.confusion) == pytest.approx(weight.sum())


def test_numbers_are_as_scikit_learn_has_them() -> None:
    rng = np.random.default_rng(1)
    truth, weight = rng.normal(size=500), rng.uniform(1, 5, 500)
    answer = truth + rng.normal(0.3, 1, 500)
    found = metrics.numbers(answer, truth, weight)
    assert found["mae"].value == pytest.approx(measures.mean_absolute_error(truth, answer, sample_weight=weight))
    assert found["rmse"].value == pytest.approx(math.sqrt(measures.mean_squared_error(truth, answer, sample_weight=weight)))
    assert found["bias"].value == pytest.approx(np.average(answer - truth, weights=weight))
    plain = metrics.numbers(answer, truth, np.ones(500))
    assert plain["p90_error"].value == np.sort(np.abs(answer - truth))[449]
    assert found["mae"].low < found["mae"].value < found["mae"].high


def test_classes_are_as_scikit_learn_has_them() -> None:
    rng = np.random.default_rng(2)
    truth = rng.choice(["cat", "dog", "eel"], 300)
    answer = np.where(rng.random(300) < 0.7, truth, "dog")
    found = metrics.classes(answer, truth, np.ones(300))
    assert found["accuracy"].value == pytest.approx(measures.accuracy_score(truth, answer))
    assert found["macro_f1"].value == pytest.approx(measures.f1_score(truth, answer, average="macro"))
    assert sum(rows for _, _, rows in found.confusion) == 300


def test_pooled_violators_are_as_scikit_learn_has_them() -> None:
    rng = np.random.default_rng(0)
    score = np.round(rng.random(3_000), 3)
    truth = rng.random(3_000) < score**2
    weight = rng.uniform(1, 3, 3_000)
    known = isotonic.fit(score, truth, weight)
    other = curves.IsotonicRegression(out_of_bounds="clip").fit(score, truth, weight)
    asked = np.linspace(-0.5, 1.5, 2_001)
    assert known.of(asked) == pytest.approx(other.predict(asked), abs=1e-9)
    assert isotonic.fit(np.array([0.3]), np.array([True])).of(asked) == pytest.approx(np.ones(2_001))
