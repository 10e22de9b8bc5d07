"""Tensors as raw bytes: row-major, little-endian, no padding; BOOL one byte a value, BYTES a u32 length and the bytes of each.

The same in the binary tensor extension and in gRPC's raw contents. Where the model has brought numpy, fixed-size values are read
as a view of the bytes; else by `struct`. BF16, which neither knows, is the upper half of FP32.
"""

import math
import struct
import sys
from collections.abc import Sequence
from typing import Any

from tidegate.dataplane.models import complaints

SIZES = {
    "BOOL": 1, "UINT8": 1, "UINT16": 2, "UINT32": 4, "UINT64": 8, "INT8": 1, "INT16": 2, "INT32": 4, "INT64": 8,
    "FP16": 2, "BF16": 2, "FP32": 4, "FP64": 8,
}  # fmt: skip
"""Bytes a value by v2 datatype; BYTES has none."""
_CODES = {
    "BOOL": "?", "UINT8": "B", "UINT16": "H", "UINT32": "I", "UINT64": "Q", "INT8": "b", "INT16": "h", "INT32": "i", "INT64": "q",
    "FP16": "e", "FP32": "f", "FP64": "d",
}  # fmt: skip
_NUMPY = {
    "BOOL": "?", "UINT8": "u1", "UINT16": "<u2", "UINT32": "<u4", "UINT64": "<u8", "INT8": "i1", "INT16": "<i2", "INT32": "<i4",
    "INT64": "<i8", "FP16": "<f2", "FP32": "<f4", "FP64": "<f8",
}  # fmt: skip


def read(datatype: str, raw: bytes, count: int) -> Any:
    """So many values from their bytes: a list, or a read-only numpy array. Raises complaints.Misfit."""
    if datatype == "BYTES":
        return _texts(raw, count)
    if len(raw) != count * SIZES[datatype]:
        raise complaints.Misfit(f"{count} values of {datatype} are {count * SIZES[datatype]} bytes, not {len(raw)}")
    if datatype == "BOOL" and raw.strip(b"\0\1"):
        raise complaints.Misfit("BOOL is one byte a value, 0 or 1")
    numpy = sys.modules.get("numpy")
    if datatype == "BF16":
        wide = bytearray(2 * len(raw))
        wide[2::4], wide[3::4] = raw[::2], raw[1::2]
        datatype, raw = "FP32", bytes(wide)
    if numpy is not None:
        return numpy.frombuffer(raw, dtype=_NUMPY[datatype])
    return list(struct.unpack(f"<{count}{_CODES[datatype]}", raw))


def _texts(raw: bytes, count: int) -> list[str]:
    """BYTES: here always text, as in JSON."""
    values: list[str] = []
    at, size = 0, len(raw)
    while at < size and len(values) <= count:
        end = at + 4 + int.from_bytes(raw[at : at + 4], "little")
        if at + 4 > size or end > size:
            raise complaints.Misfit(f"value {len(values)} does not end with the {size} bytes there are")
        values.append(text(raw[at + 4 : end], len(values)))
        at = end
    if len(values) != count:
        raise complaints.Misfit(f"there are {'over ' if at < size else ''}{len(values)} values, not {count}")
    return values


def text(raw: bytes, place: int) -> str:
    """One value of BYTES. Raises complaints.Misfit for what is no UTF-8."""
    try:
        return raw.decode()
    except UnicodeDecodeError as wrong:
        raise complaints.Misfit("expected text in UTF-8, got other bytes", place) from wrong


def write(datatype: str, values: Any) -> bytes:
    """The bytes of flat values, a list or an array; a missing number is NaN, missing text is empty.

    Raises OverflowError, struct.error or ValueError for values that the datatype cannot hold.
    """
    if datatype == "BYTES":
        said = [b"" if value is None else value.encode() for value in values]
        return b"".join([part for one in said for part in (len(one).to_bytes(4, "little"), one)])
    if hasattr(values, "dtype"):
        if datatype == "BF16":
            values = values.tolist()
        else:
            return bytes(values.astype(_NUMPY[datatype]).tobytes())
    if None in values:
        values = missing(datatype, values)
    if datatype == "BF16":
        return _halves(values)
    return struct.pack(f"<{len(values)}{_CODES[datatype]}", *values)


def missing(datatype: str, values: Sequence[Any]) -> list[Any]:
    """Flat numbers with NaN for None. Raises ValueError for a datatype that has no NaN."""
    if datatype not in ("FP16", "BF16", "FP32", "FP64"):
        raise ValueError(f"{datatype} has no way to say that a value is missing")
    return [math.nan if value is None else value for value in values]


def _halves(values: Sequence[float]) -> bytes:
    """BF16: FP32's upper half, rounded to the nearest, ties to even; NaN stays NaN."""
    wide = struct.unpack(f"<{len(values)}I", struct.pack(f"<{len(values)}f", *values))
    rounded = [
        (bits + 0x7FFF + (bits >> 16 & 1)) >> 16 if bits & 0x7FFFFFFF <= 0x7F800000 else bits >> 16 | 0x40 for bits in wide
    ]
    return struct.pack(f"<{len(values)}H", *rounded)
