"""What is too large for a column, once each: a file named by the sha256 of its bytes, and a reference in the column.

    objects/endpoint=E/day=YYYY-MM-DD/<64 hexadecimal digits>

By endpoint and day like the predictions that refer to them: what goes with age or is forgotten is then in one place. Text is
UTF-8, bodies are as they came, tensors are NPY files (`numpy.load`). Called by the recorder (put, sweep) and the reader (get).
"""

import hashlib
import io
import pathlib
from collections.abc import Iterable
from typing import Any

import numpy as np

from tidegate.core.vocabulary import placing

FOLDER = "objects"
REFERENCE = "object:"
BODY_MOST = 64 << 10
"""Bytes of a body that is kept in its column."""
TEXT_MOST = 1_024
"""Letters of a text likewise."""
ELEMENTS_MOST = 1_024
"""Values of a tensor's row likewise."""


def folder(log: pathlib.Path, endpoint: str, day: str) -> pathlib.Path:
    """Where those of an endpoint and a day are."""
    return log / FOLDER / f"endpoint={endpoint}" / f"day={day}"


def put(place: pathlib.Path, data: bytes) -> str:
    """Keep bytes in a folder, on the disk when this returns; the reference. Raises OSError when the disk refuses."""
    name = hashlib.sha256(data).hexdigest()
    final = place / name
    if not final.exists():
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        placing.put(final, data, synced=True)
    return REFERENCE + name


def get(place: pathlib.Path, reference: str) -> bytes | None:
    """The bytes of a reference; None where they are gone."""
    name = reference.removeprefix(REFERENCE)
    try:
        return (place / name).read_bytes() if name.isalnum() else None
    except OSError:
        return None


def npy(flat: Any, shape: tuple[int, ...], kind: str) -> bytes:
    """A tensor as an NPY file; missing numbers are NaN, texts are of one width."""
    told = io.BytesIO()
    values = np.asarray(flat, kind) if kind != "object" else np.asarray(["" if one is None else str(one) for one in flat])
    np.save(told, values.reshape(shape), allow_pickle=False)
    return told.getvalue()


def sweep(place: pathlib.Path, referred: Iterable[str]) -> list[str]:
    """Delete the files of a folder that none of these references name; the references of those."""
    known = {one.removeprefix(REFERENCE) for one in referred}
    gone = [path for path in place.glob("*") if path.name not in known]
    for path in gone:
        path.unlink(missing_ok=True)
    return [REFERENCE + path.name for path in gone]
