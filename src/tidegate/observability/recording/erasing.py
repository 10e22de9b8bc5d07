"""Records of people who asked to be forgotten: found, erased, and kept out when they come late.

What is asked for lies in HOME/erasures (`core.vocabulary.erasures`), so that a kill leaves it asked for; and what was
done of it is done: file by file, the one without the records counts in the other's place in the transaction that notes which
predictions went and how many. First the endpoint's predictions, then the outcomes of all that went, then what they referred to,
then segments: those that were there when it was asked are deleted once they are recorded, and gateways are asked to end theirs.
Then it is done, and told.

What comes late (a segment that turned up, an outcome for a prediction that went) is dropped before anything counts it. For that a
hash of each id that went is kept, and the hash of each key: in files, so that a log whose catalogue was lost, or was restored, is
looked through once for all that was ever erased. Sums stay; profiles of the hours are counted again by what is left.
Called by the recorder, when nothing is open in its transaction.
"""

import logging
import pathlib
import time
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import duckdb
import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from tidegate.core.vocabulary import erasures, home, ids, records
from tidegate.dataplane.predlog import catalogue, erasing, intact, objects, parquet, segments
from tidegate.observability.recording import mending

LATE = "late"
"""Whose the hashes of predictions are that came when they were erased already."""
BUSY_SECONDS = 1.0
"""For how long files are rewritten at one go, about: gateways' records wait meanwhile."""
_TABLES = """
CREATE TABLE IF NOT EXISTS erasure (id TEXT PRIMARY KEY, asked BLOB, told BLOB, days BLOB, segments BLOB, done INTEGER)
  WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS erased (hash BLOB PRIMARY KEY, of TEXT, swept INTEGER) WITHOUT ROWID;
"""
_pack = msgspec.msgpack.Encoder().encode
_asked = msgspec.msgpack.Decoder(erasures.Asked).decode
_told = msgspec.msgpack.Decoder(erasures.Told).decode
_names = msgspec.msgpack.Decoder(list[str]).decode
_UNREADABLE = (pa.ArrowException, duckdb.Error, OSError)
log = logging.getLogger(__name__)


class Parts(NamedTuple):
    """Those of the recorder who know of single predictions and keys."""

    erase: Callable[[str, Sequence[bytes]], int]
    """Forgets predictions of an endpoint; how many rows that were."""
    erase_key: Callable[[str, bytes], int]
    """Likewise a key."""
    doubt: Callable[[parquet.File, Sequence[bytes]], None]
    """Notes which bins are called by values of predictions of a file that are to go."""
    recount: Callable[[str, Sequence[float]], None]
    """Has profiles of the hours of these arrivals (Unix seconds) counted again by what is left."""
    drop: Callable[[str], None]
    """Lets go of the endpoint's keepsakes."""
    about: Callable[[str, bytes], set[bytes]]
    """Predictions that are known to be about a key which is none that requests stick by."""


class _Work(msgspec.Struct):
    """An erasure under way."""

    asked: erasures.Asked
    told: erasures.Told
    days: list[str]
    """Folders of objects that records which went may have referred to."""
    segments: list[str]
    """Names of those that were there."""
    looked: set[str] = set()
    """Paths of files that have been looked through."""
    swept: bool = False


