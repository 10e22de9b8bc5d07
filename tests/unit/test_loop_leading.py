"""Which of several control processes decides, on a clock of our own."""

import pytest

from tidegate.control.loop import leading
from tidegate.control.store import database, store
from tidegate.core.vocabulary import errors

ENV = "production"


class Decider:
    """Something that decides; notes when it ends."""

    def __init__(self, name: str, told: list[str]) -> None:
        self.name, self._told = name, told
        told.append(f"{name} begins")

    def close(self) -> None:
        self._told.append(f"{self.name} ends")


@pytest.fixture
def books(tmp_path):
    with store.Store(database.sqlite_url(tmp_path / "store.db")) as made:
        yield made


@pytest.fixture
def told() -> list[str]:
    return []


def office(books: store.Store, name: str, told: list[str]) -> leading.Office[Decider]:
    return leading.Office(books, ENV, f"{name}:token", lambda: Decider(name, told))


def test_one_decides_and_the_other_stands_by(books, told):
    first, second = office(books, "control", told), office(books, "control-1", told)
    for tenth in range(100):
        now = 1_000.0 + tenth / 5
        assert first.decider(now) is not None
        assert second.decider(now) is None
    assert (first.term, second.term, second.other(1_020.0)) == (1, 0, "control")
    assert told == ["control begins"]


def test_a_standby_takes_over_once_the_lease_has_run_out_and_not_before(books, told):
    first, second = office(books, "control", told), office(books, "control-1", told)
    first.decider(1_000.0)
    assert second.decider(1_000.0 + leading.SECONDS - 0.1) is None
    assert second.decider(1_000.0 + leading.SECONDS + 0.1) is not None
    assert (second.term, leading.SECONDS + 2 * 0.2 < 5.0) == (2, True)


def test_who_was_overtaken_stops_at_its_next_look_and_begins_anew_later(books, told):
    first, second = office(books, "control", told), office(books, "control-1", told)
    first.decider(1_000.0)
    second.decider(1_010.0)
    assert first.decider(1_010.1) is None, "it was stopped for ten seconds, and does nothing more"
    assert told == ["control begins", "control-1 begins", "control ends"]
    second.close()
    assert first.decider(1_010.2) is not None, "at once after a clean end"
    assert told[3:] == ["control-1 ends", "control begins"]
    assert first.term == 3


def test_who_is_started_again_under_its_name_goes_on_in_its_term(books, told):
    office(books, "control", told).decider(1_000.0)
    again = office(books, "control", told)
    assert again.decider(1_000.5) is not None
    assert again.term == 1


def test_a_clock_that_is_set_keeps_nobody_waiting(books, told):
    first, second = office(books, "control", told), office(books, "control-1", told)
    first.decider(9_000.0)
    assert second.decider(1_000.0) is not None, "a lease that would last for hours is a clock's doing"
    assert first.decider(1_000.1) is None
    assert second.decider(9_000.0) is not None


def test_without_the_store_nobody_decides(books, told, tmp_path):
    mine = office(books, "control", told)
    assert mine.decider(1_000.0) is not None
    (tmp_path / "store.db").rename(tmp_path / "away.db")
    with pytest.raises(errors.StoreUnavailable):
        mine.decider(1_002.0)
    mine.close()
    assert told == ["control begins", "control ends"]


def test_a_renewal_is_no_change_that_control_would_act_on(books, told):
    mine, other = office(books, "control", told), office(books, "control-1", told)
    mine.decider(1_000.0)
    before = books.changes()
    for second in range(1, 20):
        mine.decider(1_000.0 + second)
        other.decider(1_000.0 + second)
    assert books.changes() == before
