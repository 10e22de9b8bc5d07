"""How far each sink of each endpoint has got in the recorded log: log/shipped/DIGEST.json.

A sink begins with what is recorded from when it is first seen in the routing table: the recorder, who gives moments, begins it.
From then on its line in the shipper alone moves it. Called by the recorder and by `observability.shipping`.
"""

import contextlib
import hashlib
import pathlib

import msgspec

from tidegate.core.vocabulary import placing
from tidegate.dataplane.predlog import recorded

_FOLDER = "shipped"


class Position(msgspec.Struct, frozen=True):
    """Everything that was recorded up to `moment` is delivered, and of what came next, up to `until`, the rows up to `last`."""

    endpoint: str
    to: str
    moment: int = 0
    """Unix milliseconds, as in the column `recorded`."""
    until: int = 0
    """0: nothing is delivered in part."""
    last: recorded.Place = recorded.Place()
    delivered: int = 0
    """Rows, since the sink began."""
    given_up: int = 0
    """Rows that it never got, since they could not be read."""
    damaged: tuple[str, ...] = ()
    """Files whose lost rows are among these, and that are not behind it yet."""


def position(log: pathlib.Path, endpoint: str, to: str) -> Position | None:
    """How far one has got; None: it has not begun. One of which that cannot be read gets everything, once more: better than not
    at all. Raises OSError.
    """
    path = _path(log, endpoint, to)
    return _read(path) or (Position(endpoint, to) if path.exists() else None)


def positions(log: pathlib.Path) -> list[Position]:
    """How far all have got, where that can be read. Raises OSError."""
    return [found for path in (log / _FOLDER).glob("*.json") if (found := _read(path)) is not None]


def reach(log: pathlib.Path, where: Position) -> None:
    """Keep a position. Raises OSError."""
    path = _path(log, where.endpoint, where.to)
    path.parent.mkdir(mode=0o700, exist_ok=True)
    placing.put(path, msgspec.json.encode(where))


def forget(log: pathlib.Path, where: Position) -> None:
    """A sink is none any more."""
    _path(log, where.endpoint, where.to).unlink(missing_ok=True)


def _path(log: pathlib.Path, endpoint: str, to: str) -> pathlib.Path:
    return log / _FOLDER / f"{hashlib.sha256(f'{endpoint} {to}'.encode()).hexdigest()[:16]}.json"


def _read(path: pathlib.Path) -> Position | None:
    with contextlib.suppress(FileNotFoundError, ValueError):
        return msgspec.json.decode(path.read_bytes(), type=Position)
    return None
