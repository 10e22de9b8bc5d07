"""Routes from decisions to the table file. What a gateway needs is all in the route: it asks nobody."""

from collections.abc import Iterable

import msgspec

from tidegate.control.loop import holders, observation
from tidegate.core.spec import settings as specification
from tidegate.core.vocabulary import assignment, decisions, home, releases, tables, tokens
from tidegate.dataplane.wire import tablefile


def deployed(version: releases.Version, seen: observation.Observation) -> tables.Deployed:
    """A version with the addresses of its replicas; a failed or leaving one is left out, a restarting one is not."""
    workers = (
        tables.Worker(one.instance, one.address, one.token) for one in seen.of(version) if one.state not in ("failed", "draining")
    )
    return tables.Deployed(version.ordinal, version.digest, version.model, tuple(workers))


def route(
    asked: decisions.SetRoutes,
    settings: specification.Settings,
    kept: Iterable[releases.Version],
    seen: observation.Observation,
    known: Iterable[tokens.Token],
    policy: releases.Policy | None,
) -> tables.Route:
    """The whole route of an endpoint: what the release asks for, and what its file settles.

    `known`: tokens of gateways. `policy`: of the release that requests are counted for, from its first one on, whatever the
    endpoint goes by before that release is let through; None: there was no release.
    """
    active = {asked.stable.ordinal, asked.candidate.ordinal if asked.candidate else 0}
    warm = (deployed(one, seen) for one in kept if one.ordinal not in active)
    return tables.Route(
        endpoint=asked.endpoint,
        environment=settings.environment,
        stable=deployed(asked.stable, seen),
        candidate=deployed(asked.candidate, seen) if asked.candidate else None,
        weight=asked.weight,
        mirror=asked.mirror,
        sticky=asked.sticky or (_at_rest(settings.sticky) if asked.candidate is None else None),
        cohort=asked.cohort,
        candidate_owns=asked.candidate_owns,
        gap=asked.gap,
        pairing=settings.pairing,
        slices=settings.slices,
        evidence=asked.evidence,
        release=asked.release,
        stage=asked.stage,
        salt=asked.salt,
        limits=settings.limits,
        outcomes=msgspec.structs.replace(settings.outcomes, measured=_measured(policy)),
        fallback=settings.fallback,
        fallbacks=settings.fallbacks,
        fallback_version=settings.fallback_version,
        guard=settings.guard,
        terms=settings.terms,
        origins=settings.origins,
        pin=settings.pin,
        durability=settings.durability,
        inputs=settings.inputs,
        log=settings.log,
        monitors=settings.monitors,
        kept=tuple(one for one in warm if one.workers),
        tokens=holders.predictors(settings, known),
    )


def _at_rest(sticky: assignment.Sticky | None) -> assignment.Sticky | None:
    """What requests stick by, read while nothing is released, too, so that records say whose they are. Cookies are for tests."""
    return sticky if sticky is not None and sticky.by != "cookie" else None


def _measured(policy: releases.Policy | None) -> tables.Measured:
    """What the recorder has to know of the policy to sum posted values."""
    if policy is None or (policy.limits is None and not policy.covariate):
        return tables.Measured()
    return tables.Measured(policy.metric, policy.limits, policy.covariate)


def asleep(route: tables.Route, settings: specification.Settings) -> tables.Route:
    """The route while nobody asks: no workers. Who does ask may wait for as long as loading may take, besides the timeout."""
    patience = route.limits.timeout_ms + int(settings.load_seconds * 1000)
    return msgspec.structs.replace(
        route,
        asleep=True,
        stable=msgspec.structs.replace(route.stable, workers=()),
        kept=(),
        limits=msgspec.structs.replace(route.limits, timeout_ms=patience),
    )


def differs(wanted: tables.Route, table: tables.Table) -> bool:
    """Whether the table does not say this yet."""
    current = table.routes.get(wanted.endpoint)
    return current is None or msgspec.structs.replace(wanted, generation=current.generation) != current


class Common(msgspec.Struct, frozen=True):
    """What the table says for all routes together."""

    known: tuple[tokens.Token, ...] = ()
    """Tokens that gateways have to know."""
    gateways: int = 1
    """How many share what limits allow."""

    def holds(self, table: tables.Table) -> bool:
        """Whether the table says so already."""
        return (table.holders, table.gateways) == (self.known, self.gateways)


def publish(place: home.Home, wanted: Iterable[tables.Route], common: Common, parent: int, now: float) -> tables.Table:
    """Put the routes that differ, and what is common to all, into the table on top of generation `parent`.

    Raises ParentStale, DiskFull.
    """

    def change(current: tables.Table) -> tables.Table | None:
        changed = {one.endpoint: one for one in wanted if differs(one, current)}
        if not changed and current.override is None and common.holds(current):
            return None
        return msgspec.structs.replace(
            current,
            routes=current.routes | changed,
            holders=common.known,
            gateways=common.gateways,
            written_at=now,
            written_by="control",
            override=None,
        )

    return tablefile.write(place.table, change, parent)
