"""Numbers that the log has of outputs, for rows that are at hand: the probability of each class, a column each.

By DuckDB over the Parquet files, like the rows themselves. Called by `observability.outcomes`, which knows which column is of
which class.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tidegate.core.vocabulary import arms, home, ids
from tidegate.dataplane.predlog import columns, flat, labelled, parquet, reader

_NUMBER = r"^-?\d+(\.\d+)?([eE][+-]?\d+)?$"
_FROM = "FROM read_parquet($predictions, union_by_name = true, hive_partitioning = false)"
_WITHIN = "WHERE role = $role AND id BETWEEN $least AND $most"
_DIGESTS = f"SELECT DISTINCT version, digest {_FROM} {_WITHIN}"


def digests(place: home.Home, endpoint: str, rows: labelled.Rows) -> dict[int, str]:
    """By version, the bundle that these rows were drawn for; empty where the log has no outputs by column.

    Raises StoreUnavailable.
    """
    if not len(rows):
        return {}
    ends = _ends(rows)
    if not any(name.startswith(columns.OUTPUT) for name in reader.names(place.log, endpoint, *ends)):
        return {}
    found: dict[int, str] | None = _answer(_DIGESTS, place, endpoint, ends, lambda told: dict(told.fetchall()))
    return found or {}


def read(place: home.Home, endpoint: str, rows: labelled.Rows, wanted: Mapping[int, Sequence[str]]) -> labelled.Floats:
    """(rows, k): of each row the numbers in the k columns of its version; NaN where there are none, or no such column.

    Raises StoreUnavailable.
    """
    width = max(map(len, wanted.values()), default=0)
    found = np.full((len(rows), width), np.nan)
    ends = _ends(rows)
    there = reader.names(place.log, endpoint, *ends)
    names = sorted({name for each in wanted.values() for name in each if name in there})
    if not names:
        return found
    listed = ", ".join(f'"{name.replace(chr(34), 2 * chr(34))}"' for name in names)
    ask = f"SELECT id, {listed} {_FROM} {_WITHIN} AND hash(id) % {rows.sampled} = 0 ORDER BY id"
    table: pa.Table | None = _answer(ask, place, endpoint, ends, lambda told: told.to_arrow_table())
    if table is None or not table.num_rows:
        return found
    requests = flat.identifiers(table["id"])
    request = np.minimum(np.searchsorted(requests, rows.id), requests.size - 1)
    known = requests[request] == rows.id
    for name in names:
        values = _values(table[name], request, rows.row, known)
        for version, each in wanted.items():
            mine = rows.version == version
            for at in (at for at, one in enumerate(each) if one == name):
                found[mine, at] = values[mine]
    return found


def _ends(rows: labelled.Rows) -> tuple[bytes, bytes]:
    """The first and the last of their ids."""
    least, most = (ids.parse(rows.id[at].decode()) or b"" for at in (rows.id.argmin(), rows.id.argmax()))
    return least, most


def _answer(ask: str, place: home.Home, endpoint: str, ends: tuple[bytes, bytes], take: Callable[[Any], Any]) -> Any:
    given = {"role": int(arms.Role.LIVE), "least": ids.text(ends[0]), "most": ids.text(ends[1])}
    files = {"predictions": reader.anew(place.log, parquet.PREDICTIONS, endpoint, *ends)}
    return reader.answer(ask, given, files, take)


def _values(column: pa.ChunkedArray, request: Any, row: Any, known: Any) -> labelled.Floats:
    """By row, the entry of its request's list; NaN past the end of it."""
    lists = column.combine_chunks()
    ends = np.concatenate([[0], np.cumsum(np.nan_to_num(lists.value_lengths().to_numpy(zero_copy_only=False)))]).astype(np.int64)
    entries = np.append(_numbers(lists.flatten()), np.nan)
    at = ends[request] + row
    return np.where(known & (at < ends[request + 1]), entries[np.minimum(at, entries.size - 1)], np.nan)


def _numbers(entries: pa.Array) -> labelled.Floats:
    """As numbers; a column is of texts where another version says words by its name, and these are none."""
    if pa.types.is_string(entries.type):
        entries = pc.if_else(pc.match_substring_regex(entries, _NUMBER), entries, None).cast(pa.float64())
    found: labelled.Floats = entries.to_numpy(zero_copy_only=False).astype(np.float64)
    return found
