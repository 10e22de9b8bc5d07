"""The walk of several erasures through the log's files together: each is looked through once, and made once more without them.

First predictions, then the outcomes of all that went, then what they referred to. A file without what any of these erasures mean
counts in the other's place in the transaction that notes which predictions went, with which erasure, and how many; so a walk that
is cut off begins anew and finds only what is left. Called by `erasing`.
"""

import collections
import itertools
import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import duckdb
import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from tidegate.core.vocabulary import erasures, home, ids
from tidegate.dataplane.predlog import catalogue, erasing, intact, objects, parquet
from tidegate.observability.recording import mending, tombstones

_pack = msgspec.msgpack.Encoder().encode
_UNREADABLE = (pa.ArrowException, duckdb.Error, OSError)
log = logging.getLogger(__name__)


class Parts(NamedTuple):
    """Those of the recorder who know of single predictions and keys."""

    erase: tombstones.Erase
    erase_keys: Callable[[str, Collection[bytes]], Mapping[bytes, int]]
    """Forgets keys of an endpoint; how many rows those were of each."""
    doubt: Callable[[parquet.File, Sequence[bytes]], None]
    """Notes which bins are called by values of predictions of a file that are to go."""
    recount: Callable[[str, Sequence[float]], None]
    """Has profiles of the hours of these arrivals (Unix seconds) counted again by what is left."""
    drop: Callable[[str], None]
    """Lets go of the endpoint's keepsakes."""
    about: Callable[[str, bytes], set[bytes]]
    """Predictions that are known to be about a key which is none that requests stick by."""


class Work(msgspec.Struct):
    """An erasure under way."""

    asked: erasures.Asked
    told: erasures.Told
    objects: list[str]
    """Paths in the log of what records referred to which went; or their folders, as a release before had it."""
    segments: list[str]
    """Names of those that were there."""
    swept: bool = False


