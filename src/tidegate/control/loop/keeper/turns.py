"""The keeper's loop, one turn at a time: what has a specification runs, what has none is stopped."""

import logging
import os
import time

from tidegate.control.loop.keeper import bounds, cgroups, instance, logfiles, signals
from tidegate.core.vocabulary import home, instances

OWN = "keeper"
"""The keeper's own lock. It never asks who holds it: closing any descriptor of the file would drop the lock."""
PERIOD = 0.05
_SETTLES = 1_000_000_000
"""Nanoseconds after which a directory's time of change can be trusted to tell a change from none."""
_TRIM_SECONDS = 10.0
_VACATE_SECONDS = 2.0
_ORDER = (("grpc",), ("gateway",), ("control",), ("worker", "job"), ("recorder", "monitor", "shipper"), ("api",))
"""Ending: the gRPC front asks gateways, so it goes first; gateways drain while everything behind them is up; control goes
before the workers, or it would take their end for a crash and roll a release back; the recorder reads what was written last;
the API tells about it to the end."""
_log = logging.getLogger("tidegate.keeper")


class Keeper:
    """All instances of one home. `fds` are the listening sockets by name, set before the first `turn`."""

    def __init__(self, place: home.Home) -> None:
        self._home = place
        self._instances: dict[str, instance.Instance] = {}
        self._files: dict[str, tuple[int, int]] = {}
        self._changed = 0
        self._trimmed = self._looked = 0.0
        self._groups = cgroups.Groups()
        self.fds: dict[str, int] = {}

    def adopt(self, now: float) -> None:
        """Find who is alive already, with or without a specification, and clear up after who is not."""
        self._read()
        for path in (*self._home.instances.glob("*.lock"), *self._home.instances.glob(f"*{instances.LEFT}")):
            name = path.stem
            if name != OWN and name not in self._instances:
                self._instances[name] = instance.Instance(self._home, name, None, self._groups)
        for one in self._instances.values():
            one.adopt(now)

    def turn(self, now: float) -> None:
        """Reap, read what changed on disk, and bring every instance nearer to what it should be."""
        self._reap(now)
        looks = self._read() or now - self._looked >= bounds.SECONDS
        self._looked = now if looks else self._looked
        for one in list(self._instances.values()):
            try:
                if looks:
                    one.look(now)
                one.turn(self.fds, now, may_begin=True)
            except OSError as failed:  # of this one; the others have their turn
                _log.error("no turn", extra={"who": one.name, "why": str(failed)})
            if one.spec is None and not one.pid:
                one.clear()
                del self._instances[one.name]
        if now - self._trimmed > _TRIM_SECONDS:
            self._trimmed = now
            logfiles.trim(self._home.logs)

    def end(self, now: float, grace: float) -> bool:
        """One turn of stopping all there are, in order; True once nothing runs. Specifications stay: `up` resumes by them."""
        self._reap(now)
        for one in self._instances.values():
            one.turn(self.fds, now, may_begin=False)
        running = [one for one in self._instances.values() if one.pid]
        first = min((_rank(one.kind) for one in running), default=0)
        for one in running:
            if _rank(one.kind) == first:
                one.stop(now, grace)
        if not running:
            for one in self._instances.values():
                one.forget()
        return not running

    def vacate(self, name: str, now: float) -> bool:
        """One turn of stopping whoever holds the listening socket of this name; True once nobody does. They begin again
        with the next `turn`.
        """
        holders = self.holders(name)
        for one in holders:
            one.stop(now, _VACATE_SECONDS)
            one.turn(self.fds, now, may_begin=False)
        return not holders

    def holders(self, name: str) -> list[instance.Instance]:
        """Living instances that have inherited the listening socket of this name."""
        return [one for one in self._instances.values() if one.pid and one.spec and name in one.spec.passes]

    def alive(self) -> list[str]:
        """Names of what runs."""
        return sorted(name for name, one in self._instances.items() if one.pid)

    def _reap(self, now: float) -> None:
        for pid, code in signals.reaped():
            for one in self._instances.values():
                if one.pid == pid:
                    one.reaped(code, now)

    def _read(self) -> bool:
        """Take over the specifications that changed; whether anything changed. A file that cannot be read is no reason to stop
        what runs by it.
        """
        changed = self._home.instances.stat().st_mtime_ns
        if changed == self._changed and time.time_ns() - changed > _SETTLES:
            return False
        self._changed = changed
        found: dict[str, tuple[int, int]] = {}
        with os.scandir(self._home.instances) as entries:
            for entry in entries:
                if entry.name.endswith(".json") and not entry.name.startswith("."):
                    known = entry.stat()
                    found[entry.name.removesuffix(".json")] = (known.st_mtime_ns, known.st_ino)
        for name, told in found.items():
            if self._files.get(name) != told:
                self._take(name)
        for name in self._files.keys() - found.keys():
            if name in self._instances:
                self._instances[name].spec = None
        self._files = found
        return True

    def _take(self, name: str) -> None:
        spec = instances.read(self._home.instances / f"{name}.json")
        if spec is None or spec.name != name or name == OWN:
            _log.error("no specification", extra={"file": f"{name}.json"})
        elif name in self._instances:
            self._instances[name].spec = spec
        else:
            self._instances[name] = instance.Instance(self._home, name, spec, self._groups)


def _rank(kind: str) -> int:
    return next((rank for rank, kinds in enumerate(_ORDER) if kind in kinds), 2)
