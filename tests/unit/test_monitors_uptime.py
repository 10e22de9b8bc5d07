"""The watch over endpoints from outside: when it probes, what it takes for right, when it raises an alarm."""

import json
import sqlite3

import msgspec
import pytest

from tidegate.core.vocabulary import alarms, home, manifests, monitoring, tables, tokens
from tidegate.dataplane.wire import tablefile
from tidegate.observability.metrics import availability, probes
from tidegate.observability.monitors import probing, uptime

SIGNATURE = manifests.Signature("columns", (manifests.Column("n", "double"),), (manifests.Column("p", "double"),))
HOLDER = tokens.Token("home", tokens.digest(b"secret"), ("admin",))
START = 1_700_000_040.0  # a whole minute
LINE = probing.Line("http://127.0.0.1:1", None, "secret")


class World:
    """A home with one endpoint, and whatever answers it."""

    def __init__(self, place, **route):
        self.place, self.answers, self.asked, self.now = place, [], [], START
        bundle = place.bundles / ("d" * 64)
        bundle.mkdir(parents=True)
        manifest = manifests.Manifest("iris", "python", "model.py", SIGNATURE, (), example="example.json")
        (bundle / "manifest.json").write_bytes(msgspec.json.encode(manifest))
        (bundle / "example.json").write_text('{"records": [{"n": 1.0}, {"n": 2.0}]}')
        self.route(**route)
        self.watch = self.made()

    def made(self, line=LINE):
        return uptime.Uptime(self.place, lambda: line, self.ask)

    def route(self, **changes):
        known = tables.Route("iris", "production", tables.Deployed(1, "d" * 64, "m"), **changes)
        before = tablefile.read(self.place.table)
        told = tables.Table(before.generation, before.generation, {"iris": known}, holders=(HOLDER,))
        tablefile.write(self.place.table, lambda _: told)

    def ask(self, line, asked):
        self.asked.append((self.now, asked))
        given = self.answers.pop(0) if self.answers else [0.5, 0.25]
        if isinstance(given, str):
            return probing.Outcome(probes.Probe(asked.endpoint, self.now, "", False, 0.1, 503, given, "id-1"))
        return probing.Outcome(probes.Probe(asked.endpoint, self.now, "v1", True, 0.01, 200), given)

    def minutes(self, count):
        """Look once a second for so many minutes; what is said at the end."""
        said = []
        for _ in range(int(count * 60)):
            said = self.watch.look(self.now)
            self.now += 1.0
        return said


@pytest.fixture
def place(tmp_path):
    found = home.Home(tmp_path)
    found.prepare()
    return found


@pytest.fixture
def world(place):
    return World(place)


def test_it_probes_on_the_minute_and_once(world):
    world.now += 20.0
    world.minutes(3)
    assert [at - START for at, _ in world.asked] == [60.0, 120.0, 180.0]
    asked = world.asked[0][1]
    assert (asked.version, asked.rows, json.loads(asked.body)) == ("v1", 2, {"records": [{"n": 1.0}, {"n": 2.0}]})


def test_one_failure_is_no_alarm_and_two_in_a_row_are(world):
    world.answers = [[0.5, 0.25], "gone", [0.5, 0.25], "gone", "gone again"]
    assert world.minutes(4.5) == []
    found = world.minutes(1)[0]
    assert (found.kind, found.endpoint, found.severity, found.since) == (alarms.Kind.DOWN, "iris", "critical", START + 240.0)
    assert "gone" in found.words
    assert "gone again" in found.moved[0]
    assert found.examples == ("id-1", "id-1")
    assert found.next == "tidegate uptime iris --since 1d"


@pytest.mark.parametrize("damage", [b"no database at all" * 1_000, b""])
def test_a_damaged_log_of_probes_keeps_nobody_from_watching(world, damage):
    world.place.probes.write_bytes(damage)
    world.answers = ["gone"] * 3
    assert world.minutes(4)[0].kind == alarms.Kind.DOWN
    world.minutes(2)
    assert probes.listed(world.place, "iris", 0.0, 1e12), "it begins anew"
    assert world.place.probes.with_name("probes.db.damaged").exists() == bool(damage)


def test_a_full_disk_keeps_nobody_from_watching(world, monkeypatch):
    def full(*_):
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(probes, "note", full)
    monkeypatch.setattr(probes, "settle", full)
    world.answers = [[0.5, 0.25]] * 2 + ["gone"] * 2
    assert world.minutes(5)[0].kind == alarms.Kind.DOWN
    assert list(world.place.root.glob("*.damaged")) == []


def test_it_is_over_with_the_first_right_answer(world):
    world.answers = ["a", "b", "c"]
    assert world.minutes(4)
    assert world.minutes(1) == []


