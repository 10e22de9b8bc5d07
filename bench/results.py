"""What benchmarks share: --json and --quick, the machine's state, and figures set beside what is wanted of them."""

import argparse
import json
import os
import pathlib
from collections.abc import Sequence
from typing import Any, NamedTuple


class Target(NamedTuple):
    """One measured figure and its limit."""

    what: str
    measured: float
    wanted: str
    ok: bool


def at_least(what: str, measured: float, limit: float) -> Target:
    return Target(what, measured, f">= {limit:g}", measured >= limit)


def at_most(what: str, measured: float, limit: float) -> Target:
    return Target(what, measured, f"<= {limit:g}", measured <= limit)


def parser(doc: str | None) -> argparse.ArgumentParser:
    """With the options that all have; the first paragraph of a module's words is its help."""
    asked = argparse.ArgumentParser(description=(doc or "").partition("\n\n")[0])
    asked.add_argument("--json", type=pathlib.Path, help="write the result here")
    asked.add_argument("--quick", action="store_true", help="a small run, at most a minute")
    return asked


def machine() -> dict[str, Any]:
    """Where this is measured, and how busy it was before: a load well over 0 makes times useless, and ratios doubtful."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {"cores": cores, "load_before": round(os.getloadavg()[0], 2)}


def end(result: dict[str, Any], targets: Sequence[Target], given: argparse.Namespace) -> int:
    """Print the targets, write the JSON; the exit code, which is 1 when the result counts errors and never for a slow machine."""
    for one in targets:
        print(f"{'ok   ' if one.ok else 'short'}  {one.what}: {one.measured:g}, wanted {one.wanted}")
    result["targets"] = [{**one._asdict(), "ok": bool(one.ok)} for one in targets]
    if given.json:
        given.json.write_text(json.dumps(result, indent=1) + "\n")
    if result["errors"]:
        print(f"{result['errors']} errors")
    return int(bool(result["errors"]))
