"""How odd each logged input is: the rarest of its values, in bits, by what the endpoint's columns usually are.

A value that one in 1,024 has is worth 10 bits. Usual is the data that came with the model, else the week before. The number is
logged with the prediction (the column `oddness`, an entry a row), its distribution is watched like any column's, and the oddest
requests of each hour are kept by id: they are the examples of an alarm.

Called by `recording.inputs`, with the columns that it has read, and by `drift.shelving`. Veiled columns are in no score.
"""

import collections
import math
import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import numpy as np

from tidegate.core.stats import logspace, seasons
from tidegate.core.vocabulary import arms, ids, marks, profiles, records
from tidegate.dataplane.predlog import catalogue
from tidegate.observability.profiling import baselines, hourly, profiled

NAME = "oddness"
FRAME = profiles.Frame(NAME, edges=tuple(map(float, range(1, 25))))
ODD = 10
"""Bits from which an input is odd: one in a thousand."""
KEPT = 20
"""The oddest of an hour."""
DAYS_KEPT = 35
FEWEST = 1_000
"""Rows from which it is known what is usual."""
FRESH = 6 * seasons.HOUR
"""After this time what is usual is read again."""
_TABLE = """
CREATE TABLE IF NOT EXISTS odd (endpoint TEXT, hour INTEGER, id BLOB, "row" INTEGER, bits REAL, name TEXT,
  PRIMARY KEY (endpoint, hour, id, "row")) WITHOUT ROWID;
"""


def share(one: profiles.Column | None) -> float:
    """How many of the scored inputs are odd; -1 where none was scored."""
    if one is None or not one.valued:
        return -1.0
    return sum(one.counts[ODD:]) / one.valued


class Scale(msgspec.Struct, frozen=True):
    """How rare the values of one column are, in bits."""

    frame: profiles.Frame
    bits: tuple[float, ...]
    """By bin, then of nothing, then of what is no value of its type."""

    @classmethod
    def of(cls, frame: profiles.Frame, usual: profiles.Column) -> "Scale":
        """By what is usual; what was never seen counts half a time."""
        counts = (*usual.counts, usual.nulls, usual.broken)
        whole = sum(counts) + 0.5 * len(counts)
        return cls(frame, tuple(-math.log2((count + 0.5) / whole) for count in counts))

    def read(self, values: Sequence[Any]) -> logspace.Floats:
        """The bits of values (N,)."""
        bits = np.array(self.bits)
        if not self.frame.numeric:
            place: dict[Any, int] = {name: at for at, name in enumerate(self.frame.classes)}
            other = len(place)
            return bits[[other + 1 if one is None else place.get(str(one), other) for one in values]]
        try:
            numbers = np.array(values, np.float64)
        except (TypeError, ValueError, OverflowError):
            numbers = np.array([one if isinstance(one, float) else math.inf if one is not None else math.nan for one in values])
        found = np.searchsorted(self.frame.edges, numbers, side="right")
        found[np.isnan(numbers)] = self.frame.bins
        found[np.isinf(numbers)] = self.frame.bins + 1
        return bits[found]


