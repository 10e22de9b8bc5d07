"""Spans of traced requests: from the worker to the gateway in a REPLY, and from gateways to the monitor in files.

Files are HOME/spans/<incarnation>-<number>.spans, one MessagePack array of `Traced` each, which appear whole, by rename: whoever
exports one deletes it. They are no log: a gateway that is killed loses what it has not written, half a second's worth, and writes
no more while nobody takes them away.
"""

import contextlib
import logging
import pathlib

import msgspec

from tidegate.core.vocabulary import placing

ENDING = ".spans"
MOST_FILES = 240
"""Beyond these nothing is written: nobody takes them away."""
MOST_TRACES = 2_000
"""In memory between two beats."""
MOST_SPANS = 100
"""Of one request."""
_log = logging.getLogger(__name__)


class Span(msgspec.Struct, array_like=True):
    """Something that took time."""

    name: str
    id: bytes
    """8 bytes."""
    parent: bytes
    """The span it is part of; empty: it begins the trace."""
    start_ns: int
    """Unix nanoseconds."""
    end_ns: int
    attributes: dict[str, str | int | float | bool] = {}
    error: str = ""
    """Why it failed; empty: it did not."""


class Traced(msgspec.Struct, array_like=True):
    """One request that is traced, with all its spans: the gateway's first."""

    id: bytes
    """The trace's: 16 bytes."""
    state: str
    """W3C's tracestate, as the client sent it."""
    remote: bool
    """Whether the first span's parent is the client's."""
    spans: list[Span]


_encoder = msgspec.msgpack.Encoder()
_decode = msgspec.msgpack.Decoder(list[Traced]).decode


class Writer:
    """One gateway boot's. For one thread."""

    def __init__(self, folder: pathlib.Path | None, incarnation: str) -> None:
        """`folder` None: nothing is kept."""
        self._folder, self._incarnation = folder, incarnation
        self._traces: list[Traced] = []
        self._number = 0
        self.dropped = 0
        """Traces that nobody will see."""

    def add(self, traced: Traced) -> None:
        """Keep it until the next beat."""
        if self._folder is None or len(self._traces) >= MOST_TRACES:
            self.dropped += 1
        else:
            self._traces.append(traced)

    def flush(self) -> None:
        """Write what was kept, if any. A full disk, or a folder that is full, drops it."""
        if not self._traces or self._folder is None:
            return
        traces, self._traces = self._traces, []
        try:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            if sum(1 for _ in self._folder.iterdir()) >= MOST_FILES:
                raise OSError("nobody takes them away")
            path = self._folder / f"{self._incarnation}-{self._number:06d}{ENDING}"
            placing.put(path, _encoder.encode(traces))
            self._number += 1
        except OSError as failed:
            if not self.dropped:
                _log.warning("traces are dropped", extra={"why": str(failed)})
            self.dropped += len(traces)


def waiting(folder: pathlib.Path) -> list[pathlib.Path]:
    """Files to be exported, oldest first."""
    found = []
    for path in folder.glob(f"[!.]*{ENDING}"):
        with contextlib.suppress(FileNotFoundError):
            found.append((path.stat().st_mtime_ns, path))
    return [path for _, path in sorted(found)]


def read(path: pathlib.Path) -> list[Traced]:
    """The traces in a file. Raises OSError, ValueError."""
    return _decode(path.read_bytes())
