"""What has drifted, explained by the inputs that were logged."""

import json
import pathlib

import predlog_fixtures as given
from profiled_fixtures import HOUR, ROWS, Profiled, asked

from tidegate.dataplane.predlog import drawn


def test_logged_inputs_are_drawn_alike_every_time(tmp_path: pathlib.Path) -> None:
    log = Profiled(tmp_path)
    for at in range(30):
        body = [{"carrier": "AA", "hour": at}] + [{"carrier": "UA", "hour": 99}] * (ROWS - 1)
        log.put(asked(100 + at, HOUR + at, log.rng, input=json.dumps({"records": body}).encode()))
    log.look(HOUR + 60.0)
    span = (given.T0 + HOUR, given.T0 + 2 * HOUR)
    whole, some = (drawn.inputs(log.home, "flight-delay", span, most) for most in (100, 10))
    assert whole == {"carrier": ["AA"] * 30, "hour": list(range(30))}
    assert some == drawn.inputs(log.home, "flight-delay", span, 10)
    assert len(some["hour"]) == 10
    assert some["hour"] == sorted(some["hour"])
    assert drawn.inputs(log.home, "flight-delay", (0.0, 1.0), 10) == {}
