"""The same report by Tidegate, from frames to every column held against the other: `python -m bench.drift_report ROWS`."""

import json
import sys

import msgspec
import pandas as pd

from bench import columns
from tidegate.core.stats import counting, stacks
from tidegate.core.vocabulary import profiles
from tidegate.observability.drift import drifting


def report(reference: pd.DataFrame, current: pd.DataFrame) -> str:
    """The whole report as JSON."""
    frames = {name: counting.framed(name, reference[name].iloc[:10_000].tolist()) for name in reference.columns}
    layout = stacks.Layout(frames)
    known, seen = (layout.stacked(len(table), profile(frames, table).columns) for table in (reference, current))
    anywhere = drifting.Report("bench", drifting.Stretch(0, 0), "training", ())
    return msgspec.json.encode(drifting.held(anywhere, layout, (known, seen))).decode()


def profile(frames: dict[str, profiles.Frame], table: pd.DataFrame) -> profiles.Profile:
    """What a table's columns are in these frames."""
    return profiles.Profile(len(table), {name: counting.counted(frame, _values(table[name])) for name, frame in frames.items()})


def _values(column: pd.Series) -> object:
    return column.to_numpy() if column.dtype != object else column.tolist()


if __name__ == "__main__":
    print(json.dumps(columns.measured(report, int(sys.argv[1]))))
