"""Arms, roles, and the exact probability with which a request was given its arm."""

import enum
import hashlib

BUCKETS = 10_000
"""Weights are whole buckets of 10,000 (basis points), so rho = weight / BUCKETS is an exact ratio; 0.1 % is 10."""


class Arm(enum.IntEnum):
    """Which side of a release a request was drawn for. The arm drawn is the arm counted, whoever answered in the end."""

    STABLE = 0
    CANDIDATE = 1


class Role(enum.IntEnum):
    """Why a record exists. Only LIVE records are evidence."""

    LIVE = 0
    SHADOW = 1
    PINNED = 2
    SMOKE = 3
    BATCH = 4


DRAWN, IN_COHORT, MIRRORED = b"", b"cohort", b"mirror"
"""What a bucket is asked for: each is a hash of its own, so that one says nothing about another."""


def bucket(endpoint: str, salt: bytes, unit: bytes, purpose: bytes = DRAWN) -> int:
    """The bucket, 0 to 9,999, of a unit: a keyed hash of (endpoint, release salt, unit).

    It does not know the weight, so a ramp from 5 to 25 % keeps the first 5 %, and a restart changes nothing.
    """
    digest = hashlib.blake2b(endpoint.encode() + b"\0" + unit, digest_size=8, key=salt, person=purpose).digest()
    return int.from_bytes(digest, "big") % BUCKETS
