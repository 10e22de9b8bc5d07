"""Evidently's DataDriftPreset, as its documentation calls it, in its own environment: `python -m bench.evidently_report ROWS`."""

import json
import os
import sys

os.environ["DO_NOT_TRACK"] = "1"

import evidently
import pandas as pd
from evidently import presets

from bench import columns


def report(reference: pd.DataFrame, current: pd.DataFrame) -> str:
    """The whole report as JSON."""
    found = evidently.Report([presets.DataDriftPreset()]).run(current, reference)
    told: str = found.json()
    return told


if __name__ == "__main__":
    print(json.dumps(columns.measured(report, int(sys.argv[1]))))
