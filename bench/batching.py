"""Batching as Tidegate fits it, against none and against fixed windows: `python -m bench.batching --json FILE [--quick]`.

Three models that take their time by the clock: `slow` (20 ms and 2 ms a row), `fast` (0.2 ms), `jumpy` (2 ms and 0.1 ms a row,
but 20 ms for two seconds out of every six); each behind three gateways that differ in nothing else: `tidegate`, `none`
(`limits.batch` 1) and `fixed` (`bench.fixed`: 32 requests or 5 ms). Clients in a closed loop, 1, 16 and 64 of them, and
independent ones (open loop, Poisson) at a rate that the model can serve in batches. What is not answered within the endpoint's
time limit is a miss.
"""

import pathlib
import sys
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from bench import fixed, generator, models, results, sender, servers
from tidegate.core.vocabulary import errors, tables

CONNECTIONS, FEW = (1, 16, 64), (64,)
"""Of the closed loops; the second with --quick."""
KINDS = ("tidegate", "none", "fixed")
LATE = errors.DeadlinePassed.status


class Load(NamedTuple):
    """A model and what is asked of it."""

    pace: models.Pace
    rate: float
    """Open loop, requests a second."""
    timeout_ms: int = 200


LOADS = {
    "slow": Load(models.Pace(0.020, 0.002), 250.0),
    "fast": Load(models.Pace(0.0002, 0.0), 1_000.0),
    "jumpy": Load(models.Pace(0.002, 0.0001, 0.020, 2.0, 6.0), 400.0),
}


def main() -> int:
    """Measure, print, write JSON; 1 when a request had another end than an answer or its time limit."""
    asked = results.parser(__doc__)
    asked.add_argument("--models", nargs="+", choices=LOADS, default=list(LOADS), help="these only")
    asked.add_argument("--seconds", type=float, help="of each load; else 12, or 1 with --quick")
    given = asked.parse_args()
    seconds = given.seconds or (1.0 if given.quick else 12.0)
    machine = results.machine()
    print(f"{'model':7}{'batching':10}{'load':12}{'answered/s':>11}{'p50 ms':>9}{'p99 ms':>9}{'missed':>8}")
    rows = []
    for name in given.models:
        for row in _measure(name, FEW if given.quick else CONNECTIONS, seconds):
            print(
                f"{row['model']:7}{row['batching']:10}{row['load']:12}{row['rps']:>11,.0f}{row['p50_ms']:>9.1f}"
                f"{row['p99_ms']:>9.1f}{row['missed']:>8.1%}{'  ' if row['sender_behind'] else ''}{row['sender_behind']}"
            )
            rows.append(row)
    result = {"rows": rows, "generator": generator.name(), **machine, "errors": sum(row["errors"] for row in rows)}
    return results.end(result, [], given)


def _measure(name: str, connections: tuple[int, ...], seconds: float) -> Iterator[dict[str, Any]]:
    load = LOADS[name]
    with servers.folder() as folder, servers.home_in(folder) as place:
        case = models.paced(folder, name, load.pace)
        digest = models.bundle(case, place)
        for kind in KINDS:
            most = {"none": 1, "fixed": fixed.SIZE}.get(kind, tables.Limits().batch)
            program = ("bench.fixed", str(fixed.SIZE), str(fixed.SECONDS)) if kind == "fixed" else (servers.GATEWAY,)
            limits = tables.Limits(timeout_ms=load.timeout_ms, batch=most)
            with servers.tidegate(place, [digest], program=program, limits=limits) as served:
                for number in connections:
                    yield {"model": name, "batching": kind, **_closed(served, case, number, seconds)}
                yield {"model": name, "batching": kind, **_open(served, case, load.rate, seconds, folder)}


def _closed(served: servers.Tidegate, case: models.Case, connections: int, seconds: float) -> dict[str, Any]:
    """Who is late is an error to the generator; nothing else goes wrong with one request a connection."""
    found = generator.load(served.url, case.bodies, connections, seconds)
    missed = found.errors / max(1, found.requests)
    return {
        "load": f"closed {connections}",
        "rps": round(found.rps * (1 - missed), 1),
        "p50_ms": round(found.p50_ms, 2),
        "p99_ms": round(found.p99_ms, 2),
        "missed": round(missed, 4),
        "errors": 0,
        "sender_behind": "",
    }


def _open(served: servers.Tidegate, case: models.Case, rate: float, seconds: float, folder: pathlib.Path) -> dict[str, Any]:
    bodies = [body.decode() for body in case.bodies]
    sent = sender.send(sender.Plan(served.port, servers.PATH, bodies, rate, seconds, "poisson", connections=256), folder)
    answered, late = (np.count_nonzero(sent.status == status) for status in (200, LATE))
    done = sent.done > 0
    cuts = sender.percentiles((sent.done[done] - sent.due[done]) / 1e6)
    return {
        "load": f"open {rate:g}/s",
        "rps": round(answered / seconds, 1),
        "p50_ms": cuts.get("p50_ms", 0.0),
        "p99_ms": cuts.get("p99_ms", 0.0),
        "missed": round(late / len(sent.due), 4),
        "errors": int(len(sent.due) - answered - late),
        "sender_behind": sent.behind,
    }


if __name__ == "__main__":
    sys.exit(main())
