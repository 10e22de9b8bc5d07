"""The watch over what processes say: complaints of a kind that was not there before, and kinds that come far more often.

Every line of warning or worse is one of a kind (`templates`). An error of a new kind is told at once, a warning of one when it
has come five times in ten minutes. A known kind is told when it comes more often in ten minutes than chance lets it at its rate
of the last day. An alarm is open until no more of them have come for a quarter of an hour; then the kind is known.

What a model says of an input that it fails on may hold a value of it, and an alarm goes to the chained event log and to whoever
is told: words in it are those of the kind, with quoted texts and numbers masked. The line itself stays in the process's own log.

What is known outlives the monitor (HOME/log-patterns.json): where each file was read to, and 2,000 kinds with their counts by the
hour. What is in the files when a home is watched for the first time is known from the start.
"""

import collections
import datetime as dt
import math
import os
import pathlib
from collections.abc import Iterator

import msgspec

from tidegate.core.vocabulary import alarms, home, instances, instants, placing
from tidegate.observability.monitors import templates

RECENT_SECONDS = 600.0
LINGER_SECONDS = 900.0
WARNINGS = 5
FEWEST = 20
"""Lines of a known kind in ten minutes below which it is never told."""
KNOWN_SECONDS = 3_600.0
"""For so long nobody can say what is usual."""
KINDS = 2_000
HOURS = 24
AT_MOST = 20
"""Alarms; beyond these one says how many more there are."""
CHUNK = 1 << 20
BACKLOG = 8 << 20
"""Bytes of a file that are caught up with; what is older is passed over."""
SAVE_SECONDS = 30.0
OWN = (
    "tidegate.control.loop.alarms",
    "tidegate.control.loop.acting",
    "tidegate.control.loop.following",
    "tidegate.control.loop.notifying",
    "tidegate.control.loop.transitions",
    "tidegate.observability.recording.mending",
    "tidegate.observability.monitors.uptime",
)
"""Loggers of what is told already: alarms, releases, probes."""


class Kind(msgspec.Struct):
    """What is known of one template."""

    level: str
    words: str
    first: float
    """Unix seconds."""
    last: float
    hours: dict[int, int] = {}
    """Lines by hour since 1970, of the last day."""
    news: bool = False
    """Whether it was not there before, and has not been quiet since."""
    loud: bool = False
    """Whether people are told."""
    since: float = 0.0
    """When it began that they are."""
    before: float = 0.0
    """Lines in ten minutes that were usual then."""
    count: int = 0
    """Lines since."""
    instance: str = ""
    endpoint: str = ""
    predictions: tuple[str, ...] = ()


class Known(msgspec.Struct):
    """What outlives the monitor."""

    files: dict[str, tuple[int, int]] = {}
    """(inode, offset) by name."""
    kinds: dict[str, Kind] = {}
    begun: bool = False


