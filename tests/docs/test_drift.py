"""docs/drift.md says what is done."""

import pathlib
import re

from tidegate.core.stats import calibration, drift
from tidegate.core.vocabulary import profiles
from tidegate.observability.drift import moving
from tidegate.observability.profiling import hourly, sketching

PAGE = (pathlib.Path(__file__).parents[2] / "docs" / "drift.md").read_text()


def test_every_effect_is_there_with_its_limits():
    told = re.findall(r"^\| `(\w+)` \|.*\| ([\d.]+) \| ([\d.]+) \|$", PAGE, re.MULTILINE)
    assert {name: (float(warning), float(alarm)) for name, warning, alarm in told} == drift.LIMITS


def test_the_numbers_are_those_of_the_code():
    assert f"first {hourly.TEACH:,} values" in PAGE
    assert f"{profiles.MOST_EDGES - 1} bins" in PAGE
    assert f"{profiles.MOST_CLASSES} commonest" in PAGE
    assert f"Below {drift.FEWEST} rows" in PAGE
    assert f"{profiles.OUTER_EDGES} wider ones" in PAGE
    assert f"Hours are kept for {hourly.HOURS_KEPT // 86_400} days" in PAGE
    assert f"go after {sketching.DAYS_KEPT // 86_400} days" in PAGE
    assert drift.ALPHA == 0.001
    assert (calibration.FACTOR, calibration.QUANTILE, calibration.WEEKS, calibration.LEAST) == (1.5, 0.99, 8, 7)
    assert (calibration.NEEDED, calibration.OF) == (2, 3)


def test_the_table_of_what_is_looked_at_is_that_of_the_code():
    told = {
        name: set(re.findall(r"`(\w+)`", effects))
        for name, effects in re.findall(r"^\| (quality|drift) \| (.*?) \|", PAGE, re.MULTILINE)
    }
    assert told == {"quality": set(moving.FAULTS), "drift": set(moving.MOVES)}
    assert set(moving.FAULTS) | set(moving.MOVES) == set(drift.LIMITS)
