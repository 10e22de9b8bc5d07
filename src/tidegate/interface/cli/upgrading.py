"""Every process replaced by one with the installed code, one after the other, while all the others serve.

First the keeper, in place; then what clients connect to, each beside another that stands in for it on the same listening
socket; then control, API, recorder, monitor and shipper; then the workers, which control replaces one by one. Whatever fails ends
it there: what was replaced is new, what was not is old, and both serve, since neighbouring releases understand each other.
"""

import dataclasses
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

from tidegate.control.loop.keeper import core, process
from tidegate.core.vocabulary import errors, home, instances
from tidegate.interface.api import client
from tidegate.interface.cli import starting

READY_SECONDS = 60.0
"""For one process to have ended (a gateway drains for 10 s at most) and its successor to be ready."""
LOOK_SECONDS = 0.05
STAND_IN = "stand-in"
"""The label of a process that is only there while others are replaced."""
_TRIED = {
    "gateway": "tidegate.dataplane.gateway.process",
    "grpc": "tidegate.dataplane.grpcfront.__main__",
    "control": "tidegate.interface.cli.wiring.deciding",
    "api": "tidegate.interface.cli.wiring.asking",
    "recorder": "tidegate.interface.cli.wiring.recording",
    "monitor": "tidegate.interface.cli.wiring.watching",
    "shipper": "tidegate.interface.cli.wiring.shipping",
    "worker": "tidegate.dataplane.worker.serving",
}
_UP = ("ready", "standby")
Say = Callable[[str], None]


@dataclasses.dataclass(frozen=True)
class Step:
    """One process that was replaced."""

    name: str
    before: int
    """The pid it had."""
    now: int
    seconds: float


def upgrade(place: home.Home, say: Say) -> Iterator[Step]:
    """All of it, a step at a time. Raises NotRunning; InstanceLost naming where it has stopped, and why."""
    if not process.alive(place):
        raise errors.NotRunning(where=str(place.root))
    specs = _specs(place)
    _try(place, {spec.kind for spec in specs})
    say("the installed code starts; the keeper is replaced first")
    yield _keeper(place)
    for kind in core.FRONTS:
        yield from _fronts(place, [spec for spec in specs if spec.kind == kind])
    for kind in ("control", "api", "recorder", "monitor", "shipper"):
        yield from (_exchange(place, spec) for spec in specs if spec.kind == kind)
    core.complete(place)
    yield from _workers(place, [spec for spec in specs if spec.kind == "worker"], say)


def _specs(place: home.Home) -> list[instances.Spec]:
    found = (instances.read(path) for path in sorted(place.instances.glob("*.json")))
    return [spec for spec in found if spec is not None]


def _try(place: home.Home, kinds: set[str]) -> None:
    """Whether the installed code can be imported at all, by the interpreter that runs everything here."""
    python = str(instances.read_state(place.instances, "keeper").get("python", sys.executable))
    modules = [_TRIED[kind] for kind in sorted(kinds & _TRIED.keys())]
    trial = subprocess.run([python, "-c", f"import {', '.join(modules)}"], capture_output=True, text=True, check=False)
    if trial.returncode:
        last = (trial.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise errors.InstanceLost(f"the installed code does not start: {last}.", cure="Nothing was replaced.", where=python)


def _keeper(place: home.Home) -> Step:
    began, before = time.monotonic(), process.alive(place)
    process.renew(place)
    return Step("keeper", before, process.alive(place), round(time.monotonic() - began, 3))


def _fronts(place: home.Home, specs: list[instances.Spec]) -> Iterator[Step]:
    """Each in turn, while another one stands in: so there are never fewer than before."""
    mine = [spec for spec in specs if STAND_IN not in spec.labels]
    if not mine:
        return
    last = max(int(spec.name.rpartition("-")[2]) for spec in specs)
    beside = core.renewed(place, mine[0], f"{mine[0].kind}-{last + 1}")
    beside = dataclasses.replace(beside, labels={**beside.labels, STAND_IN: "1"})
    try:
        _write(place, beside)
        _await(place, beside)
        for spec in mine:
            yield _exchange(place, spec)
    finally:
        for spec in (beside, *(one for one in specs if one not in mine)):
            (place.instances / f"{spec.name}.json").unlink(missing_ok=True)
    _await_end(place, beside.name)


def _exchange(place: home.Home, spec: instances.Spec) -> Step:
    """A new token: the keeper has the process finish, and starts one with the installed code in its place."""
    began, before = time.monotonic(), instances.holder(place.instances, spec.name)
    fresh = core.renewed(place, spec)
    _write(place, fresh)
    return Step(spec.name, before, _await(place, fresh), round(time.monotonic() - began, 3))


def _workers(place: home.Home, specs: list[instances.Spec], say: Say) -> Iterator[Step]:
    """Control does it; each is done once its specification is gone."""
    if not specs:
        return
    began, before = time.monotonic(), time.time()
    pids = {spec.name: instances.holder(place.instances, spec.name) for spec in specs}
    with client.Client(place) as api:
        api.await_ready(starting.READY_SECONDS)
        api.replace(sorted(pids), reason="upgrade")
        say(f"workers are replaced one by one: {len(pids)}")
        while pids:
            gone = [name for name in pids if not (place.instances / f"{name}.json").exists()]
            yield from (Step(name, pids.pop(name), 0, round(time.monotonic() - began, 3)) for name in gone)
            failed = _failed(api, before)
            if failed:
                raise errors.InstanceLost(f"{failed} {len(pids)} workers are as they were.", where="workers")
            time.sleep(LOOK_SECONDS)


def _failed(api: client.Client, since: float) -> str:
    """Why control has given the workers up; empty while it goes on."""
    try:
        status = api.status()
    except errors.ApiUnreachable:
        return ""
    return next((one["words"] for one in status["alarms"] if one["kind"] == "replacing_failed" and one["since"] >= since), "")


def _write(place: home.Home, spec: instances.Spec) -> None:
    try:
        spec.write(place.instances)
    except OSError as failed:
        raise errors.DiskFull(f"{spec.name} cannot be replaced: {failed.strerror}.", where=str(place.instances)) from failed


def _await(place: home.Home, spec: instances.Spec) -> int:
    """The pid of the process with this token, once it is ready. Raises InstanceLost."""
    until = time.monotonic() + READY_SECONDS
    while time.monotonic() < until:
        said = instances.read_state(place.instances, spec.name)
        pid = instances.holder(place.instances, spec.name)
        if pid and said.get("token") == spec.token and said.get("state") in _UP:
            return pid
        time.sleep(LOOK_SECONDS)
    raise errors.InstanceLost(
        f"{spec.name} was not ready again within {READY_SECONDS:.0f} s; the keeper goes on trying. Everything else serves.",
        cure=f"`tidegate logs {spec.name}` says why; then `tidegate upgrade` again.",
        where=spec.name,
    )


def _await_end(place: home.Home, name: str) -> None:
    until = time.monotonic() + READY_SECONDS
    while instances.holder(place.instances, name):
        if time.monotonic() > until:
            raise errors.InstanceLost(f"{name}, which has stood in, does not end.", where=name)
        time.sleep(LOOK_SECONDS)
