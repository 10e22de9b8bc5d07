"""Whatever becomes of requests and in whatever order: each is drawn once, marked once, recorded once and answered once."""

import pathlib
import tempfile

from hypothesis import given, settings
from hypothesis import strategies as st

from tidegate.core.vocabulary import arms, errors, ids, marks, records, tables
from tidegate.dataplane.gateway import endpoints, exchanges, flights, guard, journal, wheel
from tidegate.dataplane.wire import counts, frames, sumrows, sums

STABLE, CANDIDATE, KEPT = (tables.Deployed(number, f"{number}" * 64, f"m/{number}") for number in (1, 2, 3))


class Pool:
    """A version's pool without workers: what waits is answered when the test says so."""

    def __init__(self, deployed, room):
        self.deployed, self.room, self.hopeful, self.waiting = deployed, room, True, []
        self.recent, self.blamed, self.taken = guard.Recent(0.0), False, set()
        self.served = counts.Row()

    def take(self, caller, now):
        if not self.hopeful:
            return errors.WorkerUnavailable
        if len(self.waiting) >= self.room:
            return errors.QueueFull
        assert caller not in self.taken, "no version is asked twice"
        self.taken.add(caller)
        self.waiting.append(caller)
        return None

    def take_copy(self, caller, now):
        return self.take(caller, now) is None

    def survived(self, caller):
        assert caller in self.taken

    def forget(self, caller):
        if caller in self.waiting:
            self.waiting.remove(caller)

    def blame(self):
        blamed, self.blamed = self.blamed, True
        return not blamed


class Log(journal.Journal):
    """Keeps records in a list."""

    def __init__(self):
        self.entries, self.kept = [], []

    def settle(self, entry):
        self.entries.append(entry)

    def flush(self):
        entries, self.entries = self.entries, []
        for entry in entries:
            self.kept += entry.records(len(self.kept))
        for entry in entries:
            entry.settled(kept=True)


class Wheel(wheel.Wheel):
    def __init__(self):
        self.items = set()

    def add(self, item, when):
        assert item not in self.items
        self.items.add(item)

    def remove(self, item):
        self.items.discard(item)


class Connection:
    def __init__(self):
        self.answers = 0

    def flush(self):
        self.answers += 1


class World:
    def __init__(self, folder, route, room):
        self.sums = sums.Writer(pathlib.Path(folder) / "b.sums", "b" * 32, 1_700_000_000)
        self.log, self.wheel = Log(), Wheel()
        self.boot = endpoints.Boot("host", "b" * 32, None, self.sums, self.log, self.wheel)
        self.pools = {one.ordinal: Pool(one, room) for one in (STABLE, CANDIDATE, KEPT)}
        self.endpoint = endpoints.Endpoint(route, self.boot, self.pools, guard.Guard(0.0))
        self.flights, self.connections = [], []
        self.body = b"{}"

    def draw(self, arm):
        connection = Connection()
        exchange = exchanges.Exchange(connection)
        exchange.body = self.body
        flight = flights.Flight(exchange, self.endpoint, ids.uuid7(1_700_000_000_000, len(self.flights)), 0, 1)
        flight.begin(self.endpoint.sides[arm], 2.0)
        self.flights.append(flight)
        self.connections.append(connection)

    def check(self):
        counted = sums.read(self.sums.path).rows
        opened = sum(row.values[sumrows.OPENED] for row in counted)
        closed = sum(sum(row.values[sumrows.MARKS : sumrows.LATENCY]) for row in counted)
        done = sum(flight.done for flight in self.flights)
        assert opened == len(self.flights)
        assert closed == done == len(self.log.kept)
        assert opened == closed + self.sums.pending
        assert self.boot.flying == self.endpoint.open == opened - closed
        assert self.wheel.items == {flight for flight in self.flights if not flight.done}
        for flight, connection in zip(self.flights, self.connections, strict=True):
            gone = flight.status == flights.CLIENT_GONE
            assert connection.answers == (1 if flight.done and not gone else 0)
        for one in self.log.kept:
            assert (one.mark == marks.Mark.OK) == (one.status == 200 and one.answered_by == one.version)
            assert one.arm or not one.rescued or self.endpoint.route.candidate_owns
            assert not one.rescued or one.answered_by == (STABLE.ordinal if one.arm else CANDIDATE.ordinal)
            assert (one.answered_by == -1) <= bool(self.endpoint.fallback)
        for row in counted:
            for mark in marks.Mark:
                told = [one for one in self.log.kept if (one.arm, one.mark) == (row.arm, mark)]
                assert row.values[sumrows.MARKS + mark] == len(told)
            assert row.values[sumrows.RESCUED] == sum(one.rescued for one in self.log.kept if one.arm == row.arm)
        for ordinal, pool in self.pools.items():
            told = [one for one in self.log.kept if one.version == ordinal]
            slots = pool.served.slots.tolist()
            assert slots[counts.MARKS : counts.LATENCY] == [sum(one.mark == mark for one in told) for mark in range(marks.SLOTS)]
            assert sum(slots[counts.LATENCY : counts.SIZES]) == sum(one.status == 200 for one in told)
            assert slots[counts.TOTAL_US] == sum(one.total_us for one in told if one.status == 200)
            assert slots[counts.RESCUED] == sum(one.rescued for one in told)


