"""From the store and the home to answers. It reads only, and it works with the store gone: the table and the instances
on disk still say what is served by what.
"""

import contextlib
import time
from typing import Any, NamedTuple

from tidegate.control.store import endpoints
from tidegate.control.store import store as stores
from tidegate.core.vocabulary import arms, errors, home, instances, tables
from tidegate.dataplane.wire import sums, tablefile
from tidegate.interface.api import addresses, alarming, records, shelf, standing

RATE_SECONDS = 5
WELL = frozenset({"ready", "standby", "starting", "loading", "draining", "stopped", "done"})


class _Seen(NamedTuple):
    """What is looked at once for all endpoints."""

    rates: dict[str, tuple[float, float]]
    ready: dict[str, dict[int, int]]


def seen(books: shelf.Shelf) -> standing.Status:
    """Everything on one screen, as it is now; with the store gone too."""
    try:
        store, trouble = books.store(), ""
    except errors.StoreUnavailable as gone:
        store, trouble = None, str(gone)
    return status(books.home, books.environment, store, time.time(), trouble)


def status(place: home.Home, environment: str, store: stores.Store | None, now: float, trouble: str = "") -> standing.Status:
    """Everything on one screen. `store` None: it cannot be read, and `trouble` says why."""
    table, damage = routing(place)
    seen = processes(place)
    control = _control(seen)
    shown, alarms = [], []
    if store is not None:
        try:
            shown = endpoints_of(place, store, environment, table, now)
            alarms = alarming.open_now(store, environment)
        except errors.StoreUnavailable as gone:
            trouble = str(gone)
    return standing.Status(
        at=now,
        home=str(place.root),
        environment=environment,
        control=control is not None and control.alive,
        control_state=control.state if control else "",
        store=trouble,
        table=damage,
        generation=table.generation,
        override=_override(table),
        endpoints=tuple(shown) or from_table(place, table, seen, now),
        processes=seen,
        gateways=gateways(place, table.generation),
        alarms=tuple(alarms),
        watches=_watches(place),
        recorder=_counters(place),
        addresses=addresses.read(place),
    )


def routing(place: home.Home) -> tuple[tables.Table, str]:
    """The table, or where it is damaged the one before, with what is wrong: gateways go on by what they have read."""
    try:
        return tablefile.read(place.table), ""
    except errors.TableUnreadable as damaged:
        with contextlib.suppress(errors.StateError):
            return tablefile.read(tablefile.last(place.table)), str(damaged)
        return tables.EMPTY, str(damaged)


def _control(seen: tuple[standing.Process, ...]) -> standing.Process | None:
    """The control process that decides; where none does, one that lives."""
    controls = [one for one in seen if one.kind == "control"]
    return min(controls, key=lambda one: (not one.alive, one.state != "ready", one.state == "standby"), default=None)


def endpoints_of(
    place: home.Home, store: stores.Store, environment: str, table: tables.Table, now: float
) -> list[standing.Endpoint]:
    """Every endpoint, by name."""
    seen = _Seen(rates(place, now), _ready(place))
    return [_endpoint(place, store, row, table, seen) for row in store.endpoints(environment)]


def endpoint(
    place: home.Home, store: stores.Store, row: endpoints.Endpoint, table: tables.Table, now: float
) -> standing.Endpoint:
    """One endpoint as the store and the table have it."""
    return _endpoint(place, store, row, table, _Seen(rates(place, now), _ready(place)))


def _endpoint(
    place: home.Home, store: stores.Store, row: endpoints.Endpoint, table: tables.Table, seen: "_Seen"
) -> standing.Endpoint:
    route = table.routes.get(row.name)
    latest = store.latest(row.environment, row.name)
    stable = store.version(row.environment, row.name, row.stable) if row.stable is not None else None
    kept = (store.version(row.environment, row.name, ordinal) for ordinal in row.kept)
    ready = seen.ready.get(row.name, {})
    rate, candidate_rate = seen.rates.get(row.name, (0.0, 0.0))
    return standing.Endpoint(
        name=row.name,
        environment=row.environment,
        stable=records.version(stable, ready) if stable else None,
        kept=tuple(records.version(one, ready) for one in kept if one),
        release=records.release(store, latest) if latest else None,
        weight=route.weight if route and route.candidate else 0,
        asleep=bool(route and route.asleep),
        follows=str(row.settings.get("model", "")) if row.settings.get("follow") else "",
        holds=tuple(
            standing.Hold(model_digest=one.model_digest, reason=one.reason, actor=one.actor, at=one.at)
            for one in store.holds(row.environment, row.name)
        ),
        url=addresses.predict(place, row.name),
        rate=rate + candidate_rate,
        candidate_rate=candidate_rate,
    )