def test_it_is_about_the_version_that_was_asked(world):
    world.answers = ["a", "b"]
    assert [one.version for one in world.minutes(3)] == ["v1"]
    route = tablefile.read(world.place.table).routes["iris"]
    other = msgspec.structs.replace(route, stable=tables.Deployed(2, "d" * 64, "m"))
    tablefile.write(
        world.place.table, lambda before: tables.Table(before.generation, before.generation, {"iris": other}, holders=(HOLDER,))
    )
    world.answers = ["c", "d"]
    assert world.minutes(0.5) == [], "the one before is asked no more"
    assert [one.version for one in world.minutes(1.5)] == ["v2"]


def test_a_monitor_that_starts_goes_on_with_what_was(world):
    world.answers = ["a", "b"]
    world.minutes(3)
    world.watch = world.made()
    assert [one.endpoint for one in world.watch.look(world.now)] == ["iris"]


def test_a_model_that_answers_otherwise_than_at_first_is_wrong(world):
    world.answers = [[0.5, 0.25]] * 3 + [[0.5, 0.26]] * 2
    found = world.minutes(6)[0]
    assert "otherwise than at first" in found.words


def test_the_last_digits_of_a_float_are_no_other_answer(world):
    world.answers = [[0.5, 0.25], [0.5, 0.25], [0.5000001, 0.25]]
    world.minutes(4)
    assert [one.right for one in probes.listed(world.place, "iris", 0.0, 1e12)] == [True] * 3


def test_a_model_that_never_answers_the_same_is_not_held_to_it(world):
    world.answers = [[number / 100, 0.25] for number in range(12)]
    assert world.minutes(12) == []
    assert probes.first(world.place, "iris", "d" * 64).varies


def test_nothing_is_compared_where_that_is_not_wanted(place):
    world = World(place, monitors=monitoring.Monitors(uptime=monitoring.Uptime(compare=False)))
    world.answers = [[0.5, 0.25]] * 3 + [[0.9, 0.26]] * 3
    assert world.minutes(7) == []


def test_an_endpoint_that_sleeps_is_not_woken(place):
    world = World(place, asleep=True)
    world.minutes(3)
    assert world.asked == []


def test_no_probe_at_all_where_the_file_says_so(place):
    world = World(place, monitors=monitoring.Monitors(uptime=monitoring.Uptime(every_seconds=0.0)))
    world.minutes(3)
    assert world.asked == []


def test_it_asks_nothing_that_would_be_taken_for_a_clients_request(world):
    world.watch = world.made(probing.Line("http://127.0.0.1:1", None, "another"))
    world.minutes(3)
    assert world.asked == []


@pytest.mark.parametrize(
    ("predictions", "wrong"),
    [
        ([0.5], "1 predictions for 2 rows"),
        ([0.5, "late"], "output `p`"),
        ([0.5, None], "output `p`"),
        ({"p": [1, 2]}, "no predictions"),
    ],
)
def test_an_answer_that_is_not_as_the_signature_says_is_wrong(place, predictions, wrong):
    World(place)
    asked = probing.question(place, tablefile.read(place.table).routes["iris"])
    body = json.dumps({"predictions": predictions}).encode()
    answered = probing.httpx.Response(200, content=body, headers={"tidegate-version": "v1"})
    assert wrong in probing._seen(answered, asked)[0]


def test_what_was_available_and_when_it_was_not():
    made = [probes.Probe("iris", 60.0 * at, "v1", at not in (3, 4, 9), 0.01 * at, 200, "x") for at in range(10)]
    found = availability.report("iris", made, 0.0, 600.0)
    assert (found.probes, found.right, found.available) == (10, 7, 0.7)
    assert [(one.since, one.until, one.probes) for one in found.outages] == [(180.0, 300.0, 2), (540.0, 0.0, 1)]
    assert found.p95 == 0.08
    assert availability.report("iris", [*made[:3], *made[7:]], 0.0, 600.0).unwatched == 300.0


def test_nothing_probed_is_nothing_known():
    found = availability.report("iris", [], 0.0, 600.0)
    assert found.available != found.available


def test_what_is_old_goes(place):
    old = probes.Probe("iris", 0.0, "v1", True, 0.01, 200)
    probes.note(place, [old], 1.0)
    day, later = 86_400.0, probes.KEEP_SECONDS + 10
    for at in (later, later + day):
        probes.note(place, [old._replace(at=at)], at)
    assert [one.at for one in probes.listed(place, "iris", 0.0, 1e12)] == [later, later + day]


def test_a_clock_that_is_a_year_ahead_for_a_minute_deletes_no_probe(place):
    old = probes.Probe("iris", START, "v1", True, 0.01, 200)
    for at in (START, START + 60.0, START + 365 * 86_400.0, START + 365 * 86_400.0 + 60.0, START + 240.0):
        probes.note(place, [old._replace(at=at)], at)
    assert [one.at for one in probes.listed(place, "iris", 0.0, START + 300.0)] == [START, START + 60.0, START + 240.0]