class Erasing:
    """All that is asked for."""

    def __init__(self, place: home.Home, known: catalogue.Catalogue, parts: Parts) -> None:
        """Make the tables where there are none; go on where they say."""
        self._home, self._known, self._parts = place, known, parts
        connection = self._connection = known.connection
        connection.executescript(_TABLES)
        rows = connection.execute("SELECT asked, told, days, segments FROM erasure WHERE NOT done ORDER BY id")
        self._work = [_Work(_asked(asked), _told(told), _names(days), _names(files)) for asked, told, days, files in rows]
        self._known_ids = {row[0] for row in connection.execute("SELECT id FROM erasure")}
        kept = self._kept()
        self._tombs = {one.id: one for one in (*kept, *(work.asked for work in self._work))}
        self._remember()
        self._count = connection.execute("SELECT count(*) FROM erased").fetchone()[0]
        self._has_late = bool(connection.execute("SELECT 1 FROM erased WHERE NOT swept AND of = '' LIMIT 1").fetchone())
        self._look_again([one for one in kept if one.id not in self._known_ids])
        self.late = 0
        """Records that were dropped since the caller last looked."""
        self._index()

    def _kept(self) -> list[erasures.Asked]:
        """What was done, by catalogue and files: either may be of an earlier time, or damaged. Both have all of it then."""
        told = {one.id: one for one in erasures.asked(self._home.erasures, erasures.KEPT)}
        for row in self._connection.execute("SELECT asked FROM erasure WHERE done"):
            one = _asked(row[0])
            if one.id not in told and one.kind != erasures.AGAIN:
                erasures.write(self._home.erasures, erasures.KEPT, one)
                told[one.id] = one
        return list(told.values())

    def _remember(self) -> None:
        """Have catalogue and files agree on the hashes of what went: either may be of an earlier time."""
        told = erasures.remembered(self._home.erasures)
        held: dict[str, list[bytes]] = {}
        for of, one in self._connection.execute("SELECT of, hash FROM erased"):
            held.setdefault(of or LATE, []).append(one)
        for of in told.keys() | held.keys():
            there, here = told.get(of, []), held.get(of, [])
            if missing := sorted(set(here) - set(there)):
                erasures.remember(self._home.erasures, of, missing)
            if lost := set(there) - set(here):
                rows = [(one, "" if of == LATE else of) for one in lost]
                self._known.begin()
                self._connection.executemany("INSERT OR IGNORE INTO erased VALUES (?, ?, 0)", rows)
                self._known.commit()

    def _look_again(self, unknown: Sequence[erasures.Asked]) -> None:
        """Have files looked through for what was erased before this catalogue knew of it."""
        if not unknown:
            return
        there = self._segments()
        self._known.begin()
        for endpoint in sorted({one.endpoint for one in unknown}):
            self._ask(erasures.Asked(erasures.fresh(), endpoint, erasures.AGAIN, max(one.at for one in unknown)), there)
        rows = [(one.id, _pack(one), _pack(_untold(one)), _pack([]), _pack([])) for one in unknown]
        self._connection.executemany("INSERT INTO erasure VALUES (?, ?, ?, ?, ?, 1)", rows)
        self._known.commit()
        self._known_ids |= {one.id for one in unknown}
        turn(self._home.segments)

    def _segments(self) -> list[str]:
        """Names of those that are there."""
        return sorted(path.name for files in segments.listing(self._home.segments).values() for _, path in files)

    def _ask(self, one: erasures.Asked, there: list[str]) -> None:
        """Begin with one. `there`: names of segments that are to go. In the caller's transaction."""
        row = (one.id, _pack(one), _pack(_untold(one)), _pack([]), _pack(there))
        self._connection.execute("INSERT INTO erasure VALUES (?, ?, ?, ?, ?, 0)", row)
        self._work.append(_Work(one, _untold(one), [], there))

    def _index(self) -> None:
        self._last = max((one.at for one in self._tombs.values()), default=0.0)
        self._keys: dict[tuple[str, bytes], float] = {}
        self._predictions: dict[bytes, str] = {}
        for one in self._tombs.values():
            if one.kind == erasures.KEY:
                key = (one.endpoint, bytes.fromhex(one.key_hash))
                self._keys[key] = max(one.at, self._keys.get(key, 0.0))
            elif one.kind == erasures.ID:
                self._predictions[ids.parse(one.prediction) or b""] = one.endpoint

    @property
    def pending(self) -> bool:
        """Whether anything is asked for and not yet done."""
        return bool(self._work)

    @property
    def sweeping(self) -> bool:
        """Whether there are files that are still to be looked through."""
        return not all(work.swept for work in self._work)

    def spared(self, taken: Sequence[segments.Record]) -> list[segments.Record]:
        """Those of these records that nobody has asked to forget; in the caller's transaction."""
        if not self._keys and not self._predictions and not self._count:
            return list(taken)
        gone = {one.id: one.endpoint for one in taken if isinstance(one, records.Prediction) and self._is_gone(one)}
        if gone:
            self._note("", list(gone))
            self._has_late = True
            for identifier, endpoint in gone.items():  # an outcome may have waited for it
                self._parts.erase(endpoint, [identifier])
        left = [one for one in taken if not (one.id in gone if isinstance(one, records.Prediction) else self._is_late(one))]
        self.late += len(taken) - len(left)
        return left

    def _is_gone(self, one: records.Prediction) -> bool:
        return self._was_meant(one.endpoint, one.id, one.key_hash)

    def _was_meant(self, endpoint: str, identifier: bytes, key_hash: bytes) -> bool:
        """Whether a prediction is one that somebody has asked to forget, by its key or its id, or that went already."""
        at = ids.milliseconds(identifier) / 1e3
        if at > self._last:
            return False
        until = self._keys.get((endpoint, key_hash)) if key_hash else None
        mine = self._predictions.get(identifier) == endpoint or (until is not None and at <= until)
        return mine or self._has(identifier)

    def _is_late(self, one: records.Outcome) -> bool:
        if one.key_hash:
            until = self._keys.get((one.endpoint, one.key_hash))
            return until is not None and (one.at_ns or one.received_ns) <= until * 1e9
        return self._has(one.id)

    def _has(self, identifier: bytes) -> bool:
        found = self._connection.execute("SELECT 1 FROM erased WHERE hash = ?", (erasing.digest(identifier),)).fetchone()
        return bool(found)

    def _note(self, of: str, gone: Iterable[bytes]) -> None:
        fresh = [erasing.digest(one) for one in gone if not self._has(one)]
        if fresh:
            erasures.remember(self._home.erasures, of or LATE, fresh)
            self._connection.executemany("INSERT OR IGNORE INTO erased VALUES (?, ?, 0)", [(one, of) for one in fresh])
            self._count += len(fresh)

    def hear(self) -> None:
        """Take in what has been asked for. Raises OSError and sqlite3.Error."""
        for one in erasures.asked(self._home.erasures):
            if one.id in self._known_ids:
                continue
            self._known.begin()
            self._ask(one, self._segments())
            self._known.commit()
            self._known_ids.add(one.id)
            self._tombs[one.id] = one
            self._index()
            turn(self._home.segments)

    def step(self, name: str, now: float, read_until: float, clock: Callable[[], float] = time.monotonic) -> None:
        """Go on for a while. `name`: the beginning of new files' names; everything written by `read_until` is in files.

        Raises OSError and sqlite3.Error.
        """
        if not self._work and not self._has_late:
            return
        until, number = clock() + BUSY_SECONDS, 0
        for work in list(self._work):
            if work.asked.kind == erasures.WHERE and read_until < work.asked.at:
                continue  # what is read later could not be told from what is not meant
            while not work.swept and clock() < until:
                number += 1
                self._go_on(work, f"{name}-e{number}")
            if work.swept and not any((self._home.segments / one).exists() for one in work.segments):
                self._finish(work, now)
        self._sweep_late(name)

    def _go_on(self, work: _Work, name: str) -> None:
        """The next file, or what comes after the last."""
        for table in (parquet.PREDICTIONS, parquet.OUTCOMES):
            endpoint = work.asked.endpoint if table == parquet.PREDICTIONS else ""
            for file in self._known.files(table, endpoint):
                if file.path not in work.looked:
                    self._look_through(work, file, name)
                    return
        self._erase_the_rest(work, name)

    def _look_through(self, work: _Work, file: parquet.File, name: str) -> None:
        work.looked.add(file.path)
        try:
            (self._erase_predictions if file.partition.endpoint else self._erase_outcomes)(work, file, name)
        except _UNREADABLE as broken:
            if not _is_damage(broken):
                raise
            if not self._set_aside(file, name):
                _passed_over(work, file.path, broken)

    def _set_aside(self, file: parquet.File, name: str) -> bool:
        """Whether a file was damaged. What can be saved of it is a new file then, which is looked through in its turn."""
        why = intact.differs(self._home.log, file)
        if why:
            mending.set_aside(self._known, file, why, name)
        return bool(why)

    def _erase_predictions(self, work: _Work, file: parquet.File, name: str) -> None:
        one = work.asked
        if one.kind == erasures.AGAIN:
            gone = erasing.chosen(self._home.log, file, lambda *row: self._was_meant(one.endpoint, *row))
        else:
            about = self._parts.about(one.endpoint, bytes.fromhex(one.key_hash)) if one.kind == erasures.KEY else set()
            gone = erasing.meant(self._home.log, file, one, {each for each in about if file.first <= each <= file.last})
        if not gone:
            return
        arrived = erasing.arrivals(self._home.log, file, gone)
        shown = pa.array([ids.text(each) for each in gone], pa.string())
        new, count = erasing.without(self._home.log, name, file, lambda table: pc.is_in(table["id"], shown))
        self._known.begin()
        self._parts.doubt(file, gone)
        self._known.swap(file, new)
        self._note(one.id, gone)
        self._parts.recount(one.endpoint, arrived)
        noted = self._parts.erase(one.endpoint, gone)
        folder = objects.folder(self._home.log, one.endpoint, file.partition.day).relative_to(self._home.log).as_posix()
        work.days += [] if folder in work.days else [folder]
        self._count_up(work, predictions=count, noted=noted)
        self._known.commit()
        (self._home.log / file.path).unlink(missing_ok=True)

    def _outcomes_of(self, one: erasures.Asked) -> erasing.Gone:
        """Rows whose prediction went, and values posted for the key."""
        keys = self._keys if one.kind == erasures.AGAIN else {}
        if one.kind == erasures.KEY:
            keys = {(one.endpoint, bytes.fromhex(one.key_hash)): one.at}

        def gone(table: pa.Table) -> pa.Array:
            mine = pa.array([self._has(ids.parse(each) or b"") for each in table["id"].to_pylist()], pa.bool_())
            if not keys or "received" not in table.schema.names or "key_hash" not in table.schema.names:
                return mine
            received = table["received"].cast(pa.int64()).to_pylist()
            posted = zip(table["endpoint"].to_pylist(), table["key_hash"].to_pylist(), received, strict=True)
            held = [key != "" and at <= keys.get((of, bytes.fromhex(key)), -1.0) * 1e9 for of, key, at in posted]
            return pc.or_(mine, pa.array(held, pa.bool_()))

        return gone

    def _erase_outcomes(self, work: _Work, file: parquet.File, name: str) -> None:
        gone = self._outcomes_of(work.asked)
        new, count = erasing.without(self._home.log, name, file, gone)
        if not count:
            return
        self._known.begin()
        self._known.swap(file, new)
        self._count_up(work, outcomes=count)
        self._known.commit()
        (self._home.log / file.path).unlink(missing_ok=True)

    def _erase_the_rest(self, work: _Work, name: str) -> None:
        one = work.asked
        swept = 0
        for folder in work.days:
            day = folder.rpartition("day=")[2]
            files = [file for file in self._known.files(parquet.PREDICTIONS, one.endpoint) if file.partition.day == day]
            try:
                swept += objects.sweep(self._home.log / folder, erasing.references(self._home.log, files))
            except _UNREADABLE as broken:  # in columns that nobody had to look at so far
                if not _is_damage(broken):
                    raise
                gone = [self._set_aside(file, f"{name}-{at}") for at, file in enumerate(files)]
                if any(gone):
                    return
                _passed_over(work, folder, broken)
        self._parts.drop(one.endpoint)
        self._known.begin()
        noted = self._parts.erase_key(one.endpoint, bytes.fromhex(one.key_hash)) if one.kind == erasures.KEY else 0
        if one.kind == erasures.ID:
            noted += self._parts.erase(one.endpoint, [ids.parse(one.prediction) or b""])
        self._connection.execute("UPDATE erased SET swept = 1 WHERE of = ?", (one.id,))
        self._count_up(work, noted=noted, objects=swept)
        self._known.commit()
        self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        work.swept = True

    def _count_up(self, work: _Work, **more: int) -> None:
        """Note what went, in the transaction with which it goes."""
        work.told = msgspec.structs.replace(work.told, **{name: getattr(work.told, name) + count for name, count in more.items()})
        row = (_pack(work.told), _pack(work.days), work.asked.id)
        self._connection.execute("UPDATE erasure SET told = ?, days = ? WHERE id = ?", row)

    def _finish(self, work: _Work, now: float) -> None:
        one, folder = work.asked, self._home.erasures
        aside = work.told.aside + sum(1 for _ in aside_of(self._home, one.endpoint))
        if one.kind != erasures.AGAIN or work.told.predictions or work.told.outcomes:
            erasures.write(folder, erasures.TOLD, msgspec.structs.replace(work.told, at=now, aside=aside))
        bare = msgspec.structs.replace(one, value="")
        if one.kind != erasures.AGAIN:
            erasures.write(folder, erasures.KEPT, bare)
        self._known.begin()
        self._connection.execute("UPDATE erasure SET done = 1, asked = ? WHERE id = ?", (_pack(bare), one.id))
        self._known.commit()
        self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        erasures.remove(folder, erasures.ASKED, one.id)
        self._work.remove(work)
        log.info("records were erased", extra={"endpoint": one.endpoint, "predictions": work.told.predictions})

    def _sweep_late(self, name: str) -> None:
        """Outcomes that were recorded before their prediction came late, and was dropped."""
        if not self._has_late:
            return
        nobody = erasures.Asked("", "", "", 0.0)
        work = _Work(nobody, erasures.Told("", "", "", "", 0.0), [], [])
        while left := [file for file in self._known.files(parquet.OUTCOMES) if file.path not in work.looked]:
            for file in left:
                self._look_through(work, file, f"{name}-l{len(work.looked)}")
        self._known.begin()
        self._connection.execute("UPDATE erased SET swept = 1 WHERE of = ''")
        self._known.tally({"erased_outcomes": work.told.outcomes})
        self._known.commit()
        self._has_late = False


