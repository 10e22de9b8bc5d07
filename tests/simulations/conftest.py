"""Simulations run the same lines thousands of times: measuring their coverage would double their time and find no other line."""

import pathlib

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave those of this folder out of the coverage."""
    here = pathlib.Path(__file__).parent
    for one in items:
        if here in one.path.parents:
            one.add_marker(pytest.mark.no_cover)
