"""A copy of a request leaves a record and nothing else: no mark, no answer, no place that somebody waits for."""

import dataclasses

import pytest

from tests.properties.test_gateway_flights import CANDIDATE, REPLIES, STABLE, World
from tidegate.core.vocabulary import arms, errors, marks, tables
from tidegate.dataplane.gateway import limits, shadows
from tidegate.dataplane.wire import sumrows, sums

ALL = arms.BUCKETS


class Loop:
    """The end of the turn, when the test says so."""

    def __init__(self):
        self.soon = []

    def call_soon(self, call):
        self.soon.append(call)

    def turn(self):
        soon, self.soon = self.soon, []
        for call in soon:
            call()


class Rig:
    def __init__(self, folder, *, weight=0, mirror=ALL, room=100, **changes):
        bounds = dataclasses.replace(limits.Service(), copies=3, copy_bytes=20)
        if weight == ALL:
            changes["candidate_owns"] = True
        route = tables.Route(
            "e", "p", STABLE, CANDIDATE, weight, mirror=mirror, evidence=True, release="r", generation=5, stage=2, **changes
        )
        self.world, self.loop = World(folder, route, room), Loop()
        self.mirror = shadows.Mirror(self.loop, bounds)

    def ask(self, arm=arms.Arm.STABLE):
        """One request, dispatched; its flight, and the copy of it where there is one."""
        before = {id(one) for pool in self.world.pools.values() for one in pool.waiting}
        self.world.draw(arm)
        flight = self.world.flights[-1]
        self.mirror.consider(flight)
        self.loop.turn()
        fresh = [one for pool in self.world.pools.values() for one in pool.waiting if id(one) not in before]
        return flight, next((one for one in fresh if one is not flight), None)

    def answer(self, caller, version, mark=marks.Mark.OK, body=b'{"p": 1}'):
        self.world.pools[version].forget(caller)
        caller.replied(REPLIES[mark], body)
        self.world.log.flush()
        return self.world.log.kept[-1]

    def marks(self):
        rows = sums.read(self.world.sums.path).rows
        return {row.arm: (row.values[sumrows.OPENED], sum(row.values[sumrows.MARKS : sumrows.LATENCY])) for row in rows}


def test_a_copy_is_recorded_beside_the_request_and_counted_nowhere(tmp_path):
    rig = Rig(tmp_path)
    flight, copy = rig.ask()
    flight.key_hash = b"k" * 16
    live = rig.answer(flight, 1)
    shadow = rig.answer(copy, 2, body=b'{"p": 2}')
    assert (shadow.id, shadow.arrived_ns, shadow.generation, shadow.release, shadow.stage) == (
        live.id,
        live.arrived_ns,
        5,
        "r",
        2,
    )
    assert (shadow.role, shadow.arm, shadow.version, shadow.answered_by) == (arms.Role.SHADOW, 1, 2, 2)
    assert (live.role, live.arm, live.version) == (arms.Role.LIVE, 0, 1)
    assert (shadow.weight, shadow.evidence, shadow.key_hash) == (0, False, b"k" * 16)
    assert (shadow.input, shadow.output, shadow.answers, shadow.mark) == (b"", b'{"p": 2}', (0.5,), marks.Mark.OK)
    assert (live.input, live.output) == (b"{}", b'{"p": 1}')
    assert (shadow.model_us, shadow.status) == (120, 200)
    assert rig.marks() == {0: (1, 1)}
    assert rig.world.connections[0].answers == 1
    assert not rig.world.wheel.items


def test_the_version_before_gets_copies_once_nothing_is_drawn_for_it(tmp_path):
    rig = Rig(tmp_path, weight=ALL)
    flight, copy = rig.ask(arms.Arm.CANDIDATE)
    assert copy in rig.world.pools[1].waiting
    live, shadow = rig.answer(flight, 2), rig.answer(copy, 1)
    assert (live.arm, shadow.arm, shadow.version, shadow.weight) == (1, 0, 1, ALL)


def test_stable_gets_no_copies_beside_requests_of_clients(tmp_path):
    rig = Rig(tmp_path, weight=5_000)
    assert rig.ask(arms.Arm.STABLE)[1] is not None
    assert rig.ask(arms.Arm.CANDIDATE)[1] is None


