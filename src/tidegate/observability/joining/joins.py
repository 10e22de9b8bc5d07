"""Joining outcomes to their predictions, on (prediction id, role); the prediction brings the version.

Predictions wait in the catalogue's database, a hundred bytes each, until their label age and ten minutes more have passed;
an outcome that comes later finds its prediction in Parquet. An outcome may be read before its prediction (another gateway's
segment): it is kept, and what has found nothing after a minute is put aside (`quarantine`), as is a label that cannot be held
against its answer. Ground truth that names a key and a time is matched (`entities`) once it has waited for a moment, since its
prediction may be read after it. Values of posted metrics are joined the same way, or by their sticky key, and counted by
`values`. Called by the recorder.
"""

import collections
import sqlite3
from collections.abc import Callable, Collection, Iterable, Sequence

import msgspec

from tidegate.core.vocabulary import arms, ids, losses, marks, records
from tidegate.dataplane.predlog import catalogue, outcomes
from tidegate.observability.joining import entities, hearing, labels, quarantine, values

LATE_SECONDS = 600.0
LOOK_AFTER_SECONDS = 3.0
QUARANTINE_SECONDS = 60.0
UNJOINED_MOST = 100_000
_BY_ID, _LOOKED, _BY_TIME = 0, 1, 2
"""`looked` of an outcome that waits: to be looked for in Parquet; nowhere to look any more; to be matched by key and time."""
OUT = -1
"""`counted` of a prediction that is in no cohort; else 0 unlabelled, 1 right, 2 wrong."""
_MISSING = frozenset({quarantine.UNKNOWN, quarantine.UNMATCHED, quarantine.CROWDED})
"""Reasons that say that nothing was found, and nothing of what was sent."""
_COUNTED = {None: 0, False: 1, True: 2}
_TABLES = """
CREATE TABLE IF NOT EXISTS waiting (id BLOB, role INTEGER, cohort INTEGER, arrived_ns INTEGER, failed INTEGER, answers BLOB,
  counted INTEGER, harmed INTEGER, PRIMARY KEY (id, role)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS unjoined (incarnation TEXT, sequence INTEGER, id BLOB, outcome BLOB, since REAL, looked INTEGER,
  PRIMARY KEY (incarnation, sequence)) WITHOUT ROWID;
"""
_pack = msgspec.msgpack.Encoder().encode
_answers = msgspec.msgpack.Decoder(tuple[float | str | None, ...])
_outcome = msgspec.msgpack.Decoder(records.Outcome)
Lookup = Callable[[Sequence[bytes]], tuple[Sequence[records.Prediction], Sequence[records.Outcome]]]
"""Recorded predictions and outcomes of ids, from Parquet."""
Told = Callable[[bytes], None]
"""Something was heard of a live request."""


class Tally(msgspec.Struct):
    """Counts since the caller last looked."""

    joined: int = 0
    duplicate: int = 0
    """Outcomes that had been heard: dropped."""
    unmatched: int = 0
    """Outcomes put aside, since no prediction has their id or key."""
    rejected: int = 0
    """Outcomes put aside for what they are: a wrong type, a time ahead of ours, several predictions at once."""


