"""What logged requests were answered beside their answers, by series: for profiles, and for the log's typed columns.

The values are in the records themselves (`models.series`), so they are there whatever is kept of inputs and bodies, in whatever
form a client asked. Called by the recorder.
"""

import itertools
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from tidegate.core.vocabulary import profiles, records
from tidegate.dataplane.models import series
from tidegate.dataplane.predlog import columns, parquet
from tidegate.observability.reading import bodies

_DOUBLE, _TEXT = columns.arrow("double"), columns.arrow(columns.TEXT)


class Outputs(NamedTuple):
    """Of several requests of one bundle."""

    of: list[records.Prediction]
    """Those that have any."""
    rows: list[int]
    """How many rows of each are told: all of them, where they are not very many."""
    values: dict[str, Sequence[Any]]
    """By series, the values of all these rows; of numbers an array, NaN where one is missing."""


def read(reader: bodies.Reader, several: Sequence[records.Prediction]) -> Outputs:
    """Of requests that were drawn for one bundle. What does not fit its series (a worker of another release) is left out."""
    known = reader.series(several[0].digest)
    if known is None or not (known.numbers or known.words):
        return Outputs([], [], {})
    width, words = series.NUMBER_BYTES * len(known.numbers), len(known.words)
    there, rows = [], []
    for one in several:
        count = len(one.numbers) // width if width else len(one.words) // words
        if 0 < count <= one.rows and len(one.numbers) == count * width and len(one.words) == count * words:
            there.append(one)
            rows.append(count)
    found: dict[str, Sequence[Any]] = {}
    if known.numbers and there:
        table = np.frombuffer(b"".join([one.numbers for one in there]), "<f8").reshape(-1, len(known.numbers))
        found |= dict(zip(known.numbers, np.ascontiguousarray(table.T), strict=True))
    if known.words and there:
        flat = list(itertools.chain.from_iterable(one.words for one in there))
        found |= {name: flat[place::words] for place, name in enumerate(known.words)}
    return Outputs(there, rows, found)


def chunks(reader: bodies.Reader, predictions: Iterable[records.Prediction]) -> dict[parquet.Partition, list[columns.Chunk]]:
    """The typed columns of these requests, by where they belong."""
    groups: dict[tuple[parquet.Partition, str], list[records.Prediction]] = {}
    for one in predictions:
        if one.numbers or one.words:
            groups.setdefault((parquet.partition(one), one.digest), []).append(one)
    found: dict[parquet.Partition, list[columns.Chunk]] = {}
    for (place, _), several in groups.items():
        told = read(reader, several)
        if told.of:
            keys = [(one.incarnation, one.sequence) for one in told.of]
            lists = {column(name): columns.lists(_kind(values), values, told.rows) for name, values in told.values.items()}
            found.setdefault(place, []).append(columns.Chunk(keys, lists))
    return found


def column(name: str) -> str:
    """What a series is called in the log."""
    return columns.OUTPUT + name.removeprefix(profiles.OUTPUTS)


def _kind(values: Sequence[Any]) -> Any:
    return _DOUBLE if isinstance(values, np.ndarray) else _TEXT
