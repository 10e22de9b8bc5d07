"""The table as it is obeyed: each route with its versions' pools, its lanes in the sums, and its guard.

A flight keeps the endpoint it was drawn with, so what is in flight when the table changes ends under the route, generation
and arm it was drawn with. Versions' pools and endpoints' guards outlive changes.
"""

import asyncio
import dataclasses
from collections.abc import Iterator

import msgspec

from tidegate.core.vocabulary import arms, tables
from tidegate.dataplane.gateway import admission, exchanges, guard, journal, pool, remedies, router, wheel
from tidegate.dataplane.wire import sums


@dataclasses.dataclass
class Boot:
    """What one boot of a gateway has, besides routes."""

    host: str
    incarnation: str
    loop: asyncio.AbstractEventLoop
    sums: sums.Writer
    journal: journal.Journal
    wheel: wheel.Wheel
    admitting: admission.Admission = dataclasses.field(default_factory=admission.Admission)
    flying: int = 0
    """Flights that have not ended."""
    landed: int = 0
    """Flights that have."""


class Side:
    """One version of a route, as a request is drawn for it: where it waits, is counted and what its record says."""

    __slots__ = ("draw", "head", "lane", "name", "pool", "stamp")

    def __init__(self, route: tables.Route, draw: router.Draw, where: pool.Pool, lane: sums.Lane | None) -> None:
        self.draw, self.pool, self.lane = draw, where, lane
        self.name = draw.version.name
        self.head = exchanges.JSON + b"tidegate-version: %s\r\ntidegate-prediction-id: " % self.name.encode()
        self.stamp = (
            route.environment,
            route.endpoint,
            route.release,
            route.stage,
            route.generation,
            draw.version.ordinal,
            draw.version.digest,
            int(draw.arm),
            draw.weight,
            draw.evidence,
            b"",
            int(draw.role),
        )
        """The record's fields from `environment` to `role`."""


class Endpoint:
    """One route in force, or one that flights still end under."""

    def __init__(self, route: tables.Route, boot: Boot, pools: dict[int, pool.Pool], watch: guard.Guard) -> None:
        """`pools` are the route's versions' by ordinal. Raises TableUnreadable for a route that cannot be counted."""
        self.route, self.boot, self.guard = route, boot, watch
        self.open = 0
        """Flights that have not ended."""
        self.router = router.Router(route)
        self.pools = pools
        self.stable = self._side(self.router.stable)
        self.sides = (self.stable, self._side(self.router.candidate) if self.router.candidate else self.stable)
        """By arm."""
        self._only = self.stable if not self.router.divided else None
        self.timeout = route.limits.timeout_ms / 1000
        self.fallback = route.fallback.encode()
        standby = self.router.standby
        self.standby = self._side(standby) if standby else None
        """The version asked before any fallback value."""
        self.terms = remedies.encoded(route.terms)
        self.must_sync = route.durability == "ack"
        self.logs_bodies = route.inputs != "none"
        self.tokens = frozenset(route.tokens)
        self.gated = bool(route.tokens or route.limits.rate or route.limits.daily)
        """Whether who asks, or how much, has to be looked at."""
        self._pinned: dict[tuple[str, bool], Side] = {}

    def draw(self, prediction_id: bytes) -> Side:
        """The side of a request that names no version."""
        return self._only or self.sides[self.router.draw(prediction_id).arm]

    def pinned(self, version: str, authorization: bytes) -> Side:
        """The side of a request for one version: any, where the token may operate. Raises VersionUnknown, PinRefused."""
        asked = (version, self.boot.admitting.holders.operates(authorization, self.route.endpoint))
        side = self._pinned.get(asked)
        if side is None:
            side = self._pinned[asked] = self._side(self.router.pinned(version, freely=asked[1]))
        return side

    def version(self, name: str) -> pool.Pool:
        """The pool of a version that is only asked about; empty: stable's. Raises VersionUnknown."""
        if not name:
            return self.stable.pool
        return self.pools[self.router.named(name)[1].ordinal]

    @property
    def names(self) -> list[str]:
        """The versions that can be routed to."""
        return [f"v{ordinal}" for ordinal in sorted(self.pools)]

    def _side(self, draw: router.Draw) -> Side:
        lane = self.boot.sums.lane(self.route, draw.arm) if draw.role is arms.Role.LIVE else None
        return Side(self.route, draw, self.pools[draw.version.ordinal], lane)


