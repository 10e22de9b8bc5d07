"""What the log says in lists and words, from Arrow as flat NumPy columns: no Python object a row where all are numbers.

Answers are JSON lists, labels JSON values; DuckDB has made numbers of those that are numbers (`numbers`), and leaves the text of
the others (`texts`), which is decoded once for each that differs. Called by `labelled` and `probabilities`.
"""

import itertools
import math
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from tidegate.dataplane.predlog import parquet

_label = msgspec.json.Decoder(float | str).decode
Column = npt.NDArray[Any]
"""float64, NaN for none, where all are numbers; else objects: numbers, words, None for none."""
Ints = npt.NDArray[np.int64]
ID = 36
"""Characters of a prediction's id."""
_SHOWN = 60


def missing(column: Column) -> npt.NDArray[np.bool_]:
    """Where there is none."""
    if column.dtype == np.float64:
        return np.isnan(column)
    return np.fromiter((one is None for one in column), bool, column.size)


def coded(column: Column) -> tuple[list[Any], npt.NDArray[np.intp]]:
    """(the different ones, None for none among them; which of them each is)."""
    if column.dtype == np.float64:
        different, places = np.unique(column, return_inverse=True)
        return [None if math.isnan(one) else one for one in different.tolist()], places
    known: dict[Any, int] = {}
    places = np.fromiter((known.setdefault(one, len(known)) for one in column), np.intp, column.size)
    return list(known), places


def identifiers(column: pa.ChunkedArray) -> npt.NDArray[np.bytes_]:
    """Prediction ids as `ID` characters each. Raises ValueError where one is not that long."""
    if len(column) and pc.min_max(pc.binary_length(column)).as_py() != {"min": ID, "max": ID}:
        raise ValueError("a prediction id in the log is not one")
    found = np.empty(len(column), f"S{ID}")
    begin = 0
    for one in column.chunks:
        found[begin : begin + len(one)] = np.frombuffer(one.buffers()[2], found.dtype, len(one), _first(one)) if len(one) else b""
        begin += len(one)
    return found


def _first(texts: pa.StringArray) -> int:
    """Where the first text's bytes are."""
    return int(np.frombuffer(texts.buffers()[1], np.int32, 1, texts.offset * 4)[0])


def whole(column: pa.ChunkedArray) -> Ints:
    """Integers without nulls, to be read only."""
    found: Ints = column.to_numpy()
    return found


def answers(numbers: pa.ChunkedArray, texts: pa.ChunkedArray, asked: Ints) -> tuple[Ints, Column]:
    """(how many rows each request has, what was answered to each row): as many as were asked for where nothing was answered."""
    counts = whole(pc.fill_null(pc.list_value_length(numbers), 0).cast(pa.int64())).copy()
    flat: Column = _floats(pc.list_flatten(numbers))
    starts = np.cumsum(counts) - counts
    if texts.null_count < len(texts):
        codes, several = _coded(texts)
        decoded = [parquet.answers(text) for text in several]
        many = np.array([len(one) for one in decoded], np.int64)
        there = codes >= 0
        starts[there] = flat.size + (np.cumsum(many) - many)[codes[there]]
        counts[there] = many[codes[there]]
        flat = np.concatenate([_objects(flat), _array(list(itertools.chain.from_iterable(decoded)))])
    sizes = np.where(counts > 0, counts, asked)
    total = int(sizes.sum())
    if flat.size == total and flat.dtype == np.float64:
        return sizes, flat  # each row was answered, in this order
    found = np.full(total, np.nan if flat.dtype == np.float64 else None, flat.dtype)
    found[_places(np.cumsum(sizes) - sizes, counts)] = flat[_places(starts, counts)]
    return sizes, found


class Labels:
    """Labels in their order."""

    def __init__(self, numbers: pa.ChunkedArray, texts: pa.ChunkedArray) -> None:
        self._numbers = _floats(numbers)
        codes, several = _coded(texts)
        self.codes = codes
        """Which of `words` each is; -1: a number."""
        self.words = [_label(text) for text in several]

    def of(self, wanted: npt.NDArray[np.intp]) -> Column:
        """These."""
        codes, numbers = self.codes[wanted], self._numbers[wanted]
        if (codes < 0).all():
            return numbers
        return np.where(codes < 0, _objects(numbers), _array(self.words)[codes])


def spread(column: Column, places: Ints, total: int) -> Column:
    """These at their places among `total`, and none elsewhere."""
    found = np.full(total, np.nan if column.dtype == np.float64 else None, column.dtype)
    found[places] = column
    return found


def words(lists: pa.ChunkedArray, sizes: Ints) -> npt.NDArray[np.object_]:
    """The values of each request's first rows, so many as it has, in words as slices have them: 7.0 is 7; empty where none is."""
    found = np.full(int(sizes.sum()), "", object)
    if lists.null_count == len(lists):
        return found
    long = whole(pc.fill_null(pc.list_value_length(lists), 0).cast(pa.int64()))
    counts = np.minimum(long, sizes)
    codes, several = _coded(pc.fill_null(pc.list_flatten(lists), "null"))
    shown = _array([one[:_SHOWN].removesuffix(".0") for one in several])
    found[_places(np.cumsum(sizes) - sizes, counts)] = shown[codes[_places(np.cumsum(long) - long, counts)]]
    return found


def _places(starts: Ints, counts: Ints) -> Ints:
    """The places of runs, one after the other, by where each begins and how long it is."""
    found: Ints = np.repeat(starts - (np.cumsum(counts) - counts), counts) + np.arange(int(counts.sum()))
    return found


def _coded(texts: pa.ChunkedArray) -> tuple[npt.NDArray[np.int64], list[str]]:
    """(which of the different ones each is, -1 for null; these)."""
    coded = texts.dictionary_encode().unify_dictionaries()
    codes = pa.chunked_array([one.indices for one in coded.chunks], pa.int32())
    different = coded.chunk(0).dictionary.to_pylist() if coded.num_chunks else []
    return whole(pc.fill_null(codes, -1).cast(pa.int64())), different


def _floats(numbers: pa.ChunkedArray) -> npt.NDArray[np.float64]:
    found: npt.NDArray[np.float64] = numbers.to_numpy()
    return found


def _objects(numbers: npt.NDArray[np.float64]) -> npt.NDArray[np.object_]:
    found = numbers.astype(object)
    found[np.isnan(numbers)] = None
    return found


def _array(values: list[Any]) -> npt.NDArray[np.object_]:
    found = np.empty(len(values), object)
    found[:] = values
    return found
