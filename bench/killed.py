"""Every process killed again and again under load and `durability: ack`: is a prediction that was answered missing from the log?

A whole Tidegate under its keeper, and an open-loop load (`bench.sender`) that keeps each answered id. What is killed comes back
by itself, the keeper by a new one, which adopts what lives. At the end every id that was answered with 200 is looked for in the
log: Parquet, and the segments that are not recorded.
"""

import os
import pathlib
import signal
import time
from typing import NamedTuple

import msgspec
import pyarrow.parquet as pq

from bench import kept, models, sender, servers
from tidegate.core.decide import strategies
from tidegate.core.vocabulary import home, ids, instances, records, releases
from tidegate.dataplane.predlog import catalogue, reader
from tidegate.interface.api import client
from tidegate.interface.cli import starting

KINDS = ("gateway", "recorder", "worker", "control", "monitor", "api", "keeper")
BETWEEN_SECONDS = 0.5
LONGEST_SECONDS = 1_200.0
CONNECTIONS = 256


class Killed(NamedTuple):
    """What came of it."""

    kills: dict[str, int]
    requests: int
    answered: int
    """With 200: acknowledged."""
    seconds: float
    lost: int
    """Acknowledged, and not in the log."""
    gaps: int
    """Sequence numbers that the recorder has not seen."""


def measure(folder: pathlib.Path, rate: float, rounds: int) -> Killed:
    """Kill each kind of process that often, one after the other, at this rate of requests."""
    case = models.paced(folder, "killed", models.Pace(0.0, 0.0))
    with servers.home_in(folder, "killed") as place:
        starting.prepare(place)
        digest = models.bundle(case, place)
        with kept.keeper(place, gateways=1) as keeper:
            _release(place, keeper, digest)
            plan = sender.Plan(
                *(keeper.port, servers.PATH, [body.decode() for body in case.bodies], rate, LONGEST_SECONDS, "poisson"),
                connections=CONNECTIONS,
            )
            load = sender.start(plan, folder)
            began = time.monotonic()
            try:
                for _ in range(rounds):
                    for kind in KINDS:
                        time.sleep(BETWEEN_SECONDS)
                        _kill(place, keeper, kind)
                time.sleep(BETWEEN_SECONDS)
                seconds = time.monotonic() - began
                sent = load.enough()
            finally:
                load.stop()
        answered = {identifier for identifier, status in zip(sent.ids, sent.status.tolist(), strict=True) if status == 200}
        with catalogue.Catalogue(place.log, readonly=True) as known:
            gaps = known.tallies().get("lost", 0)
        return Killed(dict.fromkeys(KINDS, rounds), len(sent.due), len(answered), seconds, len(answered - _logged(place)), gaps)


def _release(place: home.Home, keeper: kept.Kept, digest: str) -> None:
    """Have the endpoint serve the model, under `ack`."""
    for name in ("control", "api", "recorder", "gateway-0"):
        keeper.ready(name)
    asked = client.Client(place)
    told = {
        "model": "bench",
        "strategy": "full",
        "stages": (),
        "durability": "ack",
        "probation": msgspec.to_builtins(strategies.holdback()),
        "probation_seconds": 0.0,
        "policy": msgspec.to_builtins(releases.Policy()),
    }
    asked.release(servers.ENDPOINT, told, digest=digest)
    servers.wait(lambda: (asked.endpoint(servers.ENDPOINT)["release"] or {}).get("phase") == "succeeded", keeper.process)


def _kill(place: home.Home, keeper: kept.Kept, kind: str) -> None:
    """SIGKILL; returns once a successor is ready."""
    name = _name(place, kind)
    pid = instances.holder(place.instances, name)
    os.kill(pid, signal.SIGKILL)
    if kind == "keeper":
        keeper.process.wait()
        keeper.process = kept.start(place, gateways=1)

    def succeeded() -> bool:
        said = instances.read_state(place.instances, name)
        return said.get("pid") not in {None, pid} and said.get("state") == "ready"

    servers.wait(succeeded)


def _name(place: home.Home, kind: str) -> str:
    if kind not in {"gateway", "worker"}:
        return kind
    specs = (instances.read(path) for path in sorted(place.instances.glob("*.json")))
    return next(spec.name for spec in specs if spec is not None and spec.kind == kind)


def _logged(place: home.Home) -> set[str]:
    """The ids of all predictions in the log."""
    with catalogue.Catalogue(place.log, readonly=True) as known:
        paths = [place.log / file.path for file in known.files("predictions")]
    found = {
        identifier for path in paths for identifier in pq.read_table(path, columns=["id"], partitioning=None)["id"].to_pylist()
    }
    return found | {ids.text(one.id) for one in reader.unrecorded(place) if isinstance(one, records.Prediction)}
