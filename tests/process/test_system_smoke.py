"""Requests of our own go through a living gateway to the very version that is named, and are nobody's but ours."""

import json

from tests.process import living
from tidegate.control.loop import smoke
from tidegate.core.decide import strategies
from tidegate.core.vocabulary import phases, releases
from tidegate.dataplane.wire import samples

STAGES = strategies.blue_green(strategies.Plan())


def release(system, ordinal):
    """As if this version were one that has no traffic yet; its bundle is v1's."""
    told = system.endpoint()["stable"]
    candidate = releases.Version(living.ENDPOINT, ordinal, told["digest"], told["model_digest"], "m")
    stable = releases.Version(living.ENDPOINT, 99, told["digest"], told["model_digest"], "m")
    given = (f"r{ordinal}", "production", living.ENDPOINT, candidate, stable, "blue-green", STAGES, releases.Policy(), b"", 0.0)
    return releases.Release(*given, phase=phases.Phase.RUNNING, stage_since=1.0)


def test_a_version_answers_our_own_requests_or_says_why_not(tmp_path, models):
    with living.alive(tmp_path, models, "log: {inputs: all}\n") as system:
        with living.Traffic(system.address, 100):
            living.wait(lambda: samples.read(system.home.warm, living.ENDPOINT), what="requests to warm up on")
        running = smoke.Smoke(system.home)
        good, absent = release(system, 1), release(system, 7)
        running.start(good)
        running.start(absent)
        living.wait(lambda: (found := running.result(good)) and found.asked == 20, what="its answers")
        living.wait(lambda: (found := running.result(absent)) and found.asked == 20, what="its refusals")
        assert running.result(good).failure == ""
        assert running.result(good).answered == 20
        assert running.result(absent).answered == 0
        assert "version-unknown" in running.result(absent).failure
        running.close()
        table = json.loads(system.home.table.read_text())["routes"][living.ENDPOINT]
        assert table["candidate"] is None
