"""Any process may die at any moment: requests are answered, releases resume, nothing acknowledged is lost."""

import pytest

from tests.process import living
from tidegate.core.vocabulary import home, ids
from tidegate.dataplane.predlog import reader


@pytest.fixture(scope="module")
def system(tmp_path_factory, models):
    """One Tidegate for all tests here: a system that survived one death has to survive the next."""
    with living.alive(tmp_path_factory.mktemp("system"), models) as found:
        yield found


def logged(place: home.Home, shown: dict[str, int]) -> set[str]:
    """Those of the ids that the recorded prediction log has, each once."""
    found = reader.predictions(place.log, [identifier for one in shown if (identifier := ids.parse(one))])
    assert len({(one.incarnation, one.sequence) for one in found}) == len(found)
    return {ids.text(one.id) for one in found}


def test_control_dies_in_the_middle_of_a_canary_and_the_release_resumes(system):
    with living.Traffic(system.address, 400) as traffic:
        system.release("v2")
        system.await_phase("running")
        pid = system.kill("control")
        system.await_successor("control", pid)
        system.await_phase("probation", "succeeded")
    assert traffic.failed == 0, traffic.failures
    assert system.endpoint()["stable"]["name"] == "v2"


def test_a_candidate_that_dies_is_rescued_and_counted(system):
    with living.Traffic(system.address, 400) as traffic:
        identifier = system.release("v3")
        system.await_phase("running")
        system.kill(system.instance("worker", 3))
        living.wait(lambda: traffic.rescued, what="stable to answer in its place")
        system.await_phase("probation", "succeeded", "rolled_back")
    assert traffic.failed == 0, traffic.failures

    def counted() -> bool:
        with system.api as asked:
            harm = asked.verdict(identifier)["harm"]
        return harm["rescued"] == harm["failed"] == traffic.rescued

    living.wait(counted, what="every rescue to be counted as harm")


def test_the_only_stable_worker_dies_and_clients_get_an_answer_at_once(system):
    stable = system.endpoint()["stable"]["ordinal"]
    with living.Traffic(system.address, 100, timeout=5.0) as traffic:
        worker = system.instance("worker", stable)
        pid = system.kill(worker)
        system.await_successor(worker, pid)
        before = traffic.answered
        living.wait(lambda: traffic.answered > before + 50, what="answers again")
    assert set(traffic.statuses) <= {200, 503}, traffic.failures
    assert traffic.slowest < 4.0


def test_the_gateway_dies_and_serves_again_from_the_table_on_disk(system):
    with living.Traffic(system.address, 100) as traffic:
        pid = system.kill("gateway-0")
        system.await_successor("gateway-0", pid)
        before = traffic.answered
        living.wait(lambda: traffic.answered > before + 50, what="answers again")
    assert set(traffic.statuses) <= {200, 0}, traffic.failures
    acknowledged = dict(traffic.ids)
    living.wait(lambda: logged(system.home, acknowledged) == set(acknowledged), what="every answer to be in the log")


def test_the_recorder_dies_and_nothing_is_lost_or_repeated(system):
    with living.Traffic(system.address, 300) as traffic:
        pid = system.kill("recorder")
        system.await_successor("recorder", pid)
        pid = system.kill("recorder")
        system.await_successor("recorder", pid)
    assert traffic.failed == 0, traffic.failures
    living.wait(lambda: logged(system.home, traffic.ids) == set(traffic.ids), what="every answer to be in the log")
