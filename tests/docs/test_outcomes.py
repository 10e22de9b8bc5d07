"""docs/outcomes.md says what is done."""

import pathlib
import re

from tidegate.core.stats import arrival, estimated
from tidegate.dataplane.predlog import labelled
from tidegate.interface.cli.views import performance as view
from tidegate.observability.joining import entities, quarantine
from tidegate.observability.outcomes import labelling, parting, performance, performing, worsened

PAGE = (pathlib.Path(__file__).parents[2] / "docs" / "outcomes.md").read_text()


def rows(heading: str) -> dict[str, str]:
    """The first two columns of the table under a heading."""
    part = PAGE.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    return dict(re.findall(r"^\| `(\w+)` \| (.+?) \|(?: .+ \|)?$", part, re.MULTILINE))


def test_every_reason_is_there_in_its_own_words():
    assert rows("What cannot be taken") == quarantine.WORDS
    assert f"up to {quarantine.MOST:,} of each endpoint" in PAGE


def test_every_strategy_and_alarm_is_there():
    assert set(rows("Labelling a sample")) == set(labelling.STRATEGIES)
    assert set(rows("Worse than it was")) == {"performance", "estimate", "outcomes"}


def test_the_numbers_are_those_of_the_code():
    assert f"at most {arrival.MOST_WEIGHT:.0f})" in PAGE
    assert f"at least {estimated.FEWEST:,} matured outcomes" in PAGE
    assert (estimated.POINTS, estimated.DEVIATIONS, labelling.SPREAD) == (0.02, 3.0, 0.1)
    assert (worsened.REFERENCE_DAYS, worsened.REFERENCE_ROWS, worsened.QUIET_DAYS, worsened.OVER_DAYS) == (14, 500, 365, 3)
    assert performance.HISTORY_SECONDS == 90 * 86_400
    assert performing.Performing.every == 600
    assert (parting.MOST, parting.BINS) == (20, 5)
    assert entities.LATEST_SECONDS == 30 * 86_400
    assert labelled.MOST == 3_000_000
    assert "more than three million predictions" in PAGE
    assert set(view.COLUMNS) == {"probability", "number", "class"}
