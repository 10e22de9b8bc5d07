"""What several looks tell about workers."""

import msgspec

from tidegate.control.loop import health, observation
from tidegate.core.vocabulary import releases, tables
from tidegate.dataplane.targets import target

V1 = releases.Version("flights", 1, "a" * 64, "a" * 64, "mlflow://flights/1")
ROUTE = tables.Route("flights", "production", tables.Deployed(1, V1.digest, V1.model), limits=tables.Limits(timeout_ms=20_000))


def seen(at: float, *restarts: int, state: str = "ready", silent: dict[str, float] | None = None) -> observation.Observation:
    """A look at two workers that have been restarted so often."""
    replicas = tuple(
        target.Replica(f"w-{number}", "flights", 1, V1.digest, "unix:/w", "t", target.State(state), restarts=count)
        for number, count in enumerate(restarts)
    )
    gateways = (observation.Gateway("gateway-0", "boot", 1, silent=silent or {}),)
    return observation.Observation(at, tables.Table(1, 0, {"flights": ROUTE}), gateways, replicas, {}, 0, {})


def wrong(fared: health.Health, look: observation.Observation, *, asleep: bool = False) -> list[str]:
    fared.look(look)
    return [one.kind for one in fared.wrong(look, [V1], [], frozenset({"flights"} if asleep else ()))]


def test_a_crash_loop_is_three_ends_within_the_window_and_over_once_none_has_come_for_so_long():
    fared = health.Health()
    assert wrong(fared, seen(0, 5, 0)) == []  # what was before the first look is not counted
    assert wrong(fared, seen(10, 6, 0)) == []
    assert wrong(fared, seen(20, 6, 1)) == []
    assert wrong(fared, seen(30, 7, 1)) == ["crash_loop"]
    assert wrong(fared, seen(30 + health.WINDOW - 1, 7, 1)) == ["crash_loop"]
    assert wrong(fared, seen(30 + health.WINDOW, 7, 1)) == []


def test_ends_far_apart_are_none():
    fared = health.Health()
    looks = [wrong(fared, seen(number * health.WINDOW * 0.6, number)) for number in range(6)]
    assert looks == [[]] * 6


def test_stable_without_a_ready_worker_is_an_alarm_after_a_while_unless_it_sleeps():
    fared = health.Health()
    assert wrong(fared, seen(0, 0, state="starting")) == []
    assert wrong(fared, seen(health.LOST_SECONDS + 1, 0, state="starting"), asleep=True) == []
    assert wrong(fared, seen(health.LOST_SECONDS + 1, 0, state="starting")) == ["no_worker"]
    assert wrong(fared, seen(health.LOST_SECONDS + 2, 0, state="failed")) == ["load_failed", "no_worker"]
    assert wrong(fared, seen(health.LOST_SECONDS + 3, 0)) == []


def test_a_silent_worker_is_named_once_when_three_timeouts_have_passed_and_stays_an_alarm_for_a_while():
    fared = health.Health()
    assert list(fared.silent(seen(0, 0, silent={"w-0": 59.0}))) == []
    look = seen(1, 0, silent={"w-0": 61.0, "gone": 99.0})
    assert [name for name, _ in fared.silent(look)] == ["w-0"]
    assert list(fared.silent(seen(2, 0, silent={"w-0": 62.0}))) == []
    assert wrong(fared, seen(3, 1)) == ["silent_worker"]
    assert wrong(fared, seen(1 + health.WINDOW, 1)) == []
    quick = msgspec.structs.replace(ROUTE, limits=tables.Limits(timeout_ms=100))
    look = msgspec.structs.replace(seen(2 + health.WINDOW, 1, silent={"w-0": 31.0}), table=tables.Table(1, 0, {"flights": quick}))
    assert [name for name, _ in fared.silent(look)] == ["w-0"]
