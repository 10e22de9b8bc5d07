"""Files of the log without some of their rows: which somebody means, the file without them, what is still referred to.

Nothing here counts by itself: the caller lets the new file count in the old one's place, in one transaction, and deletes the old
one. Called by the recorder.
"""

import hashlib
import pathlib
from collections.abc import Callable, Iterable

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tidegate.core.vocabulary import erasures, ids
from tidegate.dataplane.predlog import columns, engine, objects, parquet

Gone = Callable[[pa.Table], pa.Array]
"""For each row of a table, whether it goes."""


def digest(identifier: bytes) -> bytes:
    """What stands for a prediction id that is to be remembered and not told: 16 bytes."""
    return hashlib.blake2b(identifier, digest_size=16, person=b"tidegate.erased").digest()


def meant(log: pathlib.Path, file: parquet.File, asked: erasures.Asked, known: Iterable[bytes] = ()) -> list[bytes]:
    """The predictions of a file that an erasure means, up to its time; `known`: ids that are meant as well.

    Raises pyarrow.ArrowException and duckdb.Error for a file that cannot be read.
    """
    last = ids.text(ids.last(int(asked.at * 1e3)))
    wanted = {ids.text(one) for one in known}
    if asked.kind == erasures.WHERE:
        found = {*_where(log / file.path, asked), *wanted}
        table = pq.read_table(log / file.path, columns=["id"], partitioning=None)
        mask = pc.is_in(table["id"], pa.array(sorted(found), pa.string()))
    else:
        table = pq.read_table(log / file.path, columns=["id", "key_hash"], partitioning=None)
        wanted |= {asked.prediction} if asked.kind == erasures.ID else set()
        mask = pc.is_in(table["id"], pa.array(sorted(wanted), pa.string()))
        if asked.kind == erasures.KEY:
            mask = pc.or_(mask, pc.equal(table["key_hash"], asked.key_hash))
    if asked.kind != erasures.ID:
        mask = pc.and_(mask, pc.less_equal(table["id"], last))
    return [ids.parse(one) or b"" for one in sorted(set(table["id"].filter(mask).to_pylist()))]


def chosen(log: pathlib.Path, file: parquet.File, wanted: Callable[[bytes, bytes], bool]) -> list[bytes]:
    """The predictions of a file that `wanted` says, given id and key's hash. Raises pyarrow.ArrowException."""
    table = pq.read_table(log / file.path, columns=["id", "key_hash"], partitioning=None)
    pairs = zip(table["id"].to_pylist(), table["key_hash"].to_pylist(), strict=True)
    each = ((ids.parse(shown) or b"", bytes.fromhex(key)) for shown, key in pairs)
    return sorted({one for one, key in each if wanted(one, key)})


def arrivals(log: pathlib.Path, file: parquet.File, gone: Iterable[bytes]) -> list[float]:
    """When these predictions of a file arrived, Unix seconds. Raises pyarrow.ArrowException."""
    table = pq.read_table(log / file.path, columns=["id", "arrived"], partitioning=None)
    mine = pc.is_in(table["id"], pa.array([ids.text(one) for one in gone], pa.string()))
    return [at / 1e9 for at in table["arrived"].filter(mine).cast(pa.int64()).to_pylist()]


def _where(path: pathlib.Path, asked: erasures.Asked) -> list[str]:
    """Ids of the requests of which some row has this value: as text, or as a number that is the same."""
    name = columns.PREFIX + asked.column
    if name not in pq.read_schema(path).names:
        return []
    shown = "CAST(one AS VARCHAR)"
    same = f"{shown} IN ($value, $reference) OR TRY_CAST({shown} AS DOUBLE) = TRY_CAST($value AS DOUBLE)"
    quoted = name.replace('"', '""')
    held = f'list_bool_or(list_transform("{quoted}", lambda one: {same}))'
    ask = f"SELECT id FROM read_parquet($path, hive_partitioning = false) WHERE {held}"  # noqa: S608
    reference = objects.REFERENCE + hashlib.sha256(asked.value.encode()).hexdigest()
    with engine.asked() as connection:
        given = {"path": str(path), "value": asked.value, "reference": reference}
        return [row[0] for row in connection.execute(ask, given).fetchall()]


def without(log: pathlib.Path, name: str, file: parquet.File, gone: Gone) -> tuple[parquet.File | None, int]:
    """The file once more without the rows that `gone` says, under a new name, and how many these are; None: nothing is left.

    Raises OSError where the disk refuses, pyarrow.ArrowException for a file that cannot be read.
    """
    table = pq.read_table(log / file.path, partitioning=None)
    left = table.filter(pc.invert(gone(table)))
    count = table.num_rows - left.num_rows
    if not left.num_rows or not count:
        return None, count
    return parquet.rewritten(log, name, file, left), count


def references(log: pathlib.Path, files: Iterable[parquet.File]) -> set[str]:
    """What the rows of these files refer to. Raises pyarrow.ArrowException."""
    found: set[str] = set()
    for file in files:
        schema = pq.read_schema(log / file.path)
        names = [field.name for field in schema if field.name in {"input", "output"} or _is_text(field)]
        for column in pq.read_table(log / file.path, columns=names, partitioning=None).columns:
            flat = pc.list_flatten(column) if pa.types.is_list(column.type) else column
            found.update(flat.filter(pc.starts_with(flat, objects.REFERENCE)).drop_null().to_pylist())
    return found


def _is_text(field: pa.Field) -> bool:
    kind = field.type
    return bool(field.name.startswith(columns.PREFIX) and pa.types.is_list(kind) and pa.types.is_string(kind.value_type))
