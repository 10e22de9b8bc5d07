"""Releases one after the other under load, and what deciding costs: `python -m bench.releases --json FILE [--quick]`.

A whole Tidegate under its keeper, and an open-loop load of 1,000 requests a second at one endpoint (`bench.sender`). Two light
models take turns: each release moves the endpoint to the other by the next strategy in turn, a hundred times. Not one request
may fail by it; recreate, whose gap is by design, is done apart and its gap told.

- `verdict_to_off_ms`: from the decision to go back (as the event log has it: the look that it was decided on) to the last request
  that the candidate was sent; for releases that people roll back, and for a model that fails one request in two
- `tick_cpu_ms`: CPU time of a tick with fifty releases live (`bench.deciding`)
- `takeover_s`: from the `kill -9` of control, in the middle of a release, to the next command that is answered
"""

import contextlib
import itertools
import os
import pathlib
import signal
import sys
import time
from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec
import numpy as np

from bench import deciding, kept, models, results, sender, servers
from tidegate.core.decide import strategies
from tidegate.core.vocabulary import home, phases, releases
from tidegate.interface.api import client
from tidegate.interface.cli import starting

PLAN = strategies.Plan(
    strategies.Ramp((1_000, 5_000), seconds=0.2, at_most=1.0, requests=20, prove_last=False),
    strategies.Mirror(1_000, seconds=0.2, at_most=30.0, pairs=20),
    strategies.Rolling(1, 1, 0, seconds=0.2, at_most=1.0, requests=5),
    strategies.BlueGreen(smoke=8, weights=(2_500,), bake=0.4),
)
MIXED = (("canary",), ("blue-green",), ("rolling",), ("full",), ("shadow", "canary"))
_ENDED = {str(phase) for phase in phases.ENDED}
_BAD = '''
import itertools

class Model:
    """Answers the sum of a row's numbers, at first; later every other time."""

    def __init__(self):
        self.calls = itertools.count()

    def predict(self, batch):
        (rows,) = batch.values()
        if next(self.calls) % 2 and next(self.calls) > {well}:
            raise ValueError("not this time")
        return rows.sum(axis=1)
'''
WELL = 150
"""Calls that the bad model answers: its profile and its warm-up, and a few clients."""


class Setting(NamedTuple):
    """How much is done."""

    rate: float
    releases: int
    seconds: float
    backs: int
    kills: int
    ticks: int


FULL, QUICK = Setting(1_000.0, 100, 480.0, 20, 10, 200), Setting(200.0, 5, 60.0, 3, 1, 20)


class Rig:
    """One Tidegate under its keeper, with two good models and a bad one."""

    def __init__(self, place: home.Home, keeper: kept.Kept, digests: dict[str, str], case: models.Case) -> None:
        self.place, self.keeper, self.digests, self.case = place, keeper, digests, case
        self.api = client.Client(place)
        self._turn = itertools.cycle(("b", "a"))

    def release(self, names: tuple[str, ...], model: str = "", **more: Any) -> str:
        """Begin one, to the other model unless one is named; its id."""
        stages = strategies.compose(names, PLAN) if names else ()
        told = {
            "model": "bench",
            "strategy": " -> ".join(names) or "full",
            "stages": msgspec.to_builtins(stages),
            "policy": msgspec.to_builtins(releases.Policy(disagreement=0.5, on_unsure="extend")),
            "probation": msgspec.to_builtins(strategies.holdback()),
            "probation_seconds": 0.0,
            "keep": 0 if "recreate" in names else 1,
        }
        done = self.api.release(servers.ENDPOINT, told | more, digest=self.digests[model or next(self._turn)])
        return str(done["release"])

    def phase(self, identifier: str) -> str:
        """Where it is."""
        return str(self.api.release_of(identifier)["phase"])

    def ended(self, identifier: str) -> dict[str, Any]:
        """The release, once it has ended. Raises SystemExit saying where it is when it does not."""
        try:
            servers.wait(lambda: self.phase(identifier) in _ENDED, self.keeper.process)
        except SystemExit as late:
            stuck = self.api.release_of(identifier)
            raise SystemExit(f"{stuck['phase']}: {stuck['reason']}; {stuck['waiting']}") from late
        return self.api.release_of(identifier)

    def load(self, rate: float, folder: pathlib.Path) -> sender.Running:
        """Start sending."""
        bodies = [body.decode() for body in self.case.bodies]
        plan = sender.Plan(self.keeper.port, servers.PATH, bodies, rate, 3_600.0, "poisson", connections=64)
        return sender.start(plan, folder)


