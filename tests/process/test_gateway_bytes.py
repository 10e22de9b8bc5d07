"""What clients and workers send and get is counted in bytes, and outlives the gateway that counted."""

import pytest
from gateway_fixtures import Rig, deployed, until

from tidegate.dataplane.wire import counts
from tidegate.observability.metrics import totals


@pytest.fixture
def rig():
    made = Rig()
    try:
        yield made
    finally:
        made.close()


def test_bytes_are_counted_by_version_and_by_worker(rig):
    one = rig.worker(1)
    rig.route(deployed(1, one))
    rig.start()
    body = b'{"n": "' + b"x" * 10_000 + b'"}'
    with rig.client() as client:
        answers = [client.predict(body) for _ in range(7)]
    assert {one.status for one in answers} == {200}
    answered = sum(len(one.body) for one in answers)

    def told():
        served = totals.served(rig.home)
        slots = served.versions.get(("flights", 1))
        moved = [served.of(what).get(counts.worker(one.instance), 0) for what in (counts.GIVEN, counts.TAKEN)]
        return slots and (slots[counts.ASKED_BYTES], slots[counts.ANSWERED_BYTES], *moved)

    until(lambda: told() and told()[1] == answered, what="all to be counted")
    asked, got, given, taken = told()
    assert (asked, got) == (7 * len(body), answered)
    assert asked < given < asked + 7 * 500, "the bodies untouched, and a head each"
    assert got < taken < got + 7 * 500 + 1_000, "and its welcome"
    rig.gateway.kill()
    rig.gateway.wait()
    assert totals.fold(rig.home) == 1
    assert told() == (asked, got, given, taken)
