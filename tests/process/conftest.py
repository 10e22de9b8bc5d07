"""What the tests of whole systems share: models, made once."""

import pathlib
from collections.abc import Iterator

import pytest

from tests.process import conformance_fixtures, living


@pytest.fixture(scope="session")
def models(tmp_path_factory) -> pathlib.Path:
    """v1, v2, v3 and no-negatives, as files."""
    return living.make_models(tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="module")
def system() -> Iterator[conformance_fixtures.System]:
    """What foreign clients ask: a gateway, the gRPC front and real workers."""
    made = conformance_fixtures.System()
    try:
        yield made.start()
    finally:
        made.close()
