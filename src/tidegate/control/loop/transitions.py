"""One desk for every change of a release: ask the machine, commit, say what became of it. All decisions pass here."""

import hashlib
import logging
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

from tidegate.control.store import endpoints, holds
from tidegate.control.store import store as stores
from tidegate.core.decide import machine
from tidegate.core.spec import settings as specification
from tidegate.core.vocabulary import decisions, errors, phases, releases

log = logging.getLogger(__name__)
_T = TypeVar("_T")
_LEVELS = {"info": logging.INFO, "warning": logging.WARNING, "critical": logging.CRITICAL}


class Desk:
    """The store of one environment, with the release machine in front of it."""

    def __init__(self, store: stores.Store, environment: str, mint: Callable[[], str]) -> None:
        """`mint` gives ids for new releases."""
        self.store, self.environment, self._mint = store, environment, mint
        self._versions: dict[tuple[str, int], releases.Version] = {}
        self._settings: dict[str, tuple[dict[str, Any], specification.Settings]] = {}
        self._read: tuple[int | None, dict[tuple[str, str], Any]] = (None, {})

    def rows(self) -> list[endpoints.Endpoint]:
        """All endpoints of the environment, by name."""
        return self._remembered(("rows", ""), lambda: self.store.endpoints(self.environment))

    def under_way(self) -> list[releases.Release]:
        """All releases that have not ended, by endpoint."""
        return self._remembered(("under way", ""), lambda: self.store.active(self.environment))

    def latest(self, endpoint: str) -> releases.Release | None:
        """The endpoint's newest release."""
        return self._remembered(("latest", endpoint), lambda: self.store.latest(self.environment, endpoint))

    def active(self, endpoint: str) -> releases.Release | None:
        """The endpoint's release that has not ended."""
        latest = self.store.latest(self.environment, endpoint)
        return latest if latest is not None and latest.phase not in phases.ENDED else None

    def stable(self, endpoint: str) -> releases.Version | None:
        """The version that owns the endpoint; None before its first release has come through."""
        row = self.store.endpoint(self.environment, endpoint)
        return self.version(endpoint, row.stable if row else None)

    def version(self, endpoint: str, ordinal: int | None) -> releases.Version | None:
        """A version by its ordinal. One never changes, so it is read once."""
        if ordinal is None:
            return None
        key = (endpoint, ordinal)
        if key not in self._versions:
            found = self.store.version(self.environment, endpoint, ordinal)
            if found is None:
                return None
            self._versions[key] = found
        return self._versions[key]

    def settings(self, endpoint: endpoints.Endpoint) -> specification.Settings:
        """What the endpoint's file settles, as resolved at its last release."""
        known = self._settings.get(endpoint.name)
        if known is None or (known[0] is not endpoint.settings and known[0] != endpoint.settings):
            known = self._settings[endpoint.name] = (endpoint.settings, specification.of(endpoint.settings))
        return known[1]

    def tell(self, release: releases.Release, event: decisions.Event, now: float, command: str = "") -> decisions.Decision:
        """Advance by one event; commit when that changes anything. Returns the decision, its release as stored.

        Raises TransitionRefused for a verb that the phase does not allow, GenerationConflict when somebody was faster.
        """
        decision = machine.advance(release, event, now)
        if decision.release == release and not decision.effects:
            return decision
        stored = self.store.commit(decision, event, release.generation, now, command)
        for effect in decision.effects:
            if isinstance(effect, decisions.Notify):
                log.log(_LEVELS[effect.severity], effect.text, extra={"endpoint": release.endpoint, "release": release.id})
        if stored.phase is not release.phase:
            said = {"endpoint": release.endpoint, "release": release.id, "phase": stored.phase.value, "reason": decision.reason}
            log.info("phase", extra=said)
        return msgspec.structs.replace(decision, release=stored)

    def begin(
        self, settings: specification.Settings, candidate: releases.Version, event: decisions.Event, now: float, command: str
    ) -> releases.Release:
        """Start a release of `candidate`. A probation under way ends as superseded.

        Raises ReleaseInProgress when anything else is under way.
        """
        self._supersede(settings.endpoint, candidate, now)
        release = self._draft(settings, candidate, event, now)
        self.store.create(release, event, command)
        return release

    def go_back(self, endpoint: str, ordinal: int, event: decisions.Event, now: float, command: str = "") -> releases.Release:
        """Put an earlier version at 100 % by one route write: a release that begins at its last step, with nothing to prove.

        Raises NothingToRollBack when there is no such version, ReleaseInProgress.
        """
        row = self.store.endpoint(self.environment, endpoint)
        earlier = self.version(endpoint, ordinal)
        if row is None or earlier is None:
            raise errors.NothingToRollBack(f"{endpoint} has no version v{ordinal}.")
        self._supersede(endpoint, earlier, now)
        settings = msgspec.structs.replace(self.settings(row), strategy="rollback", stages=(), probation_seconds=0.0)
        draft = self._draft(settings, earlier, event, now)
        release = msgspec.structs.replace(draft, phase=phases.Phase.PROMOTING, rollback_began_at=now)
        self.store.create(release, event, command)
        return release

    def last_good(self, endpoint: str) -> int:
        """The version to go back to when none is named: the newest kept one whose model is not held.

        Raises NothingToRollBack.
        """
        row = self.store.endpoint(self.environment, endpoint)
        for ordinal in row.kept if row else ():
            version = self.version(endpoint, ordinal)
            if version is not None and self.store.held(self.environment, endpoint, version.model_digest) is None:
                return ordinal
        raise errors.NothingToRollBack(f"{endpoint} keeps no earlier version that is not held.")

    def hold(self, version: releases.Version, event: decisions.Event, now: float) -> None:
        """Refuse this version's model from now on; nothing where it is held already."""
        row = holds.HoldRow(
            environment=self.environment,
            endpoint=version.endpoint,
            model_digest=version.model_digest,
            reason=event.reason or f"rolled back by {event.actor}",
            actor=event.actor,
            at=now,
        )
        self.store.hold(row)

    def _remembered(self, key: tuple[str, str], read: Callable[[], _T]) -> _T:
        """What the store said, asked again only once anybody has written to it."""
        changes = self.store.changes()
        if changes is None or changes != self._read[0]:
            self._read = (changes, {})
        known = self._read[1]
        if key not in known:
            known[key] = read()
        found: _T = known[key]
        return found

    def _supersede(self, endpoint: str, by: releases.Version, now: float) -> None:
        under_way = self.active(endpoint)
        if under_way is not None and under_way.phase is phases.Phase.PROBATION:
            self.tell(under_way, decisions.Event(decisions.Kind.SUPERSEDED, reason=f"superseded by {by.name}"), now)

    def _draft(
        self, settings: specification.Settings, candidate: releases.Version, event: decisions.Event, now: float
    ) -> releases.Release:
        identifier = self._mint()
        return releases.Release(
            id=identifier,
            environment=self.environment,
            endpoint=settings.endpoint,
            candidate=candidate,
            stable=self.stable(settings.endpoint),
            strategy=settings.strategy,
            stages=settings.stages,
            policy=settings.policy,
            salt=_salt(identifier),
            created_at=now,
            phase_since=now,
            replicas=settings.replicas,
            load_seconds=settings.load_seconds,
            probation_seconds=settings.probation_seconds,
            actor=event.actor,
            reason=event.reason,
        )


def _salt(release: str) -> bytes:
    """The key of a release's buckets: fresh for each release, the same after any restart."""
    return hashlib.blake2b(release.encode(), digest_size=16).digest()
