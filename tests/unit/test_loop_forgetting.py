"""What was erased is one event of the audit, however often it is heard, and says whose by a hash."""

import msgspec
import pytest

from tidegate.control.loop import forgetting, transitions
from tidegate.control.store import database
from tidegate.control.store import store as stores
from tidegate.core.vocabulary import erasures, home

TOLD = erasures.Told("e1", "delay", erasures.KEY, "ab" * 16, 10.0, 20.0, "ann", "her request", 6, 4, 9, 1)


@pytest.fixture
def desk(tmp_path):
    with stores.Store(database.sqlite_url(tmp_path / "store.db")) as store:
        yield transitions.Desk(store, "production", lambda: "r1")


def test_it_is_written_down_once_and_the_file_goes(tmp_path, desk):
    place = home.Home(tmp_path)
    for now in (1.0, 1.5, 3.0, 5.0):
        erasures.write(place.erasures, erasures.TOLD, TOLD)
        forgetting.Forgetting(desk, place).turn(now)
    assert erasures.told(place.erasures) == []
    [event] = desk.store.events("production", "delay", 0, 10)
    assert (event.kind, event.actor, event.said, event.at) == ("forgotten", "ann", "her request", 20.0)
    assert event.reason == f"erased 6 predictions and 4 outcomes of the key with the hash {'ab' * 16}"
    assert (event.facts["predictions"], event.facts["subject"], event.facts["id"]) == (6, "ab" * 16, "e1")
    assert desk.store.verify() == 1


@pytest.mark.parametrize(
    ("kind", "subject", "said"),
    [
        (erasures.ID, "one prediction", "of one prediction"),
        (erasures.WHERE, "email", "with a value of email"),
        (erasures.EXPIRED, "2026-01-01", "of 2026-01-01, which is longer ago than the log is kept"),
    ],
)
def test_each_kind_is_told_in_words(kind, subject, said):
    told = erasures.Told("e1", "delay", kind, subject, 10.0, aside=2)
    assert said in forgetting.words(told)
    assert "2 damaged files lie aside" in forgetting.words(told)


def test_where_thousands_were_erased_each_turn_hears_of_some(tmp_path, desk):
    place = home.Home(tmp_path)
    for number in range(forgetting.HEARD_MOST + 20):
        erasures.write(place.erasures, erasures.TOLD, msgspec.structs.replace(TOLD, id=f"e{number}"))
    forgetting.Forgetting(desk, place).turn(1.0)
    assert len(erasures.told(place.erasures)) == 20
    forgetting.Forgetting(desk, place).turn(2.0)
    assert erasures.told(place.erasures) == []
    assert len(desk.store.events("production", "delay", 0, 1_000)) == forgetting.HEARD_MOST + 20
