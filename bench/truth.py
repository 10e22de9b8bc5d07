"""How good versions were, by the truth heard: a log of any size with outcomes, as merges leave it, and what a report on it takes.

Sixty days, two versions side by side in the last twenty. The answers are probabilities that are true; labels come days later, of
the true sooner. The report is made in a process of its own, whose memory is the peak above what it has imported.
"""

import json
import subprocess
import sys
import time
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from bench import among, recording
from tidegate.core.vocabulary import home, ids
from tidegate.dataplane.predlog import catalogue, parquet

DAYS, TOGETHER = 60, 20
DAY_MS = 86_400_000
FAILED, UNHEARD = 0.002, 0.05
"""Shares of the requests that are not answered, and whose truth never comes."""
_REPORT = """
import json, pathlib, re, sys, time
from tidegate.core.vocabulary import home, tables
from tidegate.observability.outcomes import performance
used = lambda: int(re.search(r"VmHWM:\\s+(\\d+)", pathlib.Path("/proc/self/status").read_text())[1]) / 1024
place, now, before = home.Home(pathlib.Path(sys.argv[1])), float(sys.argv[2]), used()
began, cpu = time.perf_counter(), time.process_time()
asked = performance.Asked("bench", now - 30 * 86_400, now)
found = performance.read(place, tables.Outcomes(kind="probability"), asked)
told = {"seconds": time.perf_counter() - began, "cpu": time.process_time() - cpu, "mib": used() - before}
told |= {"rows": sum(one.predicted for one in found.standings), "labelled": sum(one.labelled for one in found.standings)}
print(json.dumps(told | {"sampled": found.sampled}))
"""


class Found(NamedTuple):
    """What the report took."""

    rows: int
    """Predictions that it has read."""
    labelled: int
    """Outcomes among them."""
    seconds: float
    cpu_seconds: float
    mib: float
    missed: int
    """Predictions of the last thirty days that it does not count."""


def measure(place: home.Home, rows: int) -> Found:
    """Write that many predictions and their outcomes, and report on the last thirty days."""
    digest = recording.prepare(place)
    now_ms = int(time.time() * 1e3)
    begin_ms = (now_ms // DAY_MS - DAYS) * DAY_MS
    heard: list[pa.Table] = []
    recent = 0
    with catalogue.Catalogue(place.log) as known:
        for day in range(DAYS):
            predictions, outcomes = _day(digest, begin_ms + day * DAY_MS, rows // DAYS, day >= DAYS - TOGETHER)
            _put(place, known, f"{day:013d}-m1", predictions)
            heard.append(outcomes)
            recent += int((predictions["arrived"].cast(pa.int64()).to_numpy() // 10**6 >= now_ms - 30 * DAY_MS).sum())
        all_heard = pa.concat_tables(heard)
        came = all_heard["received"].cast(pa.int64()).to_numpy() // 10**6
        for day in np.unique(came[came < now_ms] // DAY_MS).tolist():
            there = (came // DAY_MS == day) & (came < now_ms)
            _put(place, known, f"{day:013d}-m1", all_heard.filter(pa.array(there)).sort_by("id"))
        labelled = int((came < now_ms).sum())
        known.begun()
    argv = [sys.executable, "-c", _REPORT, str(place.root), str(now_ms / 1e3)]
    told = json.loads(subprocess.run(argv, check=True, capture_output=True, text=True).stdout)
    return Found(rows, labelled, told["seconds"], told["cpu"], told["mib"], recent - told["rows"] * (told["sampled"] == 1))


def _put(place: home.Home, known: catalogue.Catalogue, name: str, rows: pa.Table) -> None:
    when = ids.milliseconds(ids.parse(rows["id"][0].as_py()) or b"") / 1e3
    where = parquet.Partition(parquet.PREDICTIONS, recording.ENDPOINT, parquet.day(when))
    if "received" in rows.schema.names:
        where = parquet.Partition(parquet.OUTCOMES, "", parquet.day(rows["received"][0].as_py().timestamp()))
    made = parquet.place(place.log, where, name, rows, 1)
    known.begin()
    known.add([made])
    known.commit()


def _day(digest: str, begin_ms: int, count: int, both: bool) -> tuple[pa.Table, pa.Table]:
    """The predictions of one day, and all outcomes of them that ever come."""
    rng = np.random.default_rng(begin_ms // DAY_MS)
    sample = next(recording.predictions(digest, begin_ms * 10**6, 1.0))
    schema = parquet.SCHEMAS[parquet.PREDICTIONS]
    at_ms = begin_ms + np.sort(rng.integers(0, DAY_MS, count))
    texts, _ = among.identifiers(at_ms, rng)
    pattern, score = parquet.table([sample]), rng.random(count).round(6)
    made = {name: pa.repeat(pattern[name][0], count) for name in schema.names}
    made |= {"id": texts, "sequence": pa.array(begin_ms + np.arange(count)), "arrived": pa.array(at_ms * 10**6)}
    made |= {"version": pa.array(1 + (both & (rng.random(count) < 0.5))), "mark": pa.array(np.int64(rng.random(count) < FAILED))}
    made["answers"] = pa.array([f"[{value!r}]" for value in score.tolist()])
    truth = rng.random(count) < score
    lag = rng.exponential(np.where(truth, 2.0, 5.0) * DAY_MS)
    there = rng.random(count) >= UNHEARD
    outcomes = parquet.SCHEMAS[parquet.OUTCOMES]
    blank = {field.name: _blank(field.type, int(there.sum())) for field in outcomes}
    blank |= {"id": texts.filter(pa.array(there)), "received": pa.array((at_ms + lag).astype(np.int64)[there] * 10**6)}
    blank |= {"label": pa.array(np.where(truth[there], "1.0", "0.0")), "label_version": pa.repeat(1, int(there.sum()))}
    return _table(made, schema), _table(blank, outcomes)


def _blank(kind: pa.DataType, count: int) -> pa.Array:
    """So many values that say nothing: zeros, empty texts, missing times."""
    return pa.nulls(count, kind) if pa.types.is_timestamp(kind) else pa.repeat(0 if pa.types.is_integer(kind) else "", count)


def _table(made: dict[str, pa.Array], schema: pa.Schema) -> pa.Table:
    return pa.table([made[field.name].cast(field.type) for field in schema], schema=schema)
