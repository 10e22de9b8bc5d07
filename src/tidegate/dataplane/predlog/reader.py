"""Reading the prediction log: DuckDB over the Parquet files, and the segments for what is not recorded yet.

So a prediction is found the moment its response has left, and also while the recorder is down. The catalogue names the files
that may hold an id, so one id among millions costs one or two files' row groups. Called by trace, the API and the command
line, and by the recorder for outcomes that come very late. Nothing is written, no network is touched.
"""

import functools
import logging
import pathlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

import duckdb
import msgspec

from tidegate.core.vocabulary import arms, errors, home, ids, marks, records
from tidegate.dataplane.predlog import catalogue, ciphers, columns, engine, intact, objects, parquet, segments, sights

_TRIES = 5
_LAST = b"\xff" * 16
_T = TypeVar("_T")
Paths = Callable[[], list[str]]
"""Of Parquet files."""
_log = logging.getLogger(__name__)
_SEEN: set[tuple[str, int, int]] = set()
"""Files that this process has found to be what was written: (path, time of change, size)."""
_MOMENTS = {"arrived": "epoch_ns(arrived)", "received": "epoch_ns(received)"}


class Found(msgspec.Struct, frozen=True):
    """A prediction and what is known of it."""

    prediction: records.Prediction
    outcomes: tuple[records.Outcome, ...]
    """By row and label version; the first received of each."""
    recorded: bool
    """Whether the prediction is in Parquet already."""
    copy: records.Prediction | None = None
    """What the other version answered to it, unseen by the client (role shadow)."""


class Failure(msgspec.Struct, frozen=True):
    """Predictions of one version that failed in the same words."""

    version: int
    error: str
    requests: int
    last_ns: int
    example: str
    """The id of the newest of them."""
    copies: bool = False
    """Whether they are copies of mirrored requests, which no client saw fail."""


class Count(msgspec.Struct, frozen=True):
    """Requests of one version on one day."""

    endpoint: str
    day: str
    version: int
    release: str
    arm: int
    requests: int
    rows: int
    bad: int
    """With a bad mark."""
    rescued: int
    first_ns: int
    last_ns: int


def find(place: home.Home, prediction_id: bytes) -> Found | None:
    """The prediction of an id, the live one before a shadow's, with its outcomes; None where the log has none.

    An encrypted input is opened where its key is here, and stays as it is where there is none. Raises StoreUnavailable when the
    log's catalogue cannot be read, LogKeyWrong and LogKeyInvalid for another key than the one that it was encrypted with.
    """
    # Segments first: what the recorder moves to Parquet in between is then seen twice, never missed.
    fresh = list(unrecorded(place, prediction_id))
    sight = sights.Sight(place)
    known = _recorded(place.log, parquet.PREDICTIONS, [prediction_id])
    found = [sight.opened(one) for one in known if isinstance(one, records.Prediction)]
    told = _recorded(place.log, parquet.OUTCOMES, [prediction_id])
    recorded = {_identity(one) for one in (*found, *told)}
    fresh = [one for one in fresh if _identity(one) not in recorded]
    every = sorted(
        (one for one in (*found, *fresh) if isinstance(one, records.Prediction)), key=lambda one: (one.role, one.sequence)
    )
    if not every:
        return None
    first = every[0]
    heard = [one for one in (*told, *fresh) if isinstance(one, records.Outcome) and one.role == first.role]
    copy = next((one for one in every[1:] if one.role == arms.Role.SHADOW), None)
    return Found(first, first_heard(heard), _identity(first) in recorded, copy)


def first_heard(heard: Sequence[records.Outcome]) -> tuple[records.Outcome, ...]:
    """Of each (id, row, role, metric, label version) the outcome received first; in that order, ground truth first."""
    kept: dict[tuple[bytes, int, int, str, int], records.Outcome] = {}
    for one in sorted(heard, key=lambda one: (one.received_ns, one.sequence)):
        kept.setdefault((one.id, one.row, one.role, one.metric, one.label_version), one)
    return tuple(kept[key] for key in sorted(kept))


def predictions(log: pathlib.Path, wanted: Sequence[bytes]) -> list[records.Prediction]:
    """The recorded predictions of many ids."""
    return [one for one in _recorded(log, parquet.PREDICTIONS, wanted) if isinstance(one, records.Prediction)]


def outcomes(log: pathlib.Path, wanted: Sequence[bytes]) -> list[records.Outcome]:
    """The recorded outcomes of many ids."""
    return [one for one in _recorded(log, parquet.OUTCOMES, wanted) if isinstance(one, records.Outcome)]


