"""What the lookout has seen, in numbers: which columns, how many of them, and that a page of metrics has them."""

import pathlib

import numpy as np
import pytest
from profiles_fixtures import MONDAY, Hours
from prometheus_client import parser
from prometheus_client.samples import Sample

from tidegate.core.stats import counting, seasons
from tidegate.core.vocabulary import profiles
from tidegate.dataplane.wire import tablefile
from tidegate.observability.drift import lookout, telling
from tidegate.observability.metrics import drifted, exposition
from tidegate.observability.profiling import oddness

DAYS = [MONDAY + at * seasons.DAY for at in range(40)]
STATUS = {
    "endpoints": [],
    "alarms": [],
    "recorder": {},
    "gateways": [],
    "control": False,
    "control_state": "",
    "store": "",
    "generation": 1,
}


class Wide:
    """An endpoint with so many columns of numbers, a day's rows at noon."""

    def __init__(self, root: pathlib.Path, columns: int) -> None:
        self.rng = np.random.default_rng(5)
        self.names = [f"c{at:04d}" for at in range(columns)]
        frames = {name: counting.edged(name, self.rng.random(500)) for name in self.names}
        self.hours = Hours(root, {**frames, oddness.NAME: oddness.FRAME})
        self.home, self.lookout = self.hours.home, lookout.Lookout(self.hours.home)

    def day(self, begin: int, moved: int = 0, rows: int = 1_000) -> None:
        """`moved`: of so many columns half are missing."""
        told = {name: self.rng.random(rows) for name in self.names}
        for name in self.names[:moved]:
            told[name][: rows // 2] = np.nan
        bits = np.where(np.arange(rows) < rows // 20, 12.5, 3.5)
        self.hours.put(begin + 12 * 3_600, {**told, oddness.NAME: bits})
        self.lookout.look(begin + seasons.DAY + 1_000.0)

    def page(self) -> str:
        body, _ = exposition.page(self.home, STATUS, tablefile.read(self.home.table))
        return body.decode()


def samples(text: str, name: str) -> list[Sample]:
    return [one for family in parser.text_string_to_metric_families(text) for one in family.samples if one.name == name]


def looks(world: Wide) -> dict[tuple[str, str], drifted.Look]:
    return {(one.kind, one.reference): one for one in drifted.read(world.home)["flights"].looks}


def test_what_has_moved_is_told_with_its_bound_and_its_shares(tmp_path: pathlib.Path) -> None:
    world = Wide(tmp_path, 3)
    assert drifted.read(world.home) == {}
    for day in DAYS[:37]:
        world.day(day)
    quiet = looks(world)["quality", "season"]
    assert (quiet.columns, quiet.moved) == (4, 0)
    for day in DAYS[37:]:
        world.day(day, moved=1)
    found = looks(world)
    quality = found["quality", "season"]
    assert (quality.columns, quality.moved, quality.until) == (4, 1, DAYS[-1] + seasons.DAY)
    [nulls] = [one for one in quality.effects if (one.column, one.effect) == ("c0000", "nulls")]
    assert nulls.size == pytest.approx(0.5)
    assert 0.4 < nulls.low < 0.5
    shares = {one.column: one for one in quality.shares}
    assert (shares["c0000"].nulls, shares["c0001"].nulls, shares["c0000"].broken) == (0.5, 0.0, 0.0)
    assert {one.effect for one in found["drift", "season"].effects} == {"ks", "tail"}
    assert all(one.low <= max(0.0, one.size) for look in found.values() for one in look.effects if one.effect != "same")
    assert drifted.read(world.home)["flights"].odd == pytest.approx(0.05)


def test_the_page_of_metrics_has_it_for_endpoints_that_are_routed(tmp_path: pathlib.Path) -> None:
    world = Wide(tmp_path, 2)
    for at, day in enumerate(DAYS):
        world.day(day, moved=int(at >= 37))
    text = world.page()
    [moved] = [one for one in samples(text, "tidegate_drift_moved_columns") if one.labels["kind"] == "quality"]
    assert (moved.labels["endpoint"], moved.labels["version"], moved.labels["reference"]) == ("flights", "v1", "season")
    assert moved.value == 1
    for name in ("drift_effect", "drift_effect_low", "input_faults_ratio", "odd_inputs_ratio", "drift_window_end_seconds"):
        assert f"\ntidegate_{name}{{" in text
    world.hours.endpoint = "another"
    world.hours.route()
    assert "flights" not in world.page()


@pytest.mark.parametrize("moved", [0, 30, 200])
def test_a_model_of_many_columns_is_told_by_those_that_matter(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, moved: int
) -> None:
    monkeypatch.setattr(lookout, "plans", lambda *given: list(PLANS(*given))[:1])  # quality alone: days are enough for it
    world = Wide(tmp_path, 200)
    for at, day in enumerate(DAYS[:12]):
        world.day(day, moved if at >= 9 else 0, rows=profiles.FEWEST * 2)
    look = looks(world)["quality", "season"]
    assert (look.columns, look.moved) == (201, moved)
    told = {one.column for one in look.effects}
    assert len(told) == min(telling.MOST, max(telling.FIRST, moved))
    assert told <= set(world.names[:moved]) or moved < telling.FIRST
    series = [
        line for line in world.page().splitlines() if line.startswith(("tidegate_drift_", "tidegate_input_", "tidegate_odd"))
    ]
    assert len(series) <= telling.MOST * (4 * 2 + 3) + 4


PLANS = lookout.plans
