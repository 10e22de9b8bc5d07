"""The table as it is obeyed: each route with its versions' pools, its lanes in the sums, and its guard.

A flight keeps the endpoint it was drawn with, so what is in flight when the table changes ends under the route, generation
and arm it was drawn with. Versions' pools and endpoints' guards outlive changes.
"""

import asyncio
import dataclasses
from collections.abc import Iterator

import msgspec

from tidegate.core.vocabulary import arms, assignment, tables
from tidegate.dataplane.gateway import admission, exchanges, guard, journal, pool, remedies, router, tracing, units, wheel
from tidegate.dataplane.wire import counts, keyevents, sums
from tidegate.dataplane.wire import spans as written

Stamp = tuple[str, str, str, int, int, int, str, int, int, bool, bytes, int]


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
    keys: keyevents.Writer | None = None
    """Where the first bad request of each sticky key is told."""
    served: counts.Writer = dataclasses.field(default_factory=lambda: counts.Writer(None, ""))
    """What was served, for people."""
    spans: written.Writer = dataclasses.field(default_factory=lambda: written.Writer(None, ""))
    """Of traced requests."""
    flying: int = 0
    """Flights that have not ended."""
    landed: int = 0
    """Flights that have."""


class Side:
    """One version of a route, as a request is drawn for it: where it waits, is counted and what its record says."""

    __slots__ = ("draw", "head", "lane", "name", "pool", "rescuer", "stamp")

    def __init__(self, route: tables.Route, draw: router.Draw, where: pool.Pool, lane: sums.Lane | None) -> None:
        self.draw, self.pool, self.lane = draw, where, lane
        self.rescuer: Side | None = None
        """Who may answer in its place."""
        self.name = draw.version.name
        self.head = exchanges.JSON + b"tidegate-version: %s\r\ntidegate-prediction-id: " % self.name.encode()
        self.stamp: Stamp = (
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

    def stamped(self, key_hash: bytes) -> Stamp:
        """The same of a request with this sticky key."""
        return (*self.stamp[:10], key_hash, self.stamp[11])


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
        self._member = self._side(self.router.member) if self.router.member else None
        self.owner = self.sides[self.router.owner.arm]
        """Whom the endpoint is about."""
        self._rescue()
        self.steers = bool(route.sticky or self._member)
        """Whether more than the prediction id says who answers."""
        self._units = units.Units(route.sticky) if route.sticky else None
        self.tells_keys = bool(route.sticky and route.evidence and route.release)
        """Whether the first bad request of each key is told."""
        self.mirrors = bool(route.mirror and route.candidate)
        self.timeout = route.limits.timeout_ms / 1000
        self.fallback = route.fallback.encode()
        standby = self.router.standby
        self.standby = self._side(standby) if standby else None
        """The version asked before any fallback value."""
        self.terms = remedies.encoded(route.terms)
        self.must_sync = route.durability == "ack"
        self.traces = route.monitors.traces if route.monitors.traces.on else None
        """Which requests are traced; None: none."""
        self.logs_bodies = route.inputs != "none"
        self._sample = route.log if route.log.share < 1 else None
        """Of which predictions bodies are logged, where not of all."""
        self.tokens = frozenset(route.tokens)
        self.stable_is_spare = route.candidate_owns or route.weight == arms.BUCKETS
        """Whether stable is up with next to no traffic: it may take over as a share of all, and not only of its own."""
        self.gated = bool(route.tokens or route.limits.rate or route.limits.daily)
        """Whether who asks, or how much, has to be looked at."""
        self._pinned: dict[tuple[str, bool], Side] = {}

    def draw(self, prediction_id: bytes) -> Side:
        """The side of a request that names no version."""
        return self._only or self.sides[self.router.draw(prediction_id).arm]

    def steer(self, exchange: exchanges.Exchange, content: int, prediction_id: bytes) -> tuple[Side, bytes]:
        """The side of a request where more than its id counts, and the hash of its sticky key (empty: it has none)."""
        key = self._units.key(exchange, content) if self._units else b""
        key_hash = assignment.digest(key) if key else b""
        if self._member is not None and self.router.belongs(exchange.fields, key_hash):
            return self._member, key_hash
        return self.draw(units.drawn_by(key) if key else prediction_id), key_hash

    def logs(self, prediction_id: bytes) -> bool:
        """Whether the record of a prediction carries its bodies."""
        return self.logs_bodies and (self._sample is None or self._sample.keeps(prediction_id))

    def shadow(self, drawn: Side) -> Side | None:
        """Who gets the copy of a request drawn so: the candidate, or stable where nothing is drawn for it any more.

        Stable is never given copies beside requests of clients: one that it dies of would cost them.
        """
        if drawn.draw.arm == arms.Arm.STABLE:
            return self.sides[arms.Arm.CANDIDATE]
        return self.stable if self.route.weight >= arms.BUCKETS else None

    def smoked(self, version: str) -> Side:
        """The side of a request of our own for one version. Raises VersionUnknown."""
        return self._side(self.router.pinned(version, freely=True, role=arms.Role.SMOKE))

    def pinned(self, version: str, authorization: bytes) -> Side:
        """The side of a request for one version: any, where the token may operate. Raises VersionUnknown, PinRefused."""
        asked = (version, self.boot.admitting.holders.operates(authorization, self.route.endpoint))
        side = self._pinned.get(asked)
        if side is None:
            side = self._pinned[asked] = self._side(self.router.pinned(version, freely=asked[1]))
        return side

    def version(self, name: str) -> pool.Pool:
        """The pool of a version that is only asked about; empty: the owner's. Raises VersionUnknown."""
        if not name:
            return self.owner.pool
        return self.pools[self.router.named(name)[1].ordinal]

    @property
    def names(self) -> list[str]:
        """The versions that can be routed to."""
        return [f"v{ordinal}" for ordinal in sorted(self.pools)]

    def _side(self, draw: router.Draw) -> Side:
        lane = None
        if draw.role is arms.Role.LIVE:
            counted = self.route
            if draw is self.router.member:  # a lane of its own: a chosen group is not added to what chance has drawn
                counted = msgspec.structs.replace(counted, weight=draw.weight, evidence=draw.evidence)
            lane = self.boot.sums.lane(counted, draw.arm)
        return Side(self.route, draw, self.pools[draw.version.ordinal], lane)

    def _rescue(self) -> None:
        """Say who may answer for whom: stable for the candidate; the candidate for stable, too, where it owns the endpoint."""
        stable, candidate = self.sides
        for side in (candidate, self._member):
            if side is not None and side is not stable:
                side.rescuer = stable
        if candidate is not stable and self.route.candidate_owns:
            stable.rescuer = candidate


class Endpoints:
    """All routes in force."""

    def __init__(self, boot: Boot) -> None:
        self.generation = 0
        self.by_name: dict[str, Endpoint] = {}
        self.sole = ""
        """The one endpoint's name, where there is only one."""
        self.origins: frozenset[str] = frozenset()
        """Web origins that any endpoint lists: for paths that name none."""
        self.headers: frozenset[bytes] = frozenset()
        """Headers, in lower case, that some endpoint draws by."""
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
        self.headers = units.all_headers(table.routes.values())
        if any(route.monitors.traces.on for route in table.routes.values()):
            self.headers |= tracing.HEADERS
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
        needed = {id(one) for endpoint in (*self.by_name.values(), *self._leaving) for one in endpoint.pools.values()}
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
            found.tell()
        self._boot.served.save()
        self._boot.spans.flush()

    def close(self) -> None:
        """Let go of all workers."""
        for found in self._pools.values():
            found.close()

    @property
    def discreet(self) -> bool:
        """Whether some endpoint keeps values from the log: segments hold them until they are recorded."""
        return any(endpoint.route.log.veiled for endpoint in self.by_name.values())

    @property
    def ready(self) -> bool:
        """Whether some endpoint's owner has a worker that answers, or gets one when asked; no endpoints are not ready."""
        return any(endpoint.route.asleep or endpoint.owner.pool.connected for endpoint in self.by_name.values())

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
        route = endpoint.route
        for version in versions(route):
            # in a gap nothing answers: who is to answer is waited for, whichever arm that is
            awaited = (route.asleep and version is route.stable) or (route.gap and version in (route.stable, route.candidate))
            endpoint.pools[version.ordinal].update(version, _part(route.limits, gateways), awaited=awaited)

    def _endpoint(self, route: tables.Route, now: float) -> Endpoint:
        watch = self._guards.setdefault(route.endpoint, guard.Guard(now))
        return Endpoint(route, self._boot, {version.ordinal: self._pool(route, version) for version in versions(route)}, watch)

    def _pool(self, route: tables.Route, version: tables.Deployed) -> pool.Pool:
        key = (route.endpoint, version.ordinal, version.digest)
        if key not in self._pools:
            made = self._pools[key] = pool.Pool(version, self._boot.incarnation, self._boot.loop)
            made.served, made.counting = self._boot.served.row(route.endpoint, version.ordinal), self._boot.served
        return self._pools[key]


def _part(limits: tables.Limits, gateways: int) -> tables.Limits:
    """What one of so many gateways holds to; rates are divided where they are counted."""
    return msgspec.structs.replace(limits, queue=max(1, limits.queue // gateways)) if gateways > 1 else limits


def versions(route: tables.Route) -> Iterator[tables.Deployed]:
    """Every version a route lists, each once."""
    yield from {version.ordinal: version for version in reversed(route.versions)}.values()


def _weighted(endpoint: Endpoint) -> Iterator[Side]:
    if endpoint.route.gap:
        return
    if endpoint.route.weight < arms.BUCKETS and not endpoint.route.asleep:
        yield endpoint.stable
    if endpoint.route.candidate and (endpoint.route.weight or endpoint.route.cohort):
        yield endpoint.sides[arms.Arm.CANDIDATE]
