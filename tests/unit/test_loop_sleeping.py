"""When an endpoint falls asleep, and when it wakes."""

import pytest

from tidegate.control.loop import observation, sleeping
from tidegate.core.spec import settings as specification
from tidegate.core.vocabulary import home, releases, tables
from tidegate.dataplane.targets import target
from tidegate.dataplane.wire import sums

V1 = releases.Version("flights", 1, "a" * 64, "a" * 64, "mlflow://flights/1")
SETTINGS = specification.Settings("flights", "m", scale_to_zero=60.0, load_seconds=30.0)
AWAKE, WAKING, ASLEEP = sleeping.Rest.AWAKE, sleeping.Rest.WAKING, sleeping.Rest.ASLEEP


@pytest.fixture
def place(tmp_path):
    made = home.Home(tmp_path)
    made.sums.mkdir()
    return made


def seen(at: float, *, asleep: bool = False, wanted: bool = False, ready: bool = False) -> observation.Observation:
    route = tables.Route("flights", "production", tables.Deployed(1, V1.digest, V1.model), asleep=asleep)
    gateways = (observation.Gateway("gateway-0", "boot", 1, ("flights",) if wanted else ()),)
    worker = target.Replica("w", "flights", 1, V1.digest, "unix:/w", "t", target.State.READY)
    return observation.Observation(at, tables.Table(1, 0, {"flights": route}), gateways, (worker,) if ready else (), {}, 0, {})


def test_it_falls_asleep_when_nobody_has_asked_for_so_long(place):
    beds = sleeping.Dormitory(place)
    assert beds.rest(SETTINGS, V1, seen(1000), moving=False) is AWAKE  # since when nobody asks is not known yet
    assert beds.rest(SETTINGS, V1, seen(1060), moving=False) is AWAKE
    assert beds.rest(SETTINGS, V1, seen(1061), moving=True) is AWAKE
    assert beds.rest(SETTINGS, V1, seen(1061), moving=False) is ASLEEP


def test_a_request_in_any_gateway_keeps_it_awake(place):
    beds = sleeping.Dormitory(place)
    beds.rest(SETTINGS, V1, seen(1000), moving=False)
    counter = sums.Writer(place.sums / "one.sums", "a" * 32, 1040.0)
    counter.lane(tables.Route("flights", "production", tables.Deployed(1, V1.digest, V1.model)), 0).opened()
    assert sleeping.last_asked(place.sums) == {"flights": 1040}
    assert beds.rest(SETTINGS, V1, seen(1061), moving=False) is AWAKE
    assert beds.rest(SETTINGS, V1, seen(1102), moving=False) is ASLEEP


def test_it_is_woken_by_who_waits_and_awake_once_a_worker_is_ready(place):
    beds = sleeping.Dormitory(place)
    assert beds.rest(SETTINGS, V1, seen(0, asleep=True), moving=False) is ASLEEP
    assert beds.rest(SETTINGS, V1, seen(1, asleep=True, wanted=True), moving=False) is WAKING
    assert beds.rest(SETTINGS, V1, seen(2, asleep=True), moving=False) is WAKING  # who asked has gone, and may come back
    assert beds.rest(SETTINGS, V1, seen(3, asleep=True, ready=True), moving=False) is AWAKE
    assert beds.rest(SETTINGS, V1, seen(4, ready=True), moving=False) is AWAKE


def test_one_that_does_not_come_up_in_its_time_is_let_go_until_somebody_asks_again(place):
    beds = sleeping.Dormitory(place)
    beds.rest(SETTINGS, V1, seen(0, asleep=True, wanted=True), moving=False)
    late = SETTINGS.load_seconds + sleeping.LINGER_SECONDS + 1
    assert beds.rest(SETTINGS, V1, seen(late, asleep=True, wanted=True), moving=False) is WAKING
    assert beds.rest(SETTINGS, V1, seen(late, asleep=True), moving=False) is ASLEEP
    assert beds.rest(SETTINGS, V1, seen(late + 1, asleep=True), moving=False) is ASLEEP


def test_a_route_that_sleeps_though_its_file_never_asked_for_it_is_woken_at_once(place):
    beds = sleeping.Dormitory(place)
    settings = specification.Settings("flights", "m")
    assert beds.rest(settings, V1, seen(0, asleep=True), moving=False) is WAKING
    assert beds.rest(settings, None, seen(0), moving=False) is AWAKE
