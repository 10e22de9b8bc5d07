"""Records as Parquet: one table of predictions by endpoint and day, one of outcomes by day, sorted by id.

    predictions/endpoint=E/day=YYYY-MM-DD/*.parquet    the day (UTC) of the prediction id, which is that of its arrival
    outcomes/day=YYYY-MM-DD/*.parquet                  the day the outcome came

A file appears whole (written aside, synced, renamed); the catalogue says which files count. `docs/formats.md` has the columns;
those of inputs are made by `columns`, and a body that is large is kept once, by reference (`objects`).
Called by the recorder (write, merge) and the reader (prediction, outcome). Not here: which records are new.
"""

import base64
import datetime as dt
import functools
import os
import pathlib
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tidegate.core.vocabulary import ids, records
from tidegate.dataplane.predlog import columns, objects, seals

PREDICTIONS, OUTCOMES = "predictions", "outcomes"
SUFFIX = ".parquet"
SCRATCH = ".part"
ASIDE = ".damaged"
"""Behind the name of a file that was set aside: nobody reads it any more."""
RECORDED = "recorded"
"""The column behind those of the record: the moment at which its batch was made to count (`recorded`)."""
MOMENT = pa.timestamp("ms", "UTC")
ROW_GROUP = 16_384
BASE64 = "base64:"
_SPECIAL = (BASE64, objects.REFERENCE)
"""What a body's text begins with where it is not the body itself."""
_MERGED = "-m"
"""In the name of a merged file, before its level."""
_SIBLINGS = b"tidegate.files"
"""File metadata: how many files the batch was written to."""
_TIME = pa.timestamp("ns", "UTC")
_TYPES: dict[object, pa.DataType] = {int: pa.int64(), str: pa.string(), bool: pa.bool_(), bytes: pa.string()}
BY_SERIES = frozenset({"numbers", "words"})
"""Fields of records that are columns by series (`columns.OUTPUT`)."""
RENAMED = {"arrived_ns": "arrived", "received_ns": "received"}
"""Unix nanoseconds become timestamps, and lose the unit from their name."""
answers = msgspec.json.Decoder(list[float | str | None]).decode
"""The answers that are in a column as this text."""
_json = msgspec.json.Encoder().encode


class Partition(msgspec.Struct, frozen=True, order=True):
    """Where a file belongs."""

    table: str
    endpoint: str
    """Empty for outcomes: an outcome is known by its prediction's id only."""
    day: str

    @property
    def folder(self) -> str:
        """Its folder below the log's."""
        return f"{self.table}/endpoint={self.endpoint}/day={self.day}" if self.endpoint else f"{self.table}/day={self.day}"


Typed = Mapping[Partition, Sequence[columns.Chunk]]
"""Typed columns of predictions' inputs and outputs, by where they belong."""
NONE: Typed = MappingProxyType({})


class File(msgspec.Struct, frozen=True):
    """One Parquet file that is in place."""

    path: str
    """Below the log's folder."""
    partition: Partition
    level: int
    """How often its rows were merged."""
    rows: int
    size: int
    """Bytes in memory, uncompressed."""
    first: bytes
    last: bytes
    """Least and greatest prediction id in it."""
    seal: seals.Seal = ()
    """Of its bytes on the disk; empty where it is not known."""

    @property
    def stored(self) -> int:
        """Bytes on the disk; 0 where that is not known."""
        return self.seal[-1][0] if self.seal else 0


