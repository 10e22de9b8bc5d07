"""All rows of the training data counted, column by column, and an even sample of them for the model to answer.

Twice through the data, a piece at a time: first for the sample, which says how values are told apart. Runs in a process that
`children` starts for it, with the caller's credentials (the data may be in a bucket) and without any model.
"""

import hashlib
import math
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tidegate.core.stats import counting, streamed
from tidegate.core.vocabulary import errors, profiles
from tidegate.delivery.describing import examples
from tidegate.delivery.training import datasets, digests, training

SAMPLE, SAMPLE_CELLS = 50_000, 10_000_000
"""Rows that say how values are told apart, and values; up to twice as many are held."""
ANSWERED_CELLS = 1_000_000
"""Values of the rows that the model is asked; `examples.MOST` rows at most."""


def survey(asked: training.Asked) -> training.Surveyed:
    """Read it. Raises ModelSourceInvalid: it cannot be read, lacks columns, has values that the model does not take, has few
    rows, or changed meanwhile.
    """
    data = datasets.Data(asked.source, asked.columns)
    lacking = [name for name in data.lacks if asked.exact and any(one.name == name and one.required for one in asked.columns)]
    if lacking or not data.columns:
        names = ", ".join(lacking or data.lacks)
        raise errors.ModelSourceInvalid(
            f"the training data {asked.source} lacks columns that the model takes: {names}.", cure=training.CURE
        )
    before = data.stamps()
    held, rows = _sampled(data)
    if rows < profiles.FEWEST:
        raise errors.ModelSourceInvalid(
            f"the training data {asked.source} has {rows} rows, and fewer than {profiles.FEWEST} say nothing of a distribution.",
            cure="Name all of it, or leave `training` out.",
        )
    columns = _counted(data, held)
    sha256 = _digest(asked.source)
    if data.stamps() != before or any(one.rows != rows for one in columns.values()):
        raise errors.ModelSourceInvalid(f"the training data {asked.source} changed while it was read.", cure="Try again.")
    return training.Surveyed(rows, columns, _answered(data, held), sha256)


def _sampled(data: datasets.Data) -> tuple[pa.Table, int]:
    """(rows evenly over all of them, how many there are)."""
    thinning = streamed.Sample(min(SAMPLE, SAMPLE_CELLS // len(data.columns)))
    parts: list[pa.Table] = []
    for piece in data.pieces():
        table = pa.table(piece)
        parts.append(table.take(thinning.places(table.num_rows)))
        if thinning.full:
            parts = [pa.concat_tables(parts).take(thinning.halved())]
    return (pa.concat_tables(parts) if parts else pa.table({})), thinning.seen


def _counted(data: datasets.Data, held: pa.Table) -> dict[str, profiles.Known]:
    numbers, words = {}, {}
    for one in data.columns:
        if one.type in datasets.NUMBERS:
            sample = _floats(held.column(one.name).combine_chunks())
            numbers[one.name] = streamed.Numbers(sample[np.isfinite(sample)])
        else:
            words[one.name] = streamed.Words(_words(held.column(one.name).combine_chunks()))
    for piece in data.pieces():
        for name, column in numbers.items():
            column.add(_floats(piece[name]))
        for name, category in words.items():
            category.add(_words(piece[name]), piece[name].null_count)
    return {one.name: (numbers.get(one.name) or words[one.name]).known() for one in data.columns}


def _floats(values: pa.Array) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.asarray(values.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False), np.float64)


def _words(values: pa.Array) -> dict[str, int]:
    found: dict[str, int] = {}
    for one in pc.value_counts(values.drop_null()).to_pylist():
        told = counting.word(one["values"])
        found[told] = found.get(told, 0) + one["counts"]
    return found


def _answered(data: datasets.Data, held: pa.Table) -> list[dict[str, Any]]:
    most = min(examples.MOST, ANSWERED_CELLS // len(data.columns))
    step = -(-held.num_rows // most)
    rows: list[dict[str, Any]] = held.take(list(range(0, held.num_rows, step))).to_pylist()
    whole = [one.name for one in data.columns if one.type in ("integer", "long")]
    for row in rows:
        for name in whole:
            row[name] = _whole(row[name])
    return rows


def _whole(value: Any) -> Any:
    return int(value) if isinstance(value, float) and math.isfinite(value) and value.is_integer() else value


def _digest(source: str) -> str:
    """Raises ModelSourceInvalid."""
    near = digests.local(source)
    try:
        if near is not None:
            return digests.of(near)
        with datasets.stream(source) as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except IsADirectoryError:
        return ""
    except OSError as failed:
        raise errors.ModelSourceInvalid(
            f"the training data {source} cannot be read: {failed.strerror or failed}.", cure=training.CURE
        ) from failed
