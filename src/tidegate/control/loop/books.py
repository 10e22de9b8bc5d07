"""The sums of all gateway boots as they grow: what is closed is added up once, so a look costs what is new and not what has been.

A gateway counts each tick in rows of its own file (`wire.sums`) and folds them into minutes ten minutes later. Here the
rows of a tick are read once they are closed in all gateways, and added to their minute; what is still open, and the last
seconds, for which rates are wanted, is read as it is at every look. So a release of days is a sum a minute, and a few for now.

It is built up again after a restart, from the same files: reading and adding again changes nothing. A look that comes so late
that a gateway has folded ticks which were not read begins anew.
"""

import pathlib
from collections.abc import Collection

import numpy as np
import numpy.typing as npt

from tidegate.core.vocabulary import errors, marks, sums
from tidegate.dataplane.wire import sumrows

APART_SECONDS = 8
"""Ticks of the last seconds stay apart."""
_ROW = np.dtype(
    {
        "names": ["used", "arm", "evidence", "span", "tick", "generation", "weight", "release", "counts"],
        "formats": ["u1", "u1", "u1", "u4", "u8", "u8", "u4", "S64", (np.uint32, sumrows.COUNTERS)],
        "offsets": [0, 1, 2, 4, 8, 16, 24, 32 + 64, sumrows.KEY.size],
        "itemsize": sumrows.ROW_BYTES,
    }
)
_Key = tuple[int, int, int, int]
"""(minute or tick, generation, weight, evidence)"""
_Counts = npt.NDArray[np.int64]
_ERROR = sumrows.MARKS + marks.Mark.ERROR


class _Boot:
    """One gateway boot's file, mapped."""

    def __init__(self, path: pathlib.Path) -> None:
        """Raises OSError, StoreUnavailable for a file that is not one of sums."""
        with path.open("rb") as file:
            head = file.read(sumrows.HEADER.size)
        if len(head) < sumrows.HEADER.size:
            raise errors.StoreUnavailable("This file of sums is not whole.", where=str(path))
        magic, row_bytes, counters, incarnation = sumrows.HEADER.unpack(head)
        if (magic, row_bytes, counters) != (sumrows.MAGIC, sumrows.ROW_BYTES, sumrows.COUNTERS):
            raise errors.StoreUnavailable("This file is not one of sums, or another machine's.", where=str(path))
        self.incarnation = incarnation.rstrip(b"\0").decode()
        self._path, self._size = path, 0
        self.dead = False
        self.rows: npt.NDArray[np.void] = np.empty(0, _ROW)
        self._watched: npt.NDArray[np.intp] | None = None
        self._folded = 0
        self.words: npt.NDArray[np.uint64] = np.zeros(3, np.uint64)

    def look(self) -> None:
        """See what has grown. Raises OSError when the file is gone."""
        size = self._path.stat().st_size
        if size != self._size:
            whole = np.memmap(self._path, np.uint8, "r", shape=(size,))
            self.words = whole[sumrows.WORDS : sumrows.WORDS + 24].view(np.uint64)
            count = max(0, size - sumrows.HEADER_BYTES) // sumrows.ROW_BYTES
            self.rows = whole[sumrows.HEADER_BYTES : sumrows.HEADER_BYTES + count * sumrows.ROW_BYTES].view(_ROW)
            self._size, self._watched = size, None

    def fresh(self, since: int) -> npt.NDArray[np.void]:
        """A copy of the rows of ticks from `since` on, as they are now; of all rows that count, where that is 0.

        Whoever asks has those of earlier ticks. They are not looked at again before their minute is folded, since no row is used
        for another tick before: of ten minutes' rows, most are passed over.
        """
        folded = self.folded_until
        if self._watched is None or folded != self._folded or not since:
            self._watched, self._folded = np.arange(len(self.rows)), folded
        at = self._watched
        used, tick, span = (self.rows[name][at] for name in ("used", "tick", "span"))
        ticks = span == sums.TICK_SECONDS
        chosen = (used != 0) & (tick >= since) & (ticks if since else (tick < folded) != ticks)
        settled = (used != 0) & (~ticks | ((tick >= folded) & (tick < since)))
        self._watched = at[~settled]
        found: npt.NDArray[np.void] = self.rows[at[chosen]]
        return found

    @property
    def oldest_pending(self) -> int:
        return int(self.words[sumrows.CLOSED_BEFORE])

    @property
    def at_tick(self) -> int:
        return int(self.words[sumrows.AT])

    @property
    def folded_until(self) -> int:
        return int(self.words[sumrows.FOLDED_UNTIL])


