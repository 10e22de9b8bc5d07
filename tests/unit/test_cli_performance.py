"""What `tidegate performance` and `--rejected` say."""

import io
import re

import numpy as np
import predlog_fixtures as given
import test_outcomes_performance as made
from rich import console

from tidegate.interface.cli.views import performance as view
from tidegate.interface.cli.views import rejected
from tidegate.observability.joining import quarantine
from tidegate.observability.outcomes import performance


def shown(parts, width: int = 200) -> str:
    page = console.Console(file=io.StringIO(), width=width, no_color=True)
    for part in parts:
        page.print(part)
    return page.file.getvalue()


def test_a_report_has_its_cautions_its_lines_and_the_comparison() -> None:
    rng = np.random.default_rng(0)
    at = made.NOW - rng.uniform(0, 40, 8_000) * made.DAY
    version = np.where(rng.random(at.size) < 0.5, 2, 1).astype(np.int64)
    truth = rng.random(at.size) < 0.5
    right = rng.random(at.size) < np.where(version == 2, 0.7, 0.9)
    score = np.where(truth == right, 0.8, 0.2)
    report = made.report(
        made.rows(at, score, truth.astype(float), rng.exponential(2, at.size) * made.DAY, version=version), 20.0, by="week"
    )
    page = shown(view.whole(report))
    assert "99 % of labels are there after" in page
    assert "v2 is more often wrong than v1 by 19." in page
    assert "on the days on which both served" in page
    assert "v2 answered 1 for 1:" in page
    assert page.count("provisional") >= 4
    for name in ("accuracy", "precision", "recall", "auc", "brier"):
        assert name in page


def test_five_metrics_with_their_intervals_fit_in_100_columns() -> None:
    rng = np.random.default_rng(3)
    at = made.NOW - rng.uniform(0, 40, 30_000) * made.DAY
    truth, amount = rng.random(at.size) < 0.5, rng.gamma(2, 30, at.size)
    score = np.clip(np.where(truth, 0.6, 0.4) + rng.normal(0, 0.2, at.size), 0.001, 0.999)
    words = np.array([f"{one:.1f}" for one in amount], object)
    lag = rng.exponential(2, at.size) * made.DAY
    report = made.report(made.rows(at, score, truth.astype(float), lag, segment=words), 20.0, by="week", segment="amount")
    page = shown(view.whole(report), 100)
    lines = page.splitlines()
    for standing in report.standings[1:]:
        assert f"  {standing.segment.removeprefix('amount=')} " in page
    first = next(at for at, line in enumerate(lines) if line.startswith("v1 "))
    assert lines[first + 1].count("..") == len(view.COLUMNS["probability"])
    assert all(line.count("..") in {0, 5} for line in lines)
    assert re.search(r"^  20\d\d-\d\d-\d\d ", page, re.MULTILINE)
    assert any(line.strip().startswith("provisional") for line in lines)


def test_what_got_no_answer_is_said_and_lowers_no_coverage() -> None:
    at = made.NOW - np.linspace(0, 20, 300) * made.DAY
    given = made.rows(at, np.full(300, 0.9), np.ones(300), np.full(300, 0.1 * made.DAY))
    given.answer[:30] = None
    page = shown(view.whole(made.report(given, 30.0)))
    assert "v1: 30 rows got no answer, and are in no number here" in page
    assert "300" not in page


def test_a_report_without_labels_says_so() -> None:
    at = made.NOW - np.linspace(1, 10, 50) * made.DAY
    page = shown(view.whole(made.report(made.rows(at, np.full(50, 0.3), np.ones(50), np.full(50, 1e12)))))
    assert "no label has come yet" in page
    assert "0.0 %" in page


def test_a_version_that_is_better_is_said_to_be() -> None:
    better = performance.Difference(2, 1, -0.02, -0.03, 0.01, same_days=True)
    assert view.compared(better, "probability").startswith("v2 is less often wrong than v1 by 2.00 points [-1.00, 3.00], on")
    assert view.compared(better, "number").startswith("v2 is nearer than v1 by 0.02 [-0.01, 0.03]")


def test_selective_truth_and_samples_are_said() -> None:
    report = performance.Report("e", "number", 0.0, 1e9, 3_600.0, False, {"quarter 1": 0.9, "quarter 4": 0.1}, (), sampled=3)
    page = " ".join(view.cautions(report))
    assert "labels come for some answers only (90 % of quarter 1, 10 % of quarter 4)" in page
    assert "still coming at the oldest age" in page
    assert "one in 3 was read" in page


def test_what_was_put_aside_is_listed_with_reasons() -> None:
    one = given.outcome(0, given.prediction(1), "soon", 5.0)
    page = shown(rejected.whole({"type": 2}, [quarantine.Rejected("type", "e", 1.0, one)]))
    assert "2 outcomes put aside" in page
    assert "2: the label cannot be held against the answer" in page
    assert "soon" in page
    assert "no outcome was put aside" in shown(rejected.whole({}, []))
