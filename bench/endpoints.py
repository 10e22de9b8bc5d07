"""What endpoints cost that nobody asks: `python -m bench.endpoints --json FILE [--quick]`.

200 endpoints with `scale_to_zero`, all asleep, under a whole Tidegate as `tidegate up` runs it: memory and processor time of
gateway, control, recorder, API and keeper, over those with one endpoint, for each endpoint more. Then some are asked for the
first time: from the request to its answer a worker is started, loads and warms up. Half of the endpoints have the logistic
regression as scikit-learn has it, half the compiled one.
"""

import http.client
import statistics
import sys
import time
from collections.abc import Sequence
from typing import Any

import msgspec

from bench import kept, models, processes, results, servers
from tidegate.control.loop import routes
from tidegate.control.store import database
from tidegate.control.store import endpoints as rows
from tidegate.control.store import store as stores
from tidegate.core.spec import settings
from tidegate.core.vocabulary import home, tables
from tidegate.dataplane.wire import tablefile
from tidegate.interface.cli import starting

FEW, MANY = 1, 200
ENVIRONMENT = "production"
PARTS = ("gateway-0", "control", "recorder", "monitor", "api")
SETTLED = 3.0
"""Seconds after which what starting costs is over."""
PATIENCE = 60.0


def main() -> int:
    """Measure, print, write JSON; 1 when a first request was not answered."""
    asked = results.parser(__doc__)
    asked.add_argument("--endpoints", type=int, default=MANY, help="how many")
    asked.add_argument("--seconds", type=float, help="of doing nothing; else 60, or 5 with --quick")
    asked.add_argument("--wakes", type=int, help="of each kind, that are asked for the first time; else 20, or 2 with --quick")
    given = asked.parse_args()
    seconds = given.seconds or (5.0 if given.quick else 60.0)
    wakes = given.wakes or (2 if given.quick else 20)
    machine = results.machine()
    idle, first, names = {}, {}, []
    with servers.folder() as folder, servers.home_in(folder) as place:
        starting.prepare(place)
        case = models.logreg(folder)
        digests = {"logreg": models.bundle(case, place, "never"), "logreg-onnx": models.bundle(case, place, "required")}
        for count in (FEW, given.endpoints):
            more = range(len(names), count)
            names += _add(place, {f"bench-{number:03}": list(digests.values())[number % len(digests)] for number in more})
            with kept.keeper(place, gateways=1) as keeper:
                idle[count] = _idle(keeper, seconds)
                if count > FEW:
                    first = {kind: _woken(keeper.port, case, names[half::2][:wakes]) for half, kind in enumerate(digests)}
    result = {"idle": idle, "each": _each(idle), "first_request": first, "seconds": seconds, **machine}
    result["errors"] = sum(one["errors"] for one in first.values())
    _show(result)
    return results.end(result, [], given)


def _add(place: home.Home, wanted: dict[str, str]) -> list[str]:
    """Endpoints, with their bundles' digests, that have a stable version and sleep, as if it had been released; their names."""
    asleep: dict[str, tables.Route] = {}
    with stores.Store(database.sqlite_url(place.store)) as store:
        for name, digest in wanted.items():
            asks = settings.Settings(endpoint=name, model="bench", scale_to_zero=3_600.0)
            row = rows.Endpoint(ENVIRONMENT, name, settings.plain(asks))
            store.put_endpoint(row)
            version = store.add_version(ENVIRONMENT, name, digest, digest, "bench", time.time())
            known = store.endpoint(ENVIRONMENT, name)
            store.put_endpoint(msgspec.structs.replace(row, stable=version.ordinal), known)
            deployed = tables.Deployed(version.ordinal, digest, "bench")
            asleep[name] = routes.asleep(tables.Route(name, ENVIRONMENT, deployed), asks)
        table = tablefile.write(place.table, lambda now: msgspec.structs.replace(now, routes=now.routes | asleep))
        store.adopt_generation(ENVIRONMENT, table.generation)
    return list(wanted)


def _idle(keeper: kept.Kept, seconds: float) -> dict[str, dict[str, float]]:
    """MiB and milliseconds of processor time a second, of each process."""
    for name in PARTS:
        keeper.ready(name)
    time.sleep(SETTLED)
    pids = {**{name: keeper.pid(name) for name in PARTS}, "keeper": keeper.process.pid}
    before = {name: processes.cpu_seconds(pid) for name, pid in pids.items()}
    began = time.monotonic()
    time.sleep(seconds)
    took = time.monotonic() - began
    return {
        name: {
            "rss_mib": round(processes.rss_mib(pid), 2),
            "cpu_ms_a_second": round((processes.cpu_seconds(pid) - before[name]) / took * 1e3, 2),
        }
        for name, pid in pids.items()
    }


def _each(idle: dict[int, dict[str, dict[str, float]]]) -> dict[str, dict[str, float]]:
    """What one endpoint more costs."""
    few, many = idle
    return {
        name: {
            "rss_kib": round((idle[many][name]["rss_mib"] - used["rss_mib"]) * 1_024 / (many - few), 2),
            "cpu_us_a_second": round((idle[many][name]["cpu_ms_a_second"] - used["cpu_ms_a_second"]) * 1e3 / (many - few), 2),
        }
        for name, used in idle[few].items()
    }


def _woken(port: int, case: models.Case, names: Sequence[str]) -> dict[str, Any]:
    """Seconds of the first request to each of these endpoints, one after the other."""
    took, errors = [], 0
    for name in names:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        began = time.monotonic()
        connection.request("POST", f"/v2/models/{name}/infer", case.bodies[0], {"content-type": "application/json"})
        answer = connection.getresponse()
        answer.read()
        took.append(time.monotonic() - began)
        errors += answer.status != 200
        connection.close()
    return {"asked": len(took), "errors": errors, "median_s": round(statistics.median(took), 2), "max_s": round(max(took), 2)}


def _show(result: dict[str, Any]) -> None:
    counts = list(result["idle"])
    print(f"idle, by endpoints asleep; load before {result['load_before']}")
    heads = [f"{f'{count}: MiB':>12}{'CPU ms/s':>10}" for count in counts]
    print(f"{'process':10}{''.join(heads)}{'each: KiB':>12}{'CPU us/s':>10}")
    for name, each in result["each"].items():
        used = [result["idle"][count][name] for count in counts]
        told = "".join(f"{one['rss_mib']:>12.1f}{one['cpu_ms_a_second']:>10.1f}" for one in used)
        print(f"{name:10}{told}{each['rss_kib']:>12.1f}{each['cpu_us_a_second']:>10.1f}")
    for kind, first in result["first_request"].items():
        print(f"{kind}: first request of {first['asked']} endpoints: median {first['median_s']} s, at most {first['max_s']} s")


if __name__ == "__main__":
    sys.exit(main())
