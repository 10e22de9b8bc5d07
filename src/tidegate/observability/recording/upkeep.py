"""Upkeep of the prediction log: many small files become one, recorded segments go, and what a kill left behind is swept.

Called by the recorder, between batches.
"""

import contextlib
import logging
import pathlib
import sqlite3

import pyarrow as pa
import pyarrow.parquet as pq

from tidegate.core.vocabulary import errors
from tidegate.dataplane.predlog import catalogue, columns, intact, parquet, reader, recorded
from tidegate.observability.recording import following, mending

FILES_MOST = 20
"""Files of one level in one partition; one more, and they are merged."""
MERGED_SIZE = 64 << 20
"""Uncompressed bytes that one merge takes at most; a file of half of it is large enough."""
RETENTION_SECONDS = 3600.0
"""How long a segment is kept after it was recorded to its end, and a page after it was last written to."""
log = logging.getLogger(__name__)


def reopened(folder: pathlib.Path) -> catalogue.Catalogue:
    """The catalogue, with the log made to agree with it: what does not count is deleted.

    A catalogue that is lost, damaged or older than the files is made anew from the Parquet files in place, and kept aside.
    Profiles are then to be counted once more (`recounting`). Raises StoreUnavailable, OSError and sqlite3.Error.
    """
    try:
        known = catalogue.Catalogue(folder)
    except errors.StoreUnavailable as failed:
        if isinstance(failed.__cause__, sqlite3.OperationalError):
            raise
        _set_aside(folder / catalogue.NAME)
        known = catalogue.Catalogue(folder)
    if not known.new and _is_older(known):
        known.close()
        _set_aside(folder / catalogue.NAME)
        known = catalogue.Catalogue(folder)
    if known.new:
        _renew(known)
    _sweep(folder, {file.path for file in known.files()})
    return known


def _is_older(known: catalogue.Catalogue) -> bool:
    """Whether the catalogue is one of an earlier time.

    A kill leaves the files of one batch, or one that was to be in the place of others, which are still there; what is more than
    that was made to count by a catalogue that this one is not.
    """
    counted, last = {file.path for file in known.files()}, known.last_moment()
    others = {path for path in known.log.glob(f"*/**/*{parquet.SUFFIX}") if path.relative_to(known.log).as_posix() not in counted}
    gone = {(known.log / path).parent for path in counted if not (known.log / path).exists()}
    if any(path.parent in gone for path in others):
        return True
    return len({moment for path in others for moment in recorded.moments(path) if moment > last}) > 1


def present(known: catalogue.Catalogue) -> None:
    """See that the catalogue at work is still the one that lies in its place.

    Raises StoreUnavailable where it was deleted or replaced: what lies there now is set aside, so that the next one is made anew
    from the files and not mixed with what was meant for another.
    """
    if known.displaced:
        _set_aside(known.log / catalogue.NAME)
        raise errors.StoreUnavailable("The catalogue was deleted or replaced while the recorder was at work.")


def _renew(known: catalogue.Catalogue) -> None:
    """Have every file in place count, and go on behind what they hold: a log that begins, or whose catalogue was lost."""
    _pass_over(known.log)
    found = parquet.found(known.log)
    expected: dict[str, int] = {}
    if found:
        log.warning("the catalogue is made anew from the files", extra={"files": len(found)})
        expected = reader.expected([str(known.log / file.path) for file in found])
    known.begin()
    known.add(found)
    known.recount([file for file in found if file.partition.table == parquet.PREDICTIONS])
    known.advance({}, expected)
    known.begun()
    known.commit()


def _pass_over(folder: pathlib.Path) -> None:
    """Set aside every file that cannot be read, where no catalogue says which they are."""
    for path in folder.glob(f"*/**/*{parquet.SUFFIX}"):
        if not intact.readable(path):
            log.error("a file of the prediction log is damaged and was set aside", extra={"file": str(path)})
            path.replace(path.with_name(path.name + parquet.ASIDE))


def examine(folder: pathlib.Path) -> None:
    """Put the catalogue aside where pages of it are damaged, which opening it does not show; the next one is made anew.

    Raises sqlite3.OperationalError while it cannot be read.
    """
    try:
        with contextlib.closing(sqlite3.connect(folder / catalogue.NAME, timeout=10)) as connection:
            whole = connection.execute("PRAGMA quick_check(1)").fetchone() == ("ok",)
    except sqlite3.OperationalError:
        raise
    except sqlite3.DatabaseError:
        whole = False
    if not whole:
        _set_aside(folder / catalogue.NAME)


