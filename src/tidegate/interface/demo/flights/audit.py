"""What became of every prediction the clients have an id of: looked up in the prediction log itself, not asked of anyone.

The log is read as it lies on disk: Parquet files by their own columns, and segments for what is not recorded yet.
"""

import contextlib
import time
import typing
from collections.abc import Collection

import duckdb
import pyarrow as pa

from tidegate.core.vocabulary import errors, home, ids, records
from tidegate.dataplane.predlog import catalogue, parquet, segments

_LOOK_SECONDS = 0.25


class Audit(typing.NamedTuple):
    """What the log has of what the clients know."""

    lost: int
    """Predictions that the clients have an id of and the log has not."""
    outcomes_joined: int
    """Outcomes whose prediction is in the log, joined on the id."""


def audit(place: home.Home, received: Collection[bytes], outcomes: int, patience: float) -> Audit:
    """Hold the clients' ids against the log. Waits up to `patience` seconds for the recorder to have written all of it."""
    until = time.monotonic() + patience
    while True:
        missing, joined = _recorded(place, received)
        if (not missing and joined >= outcomes) or time.monotonic() > until:
            break
        time.sleep(_LOOK_SECONDS)
    if missing:
        missing -= _in_segments(place, missing)
    return Audit(len(missing), joined)


def _recorded(place: home.Home, received: Collection[bytes]) -> tuple[set[bytes], int]:
    """(ids that no Parquet file has, outcomes joined to a prediction)."""
    try:
        with catalogue.Catalogue(place.log, readonly=True) as known:
            predictions = [str(place.log / file.path) for file in known.files(parquet.PREDICTIONS)]
            outcomes = [str(place.log / file.path) for file in known.files(parquet.OUTCOMES)]
    except errors.StoreUnavailable:
        predictions, outcomes = [], []
    if not predictions:
        return set(received), 0
    shown = pa.table({"id": pa.array([ids.text(one) for one in received], pa.string())})
    with duckdb.connect(":memory:") as connection, contextlib.suppress(duckdb.IOException):
        connection.register("received", shown)
        logged = connection.from_parquet(predictions, hive_partitioning=False)
        connection.register("logged", logged.select("id", "role"))
        absent = connection.execute("SELECT id FROM received ANTI JOIN logged USING (id)").fetchall()
        joined = 0
        if outcomes:
            connection.register("told", connection.from_parquet(outcomes, hive_partitioning=False).select("id", '"row"', "role"))
            ask = "SELECT count(*) FROM (SELECT DISTINCT id, row FROM told SEMI JOIN logged USING (id, role))"
            joined = (connection.execute(ask).fetchone() or (0,))[0]
        return {known_id for (text,) in absent if (known_id := ids.parse(text)) is not None}, joined
    return set(received), 0


def _in_segments(place: home.Home, wanted: set[bytes]) -> set[bytes]:
    """Those of the ids that a segment has."""
    found: set[bytes] = set()
    for files in segments.listing(place.segments).values():
        for _, path in files:
            for _, record in segments.read(path):
                if isinstance(record, records.Prediction) and record.id in wanted:
                    found.add(record.id)
    return found