class LogWatch:
    """A watch (`rounds`)."""

    name, every = "logs", 10.0

    def __init__(self, place: home.Home) -> None:
        self._place, self._path = place, place.patterns
        self._known = _read(self._path)
        self._recent: dict[str, collections.deque[tuple[float, int]]] = {}
        self._saved = 0.0

    def look(self, now: float) -> list[alarms.Alarm]:
        """Read what was written since; every kind that people are to hear of. Raises OSError."""
        for path in sorted(self._place.logs.glob("*.log")):
            seen: collections.Counter[str] = collections.Counter()
            for raw in self._lines(path):
                if (line := templates.read(raw)) is not None and line.logger not in OWN:
                    self._take(line, path.stem, now)
                    seen[line.template.key] += 1
            for key, count in seen.items() if self._known.begun else ():
                self._recent.setdefault(key, collections.deque()).append((now, count))
        self._known.begun = True
        self._judge(now)
        self._forget(now)
        if instants.passed(self._saved, now, SAVE_SECONDS) or any(
            one.loud and one.since == now for one in self._known.kinds.values()
        ):
            _write(self._path, self._known)
            self._saved = now
        return list(self._alarms())

    def _lines(self, path: pathlib.Path) -> Iterator[str]:
        """Whole lines since the last look; a file that has become shorter was emptied by the keeper, another one is new."""
        try:
            with path.open("rb") as file:
                status = os.fstat(file.fileno())
                inode, offset = self._known.files.get(path.name, (status.st_ino, 0))
                if inode != status.st_ino or status.st_size < offset:
                    offset = 0
                offset = max(offset, status.st_size - BACKLOG)
                while offset < status.st_size:
                    file.seek(offset)
                    raw = file.read(CHUNK)
                    whole = raw.rfind(b"\n") + 1
                    if not whole and len(raw) < CHUNK:
                        break
                    offset += whole or len(raw)  # a line of over a megabyte is passed over
                    yield from raw[:whole].decode("utf-8", "replace").splitlines()
                self._known.files[path.name] = (status.st_ino, offset)
        except FileNotFoundError:
            self._known.files.pop(path.name, None)

    def _take(self, line: templates.Line, instance: str, now: float) -> None:
        key, hour = line.template.key, int(now // 3_600)
        kind = self._known.kinds.get(key)
        if kind is None:
            kind = Kind(line.template.level, line.template.words, _moment(line.at, now), now, news=self._known.begun)
            self._known.kinds[key] = kind
        kind.last, kind.instance = now, instance
        kind.hours[hour] = kind.hours.get(hour, 0) + 1
        kind.count += 1
        if not kind.endpoint:  # what it was first said of: a worker's specification goes with it
            kind.endpoint = line.endpoint or self._endpoint(instance)
        if line.prediction:
            kind.predictions = (line.prediction, *kind.predictions)[:5]

    def _judge(self, now: float) -> None:
        for key, kind in self._known.kinds.items():
            if (kind.loud or kind.news) and now - kind.last > LINGER_SECONDS:
                kind.loud = kind.news = False
            if kind.loud:
                continue
            recent = self._recent.get(key)
            while recent and now - recent[0][0] > RECENT_SECONDS:
                recent.popleft()
            lately = sum(count for _, count in recent or ())
            usual = _usual(kind, now)
            known = now - kind.first >= KNOWN_SECONDS
            often = known and lately >= FEWEST and lately > usual + 6 * math.sqrt(usual) + FEWEST
            if (kind.news and lately >= (WARNINGS if kind.level == "warning" else 1)) or (often and not kind.news):
                kind.loud, kind.since, kind.before = True, kind.first if kind.news else now, usual
                kind.count = lately

    def _forget(self, now: float) -> None:
        oldest = int(now // 3_600) - HOURS
        for kind in self._known.kinds.values():
            kind.hours = {hour: count for hour, count in kind.hours.items() if hour >= oldest}
        if len(self._known.kinds) > KINDS:
            newest = sorted(self._known.kinds.items(), key=lambda one: (one[1].loud, one[1].last))[-KINDS:]
            self._known.kinds = dict(newest)
        self._recent = {key: found for key, found in self._recent.items() if found and key in self._known.kinds}

    def _alarms(self) -> Iterator[alarms.Alarm]:
        loud = sorted((one for one in self._known.kinds.items() if one[1].loud), key=lambda one: one[1].since)
        for key, kind in loud[:AT_MOST]:
            yield _alarm(key, kind)
        if len(loud) > AT_MOST:
            words = f"processes complain of {len(loud) - AT_MOST} more things that they had not complained of before."
            yield alarms.Alarm(alarms.Kind.LOG_PATTERN, "", words, loud[AT_MOST][1].since, "more", next="tidegate logs")

    def _endpoint(self, instance: str) -> str:
        spec = instances.read(self._place.instances / f"{instance}.json")
        return spec.labels.get("endpoint", "") if spec else ""


def _alarm(key: str, kind: Kind) -> alarms.Alarm:
    if kind.news:
        words = f"{kind.instance} complains of what nobody had complained of before: {kind.words}"
    else:
        words = f"{kind.instance} complains far more often: {kind.words}"
    usual = "never before" if kind.news else f"usually {kind.before:.1f} in ten minutes"
    moved = (f"{kind.count:,} lines, {usual}",)
    after = f"tidegate logs {kind.instance}"
    return alarms.Alarm(
        alarms.Kind.LOG_PATTERN, kind.endpoint, words, kind.since, key, moved=moved, examples=kind.predictions, next=after
    )


def _usual(kind: Kind, now: float) -> float:
    """Lines in ten minutes, by the hours before this one, at least of a day or since there are any."""
    this = int(now // 3_600)
    past = sum(count for hour, count in kind.hours.items() if hour < this)
    hours = min(HOURS, max(1.0, (now - kind.first) / 3_600))
    return past / hours / 6


def _moment(at: str, now: float) -> float:
    try:
        return min(now, dt.datetime.fromisoformat(at).timestamp())
    except ValueError:
        return now


def _read(path: pathlib.Path) -> Known:
    try:
        return msgspec.json.decode(path.read_bytes(), type=Known)
    except (OSError, ValueError):
        return Known()


def _write(path: pathlib.Path, known: Known) -> None:
    placing.put(path, msgspec.json.encode(known))
