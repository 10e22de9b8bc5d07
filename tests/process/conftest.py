"""What the tests of whole systems share: models, made once."""

import pathlib

import pytest

from tests.process import living


@pytest.fixture(scope="session")
def models(tmp_path_factory) -> pathlib.Path:
    """v1, v2, v3 and no-negatives, as files."""
    return living.make_models(tmp_path_factory.mktemp("models"))