def day(unix_seconds: float) -> str:
    """The UTC day of a Unix time."""
    return _day(int(unix_seconds // 86_400))


@functools.lru_cache(maxsize=1_024)
def _day(number: int) -> str:
    """The day so many days after 1970 began."""
    return (dt.date(1970, 1, 1) + dt.timedelta(number)).isoformat()


def partition(record: records.Prediction | records.Outcome) -> Partition:
    """Where a record belongs."""
    if isinstance(record, records.Prediction):
        return _partition(PREDICTIONS, record.endpoint, ids.milliseconds(record.id) // 86_400_000)
    return _partition(OUTCOMES, "", record.received_ns // 86_400_000_000_000)


@functools.lru_cache(maxsize=4_096)
def _partition(table: str, endpoint: str, number: int) -> Partition:
    """The one of a day, by how many days after 1970 it began."""
    return Partition(table, endpoint, _day(number))


def _kept(kind: type[msgspec.Struct]) -> list[msgspec.structs.FieldInfo]:
    """The fields of records that are columns as they stand."""
    return [field for field in msgspec.structs.fields(kind) if field.name not in BY_SERIES]


def _schema(kind: type[msgspec.Struct]) -> pa.Schema:
    made = []
    for field in _kept(kind):
        renamed = RENAMED.get(field.name)
        made.append((renamed, _TIME) if renamed else (field.name, _TYPES.get(field.type, pa.string())))
    return pa.schema(made)


SCHEMAS = {
    PREDICTIONS: _schema(records.Prediction).append(pa.field(RECORDED, MOMENT)),
    OUTCOMES: _schema(records.Outcome).append(pa.field(RECORDED, MOMENT)),
}
"""Columns are the fields of `records` in their order, `BY_SERIES` apart: ids as 36 characters, answers and labels as JSON, bodies
as text.
"""


def fits(rows: pa.Table, of: str) -> bool:
    """Whether these can be rows of a table, as this release or an earlier one wrote them."""
    kind = records.Prediction if of == PREDICTIONS else records.Outcome
    needed = {RENAMED.get(field.name, field.name) for field in msgspec.structs.fields(kind) if field.required}
    there = {name: rows.schema.field(name).type for name in SCHEMAS[of].names if name in rows.schema.names}
    alike = all(SCHEMAS[of].field(name).type == one for name, one in there.items())
    return alike and needed <= there.keys() and not any(rows[name].null_count for name in needed)


def _column(name: str, values: Sequence[object], kind: pa.DataType) -> pa.Array:
    """One column from one field of many records."""
    if name == "id":
        return pa.array([ids.text(value) for value in values], kind)  # type: ignore[arg-type]
    if name == "key_hash":
        return pa.array([value.hex() for value in values], kind)  # type: ignore[attr-defined]
    if name in {"answers", "label"}:
        return pa.array([_json(value) for value in values], pa.binary()).cast(kind)
    if name in {"input", "output"}:
        return _text(values, kind)
    return pa.array(values, kind)


def _text(values: Sequence[object], kind: pa.DataType) -> pa.Array:
    """Bodies as they are; those that are no UTF-8 (binary tensors, protobuf) as `base64:` and their base64."""
    try:
        found = pa.array(values, pa.binary()).cast(kind)
        if not any(pc.any(pc.starts_with(found, one)).as_py() for one in _SPECIAL):
            return found
    except pa.ArrowInvalid:
        pass
    return pa.array([shown(value) for value in values], kind)  # type: ignore[arg-type]


def shown(raw: bytes) -> str:
    """A body as the text in a column."""
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        text = BASE64
    return BASE64 + base64.b64encode(raw).decode() if text.startswith(_SPECIAL) else text


def body(text: str) -> bytes:
    """The body that is in a column as this text."""
    return base64.b64decode(text[len(BASE64) :]) if text.startswith(BASE64) else text.encode()


def table(
    batch: Sequence[records.Prediction | records.Outcome], chunks: Sequence[columns.Chunk] = (), moment: int = 0
) -> pa.Table:
    """Records of one kind as an Arrow table, sorted by id, made to count at this moment (Unix milliseconds); predictions with the
    columns of inputs and outputs behind them.
    """
    ordered = sorted(batch, key=_order)
    schema = SCHEMAS[PREDICTIONS if isinstance(ordered[0], records.Prediction) else OUTCOMES]
    every = zip(*(msgspec.structs.astuple(record) for record in ordered), strict=True)
    by_field = dict(zip(ordered[0].__struct_fields__, every, strict=True))
    fields = zip(_kept(type(ordered[0])), schema, strict=False)  # `recorded` is of no record
    made = [_column(field.name, by_field[field.name], kept.type) for field, kept in fields]
    found = pa.table([*made, pa.repeat(pa.scalar(moment, MOMENT), len(ordered))], schema=schema)
    typed = columns.arrays([(one.incarnation, one.sequence) for one in ordered], chunks) if chunks else {}
    for name, values in typed.items():
        found = found.append_column(name, values)
    return found


def _order(record: records.Prediction | records.Outcome) -> bytes:
    return record.id


def write(
    log: pathlib.Path,
    name: str,
    batch: Iterable[records.Prediction | records.Outcome],
    typed: Typed = NONE,
    moment: int = 0,
) -> list[File]:
    """Put records into new files, one a partition; each is in place and on the disk when this returns.

    `name` must be new in every partition; `typed` are inputs and outputs by column of those predictions that have some; `moment`
    is what `recorded` says of all of them. Raises OSError when the disk refuses; files already in place then stay.
    """
    parted: dict[Partition, list[records.Prediction | records.Outcome]] = {}
    for record in batch:
        parted.setdefault(partition(record), []).append(record)
    said = {_SIBLINGS: str(len(parted)).encode()}
    tables = ((where, _by_reference(log, where, table(parted[where], typed.get(where, ()), moment))) for where in sorted(parted))
    return [place(log, where, name, rows.replace_schema_metadata(said), 0) for where, rows in tables]


def _by_reference(log: pathlib.Path, where: Partition, rows: pa.Table) -> pa.Table:
    """With large bodies kept beside the file."""
    for name in ("input", "output"):
        if name not in rows.schema.names or (pc.max(pc.binary_length(rows[name])).as_py() or 0) <= objects.BODY_MOST:
            continue
        folder = objects.folder(log, where.endpoint, where.day)
        kept = [objects.put(folder, body(one)) if len(one) > objects.BODY_MOST else one for one in rows[name].to_pylist()]
        rows = rows.set_column(rows.schema.get_field_index(name), name, pa.array(kept, pa.string()))
    return rows


def merge(log: pathlib.Path, name: str, files: Sequence[File]) -> File:
    """The rows of several files of one partition in one new file; the old ones stay. Raises OSError as `write` does."""
    tables = columns.alike([pq.read_table(log / file.path, partitioning=None) for file in files])
    whole = pa.concat_tables(tables, promote_options="default")
    level = 1 + max(file.level for file in files)
    return place(log, files[0].partition, f"{name}{_MERGED}{level}", whole.sort_by("id"), level)


def rewritten(log: pathlib.Path, name: str, file: File, rows: pa.Table) -> File:
    """Some rows of a file in a new one, which is as much merged as that. Raises OSError as `write` does."""
    return place(log, file.partition, f"{name}{_MERGED}{file.level}", rows, file.level)


def made(path: str) -> int:
    """When the batch was recorded that a file is of, by its name, in Unix milliseconds; 0 where several may be in it."""
    name = pathlib.PurePath(path).stem
    told = name.partition("-")[0]
    return int(told) if told.isdigit() and _MERGED not in name else 0


def place(log: pathlib.Path, where: Partition, name: str, rows: pa.Table, level: int) -> File:
    """Put rows, sorted by id, into one new file of a partition. Raises OSError as `write` does."""
    folder = log / where.folder
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    final = folder / f"{name}{SUFFIX}"
    put(final, rows)
    return _described(log, final, where, rows, level)


def put(path: pathlib.Path, rows: pa.Table) -> None:
    """Have a file of these rows, whole and on the disk when this returns. Raises OSError, and then there is none."""
    scratch = path.with_suffix(SCRATCH)
    try:
        with scratch.open("wb") as file:
            pq.write_table(rows, file, row_group_size=ROW_GROUP, compression="zstd", compression_level=1)
            file.flush()
            os.fsync(file.fileno())
        scratch.replace(path)
        sync_folder(path.parent)
    except BaseException:
        scratch.unlink(missing_ok=True)
        raise


def _described(log: pathlib.Path, path: pathlib.Path, where: Partition, rows: pa.Table, level: int) -> File:
    first, last = (ids.parse(rows["id"][at].as_py()) or b"" for at in (0, -1))
    return File(path.relative_to(log).as_posix(), where, level, rows.num_rows, rows.nbytes, first, last, seals.of(path))


def found(log: pathlib.Path) -> list[File]:
    """Every file in place, as the files themselves tell, for a log whose catalogue was lost.

    The last batch is left out where it was written in part (it was never made to count). Names must begin with their time.
    """
    paths = sorted(log.glob(f"*/**/*{SUFFIX}"), key=lambda path: path.stem)
    plain = [path for path in paths if _MERGED not in path.stem]
    merged = [path for path in paths if _MERGED in path.stem]
    last = [path for path in plain if path.stem == plain[-1].stem]
    # Merging comes after the batch has been made to count, and takes files of it away.
    aside = [path for path in log.glob(f"*/**/*{SUFFIX}{ASIDE}") if last and path.name.startswith(last[0].stem)]
    if last and not (merged and merged[-1].stem.partition("-")[0] >= last[0].stem.partition("-")[0]):
        siblings = int((pq.read_schema(last[0]).metadata or {}).get(_SIBLINGS, b"0"))
        if len(last) + len(aside) < siblings:
            paths = [path for path in paths if path not in last]
    return [_retold(log, path) for path in paths]


def _retold(log: pathlib.Path, path: pathlib.Path) -> File:
    inner = path.relative_to(log)
    parts = dict(part.split("=", 1) for part in inner.parts[1:-1])
    where = Partition(inner.parts[0], parts.get("endpoint", ""), parts.get("day", ""))
    level = int(path.stem.rpartition(_MERGED)[2]) if _MERGED in path.stem else 0
    rows = pq.read_table(path, columns=["id"], partitioning=None)
    bounds = pc.min_max(rows["id"]).as_py()
    first, last = (ids.parse(bounds[end] or "") or b"" for end in ("min", "max"))
    return File(inner.as_posix(), where, level, rows.num_rows, path.stat().st_size, first, last, seals.of(path))


def sync_folder(folder: pathlib.Path) -> None:
    """Put a folder's entries on the disk, so that a renamed file outlives a power cut."""
    file = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(file)
    finally:
        os.close(file)


def prediction(row: dict[str, object]) -> records.Prediction:
    """The record in a row as DuckDB returns it (times as Unix nanoseconds); what older files lack has its default."""
    given = _fields(row, records.Prediction)
    given["id"] = ids.parse(str(given["id"])) or b""
    given["key_hash"] = bytes.fromhex(str(given["key_hash"]))
    given["answers"] = tuple(answers(str(given["answers"])))
    given["input"], given["output"] = body(str(given["input"])), body(str(given["output"]))
    return records.Prediction(**given)  # type: ignore[arg-type]


def outcome(row: dict[str, object]) -> records.Outcome:
    """The outcome in a row as DuckDB returns it."""
    given = _fields(row, records.Outcome)
    given["id"] = ids.parse(str(given["id"])) or b""
    given["label"] = msgspec.json.decode(str(given["label"]), type=float | str)
    given["key_hash"] = bytes.fromhex(str(given.get("key_hash", "")))
    return records.Outcome(**given)  # type: ignore[arg-type]


def _fields(row: dict[str, object], kind: type[msgspec.Struct]) -> dict[str, object]:
    return {name: row[column] for name, column in _shown(kind).items() if row.get(column) is not None}


@functools.cache
def _shown(kind: type[msgspec.Struct]) -> dict[str, str]:
    """By field, the column that it is."""
    return {field.name: RENAMED.get(field.name, field.name) for field in msgspec.structs.fields(kind)}
