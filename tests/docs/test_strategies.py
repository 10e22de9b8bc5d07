"""docs/strategies.md tells of every strategy, and its pictures are those of the strategies as they are."""

import re

import pytest

from tests.docs import pictures, tables
from tidegate.core.decide import strategies

PAGE = (tables.DOCS / "strategies.md").read_text()
ASKED = ("For", "Not for", "What the client sees", "Left on", "When it goes wrong")


@pytest.mark.parametrize("case", pictures.CASES)
def test_a_picture_is_drawn_from_its_strategy(case):
    drawn = (pictures.PLACE / f"{case}.svg").read_text()
    assert drawn == pictures.expected(case), "run: python -m tests.docs.pictures"


def test_there_are_no_other_pictures_and_each_is_on_the_page():
    assert {path.stem for path in pictures.PLACE.glob("*.svg")} == set(pictures.CASES)
    assert set(re.findall(r"\(strategies/([a-z-]+)\.svg\)", PAGE)) == set(pictures.CASES)


def test_every_strategy_is_told_whole():
    sections = dict(re.findall(r"^## ([a-z-]+)\n(.*?)(?=^## )", PAGE, re.MULTILINE | re.DOTALL))
    for name in set(strategies.STRATEGIES) - {"full"}:
        missing = [word for word in ASKED if f"**{word}.**" not in sections[name]]
        assert missing == [], f"{name}: {missing}"
        assert "```yaml" in sections[name]
