"""Workers replaced one by one, on a target in memory."""

import pytest

from tidegate.control.loop import observation, replacing, transitions
from tidegate.control.store import database, store
from tidegate.core.vocabulary import releases, tables
from tidegate.dataplane.targets import fake, target

V1 = releases.Version("flights", 1, "a" * 64, "a" * 64, "mlflow://flights/1")
WANTED = {("flights", 1): (V1, 2)}


@pytest.fixture(scope="module")
def books(tmp_path_factory):
    with store.Store(database.sqlite_url(tmp_path_factory.mktemp("store") / "store.db")) as made:
        yield made


@pytest.fixture
def desk(books, request):
    return transitions.Desk(books, request.node.name, lambda: "r")


def look(placed: fake.Fake, at: float, connected: bool = True) -> observation.Observation:
    replicas = placed.observe()
    workers = tuple(tables.Worker(one.instance, one.address, one.token) for one in replicas)
    route = tables.Route("flights", "production", tables.Deployed(1, V1.digest, V1.model, workers))
    names = frozenset(one.instance for one in replicas) if connected else frozenset()
    gateway = observation.Gateway("gateway-0", "boot", 1, workers=names)
    return observation.Observation(at, tables.Table(1, 0, {"flights": route}), (gateway,), replicas, {}, 0, {})


def turn(under_way: replacing.Replacing, placed: fake.Fake, at: float, connected: bool = True) -> int:
    """One turn as control makes it; how many replicas are ready after it."""
    wanted = under_way.turn(WANTED, placed, look(placed, at, connected))
    version, replicas = wanted[("flights", 1)]
    placed.ensure(version, replicas)
    return sum(one.state is target.State.READY for one in placed.observe())


def test_each_goes_only_once_its_successor_serves_and_never_are_there_fewer(desk):
    placed = fake.Fake()
    placed.ensure(V1, 2)
    placed.settle()
    old = {one.instance for one in placed.observe()}
    replacing.begin(desk, old)
    under_way = replacing.Replacing(desk)
    for at in range(12):
        assert turn(under_way, placed, at) >= 2
        placed.settle()
    assert not {one.instance for one in placed.observe()} & old
    assert len(placed.observe()) == 2
    assert replacing.left(desk) == ()
    assert not under_way.under_way


def test_a_gateway_that_is_not_connected_is_waited_for_and_a_restarted_control_goes_on(desk):
    placed = fake.Fake()
    placed.ensure(V1, 2)
    placed.settle()
    old = {one.instance for one in placed.observe()}
    replacing.begin(desk, old)
    for at in range(4):
        turn(replacing.Replacing(desk), placed, at, connected=False)
        placed.settle()
    assert {one.instance for one in placed.observe()} > old
    turn(replacing.Replacing(desk), placed, 5)
    assert len({one.instance for one in placed.observe()} & old) == 1


def test_a_new_one_that_does_not_come_up_leaves_the_old_ones_and_is_an_alarm(desk):
    placed = fake.Fake()
    placed.ensure(V1, 2)
    placed.settle()
    old = {one.instance for one in placed.observe()}
    replacing.begin(desk, old)
    under_way = replacing.Replacing(desk)
    turn(under_way, placed, 0)
    fresh = next(one.instance for one in placed.observe() if one.instance not in old)
    placed.becomes(fresh, target.State.FAILED, "model-load-failed", "no module")
    turn(under_way, placed, 1)
    assert {one.instance for one in placed.observe()} == old
    assert under_way.failed is not None
    assert "no module" in under_way.failed.words
    assert not under_way.under_way
