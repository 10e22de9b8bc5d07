"""The layout of a file of sums: a header, then rows of fixed size, in the machine's own byte order (it never leaves it).

    header  65,536 bytes: magic | u32 row bytes | u32 counters a row | 32 characters incarnation | at byte 64 three u64:
            closed before (every tick below is closed) | current tick | folded until
    row     640 bytes: u8 used | u8 arm | u8 evidence | u8 0 | u32 span | u64 tick | u64 generation | u32 weight | u32 0 |
            64 bytes endpoint | 64 bytes release | u32 counters: opened, rescued, marks, latency buckets, prediction bins

Header and chunks of rows are multiples of 64 KiB, so that each can be mapped apart on any machine's page size: the file
grows by chunks, and what is mapped never moves. A counter is stored by one machine instruction, so a reader in another
process sees the old or the new. Called by `sums`.
"""

import struct
from typing import NamedTuple

from tidegate.core.vocabulary import marks, sums

MAGIC = b"TGSUMS\n\x01"
HEADER_BYTES = 65_536
HEADER = struct.Struct("=8sII32s")
WORDS = 64
CLOSED_BEFORE, AT, FOLDED_UNTIL = 0, 1, 2

KEY = struct.Struct("=BBBBIQQII64s64s")
ROW_BYTES = 640
CHUNK_ROWS = 512
CHUNK_BYTES = ROW_BYTES * CHUNK_ROWS

OPENED, RESCUED = 0, 1
MARKS = 2
LATENCY = MARKS + marks.SLOTS
BINS = LATENCY + marks.LATENCY_BUCKETS
COUNTERS = BINS + sums.BINS
COUNTS = struct.Struct(f"={COUNTERS}I")
NAME_MAX = 64


class Row(NamedTuple):
    """One arm of one route in one span of ticks, as it was read."""

    endpoint: str
    release: str
    generation: int
    weight: int
    evidence: bool
    tick: int
    span: int
    arm: int
    values: tuple[int, ...]
    """All counters, flat, as the file has them."""

    @property
    def pending(self) -> int:
        """Requests opened that have no mark yet."""
        return self.values[OPENED] - sum(self.values[MARKS:LATENCY])


def counts(values: list[int] | tuple[int, ...]) -> sums.Counts:
    """Flat counters as the value the statistics take."""
    return sums.Counts(
        opened=values[OPENED],
        marks=tuple(values[MARKS:LATENCY]),
        latency=tuple(values[LATENCY:BINS]),
        bins=tuple(values[BINS:COUNTERS]),
        rescued=values[RESCUED],
    )


def rows(raw: bytes, releases: frozenset[bytes] | None) -> list[Row]:
    """The rows in the bytes of a whole file; of these releases only, where they are given."""
    folded_until = struct.unpack_from("=3Q", raw, WORDS)[FOLDED_UNTIL]
    found: list[Row] = []
    names: dict[bytes, str] = {}
    for at in range(HEADER_BYTES, len(raw) - ROW_BYTES + 1, ROW_BYTES):
        if not raw[at]:
            continue
        _, arm, evidence, _, span, tick, generation, weight, _, endpoint, release = KEY.unpack_from(raw, at)
        if releases is not None and release.rstrip(b"\0") not in releases:
            continue
        if (tick < folded_until) == (span == 1):
            continue  # a tick that has been folded, or a fold that was not finished: the other one counts
        for name in (endpoint, release):
            if name not in names:
                names[name] = name.rstrip(b"\0").decode()
        values = COUNTS.unpack_from(raw, at + KEY.size)
        found.append(Row(names[endpoint], names[release], generation, weight, bool(evidence), tick, span, arm, values))
    return found


def newest(raw: bytes) -> dict[str, int]:
    """The last tick of each endpoint's rows in the bytes of a whole file; of a row that was folded, its span's last."""
    found: dict[bytes, int] = {}
    for at in range(HEADER_BYTES, len(raw) - ROW_BYTES + 1, ROW_BYTES):
        if raw[at]:
            _, _, _, _, span, tick, _, _, _, endpoint, _ = KEY.unpack_from(raw, at)
            found[endpoint] = max(tick + span - 1, found.get(endpoint, 0))
    return {endpoint.rstrip(b"\0").decode(): tick for endpoint, tick in found.items()}
