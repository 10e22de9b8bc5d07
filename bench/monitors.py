"""What watching for drift costs and how often it is wrong: `python -m bench.monitors --json FILE [--quick]`.

- `profiling`: nanoseconds to count one value as the recorder does, in bins alone and with a sketch; of `records` with ten class
  probabilities, all that it does for their profile once their inputs are read
- `report`: a whole report of 100,000 rows of 40 columns against as many, beside Evidently's preset in an environment of its own
- `wide`: processor seconds of a first look at a year of 1,000 columns, of a look when an hour has ended, and of a report of a day
- `windows`: alarms of traffic in which nothing changes, over many windows, columns and numbers of rows: of days against the same
  weekday, and of four weeks against the data that came with the model
- `lasting`: days with an alarm of what lasts, by the month of the flights of 2013 (the model came with January and February), and
  by the year of the census of Massachusetts (it came with 2015)
"""

import collections
import itertools
import json
import os
import pathlib
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec
import numpy as np

from bench import columns, recording, replays, results, servers, wide
from tests.conformance import environments
from tidegate.core.stats import counting, seasons, sketches
from tidegate.core.vocabulary import alarms, monitoring, profiles
from tidegate.interface.demo.flights import data
from tidegate.observability.drift import lasting, moving, shelving
from tidegate.observability.profiling import hourly
from tidegate.observability.reading import bodies

ROOT = pathlib.Path(__file__).parent.parent


class Setting(NamedTuple):
    """How much is done."""

    cells: int
    rows: int
    repeats: int
    weeks: int
    rows_a_window: tuple[int, ...]
    columns: int


FULL = Setting(1_000_000, 100_000, 3, 52, (250, 1_000, 10_000), 1_000)
QUICK = Setting(100_000, 5_000, 1, 12, (250, 1_000), 20)


def main() -> int:
    """Measure everything."""
    given = results.parser(__doc__).parse_args()
    setting = QUICK if given.quick else FULL
    result = {**results.machine(), "errors": 0}
    result |= {
        "profiling_ns": {**cells(setting), "records": profiled(setting)},
        "report": reports(setting),
        "windows": quiet(setting),
    }
    result |= {"lasting": lasted(), "wide": wide.measure(setting.columns)._asdict()}
    ns, ours, theirs = result["profiling_ns"], result["report"]["tidegate"], result["report"]["evidently"]
    windows = sum(one["windows"] for one in result["windows"])
    targets = [
        results.at_most("a value counted in its bin, ns", ns["bins"], 100),
        results.at_most("the same with a sketch, ns", ns["with_sketch"], 200),
        results.at_most("a cell of 20 inputs and 11 outputs in its hour's profile, with its sketch, ns", ns["records"], 100),
        results.at_least("Evidently's seconds over ours", round(theirs["seconds"] / ours["seconds"], 1), 10),
        results.at_least("Evidently's memory over ours", round(theirs["mib"] / max(1.0, ours["mib"]), 1), 5),
        results.at_most(f"windows of {windows} with a false alarm", sum(one["alarms"] for one in result["windows"]), 0),
        results.at_most(f"a first look at a year of {setting.columns:,} columns, CPU s", result["wide"]["first_look"], 20),
        results.at_most("a look when an hour has ended, CPU s", result["wide"]["hour_later"], 1),
        results.at_most("a report of a day against its season, CPU s", result["wide"]["report"], 3),
    ]
    return results.end(result, targets, given)


