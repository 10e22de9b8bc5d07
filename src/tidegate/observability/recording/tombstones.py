"""Who was erased, remembered by hashes: what comes late of them is dropped before anything counts it, what comes back is known.

What comes late is a segment that turned up, or an outcome for a prediction that went. For that a hash of each id that went is
kept, and the hash of each key: in files (`core.vocabulary.erasures`) as well as in the catalogue, so that a log whose catalogue
was lost, or was restored, is looked through once for all that was ever erased. Called by the recorder and by `erasing`.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

from tidegate.core.vocabulary import erasures, home, ids, records
from tidegate.dataplane.predlog import catalogue, erasing, segments

LATE = "late"
"""Whose the hashes of predictions are that came when they were erased already."""
_TABLE = "CREATE TABLE IF NOT EXISTS erased (hash BLOB PRIMARY KEY, of TEXT, swept INTEGER) WITHOUT ROWID"
_AT_ONCE = 500
"""Hashes that are looked up with one question."""
Erase = Callable[[str, Sequence[bytes]], Mapping[bytes, int]]
"""Forgets predictions of an endpoint, with all that the recorder knows of them; how many rows those were of each."""


class Tombstones:
    """Of all that was ever asked for, done or not."""

    def __init__(self, place: home.Home, known: catalogue.Catalogue, done: Iterable[erasures.Asked], erase: Erase) -> None:
        """Make the table where there is none. `done`: what the catalogue knows to be done; files may know of more."""
        self._folder, self._known, self._erase = place.erasures, known, erase
        known.connection.execute(_TABLE)
        self.kept = self._agreed(done)
        """What was done, as files and catalogue together have it."""
        self._asked = {one.id: one for one in self.kept}
        self._remember()
        self._count = known.connection.execute("SELECT count(*) FROM erased").fetchone()[0]
        unswept = known.connection.execute("SELECT 1 FROM erased WHERE NOT swept AND of = '' LIMIT 1").fetchone()
        self.heard_early = bool(unswept)
        """Whether outcomes may be in files that were recorded before their prediction came late, and was dropped."""
        self.late = 0
        """Records that were dropped since the caller last looked."""
        self._index()

    def _agreed(self, done: Iterable[erasures.Asked]) -> list[erasures.Asked]:
        """What was done, by catalogue and files: either may be of an earlier time, or damaged. Files have all of it then."""
        told = {one.id: one for one in erasures.asked(self._folder, erasures.KEPT)}
        for one in done:
            if one.id not in told and one.kind != erasures.AGAIN:
                erasures.write(self._folder, erasures.KEPT, one)
                told[one.id] = one
        return list(told.values())

    def _remember(self) -> None:
        """Have catalogue and files agree on the hashes of what went: either may be of an earlier time."""
        told = {one: of for of, hashes in erasures.remembered(self._folder).items() for one in hashes}
        held: dict[bytes, str] = dict(self._known.connection.execute("SELECT hash, of FROM erased"))
        missing: dict[str, list[bytes]] = {}
        for one in sorted(held.keys() - told.keys()):
            missing.setdefault(held[one] or LATE, []).append(one)
        for of, hashes in missing.items():
            erasures.remember(self._folder, of, hashes)
        lost = [(one, "" if told[one] == LATE else told[one]) for one in told.keys() - held.keys()]
        if lost:
            self._known.begin()
            self._insert(lost)
            self._known.commit()

    def _insert(self, rows: Iterable[tuple[bytes, str]]) -> None:
        """Outcomes of what was asked for are looked for by who erases it; of what came late they are still to be looked for."""
        told = [(one, of, of != "") for one, of in rows]
        self._known.connection.executemany("INSERT OR REPLACE INTO erased VALUES (?, ?, ?)", told)

    def add(self, several: Iterable[erasures.Asked]) -> None:
        """Keep out from now on who is asked for."""
        self._asked |= {one.id: one for one in several}
        self._index()

    def _index(self) -> None:
        self._last = max((one.at for one in self._asked.values()), default=0.0)
        self._keys: dict[tuple[str, bytes], float] = {}
        self._predictions: dict[bytes, str] = {}
        for one in self._asked.values():
            if one.kind == erasures.KEY:
                key = (one.endpoint, bytes.fromhex(one.key_hash))
                self._keys[key] = max(one.at, self._keys.get(key, 0.0))
            elif one.kind == erasures.ID:
                self._predictions[ids.parse(one.prediction) or b""] = one.endpoint

    def spared(self, taken: Sequence[segments.Record]) -> list[segments.Record]:
        """Those of these records that nobody has asked to forget; in the caller's transaction."""
        if not self._keys and not self._predictions and not self._count:
            return list(taken)
        predictions = [one for one in taken if isinstance(one, records.Prediction)]
        gone = {one.id: one.endpoint for one in predictions if self.mean(one.endpoint, one.id, one.key_hash)}
        if gone:
            self.note({"": list(gone)})
            self.heard_early = True
            for identifier, endpoint in gone.items():  # an outcome may have waited for it
                self._erase(endpoint, [identifier])
        left = [one for one in taken if not (one.id in gone if isinstance(one, records.Prediction) else self._is_late(one))]
        self.late += len(taken) - len(left)
        return left

    def mean(self, endpoint: str, identifier: bytes, key_hash: bytes) -> bool:
        """Whether a prediction is one that somebody has asked to forget, by its key or its id, or that went already."""
        at = ids.milliseconds(identifier) / 1e3
        if at > self._last:
            return False
        mine = self._predictions.get(identifier) == endpoint or (bool(key_hash) and at <= self.until(endpoint, key_hash))
        return mine or bool(self.whose([identifier]))

    def until(self, endpoint: str, key_hash: bytes) -> float:
        """Up to which Unix time a key's records are to go; before all times where nobody has asked."""
        return self._keys.get((endpoint, key_hash), -1.0)

    def _is_late(self, one: records.Outcome) -> bool:
        if one.key_hash:
            return (one.at_ns or one.received_ns) <= self.until(one.endpoint, one.key_hash) * 1e9
        return bool(self.whose([one.id]))

    def whose(self, identifiers: Iterable[bytes]) -> dict[bytes, str]:
        """Those of these predictions that went, and with which erasure; none ("") where they came late."""
        by_hash = {erasing.digest(one): one for one in identifiers}
        hashes, found = list(by_hash), {}
        for begin in range(0, len(hashes), _AT_ONCE):
            some = hashes[begin : begin + _AT_ONCE]
            ask = f"SELECT hash, of FROM erased WHERE hash IN ({', '.join('?' * len(some))})"  # noqa: S608
            found.update({by_hash[one]: of for one, of in self._known.connection.execute(ask, some)})
        return found

    def note(self, gone: Mapping[str, Sequence[bytes]]) -> None:
        """Remember predictions that go, by erasure; "": those that came late. In the caller's transaction. Raises OSError.

        In one file, that of the first of these erasures, since each takes a while to be on the disk.
        """
        known = self.whose(one for several in gone.values() for one in several)
        fresh = [(erasing.digest(one), of) for of, several in gone.items() for one in several if one not in known]
        if fresh:
            erasures.remember(self._folder, fresh[0][1] or LATE, [one for one, _ in fresh])
            self._count += len(fresh)
        again = [(erasing.digest(one), of) for of, several in gone.items() if of for one in several if one in known]
        self._insert([*fresh, *again])  # a kill left those in the file only, which does not tell them apart

    def swept(self) -> None:
        """Say that outcomes of what came late have been looked for; in the caller's transaction."""
        self._known.connection.execute("UPDATE erased SET swept = 1 WHERE NOT swept AND of = ''")
