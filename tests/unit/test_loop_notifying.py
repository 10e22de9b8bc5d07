"""Telling people: every letter at least once and in order, whatever becomes of control and of the address; repeats say so."""

import threading
import time

import msgspec
import pytest

from tests.unit import alarm_fixtures
from tidegate.control.loop import letters, mailing, notifying, transitions
from tidegate.control.store import chain, database, endpoints
from tidegate.control.store import store as stores
from tidegate.core.decide import incidents as course
from tidegate.core.spec import settings as specification
from tidegate.core.vocabulary import alarms, decisions, errors, home, phases, recipients, releases

SLACK = "env:SLACK"
DAY = notifying.GIVE_UP_SECONDS


class Post:
    """Takes letters, or does not; notes what it was given."""

    def __init__(self):
        self.taken, self.tried = [], []
        self.refuses = None
        self.gate = threading.Event()
        self.gate.set()

    def __call__(self, reference, title, body, severity):
        self.gate.wait(20)
        self.tried.append((reference, body))
        if self.refuses is not None:
            raise self.refuses
        self.taken.append((reference, body))

    def said(self, reference=SLACK):
        return [body.splitlines()[0] for to, body in self.taken if to == reference]


@pytest.fixture
def desk(tmp_path):
    with stores.Store(database.sqlite_url(tmp_path / "store.db")) as store:
        yield transitions.Desk(store, "production", lambda: "r1")


@pytest.fixture
def post():
    return Post()


@pytest.fixture
def made(desk, tmp_path, post):
    """Makes notifiers over one store, as a control that is killed and started again does."""
    living = []

    def make():
        living.append(notifying.Notifying(desk, home.Home(tmp_path), post))
        return living[-1]

    yield make
    post.gate.set()
    for one in living:
        one.close()


def serve(desk, name="delay", notify=(SLACK,)):
    settings = specification.plain(specification.Settings(name, "m", notify=notify))
    before = desk.store.endpoint("production", name)
    desk.store.put_endpoint(endpoints.Endpoint("production", name, settings, stable=1), before)


def tell(desk, *texts, endpoint="delay", at=0.0, **more):
    effects = tuple(decisions.Notify("info", text) for text in texts)
    event = chain.StoredEvent("production", endpoint, "judged", at, effects=effects, **more)
    return desk.store.append(event)


def settle(one, desk, now=0.0, until=None):
    """Turn until nothing is under way (and the condition holds)."""
    limit = time.monotonic() + 20
    while time.monotonic() < limit:
        one.turn(desk.rows(), now)
        busy = [each for each in one._addresses.values() if each.under_way or (each.queue and each.due <= now)]
        if not busy and (until is None or until()):
            return
    raise AssertionError("it did not settle")


def place(desk, reference=SLACK):
    return msgspec.json.decode(desk.store.fact("production", "", notifying.NOTE + reference), type=notifying.Place)


def test_what_the_log_has_to_tell_is_told_once_and_in_order(desk, made, post):
    serve(desk)
    one = made()
    settle(one, desk)
    tell(desk, "first")
    desk.store.append(chain.StoredEvent("production", "delay", "tick", 0.0))
    tell(desk, "second", "third")
    settle(one, desk)
    settle(one, desk)
    assert post.said() == ["first", "second", "third"]
    assert all("Sent again" not in body for _, body in post.taken)


def test_only_the_endpoints_that_name_an_address_are_told_there(desk, made, post):
    serve(desk)
    serve(desk, "fraud", (SLACK, "file:/mail"))
    serve(desk, "quiet", ())
    one = made()
    settle(one, desk)
    for name in ("delay", "fraud", "quiet"):
        tell(desk, name, endpoint=name)
    settle(one, desk)
    assert post.said() == ["delay", "fraud"]
    assert post.said("file:/mail") == ["fraud"]


def test_a_control_that_was_killed_before_it_knew_sends_again_and_says_so(desk, made, post):
    serve(desk)
    one = made()
    settle(one, desk)
    tell(desk, "first")
    one.turn(desk.rows(), 0.0)  # on its way; nobody takes what became of it
    another = made()
    settle(another, desk)
    assert post.said() == ["first", "first"]
    assert ["Sent again" in body for _, body in post.taken] == [False, True]
    settle(made(), desk)
    assert len(post.taken) == 2, "a third control knows that it was told"


def test_what_happened_while_control_was_down_is_told(desk, made, post):
    serve(desk)
    settle(made(), desk)
    tell(desk, "while nobody looked")
    settle(made(), desk)
    assert post.said() == ["while nobody looked"]
    assert "Sent again" not in post.taken[0][1]


