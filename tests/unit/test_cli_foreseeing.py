"""What `plan` says of the checks to come, and `rehearse` of a drill that is over."""

import pytest

from tidegate.core.decide import strategies
from tidegate.core.spec import settings as specification
from tidegate.core.vocabulary import dependencies
from tidegate.delivery.gates import memory
from tidegate.interface.cli import foreseeing
from tidegate.interface.cli.commands import rehearse

SETTINGS = specification.Settings(
    "delay",
    "m",
    stages=strategies.canary(strategies.Plan()),
    requires=(dependencies.Requirement("table", "customers", "v3", "env:SHOP"),),
    migrations=(dependencies.Migration("add-y", "expand"), dependencies.Migration("drop-x", "contract")),
)
V2 = {"name": "v2", "ordinal": 2}
ENDPOINT = {"stable": V2, "kept": [{"name": "v1", "ordinal": 1}], "release": {"candidate": {"ordinal": 4}}}


def worker(version, rss, **more):
    return {"kind": "worker", "endpoint": "delay", "version": version, "alive": True, "rss": rss, **more}


@pytest.fixture
def free(monkeypatch):
    def have(size):
        monkeypatch.setattr(memory, "free", lambda: memory.Free(size, "on this machine"))

    return have


def test_what_it_depends_on_and_what_closes_the_way_back_are_told(free):
    free(1 << 30)
    said = foreseeing.sentences(SETTINGS, ENDPOINT, [worker("v2", 100 * 10**6)])
    assert "customers@v3" in said[0]
    assert "SHOP" not in said[0]
    assert said[1].startswith("Expand add-y: versions before v5")
    assert said[2].startswith("Contract drop-x: it is the point of no return")
    assert said[3].startswith("Memory: 1 more worker would start beside stable's 1")


def test_only_living_workers_of_stable_are_the_measure_and_too_little_memory_is_a_refusal(free):
    free(50 * 10**6)
    workers = [worker("v2", 60 * 10**6), worker("v1", 900 * 10**6), worker("v2", 900 * 10**6, alive=False)]
    said = foreseeing.sentences(SETTINGS, ENDPOINT, workers)
    assert "It would be refused for memory: 1 more worker would start beside stable's 1; like that it takes 60 MB" in said[-1]
    assert "recreate" in said[-1]


def test_where_nothing_is_up_nothing_is_said_of_memory():
    said = foreseeing.sentences(SETTINGS, None, [])
    assert len(said) == 3
    assert "before this version" in said[1]


def drill(**more):
    told = {"answered": 900, "failed": 0, "rps": 100.0, "versions": {"v5": 450, "v2": 450}, "reasons": {}}
    found = {"endpoint": "delay", "version": "v5", "outcome": "rehearsed", "reason": "r", "traffic_off_seconds": 0.0421}
    return found | {"traffic": told | more.pop("traffic", {}), **more}


def test_a_drill_is_told_in_a_sentence():
    assert rehearse.said(drill()) == (
        "delay: traffic was off v5 42 ms after the decision; 900 requests answered, 0 failed at 100 requests/s (v2 450, v5 450)."
    )
    failed = rehearse.said(drill(traffic={"failed": 2, "reasons": {"503 draining": 2}}))
    assert "2 failed (503 draining x2)" in failed
    assert "did not come to its end (failed: r)" in rehearse.said(drill(outcome="failed"))
