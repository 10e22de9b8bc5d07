"""What `tidegate demo` may be asked for."""

import dataclasses
import pathlib


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