@pytest.mark.parametrize(
    ("mark", "status"), [(marks.Mark.ERROR, 500), (marks.Mark.INVALID, 500), (marks.Mark.REJECTED, 400), ("breach", 200)]
)
def test_what_a_copy_fails_is_in_its_record_and_nobody_elses(tmp_path, mark, status):
    rig = Rig(tmp_path)
    flight, copy = rig.ask()
    shadow, live = rig.answer(copy, 2, mark), rig.answer(flight, 1)
    assert (shadow.mark, shadow.status, shadow.error) == (REPLIES[mark].mark, status, shadow.error)
    assert shadow.error
    assert (live.mark, live.status, live.rescued, live.error) == (marks.Mark.OK, 200, False, "")
    assert rig.marks() == {0: (1, 1)}


def test_a_breach_that_is_only_flagged_is_well(tmp_path):
    rig = Rig(tmp_path, guard="flag")
    _, copy = rig.ask()
    assert rig.answer(copy, 2, "breach").mark == marks.Mark.OK


@pytest.mark.parametrize("ending", ["expired", "lost first", "lost"])
def test_a_copy_that_is_not_answered_is_tried_once(tmp_path, ending):
    rig = Rig(tmp_path)
    _, copy = rig.ask()
    if ending == "expired":
        rig.world.wheel.remove(copy)
        copy.expired()
    else:
        rig.world.pools[2].forget(copy)
        copy.lost(first=ending == "lost first")
    rig.world.log.flush()
    [shadow] = rig.world.log.kept
    expected = {"expired": marks.Mark.TIMEOUT, "lost first": marks.Mark.ERROR, "lost": marks.Mark.COLLATERAL}
    assert (shadow.mark, shadow.answered_by, shadow.output, shadow.answers) == (expected[ending], 0, b"", ())
    assert shadow.status in (503, 504)
    assert rig.world.pools[2].waiting == []
    copy.replied(REPLIES[marks.Mark.OK], b"{}")  # too late
    rig.world.log.flush()
    assert len(rig.world.log.kept) == 1


def test_copies_are_bounded_and_what_is_dropped_is_counted(tmp_path):
    rig = Rig(tmp_path)
    copies = [rig.ask()[1] for _ in range(5)]
    assert [copy is not None for copy in copies] == [True] * 3 + [False] * 2
    assert rig.mirror.dropped == {"bound": 2}
    rig.answer(copies[0], 2)
    assert rig.ask()[1] is not None
    assert rig.mirror.dropped == {"bound": 2}


def test_the_bytes_of_copies_are_bounded(tmp_path):
    rig = Rig(tmp_path)
    rig.world.body = b"x" * 11
    assert [rig.ask()[1] is not None for _ in range(2)] == [True, False]
    assert rig.mirror.dropped == {"bound": 1}


def test_a_version_without_room_or_worker_gets_none(tmp_path):
    rig = Rig(tmp_path, room=1)
    flight, copy = rig.ask()
    rig.answer(flight, 1)
    assert copy is not None
    assert rig.ask()[1] is None
    rig.world.pools[2].hopeful = False
    rig.ask()
    assert rig.mirror.dropped["busy"] >= 1


def test_what_nobody_was_asked_is_not_copied(tmp_path):
    rig = Rig(tmp_path)
    rig.world.pools[1].hopeful = False
    flight, copy = rig.ask()
    assert flight.done
    assert isinstance(flight.failure, errors.WorkerUnavailable)
    assert copy is None
    assert not rig.mirror.dropped


def test_as_many_are_copied_as_the_route_says(tmp_path):
    rig = Rig(tmp_path, mirror=2_500)
    rig.mirror._most = rig.mirror._most_bytes = 1 << 20
    rig.world.pools[2].room = rig.world.pools[1].room = 10_000
    number = 2_000
    copied = sum(rig.ask()[1] is not None for _ in range(number))
    assert abs(copied - number / 4) < 5 * (number * 0.25 * 0.75) ** 0.5
