"""Tidegate delivers machine-learning models to production safely: a gate that opens step by step and shuts by itself.

Wings, left never importing right: `core < dataplane < (delivery | observability) < control < interface`.

`tidegate.load(...)` is a model in your own program: see `interface.embedded`. It is found when it is asked for, so that nothing
else pays for it.
"""

import importlib
from typing import Any


def __getattr__(name: str) -> Any:
    """`load`, the one name of the package itself."""
    if name != "load":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return importlib.import_module("tidegate.interface.embedded.loading").load
