"""How fast a change of routes takes effect, and that nobody notices: `python -m bench.swaps --json FILE [--quick]`.

Two versions behind one endpoint, both up. The table gives it to one and to the other by turns, 10,000 times (300 with --quick),
under a steady open-loop load of its own. A swap's time runs from the call of `tablefile.write` to the first answer that says
the new version's number, to a client that asks one request after the other. Gateway memory is looked at all along.
"""

import contextlib
import http.client
import pathlib
import sys
import time
from collections.abc import Iterator
from typing import Any

import numpy as np

from bench import models, processes, results, sender, servers
from tidegate.dataplane.wire import tablefile

LOAD = 500.0
"""Requests a second beside the swaps."""
WARM = 2.0
"""Seconds of load before the first swap."""
TELLING = 1_000
"""Swaps without which memory's slope says nothing."""
REMEMBERED = 2.0
"""MiB for each 1,000 swaps: a row of sums for each, and a kilobyte beside it for the ten minutes in which seconds stay apart."""
STALLED = 5.0
"""Seconds without the new version after which a swap counts as an error."""


def main() -> int:
    """Measure, print, write JSON; 1 when a request failed or a swap was not obeyed."""
    asked = results.parser(__doc__)
    asked.add_argument("--swaps", type=int, help="how many; else 10,000, or 300 with --quick")
    given = asked.parse_args()
    swaps = given.swaps or (300 if given.quick else 10_000)
    machine = results.machine()
    with servers.folder() as folder, servers.home_in(folder) as place:
        cases = [models.paced(folder, f"m{number}", models.Pace(0.0, 0.0)) for number in (1, 2)]
        with servers.tidegate(place, [models.bundle(case, place) for case in cases]) as served:
            found = _swap(served, cases[0], swaps, folder)
    result = {**found, **machine}
    _show(result)
    return results.end(result, _targets(result), given)


def _swap(served: servers.Tidegate, case: models.Case, swaps: int, folder: pathlib.Path) -> dict[str, Any]:
    took, written, memory, missed, probed = [], [], [], 0, 0
    with _loaded(served, case, folder) as loads, contextlib.closing(_Probe(served.port, case.bodies[0])) as probe:
        time.sleep(WARM)
        for number in range(swaps):
            wanted = 2 - number % 2
            began = time.monotonic()
            served.route(wanted)
            written.append(time.monotonic() - began)
            end = began + STALLED
            while (answered := probe.ask()) != wanted and time.monotonic() < end:
                probed += 1
            took.append(time.monotonic() - began)
            missed += answered != wanted
            if number % max(1, swaps // 200) == 0:
                memory.append((number, processes.rss_mib(served.gateway)))
        files = processes.files(served.gateway)
    failed = sum(sent.failed for sent in loads)
    return {
        "swaps": swaps,
        "took": sender.percentiles(np.array(took) * 1e3),
        "of_that_writing": sender.percentiles(np.array(written) * 1e3),
        "load": [sender.described(sent) for sent in loads],
        "probes": probed + swaps,
        "probes_failed": probe.failed,
        "failed": failed,
        "rss_mib": {"first": round(memory[0][1], 2), "last": round(memory[-1][1], 2), "per_1000_swaps": _slope(memory)},
        "files": files,
        "sums_mib": round(sum(path.stat().st_size for path in served.place.sums.glob("*.sums")) / (1 << 20), 2),
        "generation": tablefile.read(served.place.table).generation,
        "errors": failed + missed + probe.failed,
    }


@contextlib.contextmanager
def _loaded(served: servers.Tidegate, case: models.Case, folder: pathlib.Path) -> Iterator[list[sender.Sent]]:
    """Steady load for as long as the block runs; what came of it is in the list afterwards."""
    bodies = [body.decode() for body in case.bodies]
    plan = sender.Plan(served.port, servers.PATH, bodies, LOAD, 3_600.0, "poisson", connections=32)
    running, found = sender.start(plan, folder), []
    try:
        yield found
        found.append(running.enough())
    finally:
        running.stop()


class _Probe:
    """Asks one request after the other, and reads which version answered."""

    def __init__(self, port: int, body: bytes) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        self._body = body
        self.failed = 0

    def ask(self) -> int:
        self._connection.request("POST", servers.PATH, self._body, {"content-type": "application/json"})
        answer = self._connection.getresponse()
        answer.read()
        self.failed += answer.status != 200
        return int(answer.headers.get("tidegate-version", "v0")[1:])

    def close(self) -> None:
        self._connection.close()


def _slope(memory: list[tuple[int, float]]) -> float:
    """MiB for each 1,000 swaps, from the second half: what is filled once has been by then."""
    later = memory[len(memory) // 2 :]
    if len(later) < 3:
        return 0.0
    numbers, sizes = zip(*later, strict=True)
    return round(float(np.polyfit(numbers, sizes, 1)[0]) * 1_000, 3)


def _targets(result: dict[str, Any]) -> list[results.Target]:
    found = [
        results.at_most("a swap in effect, p99, ms", result["took"]["p99_ms"], 50),
        results.at_most("failed requests", result["errors"], 0),
    ]
    if result["swaps"] >= TELLING:
        slope = result["rss_mib"]["per_1000_swaps"]
        found.append(results.at_most("gateway memory, MiB for each 1,000 swaps", slope, REMEMBERED))
    return found


def _show(result: dict[str, Any]) -> None:
    print(f"{result['swaps']} swaps; load before {result['load_before']}")
    for name in ("took", "of_that_writing"):
        print(f"  {name:16}" + sender.line(result[name]))
    requests = sum(load["requests"] for load in result["load"])
    print(f"  {requests} requests and {result['probes']} probes, {result['failed'] + result['probes_failed']} failed")
    print(f"  gateway: MiB {result['rss_mib']}, {result['files']} files, {result['sums_mib']} MiB of sums")


if __name__ == "__main__":
    sys.exit(main())