class Joins:
    """The predictions that wait, and the outcomes heard."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        cohorts: labels.Cohorts,
        posted: values.Values,
        known: entities.Entities,
        told: Told,
    ) -> None:
        """Make the tables where there are none. `cohorts` and `posted` are told what counts, `told` of whom truth was heard;
        `known` tells which predictions were about whom.
        """
        self._connection, self._cohorts, self._values, self._told = connection, cohorts, posted, told
        self._entities = known
        self._aside = quarantine.Quarantine(connection)
        self.matched: list[records.Outcome] = []
        """Ground truth by key that has found its prediction since the caller last took it: as if that had been named."""
        connection.executescript(_TABLES)
        self._hearing = hearing.Hearing(connection)
        self._unjoined = {row[0] for row in connection.execute("SELECT id FROM unjoined")}
        self.tally = Tally()

    def predict(self, predictions: Iterable[records.Prediction], rule: labels.Rule) -> None:
        """Have these predictions wait for their outcomes. `rule` gives an endpoint's rule."""
        rows, early = [], []
        for one in predictions:
            cohort = self._cohorts.cohort(one, rule)
            enters = self._cohorts.enters(cohort, one)
            rows.append(self._row(one, cohort, 0 if enters else OUT))
            self._values.predict(one, cohort)
            early += [name for name in (one.id, one.key_hash) if name in self._unjoined]
        self._connection.executemany("INSERT OR IGNORE INTO waiting VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)
        for identifier in early:
            self._retry(identifier)

    def _row(self, one: records.Prediction, cohort: labels.Cohort, counted: int) -> tuple[object, ...]:
        failed = one.mark in marks.BAD
        return (one.id, one.role, cohort.number, one.arrived_ns, failed, _pack(one.answers), counted, 0)

    def erase(self, gone: Sequence[bytes]) -> collections.Counter[bytes]:
        """Forget these predictions, and what was heard of them; how many rows that were of each."""
        self._unjoined.difference_update(gone)
        found = collections.Counter[bytes]()
        for name in ("waiting", "heard", "unjoined", "quarantine"):
            found += catalogue.erase(self._connection, name, gone)
        return found

    def erase_keys(self, endpoint: str, keys: Collection[bytes]) -> collections.Counter[bytes]:
        """Forget what was heard for keys, and waits or was put aside; how many rows that were of each."""
        aside = self._connection.execute("SELECT number, outcome FROM quarantine WHERE endpoint IN (?, '')", (endpoint,))
        told = ((number, _outcome.decode(outcome).key_hash) for number, outcome in aside.fetchall())
        mine = {number: key for number, key in told if key in keys}
        counts = collections.Counter(mine.values())
        self._connection.executemany("DELETE FROM quarantine WHERE number = ?", [(number,) for number in mine])
        for key in keys:
            self._unjoined.discard(key)
            waiting = self._connection.execute("SELECT incarnation, sequence, outcome FROM unjoined WHERE id = ?", (key,))
            ours = [(boot, number) for boot, number, one in waiting.fetchall() if _outcome.decode(one).endpoint in (endpoint, "")]
            self._connection.executemany("DELETE FROM unjoined WHERE incarnation = ? AND sequence = ?", ours)
            counts[key] += len(ours)
        return counts

    def hear(self, heard: Iterable[records.Outcome], now: float) -> None:
        """Join these outcomes, or keep them for a prediction that is still to be read."""
        for one in heard:
            if self._join(one):
                continue
            if len(self._unjoined) >= UNJOINED_MOST:
                self._quarantine([quarantine.Rejected(quarantine.CROWDED, one.endpoint, now, one)])
                continue
            waits_for = one.key_hash or one.id  # the log is not looked through for keys
            self._unjoined.add(waits_for)
            looked = _BY_TIME if _is_matched(one) else _LOOKED if one.key_hash else _BY_ID
            row = (one.incarnation, one.sequence, waits_for, _pack(one), now, looked)
            self._connection.execute("INSERT OR REPLACE INTO unjoined VALUES (?, ?, ?, ?, ?, ?)", row)

    def _join(self, one: records.Outcome) -> bool:
        """Whether the outcome's prediction waits (its key was drawn); then the mark is settled anew, or the value taken."""
        if _is_matched(one):
            return False
        if one.key_hash:
            drawn = self._values.assigned(one.endpoint, one.key_hash)
            return drawn is not None and self._value(drawn, one)
        found = self._connection.execute(
            "SELECT cohort, arrived_ns, failed, answers, counted, harmed FROM waiting WHERE id = ? AND role = ?",
            (one.id, one.role),
        ).fetchone()
        if found is None:
            return False
        number, arrived_ns, failed, answers, counted, harmed = found
        cohort = self._cohorts.numbered(number)
        if one.metric:
            return self._value(cohort, one)
        given = outcomes.Given(_answers.decode(answers), bool(failed))
        if outcomes.fault(cohort.of.rule, given, one.row, one.label):
            self._quarantine([quarantine.Rejected(quarantine.TYPE, cohort.of.endpoint, one.received_ns / 1e9, one)])
            return True
        if self._hearing.keep(one):
            self.tally.joined += 1
            cohort.of.joined += 1
        else:
            self.tally.duplicate += 1
        heard = self._hearing.of(one.id, one.role)
        new = (counted, self._harmed(cohort, given, heard, one.role))
        if counted != OUT and self._cohorts.open(cohort, arrived_ns):
            until = arrived_ns + int(cohort.of.rule.within_seconds * 1e9)
            new = (_COUNTED[outcomes.mark(cohort.of.rule, given, heard, until)], new[1])
            self._cohorts.count(cohort, arrived_ns, (0, (new[0] > 0) - (counted > 0), (new[0] == 2) - (counted == 2)))
            self._values.moved(cohort, one.id, arrived_ns, (counted, new[0]))
            if cohort.of.rule.kind in losses.KINDS:
                off = outcomes.loss(cohort.of.rule, given, heard, until)
                self._cohorts.measure(cohort, (one.id, arrived_ns), off)
        if new != (counted, harmed):
            cohort.of.wrong += new[1] - harmed
            self._connection.execute(
                "UPDATE waiting SET counted = ?, harmed = ? WHERE id = ? AND role = ?", (*new, one.id, one.role)
            )
        if one.role == arms.Role.LIVE:
            self._told(one.id)
        return True

    def _value(self, cohort: labels.Cohort, one: records.Outcome) -> bool:
        if self._values.post(cohort, one):
            self.tally.joined += 1
        else:
            self.tally.duplicate += 1
        return True

    def _harmed(self, cohort: labels.Cohort, given: outcomes.Given, heard: Sequence[outcomes.Heard], role: int) -> int:
        """Whether the candidate answered a live request wrongly. One it did not answer is harm by its mark already."""
        if cohort.arm != arms.Arm.CANDIDATE or role != arms.Role.LIVE or given.failed or not cohort.of.release:
            return 0
        return int(outcomes.mark(cohort.of.rule, given, heard) is True)

    def _retry(self, identifier: bytes) -> None:
        """Join what was heard of a prediction before it was read."""
        rows = self._connection.execute(
            "SELECT incarnation, sequence, outcome FROM unjoined WHERE id = ?", (identifier,)
        ).fetchall()
        left = False
        for incarnation, sequence, outcome in rows:
            if self._join(_outcome.decode(outcome)):
                self._connection.execute("DELETE FROM unjoined WHERE incarnation = ? AND sequence = ?", (incarnation, sequence))
            else:
                left = True
        if not left:
            self._unjoined.discard(identifier)

    def settle(self, now: float, lookup: Lookup, rule: labels.Rule) -> None:
        """Look up in Parquet what outcomes have waited for, and quarantine those that have waited too long."""
        if not self._unjoined:
            return
        self._connection.execute("UPDATE unjoined SET since = ? WHERE since > ?", (now, now))  # the clock was set back
        self._match(now, rule)
        rows = self._connection.execute(
            "SELECT incarnation, sequence, id FROM unjoined WHERE looked = 0 AND since <= ? LIMIT 2000",
            (now - LOOK_AFTER_SECONDS,),
        ).fetchall()
        if rows:
            own = {(incarnation, sequence) for incarnation, sequence, _ in rows}
            predictions, heard = lookup(sorted({identifier for _, _, identifier in rows}))
            self._return(predictions, [one for one in heard if (one.incarnation, one.sequence) not in own], rule)
            self._connection.executemany("UPDATE unjoined SET looked = 1 WHERE incarnation = ? AND sequence = ?", sorted(own))
        late = (now - QUARANTINE_SECONDS,)
        gone = self._connection.execute("SELECT outcome FROM unjoined WHERE since <= ?", late).fetchall()
        if gone:
            lost = [_outcome.decode(row[0]) for row in gone]
            self._quarantine([quarantine.Rejected(quarantine.missing(one), one.endpoint, now, one) for one in lost])
            self._connection.execute("DELETE FROM unjoined WHERE since <= ?", late)
            self._unjoined = {row[0] for row in self._connection.execute("SELECT id FROM unjoined")}

    def _match(self, now: float, rule: labels.Rule) -> None:
        """Find the predictions of ground truth by key that has waited for a moment: what is read later may be nearer."""
        rows = self._connection.execute(
            "SELECT incarnation, sequence, outcome, since FROM unjoined WHERE looked = 2 AND since <= ? LIMIT 5000",
            (now - LOOK_AFTER_SECONDS,),
        ).fetchall()
        for incarnation, sequence, packed, since in rows:
            one = _outcome.decode(packed)
            found = self._entities.match(one, rule(one.endpoint))
            if found == quarantine.UNMATCHED:
                continue  # until the minute is over
            self._connection.execute("DELETE FROM unjoined WHERE incarnation = ? AND sequence = ?", (incarnation, sequence))
            if isinstance(found, str):
                self._quarantine([quarantine.Rejected(found, one.endpoint, now, one)])
                continue
            self.matched.append(found)
            if not self._join(found):
                self._unjoined.add(found.id)
                row = (incarnation, sequence, found.id, _pack(found), since, _BY_ID)
                self._connection.execute("INSERT INTO unjoined VALUES (?, ?, ?, ?, ?, ?)", row)

    def _return(
        self,
        predictions: Sequence[records.Prediction],
        before: Sequence[records.Outcome],
        rule: labels.Rule,
    ) -> None:
        """Have predictions wait once more, long after their cohort, with what had been heard of them."""
        known = {one.id for one in predictions}
        for heard in before:
            if heard.id in known and not heard.metric:
                self._hearing.keep(heard)
        for one in predictions:
            cohort = self._cohorts.cohort(one, rule)
            given = outcomes.Given(one.answers, one.mark in marks.BAD)
            told = [
                outcomes.Heard(at.row, at.label_version, at.label, at.received_ns)
                for at in before
                if at.id == one.id and not at.metric
            ]
            row = (*self._row(one, cohort, OUT)[:-1], self._harmed(cohort, given, told, one.role))
            self._connection.execute("INSERT OR IGNORE INTO waiting VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
            self._values.again(one)
            self._retry(one.id)

    def _quarantine(self, rejected: Sequence[quarantine.Rejected]) -> None:
        lost = sum(one.reason in _MISSING for one in rejected)
        self.tally.unmatched += lost
        self.tally.rejected += len(rejected) - lost
        self._aside.put(rejected)

    def expire(self, now: float, longest_age: float) -> None:
        """Forget predictions older than the longest label age and ten minutes. Only to be called when all has been read."""
        cut = ids.uuid7(max(0, int((now - longest_age - LATE_SECONDS) * 1e3)), 0)
        self._connection.execute("DELETE FROM waiting WHERE id < ?", (cut,))
        self._hearing.expire(cut)
        self._values.expire(cut)
        self._cohorts.expire(cut)


def unjoined(connection: sqlite3.Connection, request_id: str) -> int:
    """How many outcomes that were posted in one request wait for their predictions."""
    if not catalogue.has(connection, "unjoined"):
        return 0
    rows = connection.execute("SELECT outcome FROM unjoined")
    return sum(_outcome.decode(outcome).request_id == request_id for (outcome,) in rows)


def _is_matched(one: records.Outcome) -> bool:
    """Whether it is ground truth that names whom and when, and no prediction."""
    return bool(one.key_hash) and not one.metric