def test_an_address_that_takes_nothing_is_tried_ever_more_slowly_and_loses_nothing(desk, made, post):
    serve(desk)
    one = made()
    settle(one, desk)
    post.refuses = errors.NotifyFailed()
    tell(desk, "first")
    tell(desk, "second")
    now, tries = 0.0, []
    while now < 100.0:
        before = len(post.tried)
        settle(one, desk, now)
        tries += [now] if len(post.tried) > before else []
        now += 1.0
    assert tries == [0.0, 1.0, 3.0, 7.0, 15.0, 31.0, 63.0]
    post.refuses = None
    settle(one, desk, 127.0)
    assert post.said() == ["first", "second"]
    assert ["Sent again" in body for _, body in post.taken] == [True, False]


def test_an_address_that_is_silent_keeps_neither_a_tick_nor_the_others_waiting(desk, made, post):
    serve(desk, notify=("env:SLOW", "env:QUICK"))
    one = made()
    settle(one, desk)
    slow = threading.Event()
    one._deliver = lambda to, *words: slow.wait(20) if to == "env:SLOW" else post(to, *words)
    tell(desk, "first")
    limit = time.monotonic() + 20
    while not post.taken and time.monotonic() < limit:
        one.turn(desk.rows(), 0.0)
    assert post.said("env:QUICK") == ["first"]
    assert [alarm.subject for alarm in one.wrong(notifying.PATIENCE_SECONDS)] == ["env:SLOW"]
    slow.set()


def test_after_a_day_it_gives_up_with_an_alarm_that_ends_when_something_is_taken(desk, made, post):
    serve(desk)
    one = made()
    settle(one, desk)
    post.refuses = errors.NotifyFailed()
    tell(desk, "first", at=5.0)
    tell(desk, "later", at=80_000.0)
    settle(one, desk, 10.0)
    assert list(one.wrong(20.0)) == []
    (alarm,) = one.wrong(10.0 + notifying.PATIENCE_SECONDS)
    assert (alarm.kind, alarm.subject) == (alarms.Kind.NOTIFY_FAILED, SLACK)
    settle(one, desk, 10.0 + DAY)
    assert place(desk).lost == 1
    again = made()
    settle(again, desk, 11.0 + DAY)
    assert "1 were given up" in next(iter(again.wrong(12.0 + DAY))).words
    post.refuses = None
    settle(again, desk, 400.0 + DAY)
    assert post.said() == ["later"]
    assert list(again.wrong(500.0 + DAY)) == []
    assert place(desk).lost == 0


@pytest.mark.parametrize("wrong", [errors.ExtraMissing(), errors.NotifyAddressInvalid()])
def test_what_cannot_be_right_is_an_alarm_at_once(desk, made, post, wrong):
    serve(desk)
    one = made()
    settle(one, desk)
    post.refuses = wrong
    tell(desk, "first")
    settle(one, desk)
    (alarm,) = one.wrong(1.0)
    assert wrong.message in alarm.words


def test_an_address_is_told_what_it_is_for(desk, made, post):
    pager = recipients.Recipient("env:PAGER", "critical")
    drift = recipients.Recipient("env:DATA", about=("drift",))
    serve(desk, notify=(SLACK, pager, drift))
    serve(desk, "fraud", notify=(recipients.Recipient("env:DATA", about=("release",)),))
    one = made()
    settle(one, desk)
    known = alarm_fixtures.raised(desk.store, alarm_fixtures.DRIFT)
    worse, happened = course.follow(known, msgspec.structs.replace(known.alarm, severity="critical", words="worse"), 2.0)
    known = desk.store.put_incident("production", worse, happened)
    alarm_fixtures.over(desk.store, known, 3.0)
    tell(desk, "promoted")
    tell(desk, "fraud is promoted", endpoint="fraud")
    settle(one, desk)
    new, rose, over = "inputs are others than they were", "worse, critical now: worse", "over: worse"
    said = {name: [line.removeprefix("delay: alarm drift: ") for line in post.said(name)] for name in (SLACK, pager.address)}
    assert said == {SLACK: [new, rose, over, "promoted"], "env:PAGER": [rose, over]}
    assert [line.rpartition(": ")[2] for line in post.said("env:DATA")] == [new, "worse", "worse", "fraud is promoted"]


def test_the_letter_of_an_alarm_has_all_that_is_known_of_it(desk, made, post):
    serve(desk)
    one = made()
    settle(one, desk)
    acts = msgspec.structs.replace(alarm_fixtures.DRIFT, subject="distance", action=alarms.Action.HOLD)
    alarm_fixtures.raised(desk.store, acts)
    settle(one, desk)
    ((_, body),) = post.taken
    assert body.splitlines()[:6] == [
        "delay: alarm drift (distance): inputs are others than they were",
        "Since: 1970-01-01 00:00:01 UTC",
        "Moved: distance: median 420 -> 980",
        "Predictions: p1, p2",
        "It does: no release of this endpoint begins or goes on while it is open",
        "Next: `tidegate drift delay`; `tidegate ack delay drift:distance` says that you have it",
    ]


