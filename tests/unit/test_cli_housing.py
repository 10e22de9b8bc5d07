"""Which store a home has: what an address may say, and that none is changed under a Tidegate that is up."""

import pytest

from tidegate.control.store import chain, database, location, store
from tidegate.core.vocabulary import errors, home, instances
from tidegate.interface.cli import housing

ADDRESS = "postgresql://ana@db.example/gate"


@pytest.fixture
def place(tmp_path, monkeypatch) -> home.Home:
    monkeypatch.delenv(location.VARIABLE, raising=False)
    made = home.Home(tmp_path / "home")
    made.prepare()
    return made


def test_without_an_address_the_store_stays_where_it_is(place):
    housing.settle(place, "", print)
    assert (location.is_server(place), location.url(place)) == (False, database.sqlite_url(place.store))


@pytest.mark.parametrize("given", ["postgresql://ana:hush@db/gate", "postgresql://ana@db/gate?password=hush"])
def test_a_password_that_others_can_see_is_refused_and_not_repeated(place, given):
    with pytest.raises(errors.StoreInvalid, match="PGPASSWORD") as raised:
        housing.settle(place, given, print)
    assert "hush" not in str(raised.value)
    assert not place.store_address.exists()


@pytest.mark.parametrize("given", ["mysql://root@db/gate", "gate", "postgresql://ana@db", "sqlite:///store.db", "postgresql://["])
def test_what_is_no_address_of_a_server_is_refused(place, given):
    with pytest.raises(errors.StoreInvalid):
        housing.settle(place, given, print)
    assert not place.store_address.exists()


def test_the_store_is_not_changed_under_a_tidegate_that_is_up(place):
    claim = instances.Claim(place.instances, "control-1", "t")
    with pytest.raises(errors.AlreadyRunning):
        housing.settle(place, ADDRESS, print)
    claim.release()
    location.note(place, ADDRESS)
    claim = instances.Claim(place.instances, "control-1", "t")
    housing.settle(place, ADDRESS, print)  # the same one is no change
    claim.release()


def test_a_server_that_cannot_be_reached_changes_nothing(place, tmp_path):
    with store.Store(database.sqlite_url(place.store)) as books:
        books.append(chain.StoredEvent("production", "delay", "noted", 1.0))
    with pytest.raises(errors.StoreUnavailable):
        housing.settle(place, f"postgresql://ana@/gate?host={tmp_path}", print)
    assert not location.is_server(place)
    assert place.store.exists()
