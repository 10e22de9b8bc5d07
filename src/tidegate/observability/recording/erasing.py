"""Records of people who asked to be forgotten: asked for, erased from the log's files, and told, however many ask at once.

What is asked for lies in HOME/erasures (`core.vocabulary.erasures`), so that a kill leaves it asked for. All that is asked for by
the time a walk begins goes through the files together (`walking`); what is asked for meanwhile waits for the next. Then segments:
those that were there when it was asked are deleted once they are recorded, and gateways are asked to end theirs. Then each is
done, and told by itself.

Sums stay; profiles of the hours are counted again by what is left. Called by the recorder, when nothing is open in its
transaction. Not here: what comes late (`tombstones`).
"""

import itertools
import logging
import pathlib
import time
from collections.abc import Callable, Iterable, Iterator, Sequence

import msgspec

from tidegate.core.vocabulary import erasures, home
from tidegate.dataplane.predlog import catalogue, parquet, segments
from tidegate.observability.recording import tombstones, walking

BUSY_SECONDS = 1.0
"""For how long files are rewritten at one go, about: gateways' records wait meanwhile."""
TELLING_SECONDS = 0.5
"""For how long it is told at one go what was done."""
_TABLE = (
    "CREATE TABLE IF NOT EXISTS erasure (id TEXT PRIMARY KEY, asked BLOB, told BLOB, days BLOB, segments BLOB, done INTEGER)"
    " WITHOUT ROWID"
)
_pack = msgspec.msgpack.Encoder().encode
_asked = msgspec.msgpack.Decoder(erasures.Asked).decode
_told = msgspec.msgpack.Decoder(erasures.Told).decode
_names = msgspec.msgpack.Decoder(list[str]).decode
log = logging.getLogger(__name__)


