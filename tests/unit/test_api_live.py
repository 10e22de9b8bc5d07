"""The stream behind the page: it sends what changed, to who may still see it, and nothing runs while nobody looks."""

import asyncio
import contextlib
import json

import api_fixtures
import pytest

from tests.unit import alarm_fixtures
from tidegate.control.store import holders
from tidegate.core.vocabulary import alarms, errors, tokens
from tidegate.interface.api import live, painting, shelf

made, place, store = api_fixtures.made, api_fixtures.place, api_fixtures.store
ALL = tokens.Token("home", "0" * 64, ("admin",))
ALARM = alarms.Alarm(alarms.Kind.NO_WORKER, "delay", "v1 has no worker", 1.0)


@pytest.fixture
def shown(place, store, monkeypatch):
    monkeypatch.setattr(live, "LOOK_SECONDS", 0.01)
    books = shelf.Shelf(place, "production")
    made = live.Live(books)
    yield made
    made.close()
    books.close()


async def event(stream):
    """The next event that is no comment: (name, data)."""
    async for raw in stream:
        fields = dict(line.split(": ", 1) for line in raw.decode().splitlines() if line and not line.startswith(":"))
        if "event" in fields:
            return fields["event"], fields["data"]
    return None


def run(shown, scenario, who=lambda: ALL, seen=""):
    """Play a scenario with one stream open; at its end nothing may go on."""

    async def play():
        stream = shown.follow(who, seen)
        async with asyncio.timeout(30), contextlib.aclosing(stream):
            await scenario(stream)
        await asyncio.wait({shown._task})

    asyncio.run(play())


def test_a_reader_without_a_page_gets_all_and_then_what_changes(shown, store):
    async def scenario(stream):
        name, first = await event(stream)
        assert (name, [one["id"] for one in json.loads(first)]) == ("parts", ["top", "endpoint-delay"])
        alarm_fixtures.raised(store, ALARM)
        _, second = await event(stream)
        changed = {one["id"]: one["html"] for one in json.loads(second)}
        assert "v1 has no worker" in changed["top"]

    run(shown, scenario)


def test_a_reader_with_the_page_as_it_is_gets_nothing_until_something_changes(shown, store):
    seen = painting.digest(shown.paint().parts(ALL))

    async def scenario(stream):
        waiting = asyncio.create_task(event(stream))
        while shown._latest is None:
            await shown._turned.wait()
        assert not waiting.done()
        alarm_fixtures.raised(store, ALARM)
        name, data = await waiting
        assert name == "parts"
        assert "v1 has no worker" in data

    run(shown, scenario, seen=seen)


def test_parts_come_go_and_know_their_place():
    changes = live._changes(
        {"top": "t", "endpoint-a": "a", "endpoint-c": "c"}, {"top": "t", "endpoint-b": "b", "endpoint-c": "c"}
    )
    assert changes == [{"id": "endpoint-a", "html": ""}, {"id": "endpoint-b", "html": "b", "after": "top"}]


def test_a_token_that_is_revoked_ends_its_stream(shown, store):
    store.admit(holders.Holder("production", tokens.Token("r", "1" * 64, ("read",)), "ana", 1.0))

    def who():
        found = store.holder("production", "1" * 64)
        return found.token if found else None

    async def scenario(stream):
        assert (await event(stream))[0] == "parts"
        store.revoke("production", "r", "ana", "left", 2.0)
        alarm_fixtures.raised(store, ALARM)
        assert (await event(stream))[0] == "over"
        assert await event(stream) is None

    run(shown, scenario, who)


def test_every_stream_ends_when_the_process_is_about_to(shown):
    async def scenario(stream):
        await event(stream)
        shown.end()
        assert await event(stream) is None
        with pytest.raises(errors.QueueFull):
            shown.admit()

    run(shown, scenario)


def test_there_are_only_so_many_streams_and_one_that_leaves_makes_room(shown, monkeypatch):
    monkeypatch.setattr(live, "STREAMS_MAX", 1)

    async def scenario(stream):
        shown.admit()
        await event(stream)
        with pytest.raises(errors.QueueFull):
            shown.admit()

    run(shown, scenario)
    shown.admit()


def test_a_page_that_cannot_be_painted_once_is_painted_the_next_time(shown, monkeypatch):
    painted, tries = shown.paint(), []

    def paint():
        tries.append(1)
        if len(tries) == 1:
            raise RuntimeError("broken")
        return painted

    monkeypatch.setattr(shown, "_paint", paint)

    async def scenario(stream):
        assert (await event(stream))[0] == "parts"

    run(shown, scenario)
    assert len(tries) == 2
