"""An endpoint that nobody asks has no workers until somebody does; a stable that crash-loops raises an alarm."""

import pytest

from tests.process import living
from tidegate.core.vocabulary import instances


@pytest.fixture(scope="module")
def system(tmp_path_factory, models):
    with living.alive(tmp_path_factory.mktemp("asleep"), models, "scale_to_zero: 2s\nreplicas: 2") as found:
        yield found


def workers(system: living.Living) -> list[str]:
    found = (instances.read(path) for path in sorted(system.home.instances.glob("w-*.json")))
    return [spec.name for spec in found if spec is not None]


def asleep(system: living.Living) -> bool:
    return system.endpoint()["asleep"] and not workers(system)


def test_who_asks_an_endpoint_that_sleeps_waits_for_its_worker_and_is_answered(system):
    living.wait(lambda: asleep(system), 60, what="the endpoint to fall asleep")
    assert "asleep" in system.run("status")
    with living.Traffic(system.address, 20, timeout=60.0) as traffic:
        living.wait(lambda: traffic.answered > 50, 60, what="answers")
        assert not system.endpoint()["asleep"]
    assert traffic.failed == 0, traffic.failures
    living.wait(lambda: asleep(system), 60, what="it to fall asleep again")


def test_a_release_wakes_it_and_keeps_it_awake(system):
    system.release("v2", strategy="full", probation_seconds=0.0)
    system.await_phase("succeeded")
    assert system.endpoint()["stable"]["name"] == "v2"


def test_a_stable_that_crash_loops_is_an_alarm_and_its_other_replica_serves(system):
    with living.Traffic(system.address, 100, timeout=60.0) as traffic:
        living.wait(lambda: traffic.answered > 50, 60, what="answers")
        living.wait(lambda: system.endpoint()["stable"]["workers"] == 2, 60, what="both replicas")
        doomed = system.instance("worker", 2)
        for _ in range(3):
            pid = system.kill(doomed)
            living.wait(lambda pid=pid: system.pid(doomed) not in (0, pid), what="it to be started again")
        living.wait(lambda: "alarm crash loop" in system.run("status"), what="the alarm")
        seen = traffic.answered
        living.wait(lambda: traffic.answered > seen + 100, what="the other replica's answers")
    assert set(traffic.statuses) == {200}, traffic.failures
    with system.api as asked:
        (raised,) = (one for one in asked.events(limit=1000) if one["kind"] == "alarm")
    assert (raised["endpoint"], raised["facts"]["subject"]) == (living.ENDPOINT, "v2")
