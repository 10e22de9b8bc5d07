"""The log in the order in which it was recorded, for who gets it piece by piece: what has come since a moment.

Each row has in its column `recorded` the moment at which its batch was made to count: no two batches have the same, and a later
one has a later one, whatever clocks do. So a moment says how far a reader has got, and files may be merged, mended, rewritten
without the erased, and deleted meanwhile: nothing is kept for a reader who is behind.

Called by `observability.shipping` and, for what is deleted before it was shipped, by the recorder.
"""

import bisect
import pathlib
from collections.abc import Collection, Iterable
from typing import Any, NamedTuple

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tidegate.dataplane.predlog import catalogue, columns, erasing, intact, parquet

ROWS_MOST, BYTES_MOST = 20_000, 32 << 20
"""Of one chunk, about; a batch is never cut in two."""


class Place(msgspec.Struct, frozen=True, order=True, array_like=True):
    """Where a row is in the order of a chunk."""

    late: bool = False
    """Whether it is an outcome: these come behind the predictions."""
    day: str = ""
    moment: int = 0
    id: str = ""
    incarnation: str = ""
    sequence: int = -1


class Part(NamedTuple):
    """Rows of one partition, in order."""

    partition: parquet.Partition
    rows: pa.Table

    def place(self, at: int) -> Place:
        """Where a row is."""
        moment = self.rows[parquet.RECORDED][at].cast(pa.int64()).as_py()
        told = (self.rows[name][at].as_py() for name in ("id", "incarnation", "sequence"))
        return Place(self.partition.table == parquet.OUTCOMES, self.partition.day, moment, *told)


class Chunk(NamedTuple):
    """Everything that was recorded in a stretch of time."""

    until: int
    """Its last moment."""
    parts: tuple[Part, ...]
    lost: dict[str, int]
    """Rows that belong here or behind it and can be read no more, by the file that they were in."""

    def behind(self, last: Place) -> "Chunk":
        """Without the rows up to this place."""
        left = []
        for part in self.parts:
            count = bisect.bisect_right(range(part.rows.num_rows), last, key=part.place)
            if count < part.rows.num_rows:
                left.append(part._replace(rows=part.rows.slice(count)))
        return self._replace(parts=tuple(left))


class Book:
    """One endpoint's part of the log, and the outcomes where these are wanted too. For one thread."""

    def __init__(self, log: pathlib.Path, endpoint: str, *, outcomes: bool) -> None:
        self._log, self._endpoint, self._outcomes = log, endpoint, outcomes
        self._files: list[parquet.File] = []
        self._spans: dict[str, tuple[int, int]] = {}
        self._counted: dict[str, dict[int, int]] = {}
        self._saved: dict[str, pa.Table] = {}
        """What can be read of files that are damaged: as long as `mending` has not come to them."""
        self._lost: dict[str, int] = {}
        """Rows of damaged files that cannot be read, whether these are set aside or not."""

    def look(self) -> None:
        """See which files there are. Raises StoreUnavailable where there is no catalogue, and sqlite3.Error."""
        with catalogue.Catalogue(self._log, readonly=True) as known:
            self._files = known.files(parquet.PREDICTIONS, self._endpoint)
            self._files += known.files(parquet.OUTCOMES) if self._outcomes else []
            aside = {path: lost for path, _, lost in known.all_damaged() if self._is_mine(path)}
        there = {file.path for file in self._files}
        for kept in (self._counted, self._saved):
            for path in kept.keys() - there:
                kept.pop(path)
        for about in (self._spans, self._lost):
            for path in about.keys() - there - aside.keys():
                about.pop(path)
        self._lost |= aside

    def _is_mine(self, path: str) -> bool:
        """Whether a file is of the endpoint, or of outcomes where these are wanted."""
        table, *_ = path.split("/")
        return self._outcomes if table == parquet.OUTCOMES else path.startswith(f"{table}/endpoint={self._endpoint}/")

    def waiting(self, after: int) -> list[parquet.File]:
        """The files with rows that were recorded later than this moment, as of the last look. Raises OSError."""
        return [file for file in self._files if self._span(file)[1] > after]

    def oldest(self, after: int) -> int:
        """The first moment later than this at which something was recorded; 0: nothing was. Raises OSError."""
        return min((one for file in self.waiting(after) for one in self._counts(file) if one > after), default=0)

    def chunk(self, after: int, until: int = 0, told: Collection[str] = ()) -> Chunk | None:
        """What comes next after a moment, up to `until` where that is given; None: nothing. `told`: damaged files that are known
        already. Raises OSError.
        """
        files = self.waiting(after)
        end = until or (self._end(files, after) if files else after)
        found: dict[parquet.Partition, list[pa.Table]] = {}
        for file in files:
            rows = self._read(file, filters=_between(after, end)) if self._span(file)[0] <= end else None
            if rows is not None and rows.num_rows:
                found.setdefault(file.partition, []).append(rows)
        parts = (Part(where, _ordered(tables)) for where, tables in found.items())
        ordered = tuple(sorted(parts, key=lambda one: one.place(0)))
        lost = {path: rows for path, rows in self.lost(max(after, until)).items() if path not in told}
        return Chunk(end, ordered, lost) if files or lost else None

    def lost(self, after: int) -> dict[str, int]:
        """Rows that can be read no more, by file, of files of which it is known that all was recorded later than this moment."""
        return {path: rows for path, rows in self._lost.items() if rows and self._began(path) > after}

    def _began(self, path: str) -> int:
        """The first moment of a damaged file: as it was told when it was whole, or by its footer, or by the name of a batch's
        own file; 0: nobody knows.
        """
        if path not in self._spans:
            try:
                self._spans[path] = _bounds(self._log / f"{path}{parquet.ASIDE}")
            except (pa.ArrowException, OSError):
                self._spans[path] = 0, 0
        return self._spans[path][0] or parquet.made(path)

    def _end(self, files: list[parquet.File], after: int) -> int:
        """The last moment of the next chunk: no later than the end of the file that begins first, so that few are read."""
        end = min((max(first, after + 1), last) for first, last in map(self._span, files))[1]
        rows: dict[int, int] = {}
        size: dict[int, float] = {}
        for file in files:
            for moment, count in self._counts(file).items() if self._span(file)[0] <= end else ():
                rows[moment] = rows.get(moment, 0) + count
                size[moment] = size.get(moment, 0.0) + count * file.size / max(1, file.rows)
        reached, many, large = 0, 0, 0.0
        for moment in sorted(one for one in rows if after < one <= end):
            many, large = many + rows[moment], large + size[moment]
            if reached and (many > ROWS_MOST or large > BYTES_MOST):
                break
            reached = moment
        return reached or end

    def _span(self, file: parquet.File) -> tuple[int, int]:
        """(first, last) moment of a file; (0, 0) of one of which nothing can be read."""
        if file.path not in self._spans:
            try:
                self._spans[file.path] = _bounds(self._log / file.path)
            except (pa.ArrowException, OSError) as failed:
                if not intact.is_damage(failed):
                    raise
                moments = self._counts(file).keys()
                self._spans[file.path] = (min(moments, default=0), max(moments, default=0))
        return self._spans[file.path]

    def _counts(self, file: parquet.File) -> dict[int, int]:
        """Rows by moment."""
        if file.path not in self._counted:
            counted = pc.value_counts(_moments(self._read(file, columns=[parquet.RECORDED])).combine_chunks())
            self._counted[file.path] = dict(zip(counted.field(0).to_pylist(), counted.field(1).to_pylist(), strict=True))
        return self._counted[file.path]

    def _read(self, file: parquet.File, **which: Any) -> pa.Table:
        """These rows or columns of a file; of a damaged one what is whole of it, and the rest is lost."""
        if file.path not in self._saved:
            try:
                return pq.read_table(self._log / file.path, partitioning=None, **which)
            except (pa.ArrowException, OSError) as failed:
                if not intact.is_damage(failed):
                    raise
            saved = intact.rows(self._log, file)
            self._saved[file.path] = parquet.SCHEMAS[file.partition.table].empty_table() if saved is None else saved
            self._lost[file.path] = file.rows - self._saved[file.path].num_rows
        rows = self._saved[file.path]
        return rows.filter(which["filters"]) if "filters" in which else rows


