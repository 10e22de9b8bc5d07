"""A gateway that batches as most servers do, for comparison: up to SIZE requests, or what came in SECONDS, one batch at a time.

`python -m bench.fixed HOME NAME SIZE SECONDS` is Tidegate's gateway with this class in the place of its own; the route's
`limits.batch` is to be SIZE.
"""

import sys

import uvloop

from tidegate.core.vocabulary import logs
from tidegate.dataplane.gateway import batching, process

SIZE, SECONDS = 32, 0.005
"""What Ray Serve, MLServer and LitServe show in their examples: some tens, and some milliseconds."""


class Fixed(batching.Batching):
    """A batch goes when it is full, or when its first request has waited that long."""

    size, seconds = SIZE, SECONDS

    def __init__(self) -> None:
        super().__init__()
        self._first: float | None = None

    def share(self, in_hand: int, workers: int) -> int:  # noqa: ARG002 - as it is called
        """No bound of its own: `wait` decides, and `limits.batch` is the size. Never a second batch."""
        return sys.maxsize

    def came(self, now: float) -> None:
        """The first since the last batch starts the clock."""
        if self._first is None:
            self._first = now

    def answered(self, requests: int, rows: int, seconds: float, size: int) -> None:
        """Nothing is learnt."""

    def rest(self, queued: int, now: float) -> None:
        """What came in the meantime has waited since then."""

    def wait(self, queued: int, now: float) -> float:
        """Until the batch is full or its time is up."""
        first = now if self._first is None else self._first
        left = first + self.seconds - now
        if queued < self.size and left > 0:
            self._first = first
            return left
        self._first = None
        return 0.0


def main(argv: list[str]) -> int:
    home, name, size, seconds = argv[1:]
    Fixed.size, Fixed.seconds = int(size), float(seconds)
    batching.Batching = Fixed
    logs.start(name)
    return process.run(home, name, uvloop.new_event_loop)


if __name__ == "__main__":
    sys.exit(main(sys.argv))
