"""The prediction log of a home under load, read where no recorder runs."""

import pathlib
import statistics
from collections.abc import Iterator

from tidegate.core.vocabulary import home, ids, records
from tidegate.dataplane.predlog import segments

ENOUGH = 20_000
"""Records that tell a median."""


def predictions(place: home.Home, since_ns: int = 0) -> Iterator[records.Prediction]:
    """Those that arrived at this Unix time or later, from segments written since."""
    for path in _paths(place):
        if path.stat().st_mtime_ns < since_ns:
            continue
        for _, record in segments.read(path):
            if isinstance(record, records.Prediction) and record.arrived_ns >= since_ns:
                yield record


def model_ms(place: home.Home, since_ns: int) -> float:
    """Median time of the model call of predictions since then; one batch is one call, and counts for each request in it."""
    took = [one.model_us for one, _ in zip(predictions(place, since_ns), range(ENOUGH), strict=False)]
    return statistics.median(took) / 1e3 if took else 0.0


def worker_ms(place: home.Home) -> dict[str, float]:
    """Milliseconds in the worker, by prediction id."""
    return {ids.text(one.id): one.worker_us / 1e3 for one in predictions(place)}


def tidy(place: home.Home) -> None:
    """Delete what no gateway writes any more: at full speed the log grows by gigabytes a minute, and no recorder runs here."""
    for path in _paths(place)[:-1]:
        path.unlink()


def _paths(place: home.Home) -> list[pathlib.Path]:
    """In the order written, by one gateway boot."""
    return [path for files in segments.listing(place.segments).values() for _, path in files]
