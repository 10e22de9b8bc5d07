"""`python -m tidegate.interface.cli.process control|api|recorder|monitor|shipper HOME NAME`: what the keeper starts."""

import importlib
import logging
import pathlib
import sys
from collections.abc import Callable

from tidegate.core.vocabulary import errors, home, logs

log = logging.getLogger(__name__)
KINDS = {"control": "deciding", "api": "asking", "recorder": "recording", "monitor": "watching", "shipper": "shipping"}
Wiring = Callable[[home.Home, str, str], int]


def main(kind: str, place: home.Home, name: str) -> int:
    """Be that process until SIGTERM; returns its exit code. What keeps it from running is a line in its log."""
    logs.start(name)
    try:
        # One module a kind: the recorder needs no web server and the API no statistics, and each starts the sooner.
        run: Wiring = importlib.import_module(f"tidegate.interface.cli.wiring.{KINDS[kind]}").run
        return run(place, name, home.environment())
    except errors.TidegateError as failed:
        log.log(logging.ERROR, str(failed), extra={"code": failed.code})
        return 1
    except BlockingIOError:
        log.log(logging.ERROR, "another process of this name is alive")
        return 1


if __name__ == "__main__":
    if len(sys.argv) != 4 or sys.argv[1] not in KINDS:
        sys.stderr.write(f"{__doc__}\n")
        sys.exit(2)
    sys.exit(main(sys.argv[1], home.Home(pathlib.Path(sys.argv[2]).absolute()), sys.argv[3]))
