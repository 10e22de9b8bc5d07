"""Tidegate under its keeper, as `tidegate up` runs it: processes come and go by their specifications on disk."""

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator

from bench import servers
from tidegate.control.loop.keeper import core
from tidegate.core.vocabulary import home, instances, releases, tables
from tidegate.dataplane.targets import local, target


class Kept:
    """One keeper. `place` is its home."""

    def __init__(self, place: home.Home, process: "subprocess.Popen[bytes]") -> None:
        self.place = place
        self.target = local.Local(place)
        self.process = process

    @property
    def port(self) -> int:
        """Where predictions are asked for."""
        return int(json.loads(self.place.addresses.read_text())["http"].rpartition(":")[2])

    def pid(self, name: str) -> int:
        """Of a living instance."""
        return instances.holder(self.place.instances, name)

    def ready(self, name: str) -> None:
        """Wait until an instance says so."""
        folder = self.place.instances
        servers.wait(lambda: self.pid(name) and instances.read_state(folder, name).get("state") == "ready", self.process)

    def replica(self, version: releases.Version) -> target.Replica | None:
        """The version's one replica; None where there is none."""
        key = (version.endpoint, version.ordinal)
        return next((one for one in self.target.observe() if (one.endpoint, one.ordinal) == key), None)

    def load(self, version: releases.Version) -> tables.Deployed:
        """Have the keeper start a worker for this version; returns once it has answered its warm-up."""
        self.target.ensure(version, 1)

        def up() -> bool:
            found = self.replica(version)
            if found is not None and found.state is target.State.FAILED:
                raise SystemExit(f"{version.name} cannot be loaded: {found.message}")
            return found is not None and found.state is target.State.READY

        servers.wait(up, self.process)
        found = self.replica(version)
        assert found is not None
        worker = tables.Worker(found.instance, found.address, found.token)
        return tables.Deployed(version.ordinal, version.digest, version.model, (worker,))

    def remove(self, version: releases.Version) -> None:
        """Have its worker drain and end; returns once it is gone."""
        self.target.drain(version)
        name = found.instance if (found := self.replica(version)) else ""
        self.target.remove(version)
        servers.wait(lambda: not name or not self.pid(name), self.process)


@contextlib.contextmanager
def keeper(place: home.Home, gateways: int = 0) -> Iterator[Kept]:
    """A keeper on free ports. `gateways`: with so many, control, recorder and API; 0: what has a specification, no more."""
    found = Kept(place, start(place, gateways))
    try:
        servers.wait(place.addresses.exists, found.process, place.logs / "keeper.out")
        yield found
    finally:
        found.process.terminate()
        found.process.wait(60)


def start(place: home.Home, gateways: int) -> "subprocess.Popen[bytes]":
    """The process alone: the first, or one that succeeds another."""
    argv = [sys.executable, "-m", "tidegate.control.loop.keeper", str(place.root), "--gateways", str(gateways)]
    with (place.logs / "keeper.out").open("ab") as told:
        return subprocess.Popen([*argv, "--http", "127.0.0.1:0", "--api", "127.0.0.1:0"], stdout=told, stderr=told)


def write_gateway(place: home.Home) -> str:
    """The specification of a gateway alone; its name."""
    spec = next(one for one in core.specs(place) if one.kind == "gateway")
    spec.write(place.instances)
    return spec.name