def _set_aside(path: pathlib.Path) -> None:
    log.error("the catalogue is not what it was and is made anew", extra={"aside": f"{path.name}.damaged"})
    with contextlib.suppress(FileNotFoundError):
        path.replace(path.with_name(f"{path.name}.damaged"))
    for tail in ("-wal", "-shm"):
        path.with_name(path.name + tail).unlink(missing_ok=True)


def _sweep(folder: pathlib.Path, counted: set[str]) -> None:
    """Delete the files that a killed recorder wrote without making them count: their records are read again."""
    for path in folder.glob("*/**/*"):
        name = path.relative_to(folder).as_posix()
        if path.suffix == parquet.SCRATCH or (path.suffix == parquet.SUFFIX and name not in counted):
            path.unlink(missing_ok=True)


def merge(known: catalogue.Catalogue, name: str) -> list[parquet.File]:
    """Merge the small files of each partition that has too many of one level; the new files. Raises OSError, sqlite3.Error."""
    groups: dict[tuple[parquet.Partition, int], list[parquet.File]] = {}
    waiting = {one.path for one in known.recounts()}  # how far they are counted goes by the file
    for file in known.files():
        if file.size < MERGED_SIZE // 2 and file.path not in waiting:
            groups.setdefault((file.partition, file.level), []).append(file)
    merged = []
    several = [part for files in groups.values() if len(files) > FILES_MOST for part in _alike(known, files)]
    for files in several:
        chosen = _whole(known, _chosen(files), name) if len(files) > FILES_MOST else []
        if len(chosen) > 1:
            whole = parquet.merge(known.log, name, chosen)
            known.begin()
            known.add([whole])
            known.drop(chosen)
            known.commit()
            for file in chosen:
                (known.log / file.path).unlink(missing_ok=True)
            merged.append(whole)
    if merged:
        pa.default_memory_pool().release_unused()  # what merging took, which is more than anything else does
    return merged


def _alike(known: catalogue.Catalogue, files: list[parquet.File]) -> list[list[parquet.File]]:
    """By which typed columns are texts: a column that was encrypted at some time of the day stays typed in what came before."""
    groups: dict[frozenset[str], list[parquet.File]] = {}
    for file in files:
        try:
            texts = columns.texts(pq.read_schema(known.log / file.path))
        except (pa.ArrowException, OSError):  # damaged ones are set aside among the first that are merged
            texts = next(iter(groups), frozenset())
        groups.setdefault(texts, []).append(file)
    return list(groups.values())


def _whole(known: catalogue.Catalogue, files: list[parquet.File], name: str) -> list[parquet.File]:
    """Those that are as they were written; the others are set aside."""
    found = []
    for number, file in enumerate(files):
        why = intact.differs(known.log, file)
        if why:
            mending.set_aside(known, file, why, f"{name}-s{number}")
        else:
            found.append(file)
    return found


def _chosen(files: list[parquet.File]) -> list[parquet.File]:
    """The oldest files that fit into one merge."""
    chosen: list[parquet.File] = []
    size = 0
    for file in sorted(files, key=lambda file: file.first):
        size += file.size
        if size > MERGED_SIZE and len(chosen) > 1:
            break
        chosen.append(file)
    return chosen


def retire(known: catalogue.Catalogue, follower: following.Follower, now: float, *, at_once: bool = False) -> int:
    """Delete the segments that have been recorded for long enough, or `at_once` those that are recorded; how many.

    The pages on which boots said how they ended stay as long, for who gathers.
    """
    for path in follower.over(now - RETENTION_SECONDS):
        path.unlink(missing_ok=True)
    old = follower.recorded(now if at_once else now - RETENTION_SECONDS)
    if not old:
        return 0
    known.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # what says that they are recorded must be on the disk first
    known.begin()
    for key, path in old:
        with contextlib.suppress(FileNotFoundError):
            path.unlink()
        known.forget(*key)
        follower.forget(key)
    known.commit()
    return len(old)