class Oddness:
    """The recorder's. What is taken is in memory until `save`."""

    def __init__(self, connection: sqlite3.Connection, counted: hourly.Profiles, known: baselines.Baselines) -> None:
        """Make the table where there is none. `counted`: whose frames and hours are meant."""
        self._connection, self._counted, self._baselines = connection, counted, known
        connection.executescript(_TABLE)
        self._scales: dict[tuple[str, str], tuple[float, dict[str, Scale]]] = {}
        self._odd: dict[tuple[str, int], list[tuple[float, bytes, int, str]]] = {}

    def scored(
        self,
        several: Sequence[records.Prediction],
        rows: Sequence[int],
        given: Mapping[str, Sequence[Any]],
        veiled: frozenset[str],
    ) -> list[float]:
        """The bits of each row of requests to one bundle, one after the other; empty where nothing is known of what is usual.

        `rows`: how many each request has. `given`: by column, the values of all rows.
        """
        first = several[0]
        scales = self._usual(first.endpoint, first.digest, first.arrived_ns / 1e9)
        names = [name for name in given if name in scales and name not in veiled]
        if not names or not sum(rows):
            return []
        bits = np.stack([scales[name].read(given[name]) for name in names])
        worst = bits.argmax(axis=0)
        found: list[float] = bits[worst, np.arange(bits.shape[1])].tolist()
        self._note(several, rows, found, [names[at] for at in worst.tolist()])
        return found

    def _usual(self, endpoint: str, digest: str, now: float) -> dict[str, Scale]:
        read, known = self._scales.get((endpoint, digest), (-math.inf, {}))
        if abs(now - read) < FRESH and known:
            return known
        frames = self._counted.frames(endpoint)
        usual = baselines.fitted(self._baselines.of(digest), frames)
        if usual.rows < profiles.FEWEST:
            hours = profiled.hours(self._connection, endpoint, int(now) - seasons.WEEK, int(now))
            usual = profiled.merged([one for _, _, one in hours])
            if usual.rows < FEWEST:
                return {}
        known = {
            name: Scale.of(frames[name], one)
            for name, one in usual.columns.items()
            if name != NAME and not profiles.is_output(name)
        }
        self._scales[endpoint, digest] = (now, known)
        return known

    def _note(
        self, several: Sequence[records.Prediction], rows: Sequence[int], found: Sequence[float], names: Sequence[str]
    ) -> None:
        begin = 0
        for one, count in zip(several, rows, strict=True):
            if count and one.role == arms.Role.LIVE and one.mark == marks.Mark.OK:
                hour = seasons.floor(one.arrived_ns / 1e9, seasons.HOUR)
                scores = found[begin : begin + count]
                self._counted.note((one.endpoint, one.version, hour), FRAME, scores)
                at = max(range(count), key=scores.__getitem__)
                oddest = self._odd.setdefault((one.endpoint, hour), [])
                oddest.append((scores[at], one.id, at, names[begin + at]))
                if len(oddest) > 8 * KEPT:
                    oddest.sort(reverse=True)
                    del oddest[KEPT:]
            begin += count

    def again(self, several: Sequence[records.Prediction], scores: Sequence[Sequence[float] | None]) -> None:
        """Note the bits that were logged with requests, an entry a row, or None. Of which column they are is not logged."""
        scored = [(one, list(bits)) for one, bits in zip(several, scores, strict=True) if bits]
        rows, found = [len(bits) for _, bits in scored], [one for _, bits in scored for one in bits]
        self._note([one for one, _ in scored], rows, found, [""] * len(found))

    def save(self) -> None:
        """Keep the oddest of each hour."""
        for (endpoint, hour), oddest in self._odd.items():
            oddest.sort(reverse=True)
            told = [(endpoint, hour, identifier, row, bits, name) for bits, identifier, row, name in oddest[:KEPT]]
            self._connection.executemany(
                "INSERT INTO odd VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET bits = excluded.bits, name = excluded.name"
                " WHERE excluded.name != ''",
                told,
            )
            self._connection.execute(
                "DELETE FROM odd WHERE endpoint = ?1 AND hour = ?2 AND bits < (SELECT bits FROM odd WHERE endpoint = ?1 AND "
                "hour = ?2 ORDER BY bits DESC LIMIT 1 OFFSET ?3)",
                (endpoint, hour, KEPT - 1),
            )
        self._odd.clear()

    def erase(self, endpoint: str, gone: Sequence[bytes]) -> collections.Counter[bytes]:
        """Let go of these predictions; how many rows there were of each."""
        return catalogue.erase(self._connection, "odd", gone, endpoint)

    def forget(self, now: float) -> None:
        """Let go of what is old."""
        self._connection.execute("DELETE FROM odd WHERE hour < ?", (int(now) - DAYS_KEPT * seasons.DAY,))


def examples(connection: sqlite3.Connection, endpoint: str, time: tuple[int, int], names: Sequence[str], most: int) -> list[str]:
    """Ids of the oddest requests of a time (since, until), those whose oddest value is of these columns first."""
    if not catalogue.has(connection, "odd"):
        return []
    rows = connection.execute(
        "SELECT id, name, bits FROM odd WHERE endpoint = ? AND hour >= ? AND hour < ? ORDER BY bits DESC", (endpoint, *time)
    ).fetchall()
    rows.sort(key=lambda row: row[1] not in names)  # a stable sort: the oddest of each stay first
    return list(dict.fromkeys(ids.text(identifier) for identifier, _, _ in rows))[:most]
