"""Ids and names. A prediction id is a UUIDv7: sorted by time, so row-group statistics find one id among millions.

Clock and chance are arguments; who mints keeps them.
"""

import re
import uuid

NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
METRIC = re.compile(r"[a-z][a-z0-9_.-]{0,62}")
REQUEST_ID_MAX = 128


def is_name(text: str) -> bool:
    """Whether `text` may name an endpoint or a version: 1 to 63 of a-z, 0-9 and inner hyphens."""
    return NAME.fullmatch(text) is not None


def is_metric(text: str) -> bool:
    """Whether `text` may name a metric that is posted: 1 to 63 of a-z, 0-9, underscores, dots and hyphens, a letter first."""
    return METRIC.fullmatch(text) is not None


def is_request_id(text: str) -> bool:
    """Whether a client's request id may be echoed and logged: at most 128 visible ASCII characters."""
    return len(text) <= REQUEST_ID_MAX and all("!" <= letter <= "~" for letter in text)


def uuid7(milliseconds: int, chance: int) -> bytes:
    """The 16 bytes of a UUIDv7 (RFC 9562 §5.7) of a Unix time in milliseconds and 74 bits of chance."""
    top = (milliseconds & 0xFFFF_FFFF_FFFF) << 80 | 0x7 << 76 | (chance >> 62 & 0xFFF) << 64
    return (top | 0b10 << 62 | chance & 0x3FFF_FFFF_FFFF_FFFF).to_bytes(16, "big")


def first(milliseconds: int) -> bytes:
    """The least id of a millisecond."""
    return uuid7(milliseconds, 0)


def last(milliseconds: int) -> bytes:
    """The greatest one."""
    return uuid7(milliseconds, (1 << 74) - 1)


def between(since: float, until: float) -> tuple[bytes, bytes]:
    """The least and the greatest id of a time in Unix seconds, both ends included; before 1970 there are none."""
    return first(max(0, int(since * 1e3))), last(max(0, int(until * 1e3)))


def text(identifier: bytes) -> str:
    """The 36 characters people and clients see."""
    digits = identifier.hex()
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def parse(shown: str) -> bytes | None:
    """The 16 bytes of a shown id (a row's `/n` is cut off), or None where it is not a UUIDv7."""
    try:
        found = uuid.UUID(shown.partition("/")[0])
    except ValueError:
        return None
    return found.bytes if found.version == 7 else None


def milliseconds(identifier: bytes) -> int:
    """The Unix time in milliseconds at which a UUIDv7 was minted."""
    return int.from_bytes(identifier[:6], "big")