class Erasing:
    """All that is asked for."""

    def __init__(self, place: home.Home, known: catalogue.Catalogue, parts: walking.Parts) -> None:
        """Make the tables where there are none; go on where they say."""
        self._home, self._known, self._parts = place, known, parts
        connection = self._connection = known.connection
        connection.execute(_TABLE)
        rows = connection.execute("SELECT asked, told, days, segments FROM erasure WHERE NOT done ORDER BY id")
        self._work = [walking.Work(_asked(asked), _told(told), _names(days), _names(files)) for asked, told, days, files in rows]
        self._known_ids = {row[0] for row in connection.execute("SELECT id FROM erasure")}
        done = [_asked(row[0]) for row in connection.execute("SELECT asked FROM erasure WHERE done")]
        self.tombstones = tombstones.Tombstones(place, known, done, parts.erase)
        self.tombstones.add(work.asked for work in self._work)
        self._look_again([one for one in self.tombstones.kept if one.id not in self._known_ids])
        self._walk: walking.Walk | None = None

    def _look_again(self, unknown: Sequence[erasures.Asked]) -> None:
        """Have files looked through for what was erased before this catalogue knew of it."""
        if not unknown:
            return
        there = self._segments()
        endpoints = sorted({one.endpoint for one in unknown})
        last = max(one.at for one in unknown)
        self._known.begin()
        self._ask([erasures.Asked(erasures.fresh(), endpoint, erasures.AGAIN, last) for endpoint in endpoints], there)
        rows = [(one.id, _pack(one), _pack(_untold(one)), _pack([]), _pack([])) for one in unknown]
        self._connection.executemany("INSERT INTO erasure VALUES (?, ?, ?, ?, ?, 1)", rows)
        self._known.commit()
        self._known_ids |= {one.id for one in unknown}
        turn(self._home.segments)

    def _segments(self) -> list[str]:
        """Names of those that are there."""
        return sorted(path.name for files in segments.listing(self._home.segments).values() for _, path in files)

    def _ask(self, several: Sequence[erasures.Asked], there: list[str]) -> None:
        """Begin with these. `there`: names of segments that are to go. In the caller's transaction."""
        rows = [(one.id, _pack(one), _pack(_untold(one)), _pack([]), _pack(there)) for one in several]
        self._connection.executemany("INSERT INTO erasure VALUES (?, ?, ?, ?, ?, 0)", rows)
        self._work += [walking.Work(one, _untold(one), [], there) for one in several]

    @property
    def pending(self) -> bool:
        """Whether anything is asked for and not yet done."""
        return bool(self._work)

    @property
    def sweeping(self) -> bool:
        """Whether there are files that are still to be looked through."""
        return not all(work.swept for work in self._work)

    def hear(self) -> None:
        """Take in what has been asked for. Raises OSError and sqlite3.Error."""
        fresh = [one for one in erasures.asked(self._home.erasures) if one.id not in self._known_ids]
        if not fresh:
            return
        self._known.begin()
        self._ask(fresh, self._segments())
        self._known.commit()
        self._known_ids |= {one.id for one in fresh}
        self.tombstones.add(fresh)
        turn(self._home.segments)

    def step(self, name: str, now: float, read_until: float, clock: Callable[[], float] = time.monotonic) -> None:
        """Go on for a while. `name`: the beginning of new files' names; everything written by `read_until` is in files.

        Raises OSError and sqlite3.Error.
        """
        if not self._work and not self.tombstones.heard_early:
            return
        until, names = clock() + BUSY_SECONDS, (f"{name}-e{number}" for number in itertools.count(1))
        while (walk := self._begun(read_until)) and walk.go_on(names, lambda: clock() < until):
            self._walk = None
        self._finish(now, clock)
        self._sweep_late(names)

    def _begun(self, read_until: float) -> walking.Walk | None:
        """The walk under way, or a new one of all that may be looked for by now."""
        if self._walk is None:
            # of a value, what is read later could not be told from what is not meant
            ready = [
                one for one in self._work if not one.swept and (one.asked.kind != erasures.WHERE or read_until >= one.asked.at)
            ]
            self._walk = self._walk_of(ready) if ready else None
        return self._walk

    def _walk_of(self, works: Sequence[walking.Work]) -> walking.Walk:
        return walking.Walk(self._home, self._known, self.tombstones, self._parts, works)

    def _finish(self, now: float, clock: Callable[[], float]) -> None:
        """Tell what was done, of as many as the time is for."""
        until, there, told = clock() + TELLING_SECONDS, set(self._segments()), []
        for work in self._work:
            if not work.swept or not there.isdisjoint(work.segments):
                continue
            self._tell(work, now)
            told.append(work)
            if clock() >= until:
                break
        if not told:
            return
        self._known.begin()
        rows = [(_pack(_bare(work.asked)), work.asked.id) for work in told]
        self._connection.executemany("UPDATE erasure SET done = 1, asked = ? WHERE id = ?", rows)
        self._known.commit()
        self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        finished = {work.asked.id for work in told}
        self._work = [work for work in self._work if work.asked.id not in finished]
        waiting = {_file(work.asked) for work in self._work}
        for name in {_file(work.asked) for work in told} - waiting:
            erasures.remove(self._home.erasures, erasures.ASKED, name)
        log.info("records were erased", extra={"erasures": len(told), "predictions": sum(one.told.predictions for one in told)})

    def _tell(self, work: walking.Work, now: float) -> None:
        one, folder = work.asked, self._home.erasures
        aside = work.told.aside + sum(1 for _ in aside_of(self._home, one.endpoint))
        if one.kind != erasures.AGAIN or work.told.predictions or work.told.outcomes:
            erasures.write(folder, erasures.TOLD, msgspec.structs.replace(work.told, at=now, aside=aside))
        if one.kind != erasures.AGAIN:
            erasures.write(folder, erasures.KEPT, _bare(one))

    def _sweep_late(self, names: Iterator[str]) -> None:
        """Outcomes that were recorded before their prediction came late, and was dropped."""
        if not self.tombstones.heard_early:
            return
        nobody = walking.Work(erasures.Asked("", "", "", 0.0), erasures.Told("", "", "", "", 0.0), [], [])
        self._walk_of([nobody]).hear(names)
        self._known.begin()
        self.tombstones.swept()
        self._known.tally({"erased_outcomes": nobody.told.outcomes})
        self._known.commit()
        self.tombstones.heard_early = False


def _untold(one: erasures.Asked) -> erasures.Told:
    """What is told of an erasure, before anything is counted."""
    return erasures.Told(one.id, one.endpoint, one.kind, one.subject, one.at, actor=one.actor or "system", reason=one.reason)


def _bare(one: erasures.Asked) -> erasures.Asked:
    """What is kept of it once it is done."""
    return msgspec.structs.replace(one, value="", together="")


def _file(one: erasures.Asked) -> str:
    """The id that the file is called by in which it was asked for."""
    return one.together or one.id


def turn(folder: pathlib.Path) -> None:
    """Ask gateways to end the segments they write. Raises OSError."""
    (folder / segments.TURN).touch()


def aside_of(place: home.Home, endpoint: str) -> Iterable[pathlib.Path]:
    """Damaged files that lie aside and may hold records of an endpoint."""
    yield from (place.log / parquet.PREDICTIONS / f"endpoint={endpoint}").rglob(f"*{parquet.ASIDE}")
    yield from (place.log / parquet.OUTCOMES).rglob(f"*{parquet.ASIDE}")
    yield from place.segments.glob(f"*{parquet.ASIDE}")
    yield from place.log.glob(f"*{parquet.ASIDE}")