def main() -> int:
    """Measure, print, write JSON; 1 when a request failed or a release did not end as it should."""
    asked = results.parser(__doc__)
    asked.add_argument("--releases", type=int, help="how many at most; else 100, or 5 with --quick")
    given = asked.parse_args()
    setting = QUICK if given.quick else FULL
    setting = setting._replace(releases=given.releases or setting.releases)
    machine = results.machine()
    with servers.folder() as folder:
        with servers.home_in(folder, "ticks") as place:
            ticks = deciding.measure(place, 50, setting.ticks)
        with _rig(folder) as rig:
            soak = _soak(rig, setting, folder)
            backs = _backs(rig, setting, folder)
            takeover = _takeovers(rig, setting.kills)
            gap = rig.ended(rig.release(("recreate",)))["gap_seconds"]
    result = {**soak, **backs, "ticks": ticks, "tick_cpu_ms": ticks["mean_ms"], "takeover_s": takeover, "recreate_gap_s": gap}
    result |= {"errors": soak["failed_requests"] + backs["failed_backs"] + soak["unsuccessful"], **machine}
    _show(result)
    return results.end(result, _targets(result, setting), given)


@contextlib.contextmanager
def _rig(folder: pathlib.Path) -> Iterator[Rig]:
    with servers.home_in(folder, "releases") as place:
        starting.prepare(place)
        cases = {name: models.paced(folder, name, models.Pace(0.0, 0.0)) for name in ("a", "b", "odd", "bad")}
        cases["bad"].path.write_text(_BAD.format(well=WELL))
        for number, name in enumerate(cases):  # a model of its own each, though all answer alike
            cases[name].path.write_text(f"{cases[name].path.read_text()}\nNUMBER = {number}\n")
        digests = {name: models.bundle(case, place) for name, case in cases.items()}
        with kept.keeper(place, gateways=1) as keeper:
            for name in ("control", "api", "recorder", "gateway-0"):
                keeper.ready(name)
            rig = Rig(place, keeper, digests, cases["a"])
            rig.ended(rig.release((), "a"))
            yield rig


def _soak(rig: Rig, setting: Setting, folder: pathlib.Path) -> dict[str, Any]:
    """Releases of mixed strategies in a row, under load."""
    took: dict[str, list[float]] = {}
    unsuccessful = []
    load, began = rig.load(setting.rate, folder), time.monotonic()
    try:
        time.sleep(1.0)
        for names in itertools.islice(itertools.cycle(MIXED), setting.releases):
            if time.monotonic() - began > setting.seconds:
                break
            since = time.monotonic()
            release = rig.ended(rig.release(names))
            took.setdefault(" -> ".join(names), []).append(time.monotonic() - since)
            if release["phase"] != "succeeded":
                unsuccessful.append(f"{names}: {release['phase']}, {release['reason']}")
        sent = load.enough()
    finally:
        load.stop()
    for one in unsuccessful:
        print("not as it should:", one)
    return {
        "releases": sum(map(len, took.values())),
        "soak_s": round(time.monotonic() - began, 1),
        "requests": len(sent.due),
        "failed_requests": sent.failed,
        "unsuccessful": len(unsuccessful),
        "by_strategy": {
            name: {"releases": len(all_of), "median_s": round(float(np.median(all_of)), 2)} for name, all_of in took.items()
        },
        "load": sender.described(sent),
    }


