"""Inputs that workers have died of. A worker takes all that it has in flight down with it, so each of those is only suspect once;
an input that was there at two deaths is not tried a third time, until the quarantine ends or it is answered after all.
"""

import hashlib

DEATHS = 2
SECONDS = 600.0
MOST = 4_096
"""Inputs that are remembered; beyond, the longest known are forgotten."""


class Quarantine:
    """One version's. `deaths` is empty while nothing is suspect: then nothing has to be looked up."""

    def __init__(self) -> None:
        self.deaths: dict[bytes, tuple[int, float]] = {}
        """By the hash of the body: how many workers have died with it, and when the last one did."""

    def died(self, body: bytes, now: float) -> None:
        """A worker has died with this in flight."""
        key = _hash(body)
        count, _ = self.deaths.pop(key, (0, now))
        self.deaths[key] = (count + 1, now)
        while len(self.deaths) > MOST:
            del self.deaths[next(iter(self.deaths))]

    def survived(self, body: bytes) -> None:
        """It was answered: whatever workers have died of, it was not this."""
        self.deaths.pop(_hash(body), None)

    def holds(self, body: bytes, now: float) -> bool:
        """Whether this is not to be tried again."""
        key = _hash(body)
        count, last = self.deaths.get(key, (0, now))
        if now - last > SECONDS:
            del self.deaths[key]
            return False
        return count >= DEATHS


def _hash(body: bytes) -> bytes:
    return hashlib.blake2b(body, digest_size=16).digest()