def counts(place: home.Home, endpoint: str = "") -> list[Count]:
    """What was recorded, by day, version, release and arm, newest first; of live requests only."""
    bad = ", ".join(str(int(mark)) for mark in marks.BAD)
    # Days are numbers until they are grouped: as text, row by row, they cost more than all the rest.
    source = "SELECT *, epoch_ns(arrived) AS ns FROM read_parquet($files, hive_partitioning = false)"
    grouped = (
        "SELECT endpoint, ns // 86400000000000 AS number, version, release, arm, count(*) AS requests, sum(rows) AS rows,"  # noqa: S608
        f" count(*) FILTER (mark IN ({bad})) AS bad, count(*) FILTER (rescued) AS rescued, min(ns) AS oldest, max(ns) AS newest"
        f" FROM ({source}) WHERE role = $role GROUP BY ALL"
    )
    day = "strftime(make_timestamp(number * 86400000000), '%Y-%m-%d')"
    ask = (
        f"SELECT endpoint, {day}, version, release, arm, requests, rows, bad, rescued, oldest, newest"  # noqa: S608
        f" FROM ({grouped}) ORDER BY newest DESC"
    )
    rows = _rows(ask, {"role": int(arms.Role.LIVE)}, anew(place.log, parquet.PREDICTIONS, endpoint))
    return [Count(*row) for row in rows]


def expected(files: list[str]) -> dict[str, int]:
    """The next sequence number of every gateway boot in some Parquet files: for a log whose catalogue was lost."""
    ask = (
        "SELECT incarnation, max(sequence) + 1 FROM read_parquet($files, union_by_name = true, hive_partitioning = false)"
        " GROUP BY incarnation"
    )
    return dict(_rows(ask, {}, lambda: files))


def sample(place: home.Home, endpoint: str, wanted: int, before: bytes = _LAST) -> list[tuple[str, bytes]]:
    """Up to `wanted` logged request bodies that were answered well, newest first, with ids `before` one: (content, body).

    Without those that hold binary tensors behind their JSON: they cannot be sent again by these two alone.
    """
    bodies: list[tuple[str, bytes]] = []
    sight = sights.Sight(place)
    for one in reversed(list(unrecorded(place))):
        if not isinstance(one, records.Prediction) or one.endpoint != endpoint or one.id >= before:
            continue
        if len(bodies) < wanted and _usable(one):
            bodies.append((one.content, one.input))
    ask = (
        "SELECT content, id, input FROM read_parquet($files, hive_partitioning = false)"
        " WHERE mark = $mark AND role = $role AND input != '' AND content != $binary AND id < $before"
        " ORDER BY id DESC LIMIT $left"
    )
    given: dict[str, Any] = {"mark": int(marks.Mark.OK), "role": int(arms.Role.LIVE), "binary": records.BINARY}
    given["before"] = ids.text(before)
    for file in sorted(_files(place.log, parquet.PREDICTIONS, endpoint, b"", before), key=lambda file: file.last, reverse=True):
        left = wanted - len(bodies)
        if left <= 0:
            break
        path = str(place.log / file.path)
        rows = _rows(ask, {**given, "left": left}, lambda path=path: [path])  # type: ignore[misc]
        for content, identifier, text in rows:
            body = sight.body(endpoint, ids.parse(identifier) or b"", _body(place.log, file.partition, text))
            if body and not sights.encrypted(body):
                bodies.append((content, body))
    return bodies


class Logged(msgspec.Struct, frozen=True):
    """Live requests of one version in a period: their ids in order, and what cannot be asked again."""

    ids: tuple[bytes, ...]
    unlogged: int = 0
    """Answered well too, but without their input in the log."""
    failed: int = 0
    """Not answered well."""


