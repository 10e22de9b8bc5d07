"""Everything control sees at one moment, as one frozen value. Reading it changes nothing."""

import contextlib
import pathlib
from collections.abc import Collection

import msgspec

from tidegate.core.vocabulary import errors, instances, releases, tables
from tidegate.core.vocabulary import home as homes
from tidegate.core.vocabulary import sums as vocabulary
from tidegate.dataplane.targets import target
from tidegate.dataplane.wire import sums, tablefile

RATE_SECONDS = 5
"""Rates are of the last whole seconds before now, this many."""
_labels = msgspec.json.Decoder(dict[str, vocabulary.Labels])


class Gateway(msgspec.Struct, frozen=True):
    """A living gateway: which boot it is and which table it obeys."""

    name: str
    incarnation: str
    generation: int


class Observation(msgspec.Struct, frozen=True):
    """One look at the world."""

    at: float
    table: tables.Table
    gateways: tuple[Gateway, ...]
    replicas: tuple[target.Replica, ...]
    sums: dict[str, tuple[vocabulary.Sum, ...]]
    """By release."""
    closed_before: int
    """Arrival ticks below this have no pending request in any gateway."""
    labels: dict[str, vocabulary.Labels]
    """By release."""

    def of(self, version: releases.Version) -> tuple[target.Replica, ...]:
        """This version's replicas, whatever their state."""
        return tuple(one for one in self.replicas if (one.endpoint, one.ordinal) == (version.endpoint, version.ordinal))

    def ready(self, version: releases.Version) -> int:
        """How many replicas of this version have answered their warm-up and live."""
        return sum(one.state == "ready" for one in self.of(version))

    def in_force(self, endpoint: str) -> int:
        """The generation of the endpoint's route if every living gateway obeys it; 0 when not, or when none lives."""
        route = self.table.routes.get(endpoint)
        if route is None or not self.gateways:
            return 0
        return route.generation if min(one.generation for one in self.gateways) >= route.generation else 0

    def stage_sums(self, release: releases.Release) -> tuple[vocabulary.Sum, ...]:
        """The release's sums under the route now in the table."""
        route = self.table.routes.get(release.endpoint)
        generation = route.generation if route is not None and route.release == release.id else -1
        return tuple(one for one in self.sums.get(release.id, ()) if one.generation == generation)

    def rate(self, release: releases.Release) -> float:
        """Candidate requests a second, lately."""
        since = int(self.at) - RATE_SECONDS
        lately = (one for one in self.sums.get(release.id, ()) if since <= one.tick < int(self.at))
        return sum(one.candidate.opened for one in lately) / RATE_SECONDS


def look(home: homes.Home, placed: target.Target, under_way: Collection[str], now: float) -> Observation:
    """Look once; sums are of the releases `under_way`. A damaged file of one boot or endpoint is left out.

    Raises TableUnreadable when the table is damaged.
    """
    gateways = _gateways(home)
    boots = [boot for path in sorted(home.sums.glob("[!.]*.sums")) if (boot := _boot(path, under_way)) is not None]
    dead = {boot.incarnation for boot in boots} - {one.incarnation for one in gateways}
    return Observation(
        at=now,
        table=tablefile.read(home.table),
        gateways=gateways,
        replicas=placed.observe(),
        sums=sums.merge(boots, dead),
        closed_before=sums.closed_before(boots, dead),
        labels=_read_labels(home.labels),
    )


def _gateways(home: homes.Home) -> tuple[Gateway, ...]:
    living = []
    for path in sorted(home.instances.glob("gateway-*.json")):
        said = instances.read_state(home.instances, path.stem)
        if said.get("incarnation") and instances.holder(home.instances, path.stem):
            living.append(Gateway(path.stem, said["incarnation"], int(said.get("generation", 0))))
    return tuple(living)


def _boot(path: pathlib.Path, under_way: Collection[str]) -> sums.Boot | None:
    with contextlib.suppress(OSError, errors.StoreUnavailable):
        return sums.read(path, under_way)
    return None


def _read_labels(folder: pathlib.Path) -> dict[str, vocabulary.Labels]:
    found: dict[str, vocabulary.Labels] = {}
    for path in folder.glob("*.json"):
        with contextlib.suppress(OSError, msgspec.DecodeError):
            found |= _labels.decode(path.read_bytes())
    return found
