"""A home's store moved to a server and back, whole: by `up --store`, and by a backup and its restore."""

import pytest

from tests import postgresql
from tidegate.control.loop import archives
from tidegate.control.store import checks, location, store
from tidegate.core.vocabulary import errors, home, phases
from tidegate.interface.cli import examinations, housing


@pytest.fixture
def place(tmp_path, monkeypatch) -> home.Home:
    """A home whose own file holds an event log."""
    monkeypatch.delenv(location.VARIABLE, raising=False)
    made = home.Home(tmp_path / "home")
    made.prepare()
    with store.Store(location.url(made)) as books:
        checks.promoted(books, checks.deployed(books))
        moving = checks.begun(books, checks.deployed(books))
        checks.moved(books, moving, phases.Phase.RUNNING)
    return made


def head(place: home.Home) -> tuple[int, str]:
    with store.Store(location.url(place), create=False) as books:
        books.verify()
        return books.head()


def test_a_store_goes_along_to_an_empty_database_and_is_continued_there(server: postgresql.Server, place):
    before, told = head(place), []
    address = server.empty()
    housing.settle(place, address, told.append)
    assert (location.is_server(place), head(place), len(told)) == (True, before, 1)
    assert not place.store.exists()
    assert len(list(place.root.glob("store.db.moved-*"))) == 1
    with store.Store(location.url(place), create=False) as books:
        again = checks.moved(books, books.active(checks.ENV)[0], phases.Phase.PAUSED)
        assert (again.generation, books.verify()) == (2, before[0] + 1)
        books.submit(checks.commands.Command(checks.ENV, checks.NAME, "resume"))
    other = server.empty()
    housing.settle(place, other, told.append)
    assert head(place)[0] == before[0] + 1, "from one server to another"
    assert [one.state for one in examinations._store(place)] == ["ok"]


def test_one_that_holds_another_store_is_refused(server: postgresql.Server, place):
    taken = server.database()
    with store.Store(taken) as books:
        checks.begun(books, checks.deployed(books))
    before = head(place)
    with pytest.raises(errors.StoreInvalid, match="another store"):
        housing.settle(place, taken, print)
    assert (location.is_server(place), head(place)) == (False, before)


def test_a_home_without_a_store_takes_the_one_that_is_there(server: postgresql.Server, place, tmp_path):
    address = server.empty()
    housing.settle(place, address, print)
    fresh = home.Home(tmp_path / "fresh")
    fresh.prepare()
    housing.settle(fresh, address, print)
    assert head(fresh) == head(place)


def test_a_move_that_was_interrupted_is_finished_by_the_next(server: postgresql.Server, place):
    address = server.empty()
    with store.Store(address) as there, store.Store(location.url(place)) as here:
        there.fill(here)  # and then the machine went down
    before = head(place)
    housing.settle(place, address, print)
    assert (location.is_server(place), head(place)) == (True, before)


def test_the_backup_of_a_home_with_a_server_is_restored_as_a_home_with_a_file(server: postgresql.Server, place, tmp_path):
    housing.settle(place, server.empty(), print)
    before = head(place)
    archives.write(place, tmp_path / "backup.tar.gz", log=False, now=1.0)
    there = home.Home(tmp_path / "restored")
    archives.restore(tmp_path / "backup.tar.gz", there, force=False, now=2.0)
    assert (location.is_server(there), head(there)) == (False, before)
