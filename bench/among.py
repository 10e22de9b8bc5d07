"""One id among very many: a prediction log of any size, as the recorder's merges leave it, and how long finding one takes.

Rows are made by columns and not from records: what is looked for (the id) and what tells files and row groups apart (ids in
order of time) is as it would be, and a row is as large.
"""

import random
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from bench import recording
from tidegate.core.vocabulary import home, ids
from tidegate.dataplane.predlog import catalogue, parquet, reader

FILE_ROWS = 4 * parquet.ROW_GROUP
"""What a merge of 64 MB comes to."""
RATE = 20_000
"""Rows a second by their ids."""
_HEX = np.frombuffer(b"0123456789abcdef", np.uint8)
_DASHES = (8, 13, 18, 23)
_FIND = """
import pathlib, sys
from tidegate.core.vocabulary import home, ids
from tidegate.dataplane.predlog import reader
sys.exit(reader.find(home.Home(pathlib.Path(sys.argv[1])), ids.parse(sys.argv[2])) is None)
"""


class Found(NamedTuple):
    """What looking for some of them took."""

    rows: int
    files: int
    bytes: int
    seconds: tuple[float, ...]
    """Of each, in a process that is there."""
    whole_seconds: float
    """Of one, by a process that starts for it."""
    missed: int


def measure(place: home.Home, rows: int, finds: int) -> Found:
    """Write that many rows, and look for some of them at random and for one that is not there."""
    digest = recording.prepare(place)
    chosen: list[bytes] = []
    rng = random.Random(1)
    files, size = 0, 0
    begin_ms = int(time.time() * 1e3) - rows * 1_000 // RATE
    sample = next(recording.predictions(digest, begin_ms * 10**6, RATE))
    with catalogue.Catalogue(place.log) as known:
        for number, (identifiers, table) in enumerate(_tables(sample, begin_ms, rows)):
            where = parquet.Partition(parquet.PREDICTIONS, sample.endpoint, parquet.day(ids.milliseconds(identifiers[0]) / 1e3))
            made = parquet.place(place.log, where, f"{number:013d}-m1", table, 1)
            known.begin()
            known.add([made])
            known.commit()
            files, size = files + 1, size + made.stored
            chosen.append(rng.choice(identifiers))
        known.begun()
    wanted = rng.sample(chosen, min(finds, len(chosen)))
    took, missed = [], 0
    for identifier in wanted:
        began = time.perf_counter()
        found = reader.find(place, identifier)
        took.append(time.perf_counter() - began)
        missed += found is None or found.prediction.id != identifier
    missed += reader.find(place, ids.uuid7(begin_ms, 5)) is not None
    return Found(rows, files, size, tuple(took), _by_itself(place, wanted[0]), missed)


def _by_itself(place: home.Home, identifier: bytes) -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", _FIND, str(place.root), ids.text(identifier)], check=True)
    return time.perf_counter() - began


def _tables(sample: object, begin_ms: int, rows: int) -> Iterator[tuple[list[bytes], pa.Table]]:
    """(a few of its ids, rows) by file."""
    rng = np.random.default_rng(3)
    inputs = pa.array([body.decode() for body in recording.bodies(rng)])
    pattern = parquet.table([sample])  # type: ignore[list-item]
    for begin in range(0, rows, FILE_ROWS):
        count = min(FILE_ROWS, rows - begin)
        at_ms = begin_ms + (begin + np.arange(count)) * 1_000 // RATE
        texts, raw = identifiers(at_ms, rng)
        columns = {name: pa.repeat(pattern[name][0], count) for name in pattern.schema.names}
        columns["id"] = texts
        columns["sequence"] = pa.array(np.arange(begin, begin + count))
        columns["arrived"] = pa.array(at_ms * 10**6).cast(pattern.schema.field("arrived").type)
        columns["input"] = inputs.take(pa.array(rng.integers(0, len(inputs), count)))
        columns["answers"] = pa.array([f"[{value!r}]" for value in rng.random(count).tolist()])
        yield [raw[at].tobytes() for at in rng.integers(0, count, 8)], pa.table(columns, schema=pattern.schema)


def identifiers(at_ms: np.ndarray, rng: np.random.Generator) -> tuple[pa.Array, np.ndarray]:
    """UUIDv7 of these times, in order: as text, and as [rows, 16] bytes."""
    count = len(at_ms)
    raw = rng.integers(0, 256, (count, 16), np.uint8)
    for byte in range(6):
        raw[:, byte] = (at_ms >> (8 * (5 - byte))) & 0xFF
    raw[:, 6:8] = np.frombuffer((np.arange(count) % 4_096).astype(">u2").tobytes(), np.uint8).reshape(count, 2)
    raw[:, 6] |= 0x70
    raw[:, 8] = (raw[:, 8] & 0x3F) | 0x80
    order = np.lexsort([raw[:, byte] for byte in reversed(range(16))])
    raw = raw[order]
    digits = np.empty((count, 32), np.uint8)
    digits[:, 0::2], digits[:, 1::2] = _HEX[raw >> 4], _HEX[raw & 15]
    text = np.full((count, 36), ord("-"), np.uint8)
    text[:, [place for place in range(36) if place not in _DASHES]] = digits
    offsets = pa.array(np.arange(count + 1, dtype=np.int32) * 36)
    return pa.StringArray.from_buffers(count, offsets.buffers()[1], pa.py_buffer(text.tobytes())), raw