def period(place: home.Home, endpoint: str, version: int, span: tuple[float, float]) -> Logged:
    """The live requests that were drawn for a version and arrived between two Unix times."""
    ends = ids.between(*span)
    fresh = [one for one in unrecorded(place) if isinstance(one, records.Prediction) and ends[0] <= one.id <= ends[1]]
    ask = (
        "SELECT id, mark = $ok, input != '' AND ($opens OR NOT starts_with(input, $encrypted))"
        " FROM read_parquet($files, union_by_name = true, hive_partitioning = false)"
        " WHERE role = $role AND version = $version AND id BETWEEN $least AND $most"
    )
    given: dict[str, Any] = {"ok": int(marks.Mark.OK), "role": int(arms.Role.LIVE), "version": version}
    given |= {"least": ids.text(ends[0]), "most": ids.text(ends[1])}
    given |= {"opens": sights.Sight(place).ring(endpoint).first is not None, "encrypted": ciphers.PREFIX}
    files = anew(place.log, parquet.PREDICTIONS, endpoint, *ends)
    found = {ids.parse(text) or b"": (bool(ok), bool(whole)) for text, ok, whole in _rows(ask, given, files)}
    for one in fresh:
        if one.endpoint == endpoint and one.version == version and one.role == arms.Role.LIVE:
            found[one.id] = (one.mark == marks.Mark.OK, bool(one.input))
    answered = sorted(one for one, (ok, whole) in found.items() if ok and whole)
    failed = sum(not ok for ok, _ in found.values())
    return Logged(tuple(answered), len(found) - failed - len(answered), failed)


def arrived(place: home.Home, endpoint: str, after: bytes, until: bytes) -> list[bytes]:
    """The ids of an endpoint's live requests past one id and up to another, in order."""
    fresh = [one for one in unrecorded(place) if isinstance(one, records.Prediction) and after < one.id <= until]
    ask = (
        "SELECT DISTINCT id FROM read_parquet($files, union_by_name = true, hive_partitioning = false)"
        " WHERE role = $role AND id > $after AND id <= $until"
    )
    given = {"role": int(arms.Role.LIVE), "after": ids.text(after), "until": ids.text(until)}
    rows = _rows(ask, given, anew(place.log, parquet.PREDICTIONS, endpoint, after, until))
    found = {ids.parse(text) or b"" for (text,) in rows}
    return sorted(found | {one.id for one in fresh if one.endpoint == endpoint and one.role == arms.Role.LIVE})


def versions(place: home.Home, endpoint: str) -> list[int]:
    """Ordinals of the versions that live requests were logged for, newest first."""
    return list(dict.fromkeys(one.version for one in counts(place, endpoint)))


def requests(
    place: home.Home, wanted: Sequence[bytes], at_once: int = 500
) -> Iterator[tuple[list[records.Prediction], list[records.Outcome]]]:
    """The live predictions of these ids with their ground truth, some at a time, in the ids' order."""
    all_wanted, sight = set(wanted), sights.Sight(place)
    fresh = [one for one in unrecorded(place) if one.id in all_wanted]
    for begin in range(0, len(wanted), at_once):
        some = wanted[begin : begin + at_once]
        mine = set(some)
        more = [one for one in fresh if one.id in mine]
        told = [_askable(sight.opened(one)) for one in predictions(place.log, some)]
        known = {_identity(one): one for one in (*told, *outcomes(place.log, some), *more)}
        live = [one for one in known.values() if isinstance(one, records.Prediction) and one.role == arms.Role.LIVE]
        heard = [one for one in known.values() if isinstance(one, records.Outcome) and not one.metric]
        yield sorted(live, key=lambda one: one.id), [one for one in heard if one.role == arms.Role.LIVE]


def failures(place: home.Home, endpoint: str, version: int = 0, wanted: int = 10) -> list[Failure]:
    """Why the latest predictions of an endpoint (or one version of it) failed, in the model's words; newest first.

    Copies of mirrored requests are counted apart.
    """
    ask = (
        "SELECT version, error, count(*), max(epoch_ns(arrived)), max(id), role = $shadow AS copies FROM"
        " read_parquet($files, union_by_name = true, hive_partitioning = false)"
        " WHERE error != '' AND $version IN (0, version) GROUP BY version, error, copies ORDER BY max(arrived) DESC LIMIT $wanted"
    )
    given = {"version": version, "wanted": wanted, "shadow": int(arms.Role.SHADOW)}
    rows = _rows(ask, given, anew(place.log, parquet.PREDICTIONS, endpoint))
    found = {(one.version, one.error, one.copies): one for one in (Failure(*row) for row in rows)}
    for one in unrecorded(place):
        if isinstance(one, records.Prediction) and one.endpoint == endpoint and one.error and version in (0, one.version):
            key = (one.version, one.error, one.role == arms.Role.SHADOW)
            before = found.get(key)
            count = before.requests + 1 if before else 1
            found[key] = Failure(*key[:2], count, one.arrived_ns, ids.text(one.id), key[2])
    return sorted(found.values(), key=lambda one: one.last_ns, reverse=True)[:wanted]


