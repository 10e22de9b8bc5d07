"""What the prediction log costs, keeps and finds: `python -m bench.predlog --json FILE [--quick]`.

- `logging`: requests a second of a gateway that logs (`durability: interval`) over those of the same gateway without any log
  (`bench.unlogged`), taking turns; 64 connections, one row a request
- `killed`: predictions that were answered under `ack` and are not in the log, after `kill -9` of each process again and again
- `recording`: predictions of twenty columns that a recorder process on one core records, a second of its processor time
- `classes`: the same of a model that answers with the probabilities of ten classes as well
- `among`: the time to find one id among fifty million
- `truth`: the seconds until `tidegate performance` has what it says, of three million predictions of which most are labelled
- `soak`: the recorder's memory over ten million predictions
"""

import itertools
import pathlib
import statistics
import sys
from typing import Any, NamedTuple

from bench import among, generator, killed, models, recording, results, servers, truth

PARTS = ("logging", "killed", "recording", "classes", "among", "truth", "soak")
CONNECTIONS = 64


class Setting(NamedTuple):
    """How much is done."""

    rounds: int
    seconds: float
    offered: float
    """Requests a second while processes are killed; some go without an answer."""
    answered: float
    """How many of them are to be answered all the same."""
    kills: int
    recorded: int
    rows: int
    finds: int
    labelled: int
    soaked: int
    part: int
    """Predictions between two looks at the memory."""


FULL = Setting(5, 6.0, 5_800.0, 5_000.0, 20, 1_000_000, 50_000_000, 30, 3_000_000, 10_000_000, 1_000_000)
QUICK = Setting(1, 1.5, 600.0, 500.0, 1, 60_000, 300_000, 5, 60_000, 200_000, 50_000)


def main() -> int:
    """Measure, print, write JSON; 1 when an answered prediction was lost, not found, or an answer was missing."""
    asked = results.parser(__doc__)
    asked.add_argument("--only", nargs="+", choices=PARTS, help="these parts")
    given = asked.parse_args()
    setting, chosen = QUICK if given.quick else FULL, given.only or PARTS
    result: dict[str, Any] = {**results.machine(), "errors": 0}
    for name in chosen:
        with servers.folder() as folder:
            result[name] = MEASURES[name](folder, setting)
        result["errors"] += result[name].pop("errors")
        print(f"{name}: {', '.join(f'{what} {value}' for what, value in result[name].items())}")
    return results.end(result, list(_targets(result, setting)), given)


def _logging(folder: pathlib.Path, setting: Setting) -> dict[str, Any]:
    """Turn by turn, each with a gateway and a worker of its own."""
    case = models.logreg(folder)
    rates: dict[str, list[float]] = {"logged": [], "unlogged": []}
    errors = 0
    programs = {"logged": (servers.GATEWAY,), "unlogged": ("bench.unlogged",)}
    for number, (name, program) in itertools.product(range(setting.rounds), programs.items()):
        with servers.home_in(folder, f"{name}-{number}") as place:
            digest = models.bundle(case, place)
            with servers.tidegate(place, [digest], program=program) as served:
                generator.load(served.url, case.bodies, CONNECTIONS, min(1.0, setting.seconds))
                told = generator.load(served.url, case.bodies, CONNECTIONS, setting.seconds)
        rates[name].append(told.rps)
        errors += told.errors
    ratios = [one / other for one, other in zip(rates["logged"], rates["unlogged"], strict=True)]
    return {
        **{f"{name}_rps": round(statistics.median(found), 1) for name, found in rates.items()},
        "ratio": round(statistics.median(ratios), 3),
        "ratio_each": [round(ratio, 3) for ratio in ratios],
        "generator": generator.name(),
        "errors": errors,
    }


def _killed(folder: pathlib.Path, setting: Setting) -> dict[str, Any]:
    found = killed.measure(folder, setting.offered, setting.kills)
    return {
        "kills": sum(found.kills.values()),
        "offered_rps": setting.offered,
        "sent_rps": round(found.requests / found.seconds, 1),
        "answered_rps": round(found.answered / found.seconds, 1),
        "answered": found.answered,
        "lost": found.lost,
        "gaps": found.gaps,
        "errors": found.lost,
    }


