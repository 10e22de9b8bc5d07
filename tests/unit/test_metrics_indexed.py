"""What the monitor keeps for days is found by its time: no look at the last minutes reads all that there is."""

import functools
import pathlib
import sqlite3
from typing import Any, ClassVar

import pytest

from tidegate.core.vocabulary import home
from tidegate.observability.metrics import minutes, probes

NOW = 1_700_000_040.0


class Explained(sqlite3.Connection):
    """Notes how each question is answered."""

    plans: ClassVar[list[str]] = []

    def execute(self, ask: str, given: Any = ()) -> sqlite3.Cursor:
        if ask.startswith(("SELECT", "DELETE")):
            self.plans += [row[3] for row in super().execute(f"EXPLAIN QUERY PLAN {ask}", given)]
        return super().execute(ask, given)


def test_nothing_is_read_from_its_beginning(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = home.Home(tmp_path)
    monkeypatch.setattr(sqlite3, "connect", functools.partial(sqlite3.connect, factory=Explained))
    monkeypatch.setattr(Explained, "plans", [])
    probes.note(place, [probes.Probe("iris", NOW, "v1", True, 0.1, 200)], NOW)
    assert probes.latest(place, NOW - 60.0)["iris"].right == 1
    assert len(probes.listed(place, "iris", NOW - 60.0, NOW + 1.0)) == 1
    made = minutes.Minutes(place)
    made.sample([], minutes.Machine(0, 1, 1, 0, 0), NOW)
    made.close()
    minutes.served(place, NOW - 60.0, NOW)
    minutes.served(place, NOW - 60.0, NOW, "iris")
    minutes.samples(place, NOW - 60.0)
    minutes.machine(place, NOW - 60.0)
    read = [plan for plan in Explained.plans if plan.startswith(("SCAN", "SEARCH"))]
    assert len(read) >= 10
    assert [plan for plan in read if plan.startswith("SCAN") and plan not in ("SCAN (subquery-1)", "SCAN seen")] == []
