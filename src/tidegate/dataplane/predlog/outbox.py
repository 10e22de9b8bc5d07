"""The outbox: recorded files that sinks still have to get, in the order in which they were recorded.

    log/outbox/NUMBER~TABLE~ENDPOINT~DAY.ship    a second name of a Parquet file of the log; NUMBER counts up and never back
    log/shipped/DIGEST.json                      how far one sink of one endpoint has got

A second name costs nothing while the file has its first. So merging, retention and mending go on as if there were no sinks, and
a sink that is down for a week finds what it has missed. A file is named here before it counts: after a kill a sink may get it
twice.
Called by the recorder (put) and by `observability.shipping` (all else).
"""

import contextlib
import datetime as dt
import hashlib
import os
import pathlib
from typing import NamedTuple

import msgspec
import pyarrow as pa

from tidegate.core.vocabulary import placing
from tidegate.dataplane.predlog import parquet

SUFFIX = ".ship"
_FOLDER, _SHIPPED = "outbox", "shipped"


class Item(NamedTuple):
    """One file in the outbox."""

    number: int
    table: str
    endpoint: str
    """Empty for outcomes."""
    day: str
    path: pathlib.Path

    @property
    def ended(self) -> float:
        """The Unix time at which its day was over."""
        return dt.datetime.fromisoformat(f"{self.day}T00:00:00+00:00").timestamp() + 86_400.0

    @property
    def alone(self) -> bool:
        """Whether nothing else has the file by now: deleting it makes room."""
        try:
            return self.path.stat().st_nlink == 1
        except OSError:
            return False


class Position(msgspec.Struct, frozen=True):
    """How far a sink has got: everything before the item `number`, and of that one the first rows."""

    endpoint: str
    to: str
    number: int = 0
    row: int = 0
    given_up: int = 0
    """Rows that it never got: too old, damaged, or in the way on a full disk."""


def put(log: pathlib.Path, number: int, file: parquet.File) -> None:
    """Name a recorded file. Raises OSError."""
    folder = log / _FOLDER
    folder.mkdir(mode=0o700, exist_ok=True)
    where = file.partition
    os.link(log / file.path, folder / f"{number:012d}~{where.table}~{where.endpoint}~{where.day}{SUFFIX}")


def replace(item: Item, number: int, rows: pa.Table) -> None:
    """Have other rows wait in an item's place, under a number behind all others: a sink that has got some of it gets these again.

    Raises OSError; the item is there then as it was, or also under its new number.
    """
    if rows.num_rows:
        parquet.put(item.path.with_name(f"{number:012d}~{item.table}~{item.endpoint}~{item.day}{SUFFIX}"), rows)
    item.path.unlink(missing_ok=True)


def listing(log: pathlib.Path) -> list[Item]:
    """Everything in it, in order."""
    found = []
    for path in sorted((log / _FOLDER).glob(f"*{SUFFIX}")):
        told = path.name.removesuffix(SUFFIX).split("~")
        if told[0].isdigit() and len(told) == 4:
            found.append(Item(int(told[0]), told[1], told[2], told[3], path))
    return found


def following(log: pathlib.Path) -> int:
    """The number behind all that were ever given."""
    last = [one.number for one in listing(log)] + [one.number for one in positions(log)]
    return max(last, default=0) + 1


def positions(log: pathlib.Path) -> list[Position]:
    """How far every sink has got that ever got anything."""
    return [found for path in (log / _SHIPPED).glob("*.json") if (found := _read(path)) is not None]


def clear(log: pathlib.Path) -> None:
    """Nothing is to be shipped any more."""
    for one in listing(log):
        one.path.unlink(missing_ok=True)


def position(log: pathlib.Path, endpoint: str, to: str) -> Position:
    """How far one has got; a new one has got nothing."""
    return _read(_path(log, endpoint, to)) or Position(endpoint, to)


def reach(log: pathlib.Path, where: Position) -> None:
    """Keep a position. Raises OSError."""
    path = _path(log, where.endpoint, where.to)
    path.parent.mkdir(mode=0o700, exist_ok=True)
    placing.put(path, msgspec.json.encode(where))


def forget(log: pathlib.Path, where: Position) -> None:
    """A sink is none any more."""
    _path(log, where.endpoint, where.to).unlink(missing_ok=True)


def _path(log: pathlib.Path, endpoint: str, to: str) -> pathlib.Path:
    return log / _SHIPPED / f"{hashlib.sha256(f'{endpoint} {to}'.encode()).hexdigest()[:16]}.json"


def _read(path: pathlib.Path) -> Position | None:
    with contextlib.suppress(OSError, msgspec.DecodeError):
        return msgspec.json.decode(path.read_bytes(), type=Position)
    return None
