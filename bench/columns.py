"""Tables of forty columns to report drift of: both sides of `bench.monitors` make the same ones. numpy and pandas only."""

import pathlib
import resource
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

COLUMNS, WORDS = 40, 10
"""All columns, and those of them that hold categories."""


def frame(rows: int, seed: int) -> pd.DataFrame:
    """Half of the numbers are normal, half skewed; categories have twenty values. Equal laws for every seed."""
    rng = np.random.default_rng(seed)
    columns: dict[str, Any] = {}
    for at in range(COLUMNS - WORDS):
        columns[f"x{at}"] = rng.normal(size=rows) if at % 2 else rng.gamma(2.0, 3.0, size=rows)
    names = np.array([f"value-{at}" for at in range(20)], object)
    for at in range(WORDS):
        columns[f"c{at}"] = names[rng.integers(0, 20, rows)]
    return pd.DataFrame(columns)


def measured(report: Callable[[pd.DataFrame, pd.DataFrame], str], rows: int) -> dict[str, float]:
    """Seconds, and MiB of memory above what the two tables take, of one report over them."""
    reference, current = frame(rows, 1), frame(rows, 2)
    before, began = _begin(), time.perf_counter()
    told = report(reference, current)
    return {"seconds": time.perf_counter() - began, "mib": _peak() - before, "characters": len(told)}


def _begin() -> float:
    """MiB resident now; where the kernel lets one, the peak is forgotten that making the tables was."""
    try:
        pathlib.Path("/proc/self/clear_refs").write_text("5")
        return int(pathlib.Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 2**20
    except OSError:
        return _peak()


def _peak() -> float:
    """MiB resident, at the most so far."""
    try:
        told = pathlib.Path("/proc/self/status").read_text().split()
        return int(told[told.index("VmHWM:") + 1]) / 2**10
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
