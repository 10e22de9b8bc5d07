"""The protobuf wire format (proto3), strictly: bytes -> fields, values -> bytes. No descriptors, no generated code.

A message is fields one after another: a tag (number << 3 | wire type) as a varint, then a varint, 4 or 8 bytes, or a length and
so many bytes. `fields` gives one after the other; which of them mean something, and that the last of several counts, is the
message's affair (`grpcmessages`, `inferences`). Unknown fields are thus skipped by whoever does not ask for them. What is cut
off, too long, or of a wire type that proto3 does not have raises BodyMalformed; nothing is set aside for a length that is not
there, and no list is made of fields, which could be two bytes each.
"""

import array
import struct
import sys
from collections.abc import Iterable, Iterator, Sequence

from tidegate.core.vocabulary import errors

VARINT, FIXED64, LENGTH, FIXED32 = 0, 1, 2, 5
Field = tuple[int, int, int | bytes]
"""(number, wire type, value): an unsigned whole number for VARINT, bytes for the others."""
_WIDTHS = {FIXED64: 8, FIXED32: 4}
MOST = 65_536
"""Fields of one message: each costs Python a microsecond and its sender two bytes. Repeated numbers are one field when packed."""
_LARGEST = (1 << 29) - 1
_TOP = 1 << 64


def fields(data: bytes, most: int = MOST) -> Iterator[Field]:
    """The fields of a message, in their order. Raises BodyMalformed where it comes to what is none, or to more than `most`."""
    at, size = 0, len(data)
    while at < size:
        most -= 1
        if most < 0:
            raise errors.BodyMalformed("the message has too many fields")
        head, at = _varint(data, at)
        number, wire = head >> 3, head & 7
        if not 0 < number <= _LARGEST:
            raise errors.BodyMalformed(f"the message has a field of number {number}")
        if wire == VARINT:
            value, at = _varint(data, at)
            yield number, wire, value
            continue
        if wire == LENGTH:
            width, at = _varint(data, at)
        elif wire in _WIDTHS:
            width = _WIDTHS[wire]
        else:
            raise errors.BodyMalformed(f"field {number} has wire type {wire}, which messages of proto3 do not have")
        end = at + width
        if end > size:
            raise errors.BodyMalformed(f"the message ends {end - size} bytes before field {number} does")
        yield number, wire, data[at:end]
        at = end


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """(the number that begins at `at`, where it ends)."""
    value = shift = 0
    try:
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                break
            shift += 7
            if shift > 63:
                raise errors.BodyMalformed("a number in the message is over ten bytes long")
    except IndexError as short:
        raise errors.BodyMalformed("the message ends within a number") from short
    return value & _TOP - 1, at


# What a field's value means, by its type in the .proto.
def text(field: Field) -> str:
    """A string. Raises BodyMalformed for what is not UTF-8."""
    try:
        return blob(field).decode()
    except UnicodeDecodeError as wrong:
        raise errors.BodyMalformed(f"field {field[0]} of the message is not UTF-8") from wrong


def blob(field: Field) -> bytes:
    """Bytes, or a message within."""
    number, wire, value = field
    if wire != LENGTH:
        raise errors.BodyMalformed(f"field {number} has wire type {wire}, expected {LENGTH}")
    assert isinstance(value, bytes)
    return value


def unsigned(field: Field) -> int:
    """A uint64 or uint32."""
    number, wire, value = field
    if wire != VARINT:
        raise errors.BodyMalformed(f"field {number} has wire type {wire}, expected {VARINT}")
    assert isinstance(value, int)
    return value


def signed(field: Field) -> int:
    """An int64, or an int32 as proto3 writes it (ten bytes where it is negative)."""
    return _signed(unsigned(field))


def double(field: Field) -> float:
    """A double."""
    number, wire, value = field
    if wire != FIXED64:
        raise errors.BodyMalformed(f"field {number} has wire type {wire}, expected {FIXED64}")
    assert isinstance(value, bytes)
    return float(struct.unpack("<d", value)[0])


def varints(given: Iterable[Field]) -> list[int]:
    """A repeated whole number of which these are the fields: packed, one by one, or both. Unsigned."""
    values: list[int] = []
    for field in given:
        if field[1] == VARINT:
            values.append(unsigned(field))
            continue
        data, at = blob(field), 0
        if data and max(data) < 0x80:
            values.extend(data)  # all of them small: each byte is a number
            continue
        while at < len(data):
            value, at = _varint(data, at)
            values.append(value)
    return values


def signeds(given: Iterable[Field]) -> list[int]:
    """The same, signed."""
    return list(map(_signed, varints(given)))


def floats(given: Iterable[Field], code: str) -> list[float]:
    """A repeated float (`f`) or double (`d`)."""
    wire, width = (FIXED32, 4) if code == "f" else (FIXED64, 8)
    values: array.array[float] = array.array(code)
    for field in given:
        number, kind, data = field
        if kind not in (wire, LENGTH) or not isinstance(data, bytes) or len(data) % width:
            raise errors.BodyMalformed(f"field {number} of the message does not hold numbers of {width} bytes")
        values.frombytes(data)
    if sys.byteorder == "big":
        values.byteswap()
    return values.tolist()


def _signed(value: int) -> int:
    return value if value < _TOP >> 1 else value - _TOP


# Writing. Values that are a type's zero may be left out, as proto3 does; that is the caller's choice.
def tag(number: int, wire: int) -> bytes:
    """What a field begins with."""
    return varint(number << 3 | wire)


def varint(value: int) -> bytes:
    """A whole number of 64 bits; negative ones as proto3 writes them, in two's complement."""
    value &= _TOP - 1
    if value < 0x80:
        return bytes((value,))
    written = bytearray()
    while value > 0x7F:
        written.append(value & 0x7F | 0x80)
        value >>= 7
    written.append(value)
    return bytes(written)


def counted(number: int, data: bytes) -> bytes:
    """A field of bytes: a string's, a message's, or packed numbers."""
    return tag(number, LENGTH) + varint(len(data)) + data


def string(number: int, value: str) -> bytes:
    """A string; nothing at all for an empty one."""
    return counted(number, value.encode()) if value else b""


def flag(number: int, value: bool) -> bytes:
    """A bool; nothing at all for false."""
    return tag(number, VARINT) + b"\1" if value else b""


def integer(number: int, value: int) -> bytes:
    """An int64, uint64 or enum; nothing at all for zero."""
    return tag(number, VARINT) + varint(value) if value else b""


def packed(number: int, values: Sequence[int]) -> bytes:
    """A repeated whole number; nothing at all for none."""
    return counted(number, b"".join(map(varint, values))) if values else b""


def packed_floats(number: int, values: Sequence[float], code: str) -> bytes:
    """A repeated float (`f`) or double (`d`); nothing at all for none. Raises OverflowError for what no float holds."""
    return counted(number, struct.pack(f"<{len(values)}{code}", *values)) if values else b""
