"""Several gateways on one listening socket: one may die in the middle, and every count and record still adds up."""

import collections
import socket

import pytest

from tests.process import living
from tidegate.core.vocabulary import ids, instances, marks
from tidegate.dataplane.predlog import reader
from tidegate.dataplane.wire import sumrows, sums, tablefile

GATEWAYS = ("gateway-0", "gateway-1", "gateway-2")
IN_FLIGHT = 16
"""Connections of `living.Traffic`: so many requests may be lost with a gateway, if all are on it."""


@pytest.fixture(scope="module")
def system(tmp_path_factory, models):
    folder = tmp_path_factory.mktemp("gateways")
    found = living.Living(folder, models)
    found.up("--gateways", str(len(GATEWAYS)))
    try:
        yield found
    finally:
        found.down()


def counted(system: living.Living) -> collections.Counter[str]:
    """Requests opened and requests with a mark, of all boots together; a dead one's pending ones are errors."""
    found: collections.Counter[str] = collections.Counter()
    living_now = {instances.read_state(system.home.instances, name).get("incarnation") for name in GATEWAYS}
    for boot in sums.read_all(system.home.sums):
        for row in boot.rows:
            found["opened"] += row.values[sumrows.OPENED]
            found["marked"] += sum(row.values[sumrows.MARKS : sumrows.LATENCY])
            found["ok"] += row.values[sumrows.MARKS + marks.Mark.OK]
            found["lost"] += row.pending if boot.incarnation not in living_now else 0
    return found


def test_they_share_what_limits_allow(system):
    table = tablefile.read(system.home.table)
    assert table.gateways == len(GATEWAYS)
    assert table.routes[living.ENDPOINT].limits.queue == 1_000  # each gateway takes its part of it


def test_one_dies_in_the_middle_and_everything_adds_up(system):
    before = counted(system)
    with living.Traffic(system.address, 300) as traffic:
        living.wait(lambda: traffic.answered > 600, what="answers")
        busiest = max(GATEWAYS, key=lambda name: instances.read_state(system.home.instances, name)["connections"])
        pid = system.kill(busiest)
        system.await_successor(busiest, pid)
        seen = traffic.answered
        living.wait(lambda: traffic.answered > seen + 600, what="answers again")
    assert set(traffic.statuses) <= {200, 0}, traffic.failures  # a reset connection, and nothing else
    assert traffic.failed <= IN_FLIGHT

    def settled() -> bool:
        now = counted(system)
        return now["opened"] == now["marked"] + now["lost"]

    living.wait(settled, what="every request opened to have its mark")
    after = counted(system)
    assert after["ok"] - before["ok"] >= traffic.answered
    assert after["opened"] - before["opened"] <= traffic.answered + traffic.failed
    living.wait(lambda: logged(system, traffic) == set(traffic.ids), what="every answer to be in the log")


def logged(system: living.Living, traffic: living.Traffic) -> set[str]:
    """Those of the answered ids that the log has; within each gateway boot no number is missing."""
    found = reader.predictions(system.home.log, [one for shown in traffic.ids if (one := ids.parse(shown))])
    assert len({(one.incarnation, one.sequence) for one in found}) == len(found)
    recorder = instances.read_state(system.home.instances, "recorder")
    assert recorder["lost"] == 0
    return {ids.text(one.id) for one in found}


def test_every_gateway_takes_part(system):
    """Whoever wakes first takes the next connection, so shares differ; under load they come out alike."""
    with living.Traffic(system.address, 300) as traffic:
        living.wait(lambda: traffic.answered > 300, what="answers")
        crowd = []
        for _ in range(60):
            crowd.append(socket.create_connection(("127.0.0.1", int(system.address.rpartition(":")[2]))))
            seen = traffic.answered
            living.wait(lambda seen=seen: traffic.answered > seen, what="an answer")

        def held() -> list[int]:
            return [int(instances.read_state(system.home.instances, name)["connections"]) for name in GATEWAYS]

        living.wait(lambda: sum(held()) >= 60 + IN_FLIGHT, what="the gateways to say how many connections they hold")
        assert min(held()) >= 5, held()
        for client in crowd:
            client.close()
    assert traffic.failed == 0, traffic.failures
