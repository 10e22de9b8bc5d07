"""A gateway without a prediction log, for comparison: `python -m bench.unlogged HOME NAME`.

Tidegate's gateway, but that no record is made, packed or written: each answer leaves as soon as there is one.
"""

import sys

import uvloop

from tidegate.core.vocabulary import logs
from tidegate.dataplane.gateway import journal, process


class Unlogged(journal.Journal):
    """In the place of its own: the sync thread wakes and finds nothing."""

    def settle(self, entry: journal.Entry) -> None:
        """Have it answer."""
        entry.settled(kept=True)


def main(argv: list[str]) -> int:
    journal.Journal = Unlogged
    logs.start(argv[2])
    return process.run(argv[1], argv[2], uvloop.new_event_loop)


if __name__ == "__main__":
    sys.exit(main(sys.argv))
