"""Requests as they can be asked again: those of records, and those kept for warming up on.

The kept ones are in HOME/warm/<endpoint>.bin, written by the recorder and read by workers: one MessagePack array, replaced whole.
It is no log: who cannot read it does without.
"""

import pathlib
from collections.abc import Sequence

import msgspec

from tidegate.core.vocabulary import placing, records
from tidegate.dataplane.wire import frames

_CONTENT = {one.name.lower(): int(one) for one in frames.Content} | {records.BINARY: int(frames.Content.INFER)}


class Sample(msgspec.Struct, frozen=True, array_like=True):
    """One request as it came."""

    content: int
    """frames.Content: how the body is to be read."""
    body: bytes
    json_bytes: int = -1
    """As frames.Call has it: how much of the body is JSON, where tensors' bytes follow."""


_decode = msgspec.msgpack.Decoder(tuple[Sample, ...]).decode


def of(one: records.Prediction) -> Sample | None:
    """The request of a record; None where its input was not logged, or came in no form that workers read (`embedded`)."""
    return named(one.content, one.input, one.json_bytes)


def named(content: str, body: bytes, json_bytes: int = -1) -> Sample | None:
    """The same by the name of its content and its body."""
    kind = _CONTENT.get(content)
    return Sample(kind, body, json_bytes) if kind is not None and body else None


def path(folder: pathlib.Path, endpoint: str) -> pathlib.Path:
    """Where an endpoint's are."""
    return folder / f"{endpoint}.bin"


def read(folder: pathlib.Path, endpoint: str) -> tuple[Sample, ...]:
    """An endpoint's, oldest first; none where the file is missing or damaged."""
    try:
        return _decode(path(folder, endpoint).read_bytes())
    except (OSError, ValueError):
        return ()


def write(folder: pathlib.Path, endpoint: str, kept: Sequence[Sample]) -> None:
    """Replace an endpoint's; for this account only, since they are inputs of people. Raises OSError."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    placing.put(path(folder, endpoint), msgspec.msgpack.encode(kept))
