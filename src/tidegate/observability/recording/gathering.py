"""Segments of other hosts, brought here to be recorded in one log: copied whole, in order, once each.

A place is a folder or a URL, of one host or many, with segments anywhere below it. A segment is brought once it is ended: a later
one of its boot is there, or nobody has written to it for a while. One that has grown since is brought again. What was brought is
noted in `log/gathered.json`, so that a segment that is long recorded and deleted here does not come once more. Repeats cost
nothing but time: a record is told by its boot and its number, and one that was counted is dropped. Behind the segments of a boot
comes the page that says what it lost at its end (`wire.ends`), if it lost anything.

Called by the command line; the recorder reads what lies in the folder.
"""

import os
import pathlib
import re
from collections.abc import Iterator
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.fs

from tidegate.core.vocabulary import errors, home, placing
from tidegate.dataplane.predlog import segments
from tidegate.dataplane.sinks import files
from tidegate.dataplane.wire import ends

SETTLED_SECONDS = 600.0
GAP_SECONDS = 3_600.0
"""For how long a segment that is missing between two others is waited for."""
_NAME = re.compile(r"([0-9a-f]{32})-(\d{6})\.seg")
_PAGE = re.compile(rf"([0-9a-f]{{32}}){re.escape(ends.ENDING)}")
_NOTED = "gathered.json"


class Gathered(msgspec.Struct):
    """What came of one look."""

    brought: int = 0
    bytes: int = 0
    known: int = 0
    """Segments that had been brought before."""
    waiting: int = 0
    """Segments that are being written, or that an earlier one is missing before."""
    refused: dict[str, str] = {}
    """Files that are no segments, by path, and why."""
    hosts: dict[str, int] = {}
    """Segments brought, by host."""
    ends: int = 0
    """Boots of which it was brought how much they lost at their end."""


class _Found(msgspec.Struct):
    """One segment at the place."""

    path: str
    number: int
    size: int
    at: float
    """When it was last written to: Unix time."""


def gather(place: home.Home, source: str, now: float, settled: float = SETTLED_SECONDS) -> Gathered:
    """Bring what is new. `settled`: seconds after which a last segment that nobody writes to counts as ended.

    Raises SinkInvalid for a place that means nothing, ExtraMissing, SinkUnavailable when it cannot be read, DiskFull.
    """
    system, root = files.system(source if "://" in source else pathlib.Path(source).absolute().as_uri())
    every = _noted(place)
    noted = every.get(source, {})
    told = Gathered()
    seen: dict[str, int] = {}
    pages = _pages(system, root, now - settled)  # read before segments are listed: what they count is in these
    for incarnation, found in _listing(system, root).items():
        reached = -1
        for at, one in enumerate(found):
            name = segments.name(incarnation, one.number)
            ended = at < len(found) - 1 or now - one.at >= settled
            whole = reached in {-1, one.number - 1} or now - one.at >= GAP_SECONDS
            if noted.get(name) == one.size or _is_here(place, name, one.size):
                told.known += 1
            elif not ended or not whole:
                told.waiting += len(found) - at
                pages.pop(incarnation, None)
                break
            else:
                _bring(place, (system, one, name), told)
            seen[name] = one.size
            reached = one.number
    for incarnation, raw in pages.items():
        name, end = f"{incarnation}{ends.ENDING}", ends.told(incarnation, raw)
        if end.sequence > noted.get(name, 0) and not segments.in_use(place.segments / name):
            _put(place, name, raw)
            told.ends += 1
        seen[name] = end.sequence
    _note(place, every | {source: seen})
    return told


def _there(system: Any, root: str, name: re.Pattern[str]) -> Iterator[tuple[re.Match[str], Any]]:
    """The files of such names anywhere below a place, with what the name says."""
    try:
        there = system.get_file_info(pyarrow.fs.FileSelector(root, recursive=True))
    except (OSError, pa.ArrowException) as failed:
        raise errors.SinkUnavailable(f"the place cannot be read: {type(failed).__name__}.", where=root) from failed
    for one in there:
        told = name.fullmatch(one.base_name)
        if told is not None and one.type == pyarrow.fs.FileType.File:
            yield told, one