class Books:
    """See the module. For one thread."""

    def __init__(self, folder: pathlib.Path) -> None:
        self._folder = folder
        self._boots: dict[pathlib.Path, _Boot] = {}
        self.closed_before = 0
        """Arrival ticks below this have no pending request in any gateway."""
        self._until = 0
        """Ticks below this are in `_closed`, by minute."""
        self._closed: dict[str, dict[int, dict[_Key, _Counts]]] = {}
        """By release and minute."""
        self._open: list[tuple[npt.NDArray[np.void], bool]] = []
        """The rows of later ticks as they were at the last look, and whether their boot is dead."""
        self._made: dict[str, dict[_Key, sums.Sum]] = {}

    def look(self, releases: Collection[str], living: Collection[str]) -> None:
        """See what has been counted since, of these releases: all that are under way, from their beginning on.

        `living`: incarnations of the gateways that live; what a dead one left pending becomes the mark ERROR of the arm drawn. A
        damaged file is left out.
        """
        self._follow(living)
        boots = list(self._boots.values())
        oldest = [boot.oldest_pending for boot in boots if not boot.dead]
        closed = min(oldest) if oldest else max((boot.at_tick + 1 for boot in boots), default=0)
        self.closed_before = max(self.closed_before, closed)
        until = max(self._until, min(self.closed_before, max((boot.at_tick for boot in boots), default=0) - APART_SECONDS))
        if any(boot.folded_until > self._until for boot in boots):
            self._begin_anew()
        names = np.array(sorted(name.encode() for name in releases), "S64")
        self._closed = {name: told for name, told in self._closed.items() if name in releases}
        self._made = {name: told for name, told in self._made.items() if name in releases}
        self._open = []
        for boot in boots:
            self._add(boot, names, until)
        self._until = until

    def of(self, release: str, since: int = 0) -> tuple[sums.Sum, ...]:
        """A release's sums, in the order of ticks and generations: all, or those from a minute on, which begins at `since`."""
        made, closed = self._made.setdefault(release, {}), self._closed.get(release, {})
        found = []
        for minute in range(since, self._until + 1, sums.EPOCH_SECONDS) if since else closed:
            for key, arms in closed.get(minute, {}).items():
                if key not in made or made[key].span < sums.EPOCH_SECONDS:  # the minute was not over yet
                    made[key] = _sum(key, min(sums.EPOCH_SECONDS, max(1, self._until - key[0])), arms)
                found.append(made[key])
        still: dict[_Key, _Counts] = {}
        for rows, dead in self._open:
            for row in rows[(rows["release"] == release.encode()) & (rows["tick"] >= since)]:
                still.setdefault(_key(row), _nothing())[int(row["arm"])] += _counted(row, dead=dead)
        found += [_sum(key, sums.TICK_SECONDS, arms) for key, arms in still.items()]
        return tuple(sorted(found, key=lambda one: (one.tick, one.generation)))

    def _begin_anew(self) -> None:
        self._until = 0
        self._closed, self._open, self._made = {}, [], {}

    def _follow(self, living: Collection[str]) -> None:
        paths = sorted(self._folder.glob("[!.]*.sums"))
        for path in paths:
            try:
                boot = self._boots.get(path) or _Boot(path)
                boot.look()
            except (OSError, ValueError, errors.StoreUnavailable):
                self._boots.pop(path, None)
                continue
            died = boot.incarnation not in living
            if path in self._boots and died != boot.dead:
                self._begin_anew()  # what it left pending is known now
            boot.dead = died
            self._boots[path] = boot
        for gone in self._boots.keys() - set(paths):
            del self._boots[gone]  # what was read of it stays: its releases have ended long since

    def _add(self, boot: _Boot, names: npt.NDArray[np.bytes_], until: int) -> None:
        """Add the rows that were closed since the last look; keep a copy of the open ones."""
        new = boot.fresh(self._until)
        new = new[np.isin(new["release"], names)]
        closed = new["tick"] < until
        for row in new[closed]:
            at, *rest = _key(row)
            minute: _Key = (at // sums.EPOCH_SECONDS * sums.EPOCH_SECONDS, rest[0], rest[1], rest[2])
            told = self._closed.setdefault(bytes(row["release"]).decode(), {}).setdefault(minute[0], {})
            told.setdefault(minute, _nothing())[int(row["arm"])] += _counted(row, dead=boot.dead)
        self._open.append((new[~closed], boot.dead))


def _key(row: np.void) -> _Key:
    return int(row["tick"]), int(row["generation"]), int(row["weight"]), int(row["evidence"])


def _counted(row: np.void, *, dead: bool) -> _Counts:
    """A row's counters; what a dead boot left pending is an error."""
    counts: _Counts = row["counts"].astype(np.int64)
    if dead:
        counts[_ERROR] += counts[sumrows.OPENED] - counts[sumrows.MARKS : sumrows.LATENCY].sum()
    return counts


def _nothing() -> _Counts:
    return np.zeros((2, sumrows.COUNTERS), np.int64)


def _sum(key: _Key, span: int, arms: _Counts) -> sums.Sum:
    tick, generation, weight, evidence = key
    stable, candidate = (sumrows.counts(values) for values in arms.tolist())
    return sums.Sum(generation, weight, bool(evidence), tick, span, stable, candidate)
