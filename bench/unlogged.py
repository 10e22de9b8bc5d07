"""A gateway without a prediction log, for comparison: `python -m bench.unlogged HOME NAME`.

Tidegate's gateway, but that no record is made, packed or written: each answer leaves as soon as there is one.
"""

import asyncio
import sys

import uvloop

from tidegate.core.vocabulary import logs
from tidegate.dataplane.gateway import journal, process
from tidegate.dataplane.predlog import segments


class Unlogged:
    """In the place of `journal.Journal`."""

    dropped, trouble, short = 0, "", False

    def __init__(self, loop: asyncio.AbstractEventLoop, writer: segments.Writer) -> None:
        """Neither is used."""

    def settle(self, entry: journal.Entry) -> None:
        """Have it answer."""
        entry.settled(kept=True)

    def turn(self, now: float, seconds: float) -> None:
        """There is no segment that could be too old."""

    def close(self) -> None:
        """Nothing is open."""


def main(argv: list[str]) -> int:
    journal.Journal = Unlogged
    logs.start(argv[2])
    return process.run(argv[1], argv[2], uvloop.new_event_loop)


if __name__ == "__main__":
    sys.exit(main(sys.argv))
