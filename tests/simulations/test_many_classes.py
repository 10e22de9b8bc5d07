"""Classes of a model, each a column of its own, by the lookout's word: one alarm of many, quiet where nothing moves."""

import pathlib

import numpy as np

from tests.unit.profiles_fixtures import MONDAY, Hours
from tidegate.core.stats import counting, seasons
from tidegate.core.vocabulary import tables
from tidegate.observability.drift import lookout

DAY = seasons.DAY
CLASSES = 20
NAMES = [f"prediction.p.c{at}" for at in range(CLASSES)]
RNG = np.random.default_rng(6)
FRAMES = {
    name: counting.edged(name, column) for name, column in zip(NAMES, RNG.dirichlet(np.ones(CLASSES), 5_000).T, strict=True)
}


class Classes(Hours):
    """An endpoint with a day's answers at noon."""

    def __init__(self, root: pathlib.Path) -> None:
        super().__init__(root, FRAMES)
        self.rng = np.random.default_rng(7)
        self.lookout = lookout.Lookout(self.home)

    def day(self, begin: int, rows: int = 1_000, first: float = 1.0, version: int = 1) -> None:
        """`first`: how much more there is of the first class."""
        weights = np.ones(CLASSES)
        weights[0] = first
        said = self.rng.dirichlet(weights, rows)
        self.put(begin + 12 * 3_600, dict(zip(NAMES, said.T, strict=True)), version)

    def look(self, begin: int) -> list[str]:
        return [one.words for one in self.lookout.look(begin + DAY + 1_000.0)]


def test_twenty_classes_are_quiet_for_ten_weeks_and_one_that_moves_is_named(tmp_path: pathlib.Path) -> None:
    world, days = Classes(tmp_path), [MONDAY + at * DAY for at in range(80)]
    for day in days[:70]:
        world.day(day)
        assert world.look(day) == []
    for day in days[70:73]:
        world.day(day, first=2.5)
    (said,) = world.look(days[72])
    assert "prediction.p.c0 most" in said


def test_another_models_answers_are_no_reference_of_these(tmp_path: pathlib.Path) -> None:
    world, days = Classes(tmp_path), [MONDAY + at * DAY for at in range(70)]
    for day in days[:50]:
        world.day(day, first=4.0)
    world.look(days[49])
    world.route(stable=tables.Deployed(2, "e" * 64, "m"))
    for day in days[50:]:
        world.day(day, version=2)
        assert world.look(day) == [], "what the version before said is another matter"
