"""Libraries that tests compare with, and that take a second to import: where they are first used, not in every process."""

import importlib
from typing import Any


class Module:
    """A module that is imported at the first look at anything in it."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, name: str) -> Any:
        return getattr(importlib.import_module(self._name), name)