def from_table(
    place: home.Home, table: tables.Table, seen: tuple[standing.Process, ...], now: float
) -> tuple[standing.Endpoint, ...]:
    """What the routing table alone says, for when the store cannot be read."""
    lately = rates(place, now)
    alive = {one.name for one in seen if one.alive and one.state == "ready"}

    def shown(one: tables.Deployed) -> standing.Version:
        workers = sum(worker.instance in alive for worker in one.workers)
        return standing.Version(name=one.name, ordinal=one.ordinal, digest=one.digest, model=one.model, workers=workers)

    return tuple(
        standing.Endpoint(
            name=name,
            environment=route.environment,
            stable=shown(route.stable),
            kept=tuple(shown(one) for one in route.kept),
            weight=route.weight if route.candidate else 0,
            url=addresses.predict(place, name),
            rate=sum(lately.get(name, (0.0, 0.0))),
            candidate_rate=lately.get(name, (0.0, 0.0))[1],
        )
        for name, route in sorted(table.routes.items())
    )


def processes(place: home.Home) -> tuple[standing.Process, ...]:
    """Every process that has a specification."""
    found = (instances.read(path) for path in sorted(place.instances.glob("*.json")))
    return tuple(_process(place, spec) for spec in found if spec is not None)


def _process(place: home.Home, spec: instances.Spec) -> standing.Process:
    said = instances.read_state(place.instances, spec.name)
    said = said if said.get("token") == spec.token else {}
    alive = instances.holder(place.instances, spec.name) != 0
    begun = bool(said) or instances.read_restarts(place.instances, spec.name).get("token") == spec.token
    state = str(said.get("state", "")) or "starting"
    ordinal = spec.labels.get("ordinal", "")
    return standing.Process(
        name=spec.name,
        kind=spec.kind,
        alive=alive,
        state=state if alive or state == "failed" or not begun else "down",
        well=state in WELL if alive else not begun,
        code=str(said.get("code", "")),
        message=str(said.get("message", "")),
        endpoint=spec.labels.get("endpoint", ""),
        version=f"v{ordinal}" if ordinal else "",
        rss=int(said.get("rss", 0)),
        load_seconds=float(said.get("load_seconds", 0.0)),
    )


def _ready(place: home.Home) -> dict[str, dict[int, int]]:
    """Ready workers by endpoint and the version's ordinal."""
    found: dict[str, dict[int, int]] = {}
    for one in processes(place):
        if one.kind == "worker" and one.version:
            versions, ordinal = found.setdefault(one.endpoint, {}), int(one.version[1:])
            versions[ordinal] = versions.get(ordinal, 0) + (one.alive and one.state == "ready")
    return found


def gateways(place: home.Home, newest: int) -> tuple[standing.Gateway, ...]:
    """The living gateways and the table that each obeys."""
    living = []
    for path in sorted(place.instances.glob("gateway-*.json")):
        said = instances.read_state(place.instances, path.stem)
        if instances.holder(place.instances, path.stem):
            obeys = int(said.get("generation", 0))
            incarnation = str(said.get("incarnation", ""))
            shed = {str(code): int(count) for code, count in said.get("shed", {}).items()}
            living.append(
                standing.Gateway(name=path.stem, incarnation=incarnation, generation=obeys, current=obeys >= newest, shed=shed)
            )
    return tuple(living)


def rates(place: home.Home, now: float) -> dict[str, tuple[float, float]]:
    """Requests a second, lately, drawn for (stable, candidate), by endpoint. A damaged file of sums is left out."""
    since = int(now) - RATE_SECONDS
    boots = []
    for path in place.sums.glob("[!.]*.sums"):
        with contextlib.suppress(OSError, errors.StoreUnavailable):
            if path.stat().st_mtime >= since - 60 or instances_use(place, path.stem):
                boots.append(sums.read(path))
    lasted = max(1.0, now - since)
    return {name: (stable / lasted, candidate / lasted) for name, (stable, candidate) in sums.opened(boots, since).items()}


def instances_use(place: home.Home, incarnation: str) -> bool:
    """Whether a living gateway counts in this file: a mapped file's own time of change says little."""
    return any(one.incarnation == incarnation for one in gateways(place, 0))


def share(weight: int) -> float:
    """A weight in buckets as a share of 1."""
    return weight / arms.BUCKETS


def _override(table: tables.Table) -> standing.Override | None:
    given = table.override
    return None if given is None else standing.Override(actor=given.actor, reason=given.reason, endpoint=given.endpoint)


def _watches(place: home.Home) -> dict[str, str]:
    said = instances.read_state(place.instances, "monitor").get("watches", {})
    return {str(name): str(facts.get("trouble", "")) for name, facts in sorted(said.items())}


def _counters(place: home.Home) -> dict[str, Any]:
    said = instances.read_state(place.instances, "recorder")
    return {key: value for key, value in said.items() if key not in {"token", "pid"}}
