"""Ground truth that was heard, by (prediction id, role): of two for the same row and label version the one received first counts.

Kept in the catalogue's database for as long as predictions wait. Called by `joins` and `pairs`.
"""

import sqlite3

import msgspec

from tidegate.core.vocabulary import arms, records
from tidegate.dataplane.predlog import outcomes

_TABLES = """
CREATE TABLE IF NOT EXISTS heard (id BLOB, role INTEGER, "row" INTEGER, label_version INTEGER, label BLOB, received_ns INTEGER,
  PRIMARY KEY (id, role, "row", label_version)) WITHOUT ROWID;
"""
_pack = msgspec.msgpack.Encoder().encode
_label = msgspec.msgpack.Decoder(float | str)


class Hearing:
    """What was heard."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Make the table where there is none."""
        self._connection = connection
        connection.executescript(_TABLES)

    def keep(self, one: records.Outcome) -> bool:
        """Keep an outcome; whether it is new. Of two for the same key the one received first counts, whichever is read first."""
        key = (one.id, one.role, one.row, one.label_version)
        new = self._connection.execute(
            "INSERT OR IGNORE INTO heard VALUES (?, ?, ?, ?, ?, ?)", (*key, _pack(one.label), one.received_ns)
        ).rowcount
        if not new:
            self._connection.execute(
                'UPDATE heard SET label = ?, received_ns = ? WHERE id = ? AND role = ? AND "row" = ? AND label_version = ?'
                " AND received_ns > ?",
                (_pack(one.label), one.received_ns, *key, one.received_ns),
            )
        return bool(new)

    def of(self, identifier: bytes, role: int = arms.Role.LIVE) -> list[outcomes.Heard]:
        """All that was heard of a prediction."""
        rows = self._connection.execute(
            'SELECT "row", label_version, label, received_ns FROM heard WHERE id = ? AND role = ?', (identifier, role)
        )
        return [outcomes.Heard(row, version, _label.decode(label), received) for row, version, label, received in rows]

    def expire(self, cut: bytes) -> None:
        """Forget what was heard of predictions before this id."""
        self._connection.execute("DELETE FROM heard WHERE id < ?", (cut,))