class Walk:
    """Of erasures that began together."""

    def __init__(
        self,
        place: home.Home,
        known: catalogue.Catalogue,
        tombs: tombstones.Tombstones,
        parts: Parts,
        works: Iterable[Work],
    ) -> None:
        """Of one work at least."""
        self._home, self._known, self._tombstones, self._parts = place, known, tombs, parts
        self._works = {work.asked.id: work for work in works}
        self._looked: set[str] = set()
        """Paths of files that have been looked through."""
        self._about: dict[str, set[bytes]] = {}

    def _of(self, endpoint: str) -> list[Work]:
        """Those of an endpoint, or all of them where there is none."""
        return [work for work in self._works.values() if endpoint in ("", work.asked.endpoint)]

    def go_on(self, names: Iterator[str], may_go_on: Callable[[], bool]) -> bool:
        """Look through files until there are none left, or the time is up; whether the walk is over.

        `names`: of new files. Raises OSError and sqlite3.Error.
        """
        self._about.clear()  # more may have been recorded
        for table in (parquet.PREDICTIONS, parquet.OUTCOMES):
            while left := self._left(table):
                for file in left:
                    if not may_go_on():
                        return False
                    self._look_through(file, next(names))
        return may_go_on() and self._erase_the_rest(names)

    def hear(self, names: Iterator[str]) -> None:
        """Look through all outcomes, and nothing else."""
        while left := self._left(parquet.OUTCOMES):
            for file in left:
                self._look_through(file, next(names))

    def _left(self, table: str) -> list[parquet.File]:
        """Files that are still to be looked through."""
        endpoints = {work.asked.endpoint for work in self._works.values()} if table == parquet.PREDICTIONS else {""}
        files = itertools.chain.from_iterable(self._known.files(table, endpoint) for endpoint in sorted(endpoints))
        return [file for file in files if file.path not in self._looked]

    def _look_through(self, file: parquet.File, name: str) -> None:
        self._looked.add(file.path)
        try:
            new = (self._erase_predictions if file.partition.endpoint else self._erase_outcomes)(file, name)
        except _UNREADABLE as broken:
            if not self._set_aside(file, name, broken):
                _passed_over(self._of(file.partition.endpoint), file.path, broken)
            return
        if new:
            self._looked.add(new.path)

    def _set_aside(self, file: parquet.File, name: str, broken: Exception) -> bool:
        """Whether a file was damaged. What can be saved of it is a new file then, which is looked through in its turn.

        Raises what it was that was no damage.
        """
        if not (isinstance(broken, duckdb.Error) or intact.is_damage(broken)):
            raise broken
        why = intact.differs(self._home.log, file)
        if why:
            mending.set_aside(self._known, file, why, name)
        return bool(why)

    def _erase_predictions(self, file: parquet.File, name: str) -> parquet.File | None:
        endpoint, works = file.partition.endpoint, self._of(file.partition.endpoint)
        known = self._meant_besides(works, file)
        whose = erasing.meant(self._home.log, file, [work.asked for work in works], known)
        if not whose:
            return None
        gone: dict[str, list[bytes]] = {}
        for one, at in whose.items():
            gone.setdefault(works[at].asked.id, []).append(one)
        of = {ids.text(one): works[at].asked.id for one, at in whose.items()}
        shown = pa.array(list(of), pa.string())
        new, went = erasing.without(self._home.log, name, file, lambda rows: pc.is_in(rows["id"], shown))
        counts = collections.Counter(of[one] for one in went["id"].to_pylist())
        folder = objects.folder(self._home.log, endpoint, file.partition.day).relative_to(self._home.log)
        for who, reference in sorted(erasing.referring(went)):
            self._works[of[who]].objects.append((folder / reference.removeprefix(objects.REFERENCE)).as_posix())
        self._known.begin()
        self._parts.doubt(file, list(whose))
        self._known.swap(file, new)
        self._tombstones.note(gone)
        self._parts.recount(endpoint, [at / 1e9 for at in went["arrived"].cast(pa.int64()).to_pylist()])
        noted = self._parts.erase(endpoint, list(whose))
        told = ((one, {"predictions": counts[one], "noted": sum(noted.get(each, 0) for each in gone[one])}) for one in gone)
        self._count_up(dict(told))
        self._known.commit()
        (self._home.log / file.path).unlink(missing_ok=True)
        return new

    def _meant_besides(self, works: Sequence[Work], file: parquet.File) -> dict[bytes, list[int]]:
        """Predictions that are meant by neither their key nor their id, and by which of these erasures (their places)."""
        found: dict[bytes, list[int]] = collections.defaultdict(list)
        for at, one in enumerate(work.asked for work in works):
            if one.kind == erasures.AGAIN:
                again = erasing.chosen(self._home.log, file, lambda *row, of=one.endpoint: self._tombstones.mean(of, *row))
                for each in again:
                    found[each].append(at)
            elif one.kind == erasures.KEY:
                for each in self._are_about(one):
                    if file.first <= each <= file.last:
                        found[each].append(at)
        self._find_values(works, file, found)
        return found

    def _are_about(self, one: erasures.Asked) -> set[bytes]:
        if one.id not in self._about:
            self._about[one.id] = self._parts.about(one.endpoint, bytes.fromhex(one.key_hash))
        return self._about[one.id]

    def _find_values(self, works: Sequence[Work], file: parquet.File, found: dict[bytes, list[int]]) -> None:
        """Add those with a value that is looked for, reading each column once."""
        columns: dict[str, list[int]] = {}
        for at, one in enumerate(work.asked for work in works):
            if one.kind == erasures.WHERE:
                columns.setdefault(one.column, []).append(at)
        for column, places in columns.items():
            try:
                held = erasing.holding(self._home.log, file, column, [works[at].asked.value for at in places])
            except _UNREADABLE as broken:
                if not isinstance(broken, duckdb.Error) or intact.differs(self._home.log, file):
                    raise
                _passed_over([works[at] for at in places], file.path, broken)  # of no concern to others in the walk
                continue
            for each, number in held:
                found[each].append(places[number])

    def _erase_outcomes(self, file: parquet.File, name: str) -> parquet.File | None:
        heard = erasing.heard(self._home.log, file)
        gone = self._tombstones.whose({one.id for one in heard})
        first, keys = next(iter(self._works)), self._by_key()
        again = next((work.asked.id for work in self._works.values() if work.asked.kind == erasures.AGAIN), "")
        of: list[str | None] = []
        for one in heard:
            mine = (each.id for each in keys.get((one.endpoint, one.key_hash), ()) if one.received_ns <= each.at * 1e9)
            whose = next(mine, None)
            if one.id in gone:
                whose = gone[one.id] if gone[one.id] in self._works else first
            elif again and one.key_hash and one.received_ns <= self._tombstones.until(one.endpoint, one.key_hash) * 1e9:
                whose = whose or again
            of.append(whose)
        counts = collections.Counter(one for one in of if one is not None)
        if not counts:
            return None
        mask = pa.array([one is not None for one in of], pa.bool_())
        new, _ = erasing.without(self._home.log, name, file, lambda _: mask)
        self._known.begin()
        self._known.swap(file, new)
        self._count_up({one: {"outcomes": count} for one, count in counts.items()})
        self._known.commit()
        (self._home.log / file.path).unlink(missing_ok=True)
        return new

    def _erase_the_rest(self, names: Iterator[str]) -> bool:
        """What no file has; whether it is done, and no damage was found that is to be looked through first."""
        swept = self._sweep_objects(names)
        if swept is None:
            return False
        noted: collections.Counter[str] = collections.Counter()
        self._known.begin()
        for endpoint in sorted({work.asked.endpoint for work in self._works.values()}):
            self._parts.drop(endpoint)
            several = [work.asked for work in self._of(endpoint)]
            whose = {bytes.fromhex(one.key_hash): one.id for one in reversed(several) if one.kind == erasures.KEY}
            for key, count in self._parts.erase_keys(endpoint, whose).items():
                noted[whose[key]] += count
            named = {ids.parse(one.prediction) or b"": one.id for one in reversed(several) if one.kind == erasures.ID}
            for each, count in self._parts.erase(endpoint, list(named)).items():
                noted[named[each]] += count
        self._count_up({one: {"noted": noted[one], "objects": swept[one]} for one in self._works})
        self._known.commit()
        for work in self._works.values():
            work.swept = True
        return True

    def _sweep_objects(self, names: Iterator[str]) -> collections.Counter[str] | None:
        """Delete what only records referred to that went; how many of each erasure's. None: damage was set aside."""
        first: dict[str, str] = {}
        for work in self._works.values():
            for path in work.objects:
                first.setdefault(path, work.asked.id)
        swept: collections.Counter[str] = collections.Counter()
        for folder in sorted({_folder(path) for path in first}):
            endpoint, day = (part.partition("=")[2] for part in folder.split("/")[-2:])
            files = [file for file in self._known.files(parquet.PREDICTIONS, endpoint) if file.partition.day == day]
            try:
                gone = objects.sweep(self._home.log / folder, erasing.references(self._home.log, files))
            except _UNREADABLE as broken:  # in columns that nobody had to look at so far
                aside = [self._set_aside(file, next(names), broken) for file in files]
                if any(aside):
                    return None
                _passed_over(self._of(endpoint), folder, broken)
                continue
            paths = [f"{folder}/{one.removeprefix(objects.REFERENCE)}" for one in gone]
            swept.update(first[known] for one in paths for known in (one, folder) if known in first)
        return swept

    def _count_up(self, more: Mapping[str, Mapping[str, int]]) -> None:
        """Note what went, by erasure, in the transaction with which it goes."""
        rows = []
        for identifier, counts in more.items():
            work = self._works[identifier]
            whole = {name: getattr(work.told, name) + count for name, count in counts.items()}
            work.told = msgspec.structs.replace(work.told, **whole)
            rows.append((_pack(work.told), _pack(work.objects), identifier))
        self._known.connection.executemany("UPDATE erasure SET told = ?, days = ? WHERE id = ?", rows)

    def _by_key(self) -> dict[tuple[str, bytes], list[erasures.Asked]]:
        """Those that name a key."""
        found: dict[tuple[str, bytes], list[erasures.Asked]] = {}
        for one in (work.asked for work in self._works.values()):
            if one.kind == erasures.KEY:
                found.setdefault((one.endpoint, bytes.fromhex(one.key_hash)), []).append(one)
        return found


def _folder(path: str) -> str:
    """Where an object is; a folder is that itself."""
    parent, _, name = path.rpartition("/")
    return path if name.startswith("day=") else parent


def _passed_over(works: Iterable[Work], path: str, broken: Exception) -> None:
    """Tell of what cannot be read although it is as it was written."""
    log.error("a file cannot be looked through", exc_info=broken, extra={"file": path})
    for work in works:
        work.told = msgspec.structs.replace(work.told, aside=work.told.aside + 1)
