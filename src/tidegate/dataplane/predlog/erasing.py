"""Files of the log without some of their rows: which several erasures mean, the file without them, what is still referred to.

Nothing here counts by itself: the caller lets the new file count in the old one's place, in one transaction, and deletes the old
one. Called by the recorder.
"""

import hashlib
import pathlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

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


def meant(
    log: pathlib.Path, file: parquet.File, asked: Sequence[erasures.Asked], known: Mapping[bytes, Iterable[int]]
) -> dict[bytes, int]:
    """The predictions of a file that erasures mean by key or id, each up to its time, and the place of the first that does.

    `known`: places of erasures that mean a prediction besides, if it is here. Raises pyarrow.ArrowException for a file that
    cannot be read.
    """
    keys: dict[str, list[int]] = {}
    whose = {ids.text(one): list(places) for one, places in known.items()}
    for place, one in enumerate(asked):
        if one.kind == erasures.KEY:
            keys.setdefault(one.key_hash, []).append(place)
        elif one.kind == erasures.ID:
            whose.setdefault(one.prediction, []).append(place)
    rows = pq.read_table(log / file.path, columns=["id", "key_hash"], partitioning=None)
    by_id, by_key = pa.array(list(whose), pa.string()), pa.array(list(keys), pa.string())
    held = rows.filter(pc.or_(pc.is_in(rows["id"], by_id), pc.is_in(rows["key_hash"], by_key)))
    last = [_last(one) for one in asked]
    found: dict[bytes, int] = {}
    for shown, key in zip(held["id"].to_pylist(), held["key_hash"].to_pylist(), strict=True):
        identifier = ids.parse(shown) or b""
        places = (place for place in (*whose.get(shown, ()), *keys.get(key, ())) if identifier <= last[place])
        first = min(places, default=None)
        if first is not None:
            found[identifier] = min(first, found.get(identifier, first))
    return dict(sorted(found.items()))


def _last(one: erasures.Asked) -> bytes:
    """The greatest id that it means: who names one means that, whenever it was; so does what is known to have gone."""
    return b"\xff" * 16 if one.kind in (erasures.ID, erasures.AGAIN) else ids.last(int(one.at * 1e3))


def chosen(log: pathlib.Path, file: parquet.File, wanted: Callable[[bytes, bytes], bool]) -> list[bytes]:
    """The predictions of a file that `wanted` says, given id and key's hash. Raises pyarrow.ArrowException."""
    table = pq.read_table(log / file.path, columns=["id", "key_hash"], partitioning=None)
    pairs = zip(table["id"].to_pylist(), table["key_hash"].to_pylist(), strict=True)
    each = ((ids.parse(shown) or b"", bytes.fromhex(key)) for shown, key in pairs)
    return sorted({one for one, key in each if wanted(one, key)})


def holding(log: pathlib.Path, file: parquet.File, column: str, values: Sequence[str]) -> list[tuple[bytes, int]]:
    """Predictions of which some row has one of these values in an input column, each with the value's place.

    As text, or as a number that is the same. Raises duckdb.Error and pyarrow.ArrowException for a file that cannot be read.
    """
    name = columns.PREFIX + column
    if name not in pq.read_schema(log / file.path).names:
        return []
    quoted = name.replace('"', '""')
    ask = f"""
        WITH held AS (SELECT id, CAST(one AS VARCHAR) AS shown
            FROM (SELECT id, unnest("{quoted}") AS one FROM read_parquet($path, hive_partitioning = false))),
          wanted AS (SELECT unnest($shown) AS shown, unnest($places) AS place),
          numbers AS (SELECT TRY_CAST(shown AS DOUBLE) AS number, place FROM wanted)
        SELECT id, place FROM held JOIN wanted USING (shown)
        UNION SELECT id, place FROM held JOIN numbers ON TRY_CAST(held.shown AS DOUBLE) = number
        """  # noqa: S608
    places = list(range(len(values)))
    references = [objects.REFERENCE + hashlib.sha256(one.encode()).hexdigest() for one in values]
    with engine.asked() as connection:
        given = {"path": str(log / file.path), "shown": [*values, *references], "places": places * 2}
        return [(ids.parse(shown) or b"", place) for shown, place in connection.execute(ask, given).fetchall()]


class Heard(NamedTuple):
    """What is to be known of an outcome in a file."""

    id: bytes
    endpoint: str
    key_hash: bytes
    """Of a value that was posted for a key; else empty."""
    received_ns: int


def heard(log: pathlib.Path, file: parquet.File) -> list[Heard]:
    """The outcomes of a file, in its order. Raises pyarrow.ArrowException."""
    wanted = {"id": None, "endpoint": "", "key_hash": "", "received": 0}
    there = [name for name in pq.read_schema(log / file.path).names if name in wanted]
    rows = pq.read_table(log / file.path, columns=there, partitioning=None)
    if "received" in there:
        rows = rows.set_column(there.index("received"), "received", rows["received"].cast(pa.int64()))
    each = [rows[name].to_pylist() if name in there else [plain] * rows.num_rows for name, plain in wanted.items()]
    told = zip(*each, strict=True)
    return [Heard(ids.parse(one) or b"", of or "", bytes.fromhex(key or ""), at or 0) for one, of, key, at in told]


def without(log: pathlib.Path, name: str, file: parquet.File, gone: Gone) -> tuple[parquet.File | None, pa.Table]:
    """The file once more without the rows that `gone` says, under a new name, and these rows; None: nothing is left.

    Raises OSError where the disk refuses, pyarrow.ArrowException for a file that cannot be read.
    """
    table = pq.read_table(log / file.path, partitioning=None)
    mask = gone(table)
    went, left = table.filter(mask), table.filter(pc.invert(mask))
    if not left.num_rows or not went.num_rows:
        return None, went
    return parquet.rewritten(log, name, file, left), went


def references(log: pathlib.Path, files: Iterable[parquet.File]) -> set[str]:
    """What the rows of these files refer to. Raises pyarrow.ArrowException."""
    found: set[str] = set()
    for file in files:
        names = _referring(pq.read_schema(log / file.path))
        for column in pq.read_table(log / file.path, columns=names, partitioning=None).columns:
            flat = pc.list_flatten(column) if pa.types.is_list(column.type) else column
            found.update(flat.filter(pc.starts_with(flat, objects.REFERENCE)).drop_null().to_pylist())
    return found


def referring(rows: pa.Table) -> set[tuple[str, str]]:
    """Who of these rows refers to what: ids as text, and references."""
    found: set[tuple[str, str]] = set()
    for name in _referring(rows.schema):
        column = rows[name].combine_chunks()
        listed = pa.types.is_list(column.type)
        flat = pc.list_flatten(column) if listed else column
        whose = rows["id"].take(pc.list_parent_indices(column)) if listed else rows["id"]
        mask = pc.fill_null(pc.starts_with(flat, objects.REFERENCE), fill_value=False)
        found.update(zip(whose.filter(mask).to_pylist(), flat.filter(mask).to_pylist(), strict=True))
    return found


def _referring(schema: pa.Schema) -> list[str]:
    return [field.name for field in schema if field.name in {"input", "output"} or _is_text(field)]


def _is_text(field: pa.Field) -> bool:
    kind = field.type
    return bool(field.name.startswith(columns.PREFIX) and pa.types.is_list(kind) and pa.types.is_string(kind.value_type))