def _untold(one: erasures.Asked) -> erasures.Told:
    """What is told of an erasure, before anything is counted."""
    return erasures.Told(one.id, one.endpoint, one.kind, one.subject, one.at, actor=one.actor or "system", reason=one.reason)


def _passed_over(work: _Work, path: str, broken: Exception) -> None:
    """Tell of what cannot be read although it is as it was written."""
    log.error("a file cannot be looked through", exc_info=broken, extra={"file": path})
    work.told = msgspec.structs.replace(work.told, aside=work.told.aside + 1)


def _is_damage(failed: Exception) -> bool:
    return isinstance(failed, duckdb.Error) or intact.is_damage(failed)


def turn(folder: pathlib.Path) -> None:
    """Ask gateways to end the segments they write. Raises OSError."""
    (folder / segments.TURN).touch()


def aside_of(place: home.Home, endpoint: str) -> Iterable[pathlib.Path]:
    """Damaged files that lie aside and may hold records of an endpoint."""
    yield from (place.log / parquet.PREDICTIONS / f"endpoint={endpoint}").rglob(f"*{parquet.ASIDE}")
    yield from (place.log / parquet.OUTCOMES).rglob(f"*{parquet.ASIDE}")
    yield from place.segments.glob(f"*{parquet.ASIDE}")
    yield from place.log.glob(f"*{parquet.ASIDE}")