def missed(log: pathlib.Path, files: Iterable[parquet.File], after: int, gone: erasing.Gone | None = None) -> catalogue.Missed:
    """The rows of files that are about to be deleted, all or those that `gone` says, which were recorded later than a moment.

    Raises OSError.
    """
    found: list[int] = []
    for file in files:
        try:
            rows = pq.read_table(log / file.path, columns=None if gone else [parquet.RECORDED], partitioning=None)
        except (pa.ArrowException, OSError) as failed:
            if not intact.is_damage(failed):
                raise
            continue
        rows = rows.filter(gone(rows)) if gone else rows
        found += (one for one in _moments(rows).to_pylist() if one > after)
    return catalogue.Missed(len(found), min(found), max(found)) if found else catalogue.Missed()


def moments(path: pathlib.Path) -> set[int]:
    """At which moments the rows of a file were recorded; none of one that cannot be read. Raises OSError."""
    try:
        return set(_moments(pq.read_table(path, columns=[parquet.RECORDED], partitioning=None)).to_pylist())
    except (pa.ArrowException, OSError) as failed:
        if not intact.is_damage(failed):
            raise
        return set()


def _moments(rows: pa.Table) -> pa.ChunkedArray:
    """Of these rows, in Unix milliseconds; without those that were written before there were any."""
    if parquet.RECORDED not in rows.schema.names:
        return pa.chunked_array([], pa.int64())
    return rows[parquet.RECORDED].cast(pa.int64()).drop_null()


def _between(after: int, until: int) -> pc.Expression:
    moment = pc.field(parquet.RECORDED)
    return (moment > pa.scalar(after, parquet.MOMENT)) & (moment <= pa.scalar(until, parquet.MOMENT))


def _bounds(path: pathlib.Path) -> tuple[int, int]:
    """(first, last) moment by a file's footer; (0, 0) where it has none: it was written before there were any."""
    told = pq.read_metadata(path)
    names = told.schema.names
    if parquet.RECORDED not in names:
        return 0, 0
    every = [told.row_group(at).column(names.index(parquet.RECORDED)).statistics for at in range(told.num_row_groups)]
    known = [one for one in every if one is not None and one.has_min_max]
    return min((one.min_raw for one in known), default=0), max((one.max_raw for one in known), default=0)


def _ordered(tables: list[pa.Table]) -> pa.Table:
    whole = pa.concat_tables(columns.alike(tables), promote_options="default")
    return whole.sort_by([(name, "ascending") for name in (parquet.RECORDED, "id", "incarnation", "sequence")])
