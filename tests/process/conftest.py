"""What the tests of whole systems share: models, made once."""

import pathlib
from collections.abc import Iterator

import pytest

from tests import postgresql
from tests.process import conformance_fixtures, gateway_fixtures, living
from tidegate.control.store import database


@pytest.fixture(scope="session")
def models(tmp_path_factory) -> pathlib.Path:
    """v1, v2, v3 and no-negatives, as files."""
    return living.make_models(tmp_path_factory.mktemp("models"))


@pytest.fixture
def rig() -> Iterator[gateway_fixtures.Rig]:
    """A gateway, and workers without models."""
    made = gateway_fixtures.Rig()
    try:
        yield made
    finally:
        made.close()


@pytest.fixture(scope="module")
def system() -> Iterator[conformance_fixtures.System]:
    """What foreign clients ask: a gateway, the gRPC front and real workers."""
    made = conformance_fixtures.System()
    try:
        yield made.start()
    finally:
        made.close()


@pytest.fixture(scope="session")
def server() -> Iterator[postgresql.Server]:
    """A PostgreSQL server for all tests of the session, started by whoever asks first."""
    with postgresql.running() as made:
        yield made


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: pathlib.Path) -> str:
    """The address of a fresh store: of SQLite, and of PostgreSQL."""
    if request.param == "sqlite":
        return database.sqlite_url(tmp_path / "store.db")
    made: postgresql.Server = request.getfixturevalue("server")
    return made.database()
