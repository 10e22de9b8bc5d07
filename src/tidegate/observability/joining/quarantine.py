"""Outcomes that cannot be taken, with why: kept, bounded by endpoint, and listed for people (`tidegate feedback --rejected`).

In the catalogue's database, under the same transaction as the joins. Called by `joins`; read by the command line and the API.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from tidegate.core.vocabulary import ids, instants, records

MOST = 10_000
"""Outcomes kept of one endpoint; the oldest go first."""
UNKNOWN, TYPE, AMBIGUOUS, UNMATCHED, CLOCK, CROWDED = "unknown", "type", "ambiguous", "unmatched", "clock", "crowded"
WORDS = {
    UNKNOWN: "no prediction has this id",
    TYPE: "the label cannot be held against the answer: it is of another type",
    AMBIGUOUS: "several predictions of this key have the same time",
    UNMATCHED: "no prediction of this key lies within the lookback before this time",
    CLOCK: "its time lies ahead of ours",
    CROWDED: "too many outcomes waited for their predictions",
}
"""What each reason means, for people."""
_TABLES = """
CREATE TABLE IF NOT EXISTS quarantine (number INTEGER PRIMARY KEY, id BLOB, outcome BLOB, since REAL);
"""
_ADDED = {"endpoint": "TEXT DEFAULT ''", "reason": f"TEXT DEFAULT '{UNKNOWN}'"}
_pack = msgspec.msgpack.Encoder().encode
_outcome = msgspec.msgpack.Decoder(records.Outcome)


class Rejected(msgspec.Struct, frozen=True):
    """An outcome that was not taken."""

    reason: str
    """A key of `WORDS`."""
    endpoint: str
    """Empty where nobody knows: its id is no prediction's."""
    since: float
    """Unix seconds."""
    outcome: records.Outcome

    @property
    def named(self) -> str:
        """Whom it names, for people: a prediction's row, or the hash of a key and a time."""
        one = self.outcome
        if one.key_hash:
            return (
                f"key {one.key_hash.hex()[:12]} at {instants.shown(one.at_ns)}" if one.at_ns else f"key {one.key_hash.hex()[:12]}"
            )
        return f"{ids.text(one.id)}/{one.row}" if one.row else ids.text(one.id)


class Quarantine:
    """The recorder's: what it puts aside."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Make the table where there is none."""
        self._connection = connection
        connection.executescript(_TABLES)
        there = {row[1] for row in connection.execute("PRAGMA table_info(quarantine)")}
        for name, kind in _ADDED.items():
            if name not in there:  # a catalogue from before there were reasons
                connection.execute(f"ALTER TABLE quarantine ADD COLUMN {name} {kind}")
        connection.execute("CREATE INDEX IF NOT EXISTS quarantined ON quarantine (endpoint, number)")

    def put(self, rejected: Sequence[Rejected]) -> None:
        """Keep these, and of each endpoint no more than `MOST`."""
        rows = [(one.outcome.id, _pack(one.outcome), one.since, one.endpoint, one.reason) for one in rejected]
        self._connection.executemany("INSERT INTO quarantine (id, outcome, since, endpoint, reason) VALUES (?, ?, ?, ?, ?)", rows)
        for endpoint in {one.endpoint for one in rejected}:
            self._connection.execute(
                "DELETE FROM quarantine WHERE endpoint = ? AND number <="
                " (SELECT number FROM quarantine WHERE endpoint = ? ORDER BY number DESC LIMIT 1 OFFSET ?)",
                (endpoint, endpoint, MOST),
            )


def plain(one: Rejected) -> dict[str, Any]:
    """One for programs."""
    return {
        "reason": one.reason,
        "words": WORDS.get(one.reason, one.reason),
        "endpoint": one.endpoint,
        "for": one.named,
        "label": one.outcome.label,
        "label_version": one.outcome.label_version,
        "metric": one.outcome.metric,
        "request_id": one.outcome.request_id,
        "received": one.outcome.received_ns / 1e9,
    }


def missing(one: records.Outcome) -> str:
    """Why nothing was found for an outcome."""
    if one.key_hash and not one.metric:
        return UNMATCHED
    named_ns = 0 if one.key_hash else ids.milliseconds(one.id) * 10**6
    return CLOCK if named_ns > one.received_ns + instants.SKEW_NS else UNKNOWN


def listed(connection: sqlite3.Connection, endpoint: str = "", most: int = 100) -> list[Rejected]:
    """What was not taken, newest first: of an endpoint, and of nobody knows which; without a name of all."""
    if not _has_reasons(connection):
        return []
    rows = connection.execute(
        "SELECT reason, endpoint, since, outcome FROM quarantine WHERE ? IN ('', endpoint) OR endpoint = ''"
        " ORDER BY number DESC LIMIT ?",
        (endpoint, most),
    )
    return [Rejected(reason, of, since, _outcome.decode(outcome)) for reason, of, since, outcome in rows]


def kept(connection: sqlite3.Connection) -> Iterator[Rejected]:
    """All that is kept, of whatever endpoint."""
    if _has_reasons(connection):
        rows = connection.execute("SELECT reason, endpoint, since, outcome FROM quarantine")
        yield from (Rejected(reason, of, since, _outcome.decode(outcome)) for reason, of, since, outcome in rows)


def counted(connection: sqlite3.Connection, endpoint: str = "") -> dict[str, int]:
    """How many are kept, by reason, likewise."""
    if not _has_reasons(connection):
        return {}
    rows = connection.execute(
        "SELECT reason, count(*) FROM quarantine WHERE ? IN ('', endpoint) OR endpoint = '' GROUP BY reason ORDER BY reason",
        (endpoint,),
    )
    return dict(rows.fetchall())


def _has_reasons(connection: sqlite3.Connection) -> bool:
    return any(row[1] == "reason" for row in connection.execute("PRAGMA table_info(quarantine)"))
