"""How a unit comes to its arm besides by weight: the key that it sticks by, and the cohort that goes first."""

import hashlib
from typing import Any

import msgspec

_KEY_BYTES = 16


class Sticky(msgspec.Struct, frozen=True):
    """What makes requests one unit: those with the same key stay on one arm through the release, on every gateway."""

    by: str
    """header, cookie or field."""
    name: str
    """Of the header or cookie, in lower case; of the field of the request's first record as it is."""


class Cohort(msgspec.Struct, frozen=True):
    """Who gets the candidate whatever its weight. A chosen group is no sample: it is shown and never tested.

    A request belongs to it when any of the three says so.
    """

    header: str = ""
    """Name of a header, in lower case."""
    values: tuple[str, ...] = ()
    """Its values that belong; empty: any."""
    keys: tuple[str, ...] = ()
    """`hashed` sticky keys that belong: the routing table carries no names of people."""
    share: int = 0
    """Buckets of arms.BUCKETS of all sticky keys that belong, by a hash of their own."""
    said: str = ""
    """As the file says it, for people."""


def digest(key: bytes) -> bytes:
    """What stands for a sticky key in records and events: 16 bytes."""
    return hashlib.blake2b(key, digest_size=_KEY_BYTES).digest()


def hashed(key: bytes) -> str:
    """The same for tables, lists and people: 32 hexadecimal digits."""
    return digest(key).hex()


def worded(value: Any) -> bytes:
    """A value as a key: 7, 7.0 and "7" are one, since forms differ in how they write numbers. Lists and objects are none."""
    if isinstance(value, bool):
        return b"true" if value else b"false"
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value).strip().encode("utf-8", "replace") if isinstance(value, str | int | float) else b""
