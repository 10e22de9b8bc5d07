"""docs/strategies.md tells of every strategy, and its pictures are those of the strategies as they are."""

import re

import pytest

from tests.docs import pictures, tables
from tidegate.core.decide import strategies
from tidegate.core.spec import file

PAGE = (tables.DOCS / "strategies.md").read_text()
SECTIONS = re.findall(r"^## ([A-Za-z -]+)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
EXAMPLES = [
    (re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)[0], re.findall(r"\(strategies/([a-z-]+)\.svg\)", text)[0])
    for _, text in SECTIONS
]
ASKED = ("For", "Not for", "What the client sees", "Left on", "When it goes wrong")


@pytest.mark.parametrize("case", pictures.CASES)
def test_a_picture_is_drawn_from_its_strategy(case):
    drawn = (pictures.PLACE / f"{case}.svg").read_text()
    assert drawn == pictures.expected(case), "run: python -m tests.docs.pictures"


def test_there_are_no_other_pictures_and_each_is_on_the_page():
    assert {path.stem for path in pictures.PLACE.glob("*.svg")} == set(pictures.CASES)
    assert set(re.findall(r"\(strategies/([a-z-]+)\.svg\)", PAGE)) == set(pictures.CASES)


def test_every_strategy_is_told_whole():
    sections = dict(SECTIONS)
    for name in set(strategies.STRATEGIES) - {"full"}:
        missing = [word for word in ASKED if f"**{word}.**" not in sections[name]]
        assert missing == [], f"{name}: {missing}"
        assert "```yaml" in sections[name]


@pytest.mark.parametrize(("example", "case"), EXAMPLES, ids=[case for _, case in EXAMPLES])
def test_an_example_loads_and_comes_to_what_its_picture_shows(example, case):
    settings = file.resolve(file.load(example))
    drawn = pictures.course_of(case)
    assert (settings.stages, settings.replicas, settings.returns) == (drawn.stages, drawn.replicas, drawn.returns)
