"""A shadow that hangs, dies or crawls costs no client anything; what it answers is recorded beside the request."""

import os
import signal
import statistics
import threading
import time

import pytest
from gateway_fixtures import Load, Rig, deployed, until

from tidegate.core.vocabulary import arms, marks, tables

ALL = 10_000


@pytest.fixture
def rig():
    rig = Rig({"limits.copies": "64"})
    try:
        yield rig
    finally:
        rig.close()


def pair(rig, do="ok"):
    return deployed(1, rig.worker(1)), deployed(2, rig.worker(2, default=do))


def shadows(rig):
    return [record for record in rig.records() if record.role == arms.Role.SHADOW]


class Timed(Load):
    """Load whose clients time each answer."""

    def __init__(self, rig, clients=6):
        super().__init__(rig, clients)
        self.seconds = []
        self._threads = [threading.Thread(target=self._time) for _ in range(clients)]

    def _time(self):
        with self.rig.client() as client:
            while not self._ending.is_set():
                began = time.monotonic()
                answer = client.predict(self.body)
                self.seconds.append(time.monotonic() - began)
                well = answer.status == 200 and answer.headers["tidegate-version"] == "v1"
                (self.answers if well else self.failures).append(answer)

    @property
    def p99(self):
        return statistics.quantiles(self.seconds, n=100)[98]


def measured(rig, number=1_500):
    with Timed(rig) as load:
        load.more(number)
    assert load.failures == []
    return load


def test_both_answers_of_a_mirrored_request_are_recorded_by_one_id(rig):
    rig.route(*pair(rig), mirror=ALL)
    rig.start()
    with rig.client() as client:
        answers = [client.predict({"n": number}) for number in range(20)]
    assert {answer.headers["tidegate-version"] for answer in answers} == {"v1"}
    until(lambda: len(shadows(rig)) == 20, what="the copies' records")
    live = {record.id: record for record in rig.records() if record.role == arms.Role.LIVE}
    for copy in shadows(rig):
        assert (copy.version, copy.arm, copy.mark, copy.weight, copy.evidence) == (2, 1, marks.Mark.OK, 0, False)
        assert (copy.input, live[copy.id].input != b"") == (b"", True)
        assert b'"v2"' in copy.output
        assert b'"v1"' in live[copy.id].output
        assert copy.generation == live[copy.id].generation
    stable, candidate = rig.counts()
    assert (stable.opened, stable.closed, candidate.opened) == (20, 20, 0)
    assert rig.state["copies_dropped"] == {}


def test_a_share_is_mirrored(rig):
    rig.route(*pair(rig), mirror=2_500)
    rig.start()
    with rig.client() as client:
        for _ in range(200):
            assert client.predict().status == 200
    until(lambda: len(shadows(rig)) + sum(rig.state["copies_dropped"].values()) > 0)
    assert 20 <= len(shadows(rig)) <= 90


def test_after_the_switch_the_version_before_gets_the_copies(rig):
    rig.route(*pair(rig), weight=ALL, mirror=ALL, candidate_owns=True)
    rig.start()
    with rig.client() as client:
        assert {client.predict().headers["tidegate-version"] for _ in range(10)} == {"v2"}
    until(lambda: len(shadows(rig)) == 10, what="the copies' records")
    assert {(copy.version, copy.arm, copy.weight) for copy in shadows(rig)} == {(1, 0, ALL)}


@pytest.mark.parametrize("do", ["hang", "slow", "error", "die"])
def test_a_sick_shadow_fails_and_slows_no_client(rig, do):
    one, two = pair(rig, do)
    rig.route(one, two, limits=tables.Limits(timeout_ms=1_000))
    rig.start()
    plain = measured(rig)
    rig.route(one, two, mirror=ALL, limits=tables.Limits(timeout_ms=1_000))
    mirrored = measured(rig)
    # whoever waited for the shadow would wait 0.3 s, or 1 s until it is given up
    assert statistics.median(mirrored.seconds) < 0.15
    assert mirrored.p99 < 5 * plain.p99 + 0.25, (plain.p99, mirrored.p99)
    stable, candidate = rig.counts()
    assert (stable.ok, stable.harmed, candidate.opened) == (len(plain.answers) + len(mirrored.answers), 0, 0)
    if do in ("hang", "slow"):
        until(lambda: sum(rig.state["copies_dropped"].values()) > 100, what="copies to be dropped and counted")
    wanted = {"hang": marks.Mark.TIMEOUT, "slow": marks.Mark.OK, "error": marks.Mark.ERROR, "die": marks.Mark.ERROR}[do]
    until(lambda: any(copy.mark == wanted for copy in shadows(rig)), what="a record of what became of a copy")
    assert len(shadows(rig)) < len(mirrored.answers) or do == "error"


def test_a_shadow_that_is_killed_and_comes_back_is_asked_again(rig):
    rig.route(*pair(rig), mirror=ALL)
    rig.start()
    with Load(rig, clients=3) as load:
        load.more(100)
        rig.kill("flights-v2-0")
        load.more(200)
        until(lambda: "flights-v2-0" not in rig.state["workers"], what="its loss to be told")
        rig.worker(2)
        until(lambda: "flights-v2-0" in rig.state["workers"], what="the shadow to be back")
        seen = len(shadows(rig))
        until(lambda: len(shadows(rig)) > seen, what="copies to be answered again")
    assert load.failures == []
    assert rig.counts()[0].harmed == 0


def test_a_shadow_that_stands_still_is_reported_and_no_copy_outlives_its_time():
    rig = Rig({"limits.silent_seconds": "0.3"})
    try:
        rig.route(*pair(rig), mirror=ALL, limits=tables.Limits(timeout_ms=200))
        rig.start()
        os.kill(rig.workers["flights-v2-0"].pid, signal.SIGSTOP)
        with rig.client() as client:
            assert {client.predict().status for _ in range(20)} == {200}
            until(lambda: len(shadows(rig)) + sum(rig.state["copies_dropped"].values()) == 20, what="all copies to have ended")
            assert {copy.mark for copy in shadows(rig)} == {marks.Mark.TIMEOUT}
            until(lambda: rig.state["silent"].get("flights-v2-0", 0) > 0.3)
            os.kill(rig.workers["flights-v2-0"].pid, signal.SIGCONT)
            until(lambda: client.predict().status == 200 and shadows(rig)[-1].mark == marks.Mark.OK, what="it answers again")
    finally:
        rig.close()


def test_candidates_own_requests_go_before_copies(rig):
    rig.route(*pair(rig), weight=5_000, mirror=ALL)
    rig.start()
    with Load(rig) as load:
        load.more(400)
    assert load.failures == []
    live = [record for record in rig.records() if record.role == arms.Role.LIVE]
    assert {record.mark for record in live} == {marks.Mark.OK}
    by_id = {record.id: record for record in live}
    assert {by_id[copy.id].arm for copy in shadows(rig)} <= {0}, "stable gets no copies while clients ask it"
