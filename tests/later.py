"""Libraries that tests compare with, and that take a second to import: where they are first used, not in every process."""

import importlib.util
import sys
import types


def load(name: str) -> types.ModuleType:
    """The module, imported at the first look at anything in it."""
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.find_spec(name)
    assert spec is not None, name
    assert spec.loader is not None, name
    spec.loader = importlib.util.LazyLoader(spec.loader)
    made = importlib.util.module_from_spec(spec)
    sys.modules[name] = made
    spec.loader.exec_module(made)
    return made
