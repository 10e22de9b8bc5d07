"""What holds for every test: the collector of garbage leaves alone what was imported, which stays until the end anyway."""

import gc

import pytest

gc.disable()


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """Going through half a million objects of imported libraries again and again took a third of the time to collect tests."""
    gc.freeze()
    gc.enable()


def pytest_unconfigure() -> None:
    """So that what was imported is taken down in order."""
    gc.unfreeze()
