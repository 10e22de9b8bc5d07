"""Following segments: what gateways have appended since last time, once each, and what is missing.

Level-triggered: every look lists the folder and reads each file from where it got to, so nothing depends on a notice.
Called by the recorder. Not here: what becomes of the records, and where the places are kept.
"""

import contextlib
import os
import pathlib

import msgspec

from tidegate.core.vocabulary import errors
from tidegate.dataplane.predlog import catalogue, parquet, segments
from tidegate.dataplane.wire import ends

DOUBT_SECONDS = 0.5
"""How long bytes must stay damaged to be called so."""
Key = tuple[str, int]
"""Incarnation and number of a segment."""


class News(msgspec.Struct):
    """What one look found."""

    records: list[segments.Record] = []
    lost: int = 0
    """Sequence numbers that were skipped: records answered but never appended, or damaged since."""
    repeated: int = 0
    """Records whose sequence number had been seen: dropped."""
    corrupt: int = 0
    """Places at which bytes did not match their checksum; what they held is among the lost."""
    hosts: dict[str, list[int]] = {}
    """By host: records, lost, repeated."""
    caught_up: bool = True
    """Whether everything that was in the files when the look began has been read."""


class Follower:
    """The place reached in every segment. `places` and `expected` are to be stored together with what was read."""

    def __init__(self, folder: pathlib.Path, progress: catalogue.Progress) -> None:
        """Go on from `progress`."""
        self.folder = folder
        self.places = dict(progress.places)
        self.expected = dict(progress.expected)
        self.moved: set[Key] = set()
        """Segments whose place changed since the caller last cleared this."""
        self._ended: dict[pathlib.Path, int] = {}
        """Pages of boots that are over (`wire.ends`), counted as of when they were last changed: nanoseconds."""
        self._doubted: dict[Key, tuple[int, float]] = {}

    def look(self, now: float, size: int) -> News:
        """Read about `size` bytes at most. `now`: Unix time. Damage is looked at again before it is skipped."""
        news = News()
        left = size
        over = self._over()
        for incarnation, files in segments.listing(self.folder).items():
            for at, (number, path) in enumerate(files):
                key = (incarnation, number)
                if self._is_done(key, path):
                    continue
                if left <= 0:
                    news.caught_up = False
                    return news
                final = at < len(files) - 1 or not segments.in_use(path)
                others, news.caught_up = news.caught_up, True
                left -= self._read(key, path, news, now, left)
                if final and news.caught_up:
                    self._finish(key, path, news, now)
                reached, news.caught_up = news.caught_up, news.caught_up and others
                if not reached:
                    break  # what follows in this boot is read behind it, or what is left here would look like repeats
        for path, (changed, end) in over.items() if news.caught_up else ():
            self._end(end, news)
            self._ended[path] = changed
        return news

    def _over(self) -> dict[pathlib.Path, tuple[int, ends.End]]:
        """How boots ended, and when their pages were changed; read before their segments, of which there are no more then."""
        found = {}
        for path in self.folder.glob(f"[!.]*{ends.ENDING}"):
            with contextlib.suppress(FileNotFoundError):
                changed = path.stat().st_mtime_ns
                if self._ended.get(path) != changed and (end := ends.read(path)) is not None:
                    found[path] = changed, end
        return found

    def _end(self, end: ends.End, news: News) -> None:
        """Count what a boot lost behind its last record: once, since it is not expected any more. Of one of which no record was
        ever read here, only what the page itself says.
        """
        lost = max(0, end.sequence - self.expected.get(end.incarnation, end.first))
        if lost:
            news.lost += lost
            news.hosts.setdefault(end.host, [0, 0, 0])[1] += lost
            self.expected[end.incarnation] = end.sequence

    def _is_done(self, key: Key, path: pathlib.Path) -> bool:
        """Whether nothing is left to read. One that has grown since was brought once more, from a host that wrote on: it is read
        from its beginning, and what is known of it is a repeat.
        """
        place = self.places.get(key)
        if place is None or not place.done:
            return False
        with contextlib.suppress(FileNotFoundError):
            if path.stat().st_size > place.offset:
                self.places[key] = catalogue.Place()
                return False
        return True

    def _read(self, key: Key, path: pathlib.Path, news: News, now: float, left: int) -> int:
        """Read on in one segment; returns how many bytes that were."""
        offset = begin = self.places.get(key, catalogue.Place()).offset
        try:
            if path.stat().st_size <= begin:
                return 0
            self._meet(key, path)
            for after, record in segments.read(path, begin):
                offset = after
                self._take(key[0], record, news)
                if offset - begin >= left:
                    news.caught_up = False
                    break
        except errors.SegmentCorrupt:
            offset = self._pass(key, path, (offset, now), news)
        except errors.ProtocolMismatch:  # a later version's segment: it waits for that version, and nothing counts as closed
            news.caught_up = False
        except FileNotFoundError:
            return 0
        if offset > begin:
            self._move(key, catalogue.Place(offset, at=now))
        return offset - begin

    def _meet(self, key: Key, path: pathlib.Path) -> None:
        """A boot met in the middle (its first segments were recorded and deleted long ago) begins there, without a loss."""
        if key[0] in self.expected:
            return
        if not key[1]:
            self.expected[key[0]] = 0
            return
        with contextlib.suppress(errors.SegmentCorrupt):  # then its first whole record says where it begins
            if (told := segments.head(path)) is not None:
                self.expected[key[0]] = told[0].first

    def _take(self, incarnation: str, record: segments.Record, news: News) -> None:
        due = self.expected.get(incarnation, record.sequence)
        host = news.hosts.setdefault(record.host, [0, 0, 0])
        if record.sequence < due:
            news.repeated += 1
            host[2] += 1
            return
        news.lost += record.sequence - due
        host[0] += 1
        host[1] += record.sequence - due
        self.expected[incarnation] = record.sequence + 1
        news.records.append(record)

    def _pass(self, key: Key, path: pathlib.Path, seen: tuple[int, float], news: News) -> int:
        """Where to go on after damage `seen` at an (offset, time): behind it once it has stayed, since a write under way may
        look like damage for a moment.
        """
        news.caught_up = False
        offset, now = seen
        doubted, since = self._doubted.setdefault(key, seen)
        if doubted != offset or since > now:
            self._doubted[key] = seen
            return offset
        if now - since < DOUBT_SECONDS:
            return offset
        del self._doubted[key]
        _keep_aside(path)
        news.corrupt += 1
        return segments.skip(path, offset)

    def _finish(self, key: Key, path: pathlib.Path, news: News, now: float) -> None:
        """Nothing more comes here: a later segment exists, or the writer is dead. What is left unread is a torn tail, or damage
        with whole records behind it.
        """
        offset = self.places.get(key, catalogue.Place()).offset
        size = path.stat().st_size
        if offset < size:
            behind = segments.skip(path, offset)
            if behind < size:
                _keep_aside(path)
                news.corrupt += 1
                news.caught_up = False
                self._move(key, catalogue.Place(behind, at=now))
                return
        self._move(key, catalogue.Place(size, done=True, at=now))

    def _move(self, key: Key, place: catalogue.Place) -> None:
        self.places[key] = place
        self.moved.add(key)

    def recorded(self, older_than: float) -> list[tuple[Key, pathlib.Path]]:
        """The segments that were read to their end before this Unix time and are no longer written: they may be deleted."""
        return [
            ((incarnation, number), path)
            for incarnation, files in segments.listing(self.folder).items()
            for number, path in files
            if (place := self.places.get((incarnation, number))) and place.done and place.at < older_than
        ]

    def forget(self, key: Key) -> None:
        """A segment has been deleted."""
        self.places.pop(key, None)

    def over(self, older_than: float) -> list[pathlib.Path]:
        """The pages that were counted and last changed before this Unix time, forgotten: they may be deleted."""
        found = [path for path, changed in self._ended.items() if changed < older_than * 1e9]
        for path in found:
            del self._ended[path]
        return found


def _keep_aside(path: pathlib.Path) -> None:
    """Keep a damaged segment under a name of its own, at no cost, for when it is deleted."""
    with contextlib.suppress(OSError):
        os.link(path, path.with_name(path.name + parquet.ASIDE))