def cells(setting: Setting) -> dict[str, float]:
    """Nanoseconds a value: of numbers and of categories, as the recorder has them, three quarters and one of all columns."""
    table = columns.frame(setting.cells // columns.COLUMNS, 3)
    values = {name: table[name].tolist() for name in table.columns}
    frames = {name: counting.framed(name, one[:1_000]) for name, one in values.items()}
    count = sum(map(len, values.values()))
    numbers = {name: np.array(one) for name, one in values.items() if frames[name].numeric}
    ascending = [counting.numbered(one)[0] for one in numbers.values()]

    def bins() -> None:
        for name, one in values.items():
            counting.counted(frames[name], one)

    def binned() -> None:
        for name, one in numbers.items():
            counting.counted(frames[name], one)

    def sketched() -> None:
        for one in ascending:
            sketches.Numbers().add(one)

    whole, only, more = (_seconds(act, setting.repeats) for act in (bins, binned, sketched))
    return {
        "bins": _ns(whole, count),
        "numbers_already_an_array": _ns(only, sum(map(len, numbers.values()))),
        "sketch": _ns(more, sum(map(len, numbers.values()))),
        "with_sketch": _ns(whole + more, count),
    }


def profiled(setting: Setting) -> float:
    """Nanoseconds a cell: of twenty inputs, the answer and ten class probabilities, from records to the saved profile of an hour.

    The inputs have been read: the log's typed columns are made of them, too.
    """
    width = recording.COLUMNS + 1 + recording.CLASSES
    with servers.folder() as folder, servers.home_in(folder) as place:
        digest = recording.prepare(place, recording.CLASSES)
        reader = bodies.Reader(place.bundles, holds=True)
        made = recording.predictions(digest, seasons.WEEK_BEGINS * 10**9, recording.RATE, recording.CLASSES)
        several = list(itertools.islice(made, setting.cells // width))
        reader.inputs(several)
        taken = hourly.Profiles(sqlite3.connect(":memory:"), reader)

        def act() -> None:
            taken.take(several)
            taken.save()

        return _ns(_seconds(act, setting.repeats), width * len(several))


def _seconds(act: Callable[[], None], repeats: int) -> float:
    act()
    took = []
    for _ in range(repeats):
        began = time.process_time()
        act()
        took.append(time.process_time() - began)
    return statistics.median(took)


def _ns(seconds: float, count: int) -> float:
    return round(seconds / count * 1e9, 1)


def reports(setting: Setting) -> dict[str, Any]:
    """Both sides, taking turns, each time in a process of its own: medians."""
    theirs = str(environments.made("evidently"))
    sides = {"tidegate": (sys.executable, "bench.drift_report"), "evidently": (theirs, "bench.evidently_report")}
    found: dict[str, list[dict[str, float]]] = {name: [] for name in sides}
    for _ in range(setting.repeats):
        for name, (python, module) in sides.items():
            found[name].append(_report(python, module, setting.rows))
    return {"rows": setting.rows, "columns": columns.COLUMNS, **{name: _medians(several) for name, several in found.items()}}


def _medians(several: list[dict[str, float]]) -> dict[str, float]:
    return {key: round(statistics.median(one[key] for one in several), 3) for key in ("seconds", "mib")}


def _report(python: str, module: str, rows: int) -> dict[str, float]:
    scrubbed = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "src")]), "PYTHONWARNINGS": "ignore"}
    told = subprocess.run([python, "-m", module, str(rows)], cwd=ROOT, env=scrubbed, capture_output=True, text=True, check=False)
    if told.returncode:
        raise SystemExit(f"{module} failed: {told.stderr[-2_000:]}")
    found: dict[str, float] = json.loads(told.stdout.splitlines()[-1])
    return found


def quiet(setting: Setting) -> list[dict[str, int]]:
    """Traffic in which nothing changes: windows looked at, and those at which anything was said."""
    return [_quiet(rows, setting.weeks) for rows in setting.rows_a_window]


def _quiet(rows: int, weeks: int) -> dict[str, int]:
    connection = sqlite3.connect(":memory:")
    hourly.prepare(connection)
    table = columns.frame(10_000, 4)
    frames = {name: counting.framed(name, table[name].tolist()) for name in table.columns}
    for name, frame in frames.items():
        connection.execute("INSERT INTO frame VALUES ('bench', ?, ?)", (name, msgspec.msgpack.encode(frame)))
    begin = seasons.WEEK_BEGINS + 2_800 * seasons.WEEK
    for day in range(weeks * 7):
        one = columns.frame(rows, 1_000 + day)
        told = {name: counting.counted(frames[name], one[name].tolist()) for name in one.columns}
        row = (begin + day * seasons.DAY, msgspec.msgpack.encode(profiles.Profile(rows, told)))
        connection.execute("INSERT INTO profile VALUES ('bench', 1, ?, ?)", row)
    known = columns.frame(50_000, 5)
    baseline = counting.baseline({name: known[name].tolist() for name in known.columns}, {})
    shelf, found = shelving.Shelf(connection, "bench", frozenset({1}), baseline), 0
    kinds = ((alarms.Kind.DRIFT, moving.MOVES), (alarms.Kind.QUALITY, moving.FAULTS))
    tracks = [moving.Track(moving.Plan(kind, effects, seasons.DAY, seasons.DAY, "week")) for kind, effects in kinds]
    tracks.append(lasting.Track(monitoring.Drift()))
    for day in range(weeks * 7):
        now = begin + (day + 1) * seasons.DAY + moving.WAIT
        moving.look(tracks, shelf, now)
        found += sum(bool(track.runs(now)) for track in tracks)
    return {"rows": rows, "columns": columns.COLUMNS, "windows": sum(track.windows for track in tracks), "alarms": found}


def lasted() -> dict[str, dict[str, int]]:
    """Days on which something was said to last."""
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        flights = [day for day, alarm in replays.flights(root / "flights", data.load()) if alarm.subject == lasting.SUBJECT]
        census = replays.census(root / "census", replays.years(), monitoring.Drift())
    months = collections.Counter(map(replays.month, flights))
    return {
        "flights": {str(month): months[month] for month in range(1, 13)},
        "census": {str(year): sum(bool(said) for said in days) for year, days in census.items()},
    }


if __name__ == "__main__":
    sys.exit(main())