def _askable(one: records.Prediction) -> records.Prediction:
    """Without an input that no key has opened."""
    return msgspec.structs.replace(one, input=b"") if sights.encrypted(one.input) else one


def _usable(one: records.Prediction) -> bool:
    return one.role == arms.Role.LIVE and one.mark == marks.Mark.OK and bool(one.input) and one.content != records.BINARY


def _identity(record: segments.Record) -> tuple[str, int]:
    return (record.incarnation, record.sequence)


def _recorded(log: pathlib.Path, table: str, wanted: Sequence[bytes]) -> list[segments.Record]:
    """The records of these ids that are in Parquet, each once."""
    if not wanted:
        return []
    moments = ", ".join(f"{shown} AS {name}" for name, shown in _MOMENTS.items() if name in parquet.SCHEMAS[table].names)
    shown = [ids.text(one) for one in wanted]
    narrow = "id BETWEEN $least AND $most AND list_contains($ids::VARCHAR[], id)"
    # Not by their names: files of an earlier version lack the columns that were added since. Typed columns say nothing new.
    every = f"COLUMNS(lambda name: NOT (starts_with(name, '{columns.PREFIX}') OR starts_with(name, '{columns.OUTPUT}')))"
    files = f"(SELECT {every} FROM read_parquet($files, union_by_name = true, hive_partitioning = false) WHERE {narrow})"  # noqa: S608
    ask = f"SELECT * REPLACE ({moments}) FROM {files}"  # noqa: S608
    given = {"ids": shown, "least": min(shown), "most": max(shown)}
    # What is given out record by record is what was written, or it is not given out.
    sound = lambda: [  # noqa: E731 - asked again after a merge
        str(log / file.path) for file in _files(log, table, least=min(wanted), most=max(wanted)) if _sound(log, file)
    ]
    headings, rows = _answer(ask, given, sound)
    make: Callable[[dict[str, object]], segments.Record] = parquet.prediction if table == parquet.PREDICTIONS else parquet.outcome
    told = (_whole(log, dict(zip(headings, row, strict=True))) for row in rows)
    found = [one for row in told if (one := _understood(make, row)) is not None]
    return list({_identity(one): one for one in found}.values())


def _understood(make: Callable[[dict[str, object]], _T], row: dict[str, object]) -> _T | None:
    """The record in a row; None for one that a disk has changed, in a file whose checksums were lost with the catalogue."""
    try:
        return make(row)
    except (ValueError, TypeError, msgspec.DecodeError) as failed:
        _log.error("a record of the prediction log cannot be understood", extra={"id": row.get("id"), "why": str(failed)})
        return None


def _whole(log: pathlib.Path, row: dict[str, object]) -> dict[str, object]:
    """A row with the bodies that it refers to."""
    for name in ("input", "output"):
        text = str(row.get(name, ""))
        if text.startswith(objects.REFERENCE):
            milliseconds = ids.milliseconds(ids.parse(str(row["id"])) or bytes(16))
            place = parquet.Partition(parquet.PREDICTIONS, str(row["endpoint"]), parquet.day(milliseconds / 1e3))
            row[name] = parquet.shown(_body(log, place, text))
    return row


def _body(log: pathlib.Path, place: parquet.Partition, text: str) -> bytes:
    """The body that is in a column as this text, or that it refers to; empty where that is gone."""
    if text.startswith(objects.REFERENCE):
        return objects.get(objects.folder(log, place.endpoint, place.day), text) or b""
    return parquet.body(text)


def _rows(ask: str, given: dict[str, Any], files: Paths) -> list[tuple[Any, ...]]:
    return _answer(ask, given, files)[1]


def answer(ask: str, given: dict[str, Any], files: Mapping[str, Paths], take: Callable[[Any], _T]) -> _T | None:
    """What `take` makes of the answer over the files that `files` says, by parameter of the query.

    They are asked for again when the recorder merged some meanwhile. One that is damaged is passed over, and said so in this
    process's log; the recorder sets it aside. None where any of them are none.
    """
    passed: set[str] = set()
    for left in reversed(range(_TRIES)):
        named = {name: [path for path in there() if path not in passed] for name, there in files.items()}
        if not all(named.values()):
            break
        try:
            with engine.asked() as connection:
                return take(connection.sql(ask, params={**given, **named}))
        except (duckdb.Error, ValueError) as failed:
            merged = isinstance(failed, duckdb.IOException) and left == _TRIES - 1
            damaged = set() if merged else _damaged(named)
            if not left or not (merged or damaged):
                raise
            passed |= damaged
    return None