REPLIES = {
    marks.Mark.OK: frames.Reply(200, 0, 120, 1, 1, 2, (0.5,)),
    marks.Mark.ERROR: frames.Reply(500, int(marks.Mark.ERROR), 90, 1, 1, error="predict-failed", detail="boom"),
    marks.Mark.INVALID: frames.Reply(500, int(marks.Mark.INVALID), 90, 1, 1, error="output-invalid"),
    marks.Mark.REJECTED: frames.Reply(400, int(marks.Mark.REJECTED), 0, 1, 1, error="input-invalid"),
    "breach": frames.Reply(200, int(marks.Mark.INVALID), 90, 1, 1, detail="it is 2.0", breach="0 <= p <= 1"),
}
FALLBACKS = ({}, {"fallback": "0"}, {"fallback_version": "previous"}, {"fallback_version": "v3", "fallback": "0"})
WHICH = st.integers(0, 30)
DRAW = st.tuples(st.just("draw"), st.sampled_from(arms.Arm), st.none())
REPLY = st.tuples(st.just("reply"), WHICH, st.sampled_from(list(REPLIES)))
STEP = st.one_of(
    DRAW,
    REPLY,
    DRAW,
    REPLY,
    st.tuples(st.sampled_from(["expire", "cancel", "lose", "lose first"]), WHICH, st.none()),
    st.tuples(st.sampled_from(["down", "up"]), st.integers(1, 3), st.none()),
)


@settings(max_examples=50, deadline=None)
@given(
    st.lists(STEP, min_size=12, max_size=60),
    st.sampled_from(
        [
            {},
            {"fallback": '{"value": 0}'},
            {"fallback_version": "previous"},
            {"fallback_version": "v3", "fallback": "0"},
            {"fallback_version": "v2"},
        ]
    ),
    st.integers(1, 8),
    st.sampled_from([0.0, 0.5]),
    st.sampled_from(["rescue", "fallback", "reject", "flag"]),
    st.booleans(),
)
def test_a_request_is_drawn_marked_recorded_and_answered_once(steps, fallback, room, share, guarded, owns):
    limits = tables.Limits(rescue_share=share)
    drawn = {"evidence": True, "release": "r", "generation": 1, "limits": limits}
    drawn["candidate_owns"] = owns
    route = tables.Route("e", "p", STABLE, CANDIDATE, 5_000, kept=(KEPT,), guard=guarded, **drawn, **fallback)
    with tempfile.TemporaryDirectory() as folder:
        world = World(folder, route, room)
        for number, (what, which, mark) in enumerate(steps):
            flying = [flight for flight in world.flights if not flight.done]
            if what == "draw":
                world.draw(which)
            elif what in ("down", "up"):
                pool = world.pools[which]
                pool.hopeful, pool.blamed = what == "up", False
                for caller in [] if pool.hopeful else list(pool.waiting):
                    pool.forget(caller)
                    caller.lost(first=pool.blame())
            elif flying:
                flight = flying[which % len(flying)]
                if what in ("reply", "lose", "lose first"):
                    flight.asked.pool.forget(flight)  # it was in flight
                if what == "reply":
                    flight.replied(REPLIES[mark], b"{}")
                elif what == "expire":
                    world.wheel.remove(flight)
                    flight.expired()
                elif what == "cancel":
                    flight.exchange.cancel()
                else:
                    flight.lost(first=what == "lose first")
            world.log.flush()
            if number % 4 == 0:
                world.check()
        world.check()


def test_the_stamp_of_a_side_lies_where_the_record_has_those_fields(tmp_path):
    route = tables.Route("e", "production", STABLE, CANDIDATE, 5_000, evidence=True, release="r", stage=3, generation=9)
    world = World(tmp_path, route, 5)
    world.draw(arms.Arm.CANDIDATE)
    [flight] = world.flights
    flight.replied(REPLIES[marks.Mark.OK], b'{"x": 1}')
    world.log.flush()
    [record] = world.log.kept
    assert isinstance(record, records.Prediction)
    assert (record.environment, record.endpoint, record.release, record.stage, record.generation) == (
        "production",
        "e",
        "r",
        3,
        9,
    )
    assert (record.version, record.digest, record.arm, record.weight, record.evidence) == (2, "2" * 64, 1, 5_000, True)
    assert (record.key_hash, record.role, record.mark, record.status, record.answered_by) == (b"", 0, 0, 200, 2)
    assert (record.model_us, record.rows, record.batch_rows, record.bin, record.answers) == (120, 1, 1, 2, (0.5,))
    assert (record.content, record.input, record.output, record.error, record.rescued) == ("infer", b"{}", b'{"x": 1}', "", False)


def test_a_rescued_request_keeps_the_candidates_mark_and_answers(tmp_path):
    world = World(tmp_path, tables.Route("e", "p", STABLE, CANDIDATE, 5_000, evidence=True, release="r"), 5)
    world.draw(arms.Arm.CANDIDATE)
    [flight] = world.flights
    world.pools[2].forget(flight)
    flight.replied(REPLIES[marks.Mark.ERROR], b"{}")
    assert world.pools[1].waiting == [flight]
    flight.replied(REPLIES[marks.Mark.OK], b'{"from": "stable"}')
    world.log.flush()
    [record] = world.log.kept
    assert (record.mark, record.rescued, record.answered_by, record.version) == (marks.Mark.ERROR, True, 1, 2)
    assert (record.error, record.answers, record.output) == ("predict-failed: boom", (), b'{"from": "stable"}')