def _listing(system: Any, root: str) -> dict[str, list[_Found]]:
    """The segments below a place by boot, each boot's in order. Of one that is there twice the larger."""
    found: dict[str, dict[int, _Found]] = {}
    for name, one in _there(system, root, _NAME):
        new = _Found(one.path, int(name.group(2)), one.size, (one.mtime_ns or 0) / 1e9)
        mine = found.setdefault(name.group(1), {})
        if new.number not in mine or mine[new.number].size < new.size:
            mine[new.number] = new
    return {incarnation: [mine[number] for number in sorted(mine)] for incarnation, mine in sorted(found.items())}


def _pages(system: Any, root: str, before: float) -> dict[str, bytes]:
    """What boots say of their end, of those that nobody has written to since a Unix time."""
    found: dict[str, bytes] = {}
    for name, one in _there(system, root, _PAGE):
        if (one.mtime_ns or 0) / 1e9 > before:
            continue
        try:
            with system.open_input_stream(one.path) as source:
                raw = source.read(ends.SIZE)
        except FileNotFoundError:  # of one that has just ended with nothing lost
            continue
        except (OSError, pa.ArrowException) as failed:
            raise errors.SinkUnavailable(f"the place cannot be read: {type(failed).__name__}.", where=one.path) from failed
        if ends.told(name.group(1), raw).sequence:
            found[name.group(1)] = raw
    return found


def _put(place: home.Home, name: str, raw: bytes) -> None:
    try:
        placing.put(place.segments / name, raw)
    except OSError as failed:
        raise errors.DiskFull(f"a page cannot be brought: {failed.strerror}.", where=str(place.segments)) from failed


def _is_here(place: home.Home, name: str, size: int) -> bool:
    """Whether the folder has it already: brought before the note was made, or written here."""
    path = place.segments / name
    try:
        return path.stat().st_size >= size or segments.in_use(path)
    except FileNotFoundError:
        return False


def _bring(place: home.Home, what: tuple[Any, _Found, str], told: Gathered) -> None:
    system, one, name = what
    scratch = place.segments / f".{name}.gathered"
    try:
        with system.open_input_stream(one.path) as source, scratch.open("wb") as target:
            while chunk := source.read(4 << 20):
                target.write(chunk)
            target.flush()
            os.fsync(target.fileno())
        known = segments.head(scratch)
        if known is None or segments.name(known[0].incarnation, known[0].number) != name:
            raise errors.SegmentCorrupt("its head does not say what its name says.")
        scratch.chmod(0o600)
        scratch.replace(place.segments / name)
    except (errors.SegmentCorrupt, errors.ProtocolMismatch) as wrong:
        told.refused[one.path] = wrong.message
        scratch.unlink(missing_ok=True)
        return
    except pa.ArrowException as failed:
        scratch.unlink(missing_ok=True)
        raise errors.SinkUnavailable(f"the place cannot be read: {type(failed).__name__}.", where=one.path) from failed
    except OSError as failed:
        scratch.unlink(missing_ok=True)
        raise errors.DiskFull(f"a segment cannot be brought: {failed.strerror}.", where=str(place.segments)) from failed
    told.brought += 1
    told.bytes += one.size
    told.hosts[known[0].host] = told.hosts.get(known[0].host, 0) + 1


def _noted(place: home.Home) -> dict[str, dict[str, int]]:
    """By place, the sizes of segments and the numbers on pages, by name."""
    try:
        return msgspec.json.decode((place.log / _NOTED).read_bytes(), type=dict[str, dict[str, int]])
    except (OSError, ValueError):
        return {}


def _note(place: home.Home, seen: dict[str, dict[str, int]]) -> None:
    placing.put(place.log / _NOTED, msgspec.json.encode(seen))
