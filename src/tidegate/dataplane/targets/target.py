"""What control asks of any place that runs workers."""

import enum
from typing import Protocol

import msgspec

from tidegate.core.vocabulary import instances, releases


class State(enum.StrEnum):
    """Where a replica is. READY means that it has answered its warm-up, never only that its process exists."""

    STARTING = "starting"
    READY = "ready"
    FAILED = "failed"
    """It cannot load or warm up: `code` and `message` say why. It may be tried again."""
    DRAINING = "draining"
    DEAD = "dead"
    """It was up, or coming up, and is gone without a word; whoever runs it starts it again."""


class Replica(msgspec.Struct, frozen=True):
    """One worker."""

    instance: str
    endpoint: str
    ordinal: int
    digest: str
    address: str
    """unix:/path or tcp:host:port, as the table carries it."""
    token: str
    state: State = State.STARTING
    code: str = ""
    message: str = ""
    restarts: int = 0
    rss: int = 0
    """Bytes of memory it said it holds; 0 when it has not said."""
    why: str = ""
    """Why whoever runs it ended it the last time it ended; empty: it ended by itself."""


class Target(Protocol):
    """A place that runs workers. Every verb is idempotent and returns at once; `observe` tells what came of it."""

    def observe(self) -> tuple[Replica, ...]:
        """All replicas there are, draining and dead ones included, in a stable order."""

    def ensure(self, version: releases.Version, replicas: int, resources: instances.Resources = instances.UNLIMITED) -> None:
        """Have exactly this many replicas of the version that are not draining; new ones may use `resources`.

        Draining ones are taken back before new ones are made; of too many, those that are not ready go first.
        Raises DiskFull or InstanceLost when the place cannot take the order; what runs goes on running.
        """

    def drain(self, version: releases.Version) -> None:
        """Have the version's replicas finish what they have and take nothing new. They stay until `remove`."""

    def restart(self, instance: str, why: str) -> None:
        """Have one replica ended at once, without waiting for what it has, and started again: the same name, address and token.

        It counts as one of its restarts. For a worker that has fallen silent; nothing where there is no such replica.
        Raises DiskFull or InstanceLost.
        """

    def dismiss(self, instance: str) -> None:
        """Have one replica finish what it has and go, without another in its place; nothing where there is no such replica."""

    def remove(self, version: releases.Version) -> None:
        """Have no replica of the version, whatever state they are in; requests in flight are finished first."""
