"""An endpoint's live requests over a stretch of time, by slot and version: how many, how they ended, how long clients waited.

One pass over the log, grouped where the rows are; so memory does not grow with requests. What is not recorded yet is counted with
the rest. Called by the report. Not here: whether anything of it is wrong (`observability.monitors`).
"""

import collections
import itertools
from collections.abc import Iterable

import msgspec

from tidegate.core.vocabulary import arms, home, ids, marks, records
from tidegate.dataplane.predlog import parquet, reader

_BUCKET = (
    f"CASE WHEN total_us <= {marks.latency_edge(0)} THEN 0 ELSE"
    f" least({marks.LATENCY_BUCKETS - 1}, 1 + floor(ln(total_us / {marks.latency_edge(0)}) / ln({marks.LATENCY_RATIO}))) END"
)
_ASK = (
    "SELECT (epoch_ns(arrived) // 1000000 - $begin) // $width AS slot, version, mark,"  # noqa: S608
    f" CASE WHEN mark = {int(marks.Mark.OK)} THEN {_BUCKET} ELSE -1 END AS bucket, count(*), sum(total_us),"
    " count(*) FILTER (rescued), count(*) FILTER (answered_by < 0)"
    " FROM read_parquet($files, union_by_name = true, hive_partitioning = false)"
    " WHERE role = $role AND id BETWEEN $least AND $most AND id NOT IN (SELECT unnest($fresh::VARCHAR[])) GROUP BY ALL"
)
_Key = tuple[int, int, int, int]
"""(slot, version, mark, bucket)"""


class Cell(msgspec.Struct, frozen=True):
    """One version in one slot of time, or in all of it."""

    at: float
    """When the slot begins, Unix seconds."""
    version: int
    """Ordinal of the version drawn."""
    requests: int
    marks: tuple[int, ...]
    """By `marks.Mark`."""
    rescued: int
    """Answered by stable in place of the version drawn."""
    fallbacks: int
    """Answered by the fallback."""
    seconds: float
    """For which clients waited for those that were answered well, in all."""
    buckets: tuple[int, ...]
    """Of the same by how long, in `marks.LATENCY_BUCKETS`."""

    @property
    def bad(self) -> int:
        """Not served well by the version drawn."""
        return sum(self.marks[one] for one in marks.HARMFUL)


def read(place: home.Home, endpoint: str, since: float, until: float, width: float) -> list[Cell]:
    """The cells from Unix time `since` until `until`, slots of `width` seconds, in order of time and version.

    Raises StoreUnavailable when the log's catalogue cannot be read.
    """
    begin, wide = int(since * 1e3), int(width * 1e3)
    least, most = ids.first(begin), ids.last(int(until * 1e3) - 1)
    # Segments first: what the recorder moves to Parquet in between is then seen twice and counted once, never missed.
    counts: dict[_Key, list[int]] = collections.defaultdict(lambda: [0, 0, 0, 0])
    fresh = []
    for one in reader.unrecorded(place):
        if not isinstance(one, records.Prediction) or one.endpoint != endpoint or one.role != arms.Role.LIVE:
            continue
        if least <= one.id <= most:
            fresh.append(ids.text(one.id))
            _add(counts, _key(one, begin, wide), (1, one.total_us, one.rescued, one.answered_by < 0))
    given = {"role": int(arms.Role.LIVE), "begin": begin, "width": wide, "fresh": fresh}
    given |= {"least": ids.text(least), "most": ids.text(most)}
    files = {"files": reader.anew(place.log, parquet.PREDICTIONS, endpoint, least, most)}
    for slot, version, mark, bucket, *more in reader.answer(_ASK, given, files, lambda told: told.fetchall()) or []:
        _add(counts, (int(slot), version, mark, int(bucket)), more)
    return _cells(counts, since, width)


def total(cells: Iterable[Cell]) -> list[Cell]:
    """The sums of cells by version, newest first, each from the earliest of its slots."""
    found: dict[int, list[Cell]] = collections.defaultdict(list)
    for one in cells:
        found[one.version].append(one)
    return [summed(found[version]) for version in sorted(found, reverse=True)]


def summed(several: list[Cell]) -> Cell:
    """The sum of cells, one at least, as the first's version."""
    return Cell(
        at=min(one.at for one in several),
        version=several[0].version,
        requests=sum(one.requests for one in several),
        marks=tuple(map(sum, zip(*(one.marks for one in several), strict=True))),
        rescued=sum(one.rescued for one in several),
        fallbacks=sum(one.fallbacks for one in several),
        seconds=sum(one.seconds for one in several),
        buckets=tuple(map(sum, zip(*(one.buckets for one in several), strict=True))),
    )


def _key(one: records.Prediction, begin: int, wide: int) -> _Key:
    slot = (one.arrived_ns // 1_000_000 - begin) // wide
    return (slot, one.version, one.mark, marks.latency_bucket(one.total_us) if one.mark == marks.Mark.OK else -1)


def _add(counts: dict[_Key, list[int]], key: _Key, more: Iterable[int]) -> None:
    counts[key] = [before + int(extra) for before, extra in zip(counts[key], more, strict=True)]


def _cells(counts: dict[_Key, list[int]], since: float, width: float) -> list[Cell]:
    found = []
    for (slot, version), keys in itertools.groupby(sorted(counts), key=lambda key: key[:2]):
        by_mark, buckets = [0] * marks.SLOTS, [0] * marks.LATENCY_BUCKETS
        rescued = fallbacks = waited = 0
        for key in keys:
            requests, took, saved, fell = counts[key]
            by_mark[key[2]] += requests
            rescued, fallbacks = rescued + saved, fallbacks + fell
            if key[3] >= 0:
                buckets[key[3]] += requests
                waited += took
        found.append(
            Cell(
                at=since + slot * width,
                version=version,
                requests=sum(by_mark),
                marks=tuple(by_mark),
                rescued=rescued,
                fallbacks=fallbacks,
                seconds=waited / 1e6,
                buckets=tuple(buckets),
            )
        )
    return found