class Endpoints:
    """All routes in force."""

    def __init__(self, boot: Boot) -> None:
        self.generation = 0
        self.by_name: dict[str, Endpoint] = {}
        self.sole = ""
        """The one endpoint's name, where there is only one."""
        self.origins: frozenset[str] = frozenset()
        """Web origins that any endpoint lists: for paths that name none."""
        self._boot = boot
        self._pools: dict[tuple[str, int, str], pool.Pool] = {}
        self._guards: dict[str, guard.Guard] = {}
        self._leaving: list[Endpoint] = []
        self._sleepers: list[tuple[str, pool.Pool]] = []
        self.gateways = 1
        """How many there are: each holds to its part of what limits allow."""

    def adopt(self, table: tables.Table, now: float) -> None:
        """Obey this table from now on. Raises TableUnreadable, and then goes on with the one before."""
        before, gateways = self.by_name, max(1, table.gateways)
        made = {name: self._same(route) or self._endpoint(route, now) for name, route in table.routes.items()}
        self._boot.admitting.adopt(table.holders, gateways)
        self._leaving += (endpoint for name, endpoint in before.items() if made.get(name) is not endpoint)
        self.by_name, self.generation = made, table.generation
        self.sole = next(iter(made)) if len(made) == 1 else ""
        self.origins = frozenset(origin for route in table.routes.values() for origin in route.origins)
        for name, endpoint in made.items():
            if before.get(name) is not endpoint or gateways != self.gateways:
                self._update(endpoint, gateways)
        self.gateways = gateways
        self._sleepers = [(name, endpoint.stable.pool) for name, endpoint in made.items() if endpoint.route.asleep]
        self._guards = {name: self._guards[name] for name in made}
        self.tidy()

    def tidy(self) -> None:
        """Let go of workers that no route and no flight needs any more."""
        self._leaving = [endpoint for endpoint in self._leaving if endpoint.open]
        needed = {id(pool) for endpoint in (*self.by_name.values(), *self._leaving) for pool in endpoint.pools.values()}
        for key, found in list(self._pools.items()):
            if id(found) not in needed and not found.busy:
                del self._pools[key]
                found.close()
            else:
                found.tidy()

    def look(self, now: float, turnaround: float) -> None:
        """Work the p99s out again. `turnaround`: seconds of this process's own work a request, lately."""
        for found in self._pools.values():
            found.recent.look(now)
            found.batching.turnaround = turnaround

    def close(self) -> None:
        """Let go of all workers."""
        for found in self._pools.values():
            found.close()

    @property
    def ready(self) -> bool:
        """Whether some endpoint's stable has a worker that answers, or gets one when asked; no endpoints are not ready."""
        return any(endpoint.route.asleep or endpoint.stable.pool.connected for endpoint in self.by_name.values())

    def wanted(self) -> list[str]:
        """Endpoints asleep for which somebody waits."""
        return [name for name, found in self._sleepers if found.waiting]

    @property
    def reached(self) -> bool:
        """Whether every version that has weight has a worker that answers."""
        return all(side.pool.connected for endpoint in self.by_name.values() for side in _weighted(endpoint))

    def connected(self) -> list[str]:
        """Worker instances that answer."""
        return sorted(instance for found in self._pools.values() for instance in found.connected)

    def silent(self, now: float, longer_than: float) -> dict[str, float]:
        """Worker instances that have not answered what they were sent for so many seconds."""
        found = {instance: since for one in self._pools.values() for instance, since in one.silent(now).items()}
        return {instance: round(since, 1) for instance, since in found.items() if since > longer_than}

    def _same(self, route: tables.Route) -> Endpoint | None:
        """The endpoint in force, where its route has not changed."""
        known = self.by_name.get(route.endpoint)
        return known if known is not None and known.route == route else None

    def _update(self, endpoint: Endpoint, gateways: int) -> None:
        for version in versions(endpoint.route):
            asleep = endpoint.route.asleep and version is endpoint.route.stable
            endpoint.pools[version.ordinal].update(version, _part(endpoint.route.limits, gateways), asleep=asleep)

    def _endpoint(self, route: tables.Route, now: float) -> Endpoint:
        watch = self._guards.setdefault(route.endpoint, guard.Guard(now))
        return Endpoint(route, self._boot, {version.ordinal: self._pool(route, version) for version in versions(route)}, watch)

    def _pool(self, route: tables.Route, version: tables.Deployed) -> pool.Pool:
        key = (route.endpoint, version.ordinal, version.digest)
        if key not in self._pools:
            self._pools[key] = pool.Pool(version, self._boot.incarnation, self._boot.loop)
        return self._pools[key]


def _part(limits: tables.Limits, gateways: int) -> tables.Limits:
    """What one of so many gateways holds to; rates are divided where they are counted."""
    return msgspec.structs.replace(limits, queue=max(1, limits.queue // gateways)) if gateways > 1 else limits


def versions(route: tables.Route) -> Iterator[tables.Deployed]:
    """Every version a route lists, each once."""
    yield from {version.ordinal: version for version in reversed(route.versions)}.values()


def _weighted(endpoint: Endpoint) -> Iterator[Side]:
    if endpoint.route.weight < arms.BUCKETS and not endpoint.route.asleep:
        yield endpoint.stable
    if endpoint.route.candidate and endpoint.route.weight:
        yield endpoint.sides[arms.Arm.CANDIDATE]
