"""What stable's clients feel while another version loads: `python -m bench.interference --json FILE [--quick]`.

Steady open-loop load (`bench.sender`) at stable, a compiled logistic regression. Meanwhile, again and again, a second version
comes and goes as in a release that is taken back: the keeper starts its worker (which gives way while it loads), that imports
scikit-learn, reads a forest of some hundred MB, answers its warm-up, gets into the table, is taken out of it, drained and ended.
p99 of the requests that were due in those times, over p99 of those due between them.
"""

import pathlib
import statistics
import sys
import time
from typing import Any, NamedTuple

import msgspec
import numpy as np

from bench import kept, models, results, sender, servers
from tidegate.core.vocabulary import home, instances, releases, tables
from tidegate.dataplane.wire import tablefile

RATE = 500.0


class Setting(NamedTuple):
    """What is done."""

    rate: float
    """Requests a second."""
    repeat: int
    quiet: float
    """Seconds between two loadings."""
    trees: int
    """Of the forest, about 2.5 MB each."""


class Period(NamedTuple):
    """From and to, on the monotonic clock."""

    quiet: tuple[int, int]
    loading: tuple[int, int]


FULL, QUICK = Setting(RATE, 10, 8.0, 120), Setting(RATE, 3, 3.0, 40)


def main() -> int:
    """Measure, print, write JSON; 1 when a request failed."""
    asked = results.parser(__doc__)
    asked.add_argument("--repeat", type=int, help="how often; else 10, or 3 with --quick")
    asked.add_argument("--trees", type=int, help="of the forest, 2.5 MB each; else 120, or 40 with --quick")
    given = asked.parse_args()
    chosen = QUICK if given.quick else FULL
    chosen = chosen._replace(repeat=given.repeat or chosen.repeat, trees=given.trees or chosen.trees)
    machine = results.machine()
    with servers.folder() as folder, servers.home_in(folder) as place:
        case, forest = models.logreg(folder), models.heavy(folder, chosen.trees)
        size = forest.path.stat().st_size / (1 << 20)
        digests = models.bundle(case, place, "required"), models.bundle(forest, place)
        forest.path.unlink()
        sent, periods = _run(place, digests, case, chosen, folder)
    result = {"rate": chosen.rate, "model_mib": round(size, 1), **_found(sent, periods), **machine}
    _show(result)
    return results.end(
        result, [results.at_most("p99 while another version loads, over p99 without", result["ratio"], 1.5)], given
    )


def _run(
    place: home.Home, digests: tuple[str, str], case: models.Case, setting: Setting, folder: pathlib.Path
) -> tuple[sender.Sent, list[Period]]:
    gateway = kept.write_gateway(place)
    first, second = (
        releases.Version(servers.ENDPOINT, ordinal, digest, digest, "bench") for ordinal, digest in enumerate(digests, 1)
    )
    with kept.keeper(place) as keeper:
        stable = keeper.load(first)
        keeper.ready(gateway)
        _route(place, gateway, stable)
        bodies = [body.decode() for body in case.bodies]
        running = sender.start(sender.Plan(keeper.port, servers.PATH, bodies, setting.rate, 3_600.0, "poisson"), folder)
        try:
            time.sleep(2.0)
            periods = []
            for _ in range(setting.repeat):
                rested = time.monotonic_ns()
                time.sleep(setting.quiet)
                began = time.monotonic_ns()
                _route(place, gateway, stable, keeper.load(second))
                _route(place, gateway, stable)
                keeper.remove(second)
                periods.append(Period((rested, began), (began, time.monotonic_ns())))
            return running.enough(), periods
        finally:
            running.stop()


def _route(place: home.Home, gateway: str, stable: tables.Deployed, candidate: tables.Deployed | None = None) -> None:
    """Put it in the table and wait until the gateway goes by it."""
    route = tables.Route(servers.ENDPOINT, "production", stable, candidate)
    table = tablefile.write(place.table, lambda now: msgspec.structs.replace(now, routes={servers.ENDPOINT: route}))
    servers.wait(lambda: instances.read_state(place.instances, gateway).get("generation", 0) >= table.generation)


def _found(sent: sender.Sent, periods: list[Period]) -> dict[str, Any]:
    rested, loaded = [one.quiet for one in periods], [one.loading for one in periods]
    quiet, loading = sent.within(rested), sent.within(loaded)
    each = [_ratio(sent.within([one.loading]), sent.within([one.quiet])) for one in periods]
    return {
        **sender.described(sent),
        "quiet": sender.percentiles(quiet),
        "loading": sender.percentiles(loading),
        "ratio": _ratio(loading, quiet),
        "ratio_each": each,
        "ratio_median": round(statistics.median(each), 2),
        "ratio_from_sent": _ratio(sent.within(loaded, from_sent=True), sent.within(rested, from_sent=True)),
        "loading_seconds": [round((one.loading[1] - one.loading[0]) / 1e9, 2) for one in periods],
    }


def _ratio(loading: np.ndarray, quiet: np.ndarray) -> float:
    """p99 over p99; 0 where there is nothing to compare."""
    if not (len(loading) and len(quiet)):
        return 0.0
    return round(float(np.percentile(loading, 99) / np.percentile(quiet, 99)), 2)


def _show(result: dict[str, Any]) -> None:
    took = statistics.median(result["loading_seconds"])
    print(f"{result['requests']} requests, {result['errors']} errors; {result['model_mib']} MiB came and went in {took} s")
    for name in ("quiet", "loading"):
        print(f"  {name:10}" + sender.line(result[name]))
    print(f"  p99 over p99: {result['ratio']} over all, each time {result['ratio_each']}, median {result['ratio_median']}")
    print(f"  the same from when requests were sent: {result['ratio_from_sent']}")
    print(f"  {sender.lateness(result)}")


if __name__ == "__main__":
    sys.exit(main())
