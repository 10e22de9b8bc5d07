"""The time by which what is old is deleted: a clock that leapt ahead is believed once it has gone on evenly for a day.

What a wrong clock deletes within a minute no right one brings back, and a deletion that comes late does little harm. A machine
that was off, or asleep, for over an hour looks the same from here. Where that happens again within the day, or a log is looked at
now and then only (`tidegate gather`), what is believed is the time to which the leap before had led.

Kept in the catalogue, so that a recorder that starts anew does not forget what was believed before. Called by the recorder.
"""

import logging

from tidegate.core.vocabulary import ids
from tidegate.dataplane.predlog import catalogue, parquet

LEAP_SECONDS = 3_600.0
LASTS_SECONDS = 86_400.0
_TABLE = "CREATE TABLE IF NOT EXISTS clock (one INTEGER PRIMARY KEY, believed REAL, doubted REAL, seen REAL)"
log = logging.getLogger(__name__)


class Believed:
    """One log's. Unix seconds throughout."""

    def __init__(self, known: catalogue.Catalogue) -> None:
        """Go on from what was believed; where nothing was yet, from the newest prediction."""
        self._connection = known.connection
        self._connection.execute(_TABLE)
        row = self._connection.execute("SELECT believed, doubted, seen FROM clock").fetchone()
        newest = 0.0 if row else _newest(known)
        self._believed, self._doubted, self._seen = map(float, row or (newest, 0.0, newest))

    def at(self, now: float) -> float:
        """The time to reckon ages by when the clock says `now`, never later than that; noted in the transaction under way."""
        even, self._seen = now - self._seen <= LEAP_SECONDS, now
        lasted = 0.0 < self._doubted <= now - LASTS_SECONDS
        if not self._believed or now - self._believed <= LEAP_SECONDS or (lasted and even):
            self._believed, self._doubted = now, 0.0
        elif lasted:
            self._believed, self._doubted = self._doubted, now
        elif not 0.0 < self._doubted <= now:
            self._doubted = now
            log.warning("the clock is far ahead of what it was: nothing is deleted by its age for a day")
        told = (self._believed, self._doubted, self._seen)
        self._connection.execute("INSERT OR REPLACE INTO clock VALUES (1, ?, ?, ?)", told)
        return self._believed


def _newest(known: catalogue.Catalogue) -> float:
    """When the newest prediction of the log arrived; 0: there is none."""
    return max((ids.milliseconds(file.last) / 1e3 for file in known.files(parquet.PREDICTIONS)), default=0.0)