def _damaged(named: dict[str, list[str]]) -> set[str]:
    """Those of the files that are not what was written."""
    every = [pathlib.Path(path) for some in named.values() for path in some]
    roots = {parent for path in every for parent in path.parents if (parent / catalogue.NAME).exists()}
    known = {root / file.path: (root, file) for root in roots for file in _files(root, "")}
    return {str(path) for path in every if not (_sound(*known[path]) if path in known else intact.readable(path))}


def _sound(log: pathlib.Path, file: parquet.File) -> bool:
    """Whether a file is what was written: looked at once by this process, as long as nobody touches the file."""
    path = log / file.path
    try:
        told = path.stat()
        key = (str(path), told.st_mtime_ns, told.st_size)
        if key in _SEEN:
            return True
        why = intact.differs(log, file)
    except OSError as failed:
        why = str(failed)
    else:
        if not why:
            _SEEN.add(key)
            return True
    _log.error("a file of the prediction log is damaged and is passed over", extra={"file": file.path, "why": why})
    return False


def _answer(ask: str, given: dict[str, Any], files: Paths) -> tuple[list[str], list[tuple[Any, ...]]]:
    """(columns, rows) over these files."""
    found = answer(ask, given, {"files": files}, lambda told: ([column[0] for column in told.description], told.fetchall()))
    return found or ([], [])


def _files(log: pathlib.Path, table: str, endpoint: str = "", least: bytes = b"", most: bytes = b"") -> list[parquet.File]:
    if not (log / catalogue.NAME).exists():
        return []
    with catalogue.Catalogue(log, readonly=True) as known:
        return known.files(table, endpoint, least=least, most=most)


def paths(log: pathlib.Path, table: str, endpoint: str = "", least: bytes = b"", most: bytes = b"") -> list[str]:
    """The files of a table that may hold ids from `least` to `most`."""
    return [str(log / file.path) for file in _files(log, table, endpoint, least, most)]


def anew(log: pathlib.Path, table: str, endpoint: str = "", least: bytes = b"", most: bytes = b"") -> Paths:
    """The same, looked up whenever it is asked for: the recorder may have merged some meanwhile."""
    return functools.partial(paths, log, table, endpoint, least, most)


def names(log: pathlib.Path, endpoint: str, least: bytes, most: bytes) -> set[str]:
    """The columns of an endpoint's files that may hold ids from `least` to `most`. Raises as `answer` does."""
    ask = "SELECT column_name FROM (DESCRIBE SELECT * FROM read_parquet($files, union_by_name = true, hive_partitioning = false))"
    files = anew(log, parquet.PREDICTIONS, endpoint, least, most)
    return answer(ask, {}, {"files": files}, lambda told: {row[0] for row in told.fetchall()}) or set()


def unrecorded(place: home.Home, wanted: bytes = b"") -> Iterator[segments.Record]:
    """The records that are in segments only, as they will be kept; with `wanted`, of that id."""
    sight = sights.Sight(place)
    places: dict[tuple[str, int], catalogue.Place] = {}
    if (place.log / catalogue.NAME).exists():
        with catalogue.Catalogue(place.log, readonly=True) as known:
            places = known.progress().places
    for incarnation, files in segments.listing(place.segments).items():
        for number, path in files:
            at = places.get((incarnation, number), catalogue.Place())
            if not at.done:
                for one in _tail(path, at.offset, wanted):
                    if not wanted or one.id == wanted:
                        yield sight.fresh(one) if isinstance(one, records.Prediction) else one


def _tail(path: pathlib.Path, offset: int, wanted: bytes) -> Iterator[segments.Record]:
    """The records of a segment from an offset on, past damage; nothing when the wanted id's bytes are not in there."""
    try:
        if wanted and not _holds(path, offset, wanted):
            return
        end = path.stat().st_size
        while offset < end:
            try:
                for after, record in segments.read(path, offset):
                    offset = after
                    yield record
            except errors.SegmentCorrupt:
                offset = segments.skip(path, offset)
            else:
                return
    except FileNotFoundError:
        return


def _holds(path: pathlib.Path, offset: int, wanted: bytes) -> bool:
    """Whether these bytes occur in the file from an offset on."""
    with path.open("rb") as file:
        file.seek(offset)
        before = b""
        while chunk := file.read(1 << 22):
            if wanted in before + chunk:
                return True
            before = chunk[-len(wanted) :]
    return False
