"""Notifications through apprise to a real HTTP endpoint that dies and comes back: none is lost, order is kept, repeats say so."""

import http.server
import json
import logging
import threading

import msgspec
import pytest

from tests.process import living
from tidegate.control.loop import alarms as ringing
from tidegate.control.loop import mailing, notifying, transitions
from tidegate.control.store import chain, database, endpoints
from tidegate.control.store import store as stores
from tidegate.core.spec import settings as specification
from tidegate.core.vocabulary import alarms, decisions, errors, home, recipients


class Hook:
    """A webhook on a port that stays the same."""

    def __init__(self):
        self.got, self.status, self.port = [], 200, 0
        self._server = None

    def start(self):
        hook = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                raw = self.rfile.read(int(self.headers["content-length"]))
                if hook.status == 200:
                    hook.got.append(json.loads(raw))
                self.send_response(hook.status)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self):
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def said(self):
        return [one["message"].splitlines()[0] for one in self.got]


@pytest.fixture
def hook():
    made = Hook()
    made.start()
    yield made
    made.stop()


@pytest.fixture
def desk(tmp_path, hook, monkeypatch):
    monkeypatch.setenv("HOOK", f"json://user:secret-word@127.0.0.1:{hook.port}/path")
    with stores.Store(database.sqlite_url(tmp_path / "store.db")) as store:
        settings = specification.plain(specification.Settings("delay", "m", notify=("env:HOOK",)))
        store.put_endpoint(endpoints.Endpoint("production", "delay", settings, stable=1))
        yield transitions.Desk(store, "production", lambda: "r1")


class Clock:
    """Turns a notifier, a second a turn, until something holds."""

    def __init__(self, desk, tmp_path):
        self.now, self._desk, self._place = 0.0, desk, home.Home(tmp_path)
        self.begin()

    def begin(self):
        self.one = notifying.Notifying(self._desk, self._place)

    def until(self, condition, what):
        def turned():
            self.now += 1.0
            self.one.turn(self._desk.rows(), self.now)
            return condition()

        living.wait(turned, what=what)


def tell(desk, text, severity="info"):
    effects = (decisions.Notify(severity, text),)
    desk.store.append(chain.StoredEvent("production", "delay", "judged", 0.0, effects=effects))


def test_a_hook_that_dies_and_comes_back_misses_nothing(desk, hook, tmp_path, caplog):
    caplog.set_level(logging.DEBUG)
    clock = Clock(desk, tmp_path)
    clock.one.turn(desk.rows(), 0.0)
    tell(desk, "one")
    clock.until(lambda: hook.said() == ["one"], "the first")
    hook.stop()
    tell(desk, "two", "critical")
    tell(desk, "three", "warning")
    clock.until(lambda: clock.one._addresses["env:HOOK"].failures >= 2, "two attempts in vain")
    clock.one.close()
    clock.begin()  # control dies as well
    clock.until(lambda: clock.one._addresses["env:HOOK"].failures >= 1, "another")
    hook.status = 500
    hook.start()
    clock.until(lambda: clock.one._addresses["env:HOOK"].failures >= 2, "a refusal")
    hook.status = 200
    clock.until(lambda: len(hook.got) == 3, "all of them")
    assert hook.said() == ["one", "two", "three"]
    assert ["Sent again" in one["message"] for one in hook.got] == [False, True, False]
    assert [one["type"] for one in hook.got] == ["info", "failure", "warning"]
    assert hook.got[1]["title"] == "Tidegate production: delay (critical)"
    assert "secret-word" not in caplog.text
    assert b"secret-word" not in (tmp_path / "store.db").read_bytes()
    clock.one.close()


def test_an_alarm_comes_with_what_moved_and_the_pager_hears_of_the_critical_one_alone(desk, hook, tmp_path, monkeypatch):
    pager = Hook()
    pager.start()
    monkeypatch.setenv("PAGER", f"json://127.0.0.1:{pager.port}/")
    notify = ("env:HOOK", recipients.Recipient("env:PAGER", "critical"))
    settings = specification.plain(specification.Settings("delay", "m", notify=notify))
    desk.store.put_endpoint(endpoints.Endpoint("production", "delay", settings, stable=1), *desk.rows())
    clock = Clock(desk, tmp_path)
    clock.one.turn(desk.rows(), 0.0)
    alarm = alarms.Alarm(
        "drift", "delay", "inputs moved", 5.0, moved=("distance: 420 -> 980",), examples=("p1",), next="tidegate drift"
    )
    book = ringing.Book(desk)
    book.settle([alarm], 5.0)
    clock.until(lambda: len(hook.got) == 1, "the alarm")
    book.settle([msgspec.structs.replace(alarm, severity="critical")], 6.0)
    clock.until(lambda: len(hook.got) == 2 and len(pager.got) == 1, "that it is critical")
    pager.stop()
    assert [one["type"] for one in (*hook.got, *pager.got)] == ["warning", "failure", "failure"]
    for line in ("Moved: distance: 420 -> 980", "Predictions: p1", "Since: 1970-01-01 00:00:05 UTC", "Next: `tidegate drift`"):
        assert line in pager.got[0]["message"]
    clock.one.close()


def test_what_apprise_does_not_understand_is_named_without_what_it_holds(monkeypatch):
    monkeypatch.setenv("WRONG", "no-such-service://secret-word")
    with pytest.raises(errors.NotifyAddressInvalid) as refused:
        mailing.deliver("env:WRONG", "t", "b", "info")
    assert "env:WRONG" in str(refused.value)
    assert "secret-word" not in str(refused.value)


def test_without_apprise_it_says_what_to_install(monkeypatch):
    monkeypatch.setenv("HOOK", "json://127.0.0.1")
    monkeypatch.setitem(__import__("sys").modules, "apprise", None)
    with pytest.raises(errors.ExtraMissing) as missing:
        mailing.deliver("env:HOOK", "t", "b", "info")
    assert "tidegate[notify]" in missing.value.cure
