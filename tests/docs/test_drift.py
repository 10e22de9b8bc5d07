"""docs/drift.md says what is done."""

import pathlib
import re

from tidegate.core.stats import drift
from tidegate.core.vocabulary import profiles
from tidegate.observability.monitors import profiling

PAGE = (pathlib.Path(__file__).parents[2] / "docs" / "drift.md").read_text()


def test_every_effect_is_there_with_its_limits():
    told = re.findall(r"^\| `(\w+)` \|.*\| ([\d.]+) \| ([\d.]+) \|$", PAGE, re.MULTILINE)
    assert {name: (float(warning), float(alarm)) for name, warning, alarm in told} == drift.LIMITS


def test_the_numbers_are_those_of_the_code():
    assert f"first {profiling.TEACH:,} values" in PAGE
    assert f"{profiles.MOST_EDGES - 1} bins" in PAGE
    assert f"{profiles.MOST_CLASSES} commonest" in PAGE
    assert f"Below {drift.FEWEST} rows" in PAGE
    assert drift.ALPHA == 0.001
