"""A target in memory. Replicas become what a test says they become; nothing happens on its own."""

import msgspec

from tidegate.core.vocabulary import instances, releases
from tidegate.dataplane.targets import target


class Fake:
    """Starts every replica as `starting`; `settle` and `becomes` move them on."""

    def __init__(self) -> None:
        self._replicas: dict[str, target.Replica] = {}
        self.resources: dict[tuple[str, int], instances.Resources] = {}
        """What `ensure` was last told, by (endpoint, ordinal)."""
        self._count = 0

    def observe(self) -> tuple[target.Replica, ...]:
        """All replicas, in the order they were made."""
        return tuple(self._replicas.values())

    def ensure(self, version: releases.Version, replicas: int, resources: instances.Resources = instances.UNLIMITED) -> None:
        """Have this many that are not draining."""
        self.resources[(version.endpoint, version.ordinal)] = resources
        for one in self._of(version):
            if one.state is target.State.DRAINING and self._wanted(version) < replicas:
                self.becomes(one.instance, target.State.READY)
        spare = [one for one in self._of(version) if one.state is not target.State.DRAINING]
        spare.sort(key=lambda one: one.state is target.State.READY)
        for one in spare[: max(0, len(spare) - replicas)]:
            del self._replicas[one.instance]
        while self._wanted(version) < replicas:
            self._add(version)

    def drain(self, version: releases.Version) -> None:
        """Mark them."""
        for one in self._of(version):
            self.becomes(one.instance, target.State.DRAINING)

    def restart(self, instance: str, why: str) -> None:
        """Have it die of `why`."""
        if instance in self._replicas:
            self.becomes(instance, target.State.DEAD)
            self._replicas[instance] = msgspec.structs.replace(self._replicas[instance], why=why)

    def dismiss(self, instance: str) -> None:
        """Forget it."""
        self._replicas.pop(instance, None)

    def remove(self, version: releases.Version) -> None:
        """Forget them."""
        for one in self._of(version):
            del self._replicas[one.instance]

    def settle(self) -> None:
        """Let every starting or dead replica come up."""
        for one in self.observe():
            if one.state in {target.State.STARTING, target.State.DEAD}:
                self.becomes(one.instance, target.State.READY)

    def becomes(self, instance: str, state: target.State, code: str = "", message: str = "") -> None:
        """Move one replica to a state."""
        before = self._replicas[instance]
        restarts = before.restarts + (state is target.State.DEAD)
        self._replicas[instance] = msgspec.structs.replace(before, state=state, code=code, message=message, restarts=restarts)

    def _of(self, version: releases.Version) -> list[target.Replica]:
        key = (version.endpoint, version.ordinal)
        return [one for one in self._replicas.values() if (one.endpoint, one.ordinal) == key]

    def _wanted(self, version: releases.Version) -> int:
        return sum(one.state is not target.State.DRAINING for one in self._of(version))

    def _add(self, version: releases.Version) -> None:
        self._count += 1
        name = f"w-{version.endpoint[:12]}-{version.ordinal}-{self._count}"
        self._replicas[name] = target.Replica(
            instance=name,
            endpoint=version.endpoint,
            ordinal=version.ordinal,
            digest=version.digest,
            address=f"unix:/{name}.sock",
            token=f"token-{self._count}",
        )
