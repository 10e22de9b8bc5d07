"""The routing table on disk: the truth that gateways, control and the command line share.

Written under a lock, by rename, with the generation the writer has read as its parent; a writer whose parent is not
current any more is refused. The table before is kept beside it.
"""

import contextlib
import fcntl
import os
import pathlib
from collections.abc import Callable, Iterator

import msgspec

from tidegate.core.vocabulary import errors, tables


def read(path: pathlib.Path) -> tables.Table:
    """The table, or `tables.EMPTY` where none has been written. Raises TableUnreadable for a damaged or too new file."""
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        return tables.EMPTY
    try:
        table = msgspec.json.decode(raw, type=tables.Table)
    except ValueError as broken:
        raise errors.TableUnreadable(where=str(path), cure=f"({broken}) Put {path.name}.last in its place.") from broken
    if table.protocol > tables.PROTOCOL + 1:
        raise errors.ProtocolMismatch(f"the table has protocol {table.protocol}, this process reads {tables.PROTOCOL}")
    return table


class Reading:
    """The table for who looks often: read again where the file is another one."""

    def __init__(self, path: pathlib.Path) -> None:
        self._path = path
        self._seen = (0, 0)
        self._table = tables.EMPTY

    def read(self) -> tables.Table:
        """As `read`."""
        try:
            told = self._path.stat()
            seen = (told.st_mtime_ns, told.st_ino)
        except FileNotFoundError:
            seen = (0, 0)
        if seen != self._seen:
            self._table = read(self._path)  # one that cannot be read is looked at once more the next time
            self._seen = seen
        return self._table


def last(path: pathlib.Path) -> pathlib.Path:
    """Where the table before is kept."""
    return path.with_name(f"{path.name}.last")


def write(path: pathlib.Path, change: Callable[[tables.Table], tables.Table | None], parent: int | None = None) -> tables.Table:
    """Replace the table by `change(current)`; None from it leaves all as it is. Returns the table now in force.

    The new generation is the current one plus 1, whatever `change` says; its parent is the current one; every route that
    differs from before gets the new generation. `parent`: the generation the caller has decided on.
    Raises ParentStale when that is not current, DiskFull when the file cannot be written; the old table then stays.
    """
    with _locked(path):
        current = read(path)
        if parent is not None and current.generation != parent:
            raise errors.ParentStale(f"the table is at generation {current.generation}, not at {parent}")
        wanted = change(current)
        if wanted is None:
            return current
        generation = current.generation + 1
        routes = {name: _stamped(route, current.routes.get(name), generation) for name, route in wanted.routes.items()}
        table = msgspec.structs.replace(wanted, generation=generation, parent=current.generation, routes=routes)
        _replace(path, msgspec.json.encode(table))
        return table


def _stamped(route: tables.Route, before: tables.Route | None, generation: int) -> tables.Route:
    """A route keeps its generation exactly as long as nothing that decides arms or evidence changes."""
    if before is not None and _draw(route) == _draw(before):
        return msgspec.structs.replace(route, generation=before.generation)
    return msgspec.structs.replace(route, generation=generation)


def _draw(route: tables.Route) -> tuple[object, ...]:
    candidate = route.candidate.ordinal if route.candidate else 0
    by = (route.weight, route.salt, route.sticky, route.cohort)
    return (route.stable.ordinal, candidate, by, route.evidence, route.release, route.stage)


@contextlib.contextmanager
def _locked(path: pathlib.Path) -> Iterator[None]:
    file = os.open(path.with_name("table.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
    finally:
        os.close(file)


def _replace(path: pathlib.Path, raw: bytes) -> None:
    scratch = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with scratch.open("wb") as file:
            file.write(raw)
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileNotFoundError):
            kept = last(path)
            kept.unlink(missing_ok=True)
            os.link(path, kept)
        scratch.replace(path)
    except OSError as failed:
        scratch.unlink(missing_ok=True)
        raise errors.DiskFull(f"the routing table cannot be written: {failed.strerror}", where=str(path)) from failed
