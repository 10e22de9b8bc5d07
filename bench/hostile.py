"""Whether bad requests leave anything behind: `python -m bench.hostile --json FILE [--quick]`.

100,000 connections (3,000 with --quick) that send what nobody honest sends (`tests.process.hostile`: broken heads, framing that
contradicts itself, endless chunks, halves of requests, bodies of every hostile kind) at one gateway and its workers, while a good
client asks beside them and looks at every answer. Memory and open files of the processes are read all along.
"""

import sys
import time
from typing import Any

import numpy as np

from bench import kept, processes, results, servers
from tests.process import hostile, worker_fixtures
from tidegate.core.vocabulary import home, manifests, releases, tables
from tidegate.dataplane.wire import tablefile

ATTACKS, QUICK = 100_000, 3_000
ATTACKERS = 2
"""At once."""
LOOKS = 40
"""How often memory and files are read."""
CLOSED = 15.0
"""Seconds in which the gateway has to have let go of connections that their clients have closed."""
_MATRIX = """
import numpy as np

class Odd:
    def predict(self, given):
        return np.nan_to_num(np.asarray(given, dtype="float64")).sum(axis=1)
"""
"""Answers a number whatever it is asked: what is not answered is then the server's doing."""
_FARE = """
import numpy as np

class Odd:
    def predict(self, given):
        return np.nan_to_num(given["distance"].astype(float)) / 2 + given["stops"].astype(float)
"""
_Column = manifests.Column


def main() -> int:
    """Measure, print, write JSON; 1 when an answer was wrong or the gateway did not answer."""
    asked = results.parser(__doc__)
    asked.add_argument("--attacks", type=int, help="how many; else 100,000, or 3,000 with --quick")
    asked.add_argument("--seed", type=int, default=1, help="of what is sent")
    given = asked.parse_args()
    count = given.attacks or (QUICK if given.quick else ATTACKS)
    machine = results.machine()
    with servers.folder() as folder, servers.home_in(folder) as place:
        gateway = kept.write_gateway(place)
        with kept.keeper(place) as keeper:
            deployed = {version.endpoint: keeper.load(version) for version in _versions(place)}
            made = {name: tables.Route(name, "production", stable) for name, stable in deployed.items()}
            tablefile.write(place.table, lambda _: tables.Table(0, 0, made))
            keeper.ready(gateway)
            pids = {gateway: keeper.pid(gateway)}
            pids |= {name: keeper.pid(stable.workers[0].instance) for name, stable in deployed.items()}
            servers.wait(lambda: _answers(keeper.port))
            result = {**_attacked(keeper.port, pids, count, given.seed), **machine}
    _show(result)
    return results.end(result, _targets(result, gateway), given)


def _versions(place: home.Home) -> list[releases.Version]:
    """What the hostile requests are about: a model of a tensor, and one of columns."""
    matrix = manifests.Signature("tensor", (_Column("x", "FP32", shape=(-1, 3)),), (_Column("total", "double"),))
    inputs = (_Column("distance", "double"), _Column("stops", "long"), _Column("kind", "string", required=False))
    fare = manifests.Signature("columns", inputs, (_Column("fare", "double"),))
    digests = {
        "matrix": worker_fixtures.bundle(place, matrix, {"records": [[1, 2, 3]]}, code=_MATRIX),
        "fare": worker_fixtures.bundle(place, fare, {"records": [{"distance": 1.0, "stops": 1}]}, code=_FARE),
    }
    return [releases.Version(name, 1, digest, digest, "bench") for name, digest in digests.items()]


def _answers(port: int) -> bool:
    """Whether a good client is served."""
    with hostile.Good(port) as good:
        pass
    return bool(good.answered)


def _attacked(port: int, pids: dict[str, int], count: int, seed: int) -> dict[str, Any]:
    tally = hostile.Tally()
    looks = []
    step = max(ATTACKERS, count // LOOKS // ATTACKERS * ATTACKERS)
    files_before = {name: processes.files(pid) for name, pid in pids.items()}
    with hostile.Good(port) as good:
        for number in range(0, count, step):
            tally.add(hostile.attack(port, seed + number, count=min(step, count - number), attackers=ATTACKERS))
            looks.append((tally.total, {name: processes.rss_mib(pid) for name, pid in pids.items()}))
            if tally.wrong or good.wrong:
                break
    until = time.monotonic() + CLOSED
    while time.monotonic() < until and any(processes.files(pid) > files_before[name] for name, pid in pids.items()):
        time.sleep(0.1)
    wrong = [*tally.wrong, *good.wrong]
    return {
        "attacks": tally.total,
        "good_answers": good.answered,
        "good_slowest_ms": round(good.slowest * 1e3, 1),
        "memory": {name: _memory(name, looks) for name in pids},
        "files": {name: {"before": files_before[name], "after": processes.files(pid)} for name, pid in pids.items()},
        "wrong": wrong,
        "errors": len(wrong),
    }


def _memory(name: str, looks: list[tuple[int, dict[str, float]]]) -> dict[str, float]:
    """MiB: after the first look, at the end, and for each 10,000 attacks of the second half."""
    later = looks[len(looks) // 2 :]
    slope = float(np.polyfit([at for at, _ in later], [used[name] for _, used in later], 1)[0]) if len(later) > 2 else 0.0
    first, last = looks[0][1][name], looks[-1][1][name]
    return {"first": round(first, 2), "last": round(last, 2), "per_10000": round(slope * 10_000, 3)}


def _targets(result: dict[str, Any], gateway: str) -> list[results.Target]:
    files = result["files"][gateway]
    found = [
        results.at_most("wrong answers, hangs and failures of the good client", result["errors"], 0),
        results.at_most("open files that the gateway has left over", files["after"] - files["before"], 0),
    ]
    if result["attacks"] >= ATTACKS:
        slope = result["memory"][gateway]["per_10000"]
        found.append(results.at_most("gateway memory, MiB for each 10,000 attacks", slope, 0.2))
    return found


def _show(result: dict[str, Any]) -> None:
    print(f"{result['attacks']} attacks; load before {result['load_before']}")
    print(f"  good client: {result['good_answers']} answers, the slowest after {result['good_slowest_ms']} ms")
    for name, memory in result["memory"].items():
        print(f"  {name}: MiB {memory}, files {result['files'][name]}")
    for one in result["wrong"]:
        print(f"  wrong: {one}")


if __name__ == "__main__":
    sys.exit(main())