def _backs(rig: Rig, setting: Setting, folder: pathlib.Path) -> dict[str, Any]:
    """Ways back under load: half by a person, half by the verdict on a model that fails one request in two."""
    offset = time.time_ns() - time.monotonic_ns()
    found, failed, latest = [], 0, []
    for number in range(setting.backs):
        by_verdict = number % 2 == 1
        load = rig.load(setting.rate / 2, folder)
        try:
            time.sleep(0.5)
            stages = msgspec.to_builtins((releases.Stage("50%", 5_000, 30.0, 60.0),))
            identifier = rig.release(("canary",), "bad" if by_verdict else "odd", stages=stages)
            servers.wait(lambda name=identifier: rig.api.release_of(name)["stage_since"] > 0, rig.keeper.process)
            if not by_verdict:
                time.sleep(0.3)
                rig.api.verb(servers.ENDPOINT, "rollback", reason="measured", actor="bench")
            release = rig.ended(identifier)
            time.sleep(0.2)
            sent = load.enough()
        finally:
            load.stop()
        rig.api.verb(servers.ENDPOINT, "unhold", reason="measured", actor="bench")
        failed += sent.failed + (release["phase"] != "rolled_back")
        decided = next(
            event["at"]
            for event in rig.api.events(endpoint=servers.ENDPOINT, after=max(0, _last(rig) - 40))
            if event["release"] == identifier and event["phase_after"] == "rolling_back"
        )
        drawn = sent.version == release["candidate"]["ordinal"]
        latest.append(release["rollback_seconds"])
        if drawn.any():
            found.append(max(0.0, (int(sent.sent[drawn].max()) + offset) / 1e6 - decided * 1e3))
    cuts = np.percentile(found, (50, 99)) if found else (0.0, 0.0)
    return {
        "verdict_to_off_ms": {"p50": round(float(cuts[0]), 1), "p99": round(float(cuts[1]), 1), "of": len(found)},
        "confirmed_after_s": round(float(np.median(latest)), 3),
        "failed_backs": failed,
    }


def _last(rig: Rig) -> int:
    """The newest event's number."""
    return max((event["sequence"] for event in rig.api.history(servers.ENDPOINT, 5)["events"]), default=0)


def _takeovers(rig: Rig, kills: int) -> dict[str, float]:
    """Control killed in the middle of a release, again and again, until another answers."""
    stages = msgspec.to_builtins((releases.Stage("5%", 500, 600.0, 700.0),))
    identifier = rig.release(("canary",), "odd", stages=stages)
    servers.wait(lambda: rig.phase(identifier) == "running", rig.keeper.process)
    took = []
    for number in range(kills):
        os.kill(rig.keeper.pid("control"), signal.SIGKILL)
        began = time.monotonic()
        rig.api.verb(servers.ENDPOINT, ("pause", "resume")[number % 2], reason="after a kill", actor="bench")
        took.append(time.monotonic() - began)
        time.sleep(1.0)
    rig.api.verb(servers.ENDPOINT, "abort", reason="measured", actor="bench")
    rig.ended(identifier)
    return {"median": round(float(np.median(took)), 2), "max": round(max(took), 2), "of": kills}


def _targets(result: dict[str, Any], setting: Setting) -> list[results.Target]:
    return [
        results.at_least("releases in a row", result["releases"], setting.releases),
        results.at_most("failed requests", result["failed_requests"], 0),
        results.at_most("verdict to traffic off, p99, ms", result["verdict_to_off_ms"]["p99"], 100),
        results.at_most("CPU of a tick with 50 releases live, mean, ms", result["tick_cpu_ms"], 20),
        results.at_most("takeover by a restarted control, s", result["takeover_s"]["max"], 3),
    ]


def _show(result: dict[str, Any]) -> None:
    print(f"{result['releases']} releases in {result['soak_s']} s; load before {result['load_before']}")
    print(f"  {result['requests']} requests, {result['failed_requests']} failed; {sender.lateness(result['load'])}")
    for name, of in result["by_strategy"].items():
        print(f"  {name:20}{of['releases']:4} releases, median {of['median_s']} s")
    print(f"  verdict to traffic off, ms: {result['verdict_to_off_ms']}; confirmed after {result['confirmed_after_s']} s")
    print(f"  a tick with {result['ticks']['live']} releases live, CPU ms: {result['ticks']}")
    print(f"  takeover, s: {result['takeover_s']}; recreate: nobody answered for {result['recreate_gap_s']:.1f} s")


if __name__ == "__main__":
    sys.exit(main())