def test_alarms_are_told_to_all_but_the_address_that_they_are_about(desk, made, post):
    serve(desk, notify=(SLACK, "env:MAIL"))
    one = made()
    settle(one, desk)
    deaf = alarms.Alarm(alarms.Kind.NOTIFY_FAILED, "", "env:MAIL takes none", 1.0, subject="env:MAIL")
    known = alarm_fixtures.raised(desk.store, deaf)
    worker = alarms.Alarm(alarms.Kind.NO_WORKER, "delay", "v1 has no worker", 1.0, severity="critical")
    alarm_fixtures.raised(desk.store, worker)
    alarm_fixtures.over(desk.store, known, 2.0)
    settle(one, desk)
    assert len(post.said()) == 3
    assert post.said("env:MAIL") == ["delay: alarm no worker: v1 has no worker"]


def test_a_new_address_hears_of_the_release_that_brought_it_and_of_nothing_before(desk, made, post):
    serve(desk, notify=())
    tell(desk, "long ago")
    version = releases.Version("delay", 1, "b" * 64, "n" * 64, "m")
    stages, policy = (releases.Stage("5%", 500),), releases.Policy()
    begun = releases.Release("r1", "production", "delay", version, None, "canary", stages, policy, b"", 100.0)
    serve(desk)
    desk.store.create(begun)
    tell(desk, "failed at once", at=100.0)
    settle(made(), desk, 100.2)
    assert post.said() == ["failed at once"]


def test_an_address_that_nobody_names_any_more_is_forgotten(desk, made, post):
    serve(desk)
    one = made()
    settle(one, desk)
    serve(desk, notify=())
    settle(one, desk)
    tell(desk, "unheard")
    serve(desk)
    settle(one, desk)
    assert post.taken == []


def test_nothing_is_asked_of_the_store_again_while_nothing_changes(desk, made, post, monkeypatch):
    serve(desk)
    one = made()
    settle(one, desk)
    settle(one, desk)
    rows = desk.rows()

    def never(*_, **__):
        raise AssertionError("asked for events")

    monkeypatch.setattr(desk.store, "events", never)
    one.turn(rows, 1.0)


def test_a_letter_says_what_why_who_what_next_and_how_the_log_ends(desk, made, post, tmp_path):
    home.Home(tmp_path).addresses.write_text('{"api": "http://127.0.0.1:8081"}')
    serve(desk)
    one = made()
    settle(one, desk)
    told = tell(desk, "v2 waits for an approval", actor="ana", said="new data", reason="checked", phase_after="awaiting_approval")
    settle(one, desk)
    ((_, body),) = post.taken
    for words in (
        "v2 waits for an approval",
        "Why: checked",
        "By: ana: new data",
        "`tidegate approve delay",
        "http://127.0.0.1:8081/#endpoint-delay",
        told.hash,
        f"Event {told.sequence}",
    ):
        assert words in body, words
    assert desk.store.head()[1] in body


@pytest.mark.parametrize("phase", ["", *phases.Phase])
def test_every_event_can_be_told(phase):
    event = chain.StoredEvent("production", "delay", "tick", 1.0, effects=(decisions.Notify("critical", "x"),), phase_after=phase)
    (letter,) = letters.of(event)
    assert letters.body(letter, letters.Stamp((1, "h")))
    assert "(critical)" in letters.title(letter, "production")
    assert "{" not in letter.next


def test_a_reference_is_looked_up_when_it_is_used(monkeypatch, tmp_path):
    monkeypatch.setenv("SLACK", " json://somewhere \n")
    assert mailing.resolve(SLACK) == "json://somewhere"
    (tmp_path / "mail").write_text("mailto://x\n")
    assert mailing.resolve(f"file:{tmp_path / 'mail'}") == "mailto://x"
    monkeypatch.delenv("SLACK")
    for wrong in (SLACK, f"file:{tmp_path / 'none'}", f"file:{tmp_path}", "json://literal"):
        with pytest.raises(errors.NotifyAddressInvalid):
            mailing.resolve(wrong)


def test_a_clock_that_leaps_a_day_gives_nothing_up_and_one_set_back_keeps_nothing_waiting(desk, made, post):
    serve(desk)
    one = made()
    settle(one, desk)
    post.refuses = errors.NotifyFailed()
    tell(desk, "first", at=5.0)
    settle(one, desk, 10.0)
    one.clock_set(DAY)
    settle(one, desk, 20.0 + DAY)
    assert place(desk).lost == 0
    post.refuses = None
    one.clock_set(-DAY)
    settle(one, desk, 30.0)
    assert post.said() == ["first"]
