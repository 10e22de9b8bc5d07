"""Requests of our own to a candidate: what is asked, through whom, what is counted, and whose fault a lost gateway is not."""

import threading

import msgspec
import pytest

from tidegate.control.loop import smoke
from tidegate.core.decide import strategies
from tidegate.core.vocabulary import errors, home, instances, manifests, phases, releases, sums
from tidegate.dataplane.models import bundles
from tidegate.dataplane.wire import frames, samples

STAGES = strategies.blue_green(strategies.Plan())
RECORDS = int(frames.Content.RECORDS)


class Answer:
    def __init__(self, failure=""):
        self.failure = failure


class Gateways:
    """Asked as a real one is; what it heard. `answer`: (gateway's name, number of the request) -> what is wrong with it."""

    def __init__(self, answer=lambda name, number: ""):
        self.heard, self.names, self._answer = [], [], answer
        self.held, self.entered = threading.Event(), threading.Event()
        self.held.set()

    def __call__(self, gateway, version, bodies, seconds):
        self.entered.set()
        self.held.wait(30)
        self.names.append(gateway.name)
        answers = []
        for one in bodies:
            answers.append(Answer(self._answer(gateway.name, len(self.heard))))
            self.heard.append((version.name, one.body))
        return answers


@pytest.fixture
def place(tmp_path):
    found = home.Home(tmp_path)
    found.instances.mkdir()
    return found


@pytest.fixture
def alive(place):
    """Makes gateways live."""
    claims = []

    def make(name):
        instances.Spec(name, "gateway", ("x",), "t").write(place.instances)
        claims.append(instances.Claim(place.instances, name, "t"))

    yield make
    for claim in claims:
        claim.release()


def make(place, example=b'{"records": [{"x": 1}]}'):
    folder = place.bundles / "making"
    folder.mkdir(parents=True)
    columns = (manifests.Column("x", "double"),)
    named = "example.json" if example else ""
    if example:
        (folder / named).write_bytes(example)
    manifest = manifests.Manifest("m", "sklearn", "m", manifests.Signature("columns", columns, columns), (), example=named)
    (folder / bundles.MANIFEST).write_bytes(msgspec.json.encode(manifest, order="deterministic"))
    folder.rename(place.bundles / manifest.digest)
    return releases.Version("delay", 2, manifest.digest, "m", "m")


def release(candidate, **more):
    stable = releases.Version("delay", 1, "a", "a", "m")
    given = ("r1", "production", "delay", candidate, stable, "blue-green", STAGES, releases.Policy(), b"", 0.0)
    return releases.Release(*given, **{"phase": phases.Phase.RUNNING, "stage_since": 1.0, **more})


def ended():
    """Wait for the threads that ask."""
    for one in threading.enumerate():
        if one.name == "smoke":
            one.join(20)
            assert not one.is_alive()


def through(running, one):
    running.start(one)
    ended()
    return running.result(one)


def test_the_candidate_is_asked_its_example_and_what_was_answered_lately(place, alive):
    alive("gateway-0")
    samples.write(place.warm, "delay", [samples.Sample(RECORDS, b"old"), samples.Sample(RECORDS, b"new")])
    asked = Gateways()
    found = through(smoke.Smoke(place, asked), release(make(place)))
    assert found == sums.Smoke(20, 20)
    assert asked.heard[:4] == [("v2", b'{"records": [{"x": 1}]}'), ("v2", b"new"), ("v2", b"old"), asked.heard[0]]


def test_the_first_failure_is_kept_in_its_own_words(place, alive):
    alive("gateway-0")
    asked = Gateways(lambda _, number: f"predict-failed {number}" if number in (3, 9) else "")
    running, given = smoke.Smoke(place, asked), release(make(place))
    assert through(running, given) == sums.Smoke(20, 18, "predict-failed 3")


def test_another_stage_or_routes_that_are_not_in_force_ask_nothing(place, alive):
    alive("gateway-0")
    asked = Gateways()
    running, given = smoke.Smoke(place, asked), release(make(place))
    running.start(msgspec.structs.replace(given, stage=1))
    running.start(msgspec.structs.replace(given, stage_since=0.0))
    running.start(msgspec.structs.replace(given, phase=phases.Phase.WARMING, stage_since=0.0))
    assert running.result(given) is None
    assert asked.heard == []


def test_a_lost_gateway_is_not_the_candidates_fault(place, alive):
    alive("gateway-0")
    alive("gateway-1")

    def lost(name, number):
        if name == "gateway-0":
            raise errors.CapacityError("lost")
        return ""

    asked = Gateways(lost)
    assert through(smoke.Smoke(place, asked), release(make(place))) == sums.Smoke(20, 20)
    assert set(asked.names) == {"gateway-0", "gateway-1"}


def test_one_that_comes_back_is_waited_for_and_one_that_does_not_is_given_up(place, alive, monkeypatch):
    monkeypatch.setattr(smoke, "PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(smoke, "TURNS", 3)
    given = release(make(place))
    found = through(smoke.Smoke(place, Gateways()), given)
    assert (found.answered, found.failure) == (0, "no gateway: none can be reached")
    monkeypatch.setattr(smoke, "TURNS", 10_000)
    running = smoke.Smoke(place, Gateways())
    running.start(given)
    alive("gateway-0")
    ended()
    assert running.result(given) == sums.Smoke(20, 20)


def test_without_anything_to_ask_it_says_so(place, alive):
    alive("gateway-0")
    found = through(smoke.Smoke(place, Gateways()), release(make(place, example=b"")))
    assert found.answered == 0
    assert "nothing to ask" in found.failure


def test_a_release_that_is_forgotten_is_asked_no_more_and_one_begun_is_not_begun_again(place, alive):
    alive("gateway-0")
    asked = Gateways()
    asked.held.clear()
    running, given = smoke.Smoke(place, asked), release(make(place))
    running.start(given)
    running.start(given)
    assert asked.entered.wait(20)
    running.forget(given.id)
    asked.held.set()
    ended()
    assert running.result(given) is None
    assert len(asked.heard) == smoke.AT_ONCE