def _recording(folder: pathlib.Path, setting: Setting, classes: int = 0) -> dict[str, Any]:
    with servers.home_in(folder) as place:
        found = recording.record(place, setting.recorded, min(setting.part, setting.recorded // 2), classes)
    return {
        "predictions": found.predictions,
        "columns": recording.COLUMNS,
        "classes": classes,
        "profiled": found.profiled,
        "per_cpu_second": round(found.predictions / found.cpu_seconds),
        "per_second": round(found.predictions / found.seconds),
        "errors": setting.recorded - found.predictions,
    }


def _classes(folder: pathlib.Path, setting: Setting) -> dict[str, Any]:
    return _recording(folder, setting, recording.CLASSES)


def _among(folder: pathlib.Path, setting: Setting) -> dict[str, Any]:
    with servers.home_in(folder) as place:
        found = among.measure(place, setting.rows, setting.finds)
    return {
        "rows": found.rows,
        "files": found.files,
        "gib": round(found.bytes / 2**30, 2),
        "median_s": round(statistics.median(found.seconds), 4),
        "slowest_s": round(max(found.seconds), 4),
        "with_its_process_s": round(found.whole_seconds, 3),
        "errors": found.missed,
    }


def _truth(folder: pathlib.Path, setting: Setting) -> dict[str, Any]:
    with servers.home_in(folder) as place:
        found = truth.measure(place, setting.labelled)
    return {
        "rows": found.rows,
        "labelled": found.labelled,
        "seconds": round(found.seconds, 2),
        "cpu_seconds": round(found.cpu_seconds, 2),
        "mib": round(found.mib),
        "errors": found.missed,
    }


def _soak(folder: pathlib.Path, setting: Setting) -> dict[str, Any]:
    with servers.home_in(folder) as place:
        found = recording.record(place, setting.soaked, setting.part)
    begun = max(1, len(found.rss_mib) // 5)
    early, late = max(found.rss_mib[:begun]), statistics.median(found.rss_mib[-begun:])
    return {
        "predictions": found.predictions,
        "rss_mib": list(found.rss_mib),
        "growth": round(late / early, 3),
        "errors": setting.soaked - found.predictions,
    }


MEASURES = {
    "logging": _logging,
    "killed": _killed,
    "recording": _recording,
    "classes": _classes,
    "among": _among,
    "truth": _truth,
    "soak": _soak,
}


def _targets(result: dict[str, Any], setting: Setting) -> list[results.Target]:
    found = []
    if "logging" in result:
        found.append(results.at_least("requests/s with the log over those without, at 64", result["logging"]["ratio"], 0.9))
    if "killed" in result:
        told = result["killed"]
        what = f"answered predictions lost in {told['kills']} kills under `ack`, {told['answered_rps']:,.0f} answered/s"
        found.append(results.at_most(what, told["lost"], 0))
        found.append(results.at_least("requests/s answered meanwhile", told["answered_rps"], setting.answered))
    for name, what in (("recording", "20 columns"), ("classes", "20 columns and 10 class probabilities")):
        if name in result:
            found.append(results.at_least(f"predictions of {what} recorded a CPU second", result[name]["per_cpu_second"], 20_000))
    if "among" in result:
        what = f"slowest search for one id among {result['among']['rows']:,}, s"
        found.append(results.at_most(what, result["among"]["slowest_s"], 1))
    if "truth" in result:
        what = (
            f"how good versions were, by {result['truth']['labelled']:,} outcomes of {result['truth']['rows']:,} predictions, s"
        )
        found.append(results.at_most(what, result["truth"]["seconds"], 10))
    if "soak" in result:
        what = f"the recorder's memory at the end over that at the beginning, {result['soak']['predictions']:,} predictions"
        found.append(results.at_most(what, result["soak"]["growth"], 1.1))
    return found


if __name__ == "__main__":
    sys.exit(main())
