"""Which version served at a past time, and why: from the chained events alone, so that it can be answered in years.

Every event of a release keeps how the traffic was to go from then on. A rollback by hand is an event of its own, which
counts from when the table was written and not from when control heard of it.
"""

from collections.abc import Iterable, Iterator

import msgspec

from tidegate.control.store import chain, traffic
from tidegate.control.store import store as stores
from tidegate.core.vocabulary import errors, phases

BY_HAND = "written_by_hand"
"""The kind of the event that imports a table written without control."""
WRITTEN_AT = "written_at"
"""The fact that says when that was: the event counts from then on."""
_PAGE = 1_000


class Begun(msgspec.Struct, frozen=True):
    """The release that brought a version, as it was asked for."""

    release: str
    at: float
    actor: str
    said: str
    """What the actor gave as reason."""
    strategy: str


class Server(msgspec.Struct, frozen=True):
    """A version that served."""

    ordinal: int
    share: float
    """Of the requests, 0 to 1."""
    digest: str = ""
    model_digest: str = ""
    model: str = ""
    brought: Begun | None = None

    @property
    def name(self) -> str:
        """v1, v2, ..."""
        return f"v{self.ordinal}"


class Served(msgspec.Struct, frozen=True):
    """How an endpoint's traffic went at one moment."""

    endpoint: str
    at: float
    servers: tuple[Server, ...]
    """The larger share first; empty: nobody answered."""
    since: float
    """From when on it went so."""
    until: float
    """When it next changed; 0: not until now."""
    why: chain.StoredEvent
    """The event from which on it went so."""
    mirror: float = 0.0
    """Share of requests of which the version that did not serve them got a copy."""
    candidate: int = 0
    """The ordinal of the version that was being released, whether it served or got copies only; 0: none."""
    cohort: bool = False
    """Whether a chosen group was on the candidate, besides the shares."""
    gap: bool = False
    """One version was stopped before the other was started."""
    stage: str = ""
    release: str = ""
    """The release under way then; empty: none."""
    phase: str = ""
    """Its phase then."""


class _Step(msgspec.Struct, frozen=True):
    """An event from its own time on."""

    at: float
    event: chain.StoredEvent
    traffic: traffic.Traffic


def at(store: stores.Store, environment: str, endpoint: str, moment: float, now: float) -> Served:
    """Raises MomentInvalid for a time before the endpoint's first event and for one in the future."""
    events = list(_events(store, environment, endpoint))
    if moment > now:
        raise errors.MomentInvalid("that is in the future: nobody has served anything then.")
    steps = list(_steps(events))
    first = min((one.at for one in steps), default=now)
    if moment < first:
        cure = f"Ask for Unix time {first:.0f} or later." if steps else "Nothing has been released there."
        raise errors.MomentInvalid(f"nothing is known of {endpoint} at that time: its first event is later.", cure=cure)
    before = [one for one in steps if one.at <= moment]
    changes = _changes(steps)
    why, current = [one for one in changes if one.at <= moment][-1], before[-1].traffic
    after = next((one.at for one in changes if one.at > moment), 0.0)
    under_way = _under_way(before)
    return Served(
        endpoint=endpoint,
        at=moment,
        servers=tuple(_servers(before, current)),
        since=why.at,
        until=after,
        why=why.event,
        mirror=traffic.share(current.mirror),
        candidate=current.candidate or 0,
        cohort=current.cohort,
        gap=current.gap,
        stage=current.stage,
        release=under_way.release if under_way else "",
        phase=under_way.phase_after if under_way else "",
    )


def _events(store: stores.Store, environment: str, endpoint: str) -> Iterator[chain.StoredEvent]:
    last = 0
    while page := store.events(environment, endpoint, last, _PAGE):
        yield from page
        last = page[-1].sequence


def _steps(events: Iterable[chain.StoredEvent]) -> list[_Step]:
    """Those that say how traffic goes, each at its own time."""
    found = []
    for one in events:
        told = one.facts.get(traffic.FACT)
        if told is not None:
            found.append(_Step(float(one.facts.get(WRITTEN_AT, one.at)), one, msgspec.convert(told, traffic.Traffic)))
    return sorted(found, key=lambda step: (step.at, step.event.sequence))


def _changes(steps: list[_Step]) -> list[_Step]:
    """Those from which on traffic went otherwise. Of several at the same time the last one counts: an import takes a few."""
    found: list[_Step] = []
    for one in {step.at: step for step in steps}.values():
        if not found or found[-1].traffic != one.traffic:
            found.append(one)
    return found


def _under_way(before: list[_Step]) -> chain.StoredEvent | None:
    """The last event of a release that had not ended then; what was written by hand has ended it."""
    last = before[-1].event
    return None if last.kind == BY_HAND or last.phase_after in phases.ENDED else last


def _servers(before: list[_Step], current: traffic.Traffic) -> list[Server]:
    shares = {} if current.stable is None or current.gap else {current.stable: 1.0 - traffic.share(current.weight)}
    if current.candidate is not None:
        shares[current.candidate] = traffic.share(current.weight)
    brought = {}
    for step in before:
        if step.event.kind == "created":
            brought[step.event.facts["candidate"]] = step.event
    found = []
    for ordinal, share in shares.items():
        if share or current.cohort:
            found.append(_server(ordinal, share, brought.get(ordinal)))
    return sorted(found, key=lambda one: -one.share)


def _server(ordinal: int, share: float, created: chain.StoredEvent | None) -> Server:
    if created is None:
        return Server(ordinal, share)
    told = created.facts
    begun = Begun(created.release, created.at, created.actor, created.said, told.get("strategy", ""))
    return Server(ordinal, share, told.get("digest", ""), told.get("model_digest", ""), told.get("model", ""), begun)
