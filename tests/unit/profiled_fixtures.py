"""Requests of many rows, and an endpoint whose hours are profiled."""

import json
import pathlib

import numpy as np

from tests.unit import predlog_fixtures as given
from tests.unit.pairs_fixtures import Mirrored
from tidegate.core.stats import seasons
from tidegate.core.vocabulary import profiles, records
from tidegate.observability.drift import drifting
from tidegate.observability.profiling import hourly, profiled

ROWS = 50
HOUR = seasons.HOUR
FIRST = given.T0 // HOUR * HOUR


def asked(chance: int, at: float, rng: np.random.Generator, shift: float = 0.0, **more: object) -> records.Prediction:
    """A request of fifty rows."""
    carriers, hours = rng.choice(["AA", "UA", "DL"], ROWS), rng.normal(12 + shift, 3, ROWS).round()
    rows = [{"carrier": carrier, "hour": int(hour)} for carrier, hour in zip(carriers.tolist(), hours.tolist(), strict=True)]
    whole = {
        "input": json.dumps({"records": rows}).encode(),
        "answers": tuple(rng.random(ROWS).tolist()),
        "rows": ROWS,
        "weight": 0,
    }
    return given.prediction(chance, at, **(whole | more))


class Profiled(Mirrored):
    """An endpoint that has learned its frames."""

    def __init__(self, root: pathlib.Path) -> None:
        super().__init__(root, mirror=0)
        self.rng = np.random.default_rng(1)
        self.put(*(asked(at, 0.0, self.rng) for at in range(hourly.TEACH // ROWS)))
        self.look(1.0)

    def hours(self) -> list[tuple[int, int, profiles.Profile]]:
        return profiled.hours(self.recorder.catalogue.connection, "flight-delay", 0, 2**40)

    def report(self, window: drifting.Stretch, reference: drifting.Stretch) -> drifting.Report:
        return drifting.report(self.recorder.catalogue.connection, drifting.Report("flight-delay", window, "time", (reference,)))
