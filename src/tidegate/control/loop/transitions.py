"""One desk for every change of a release: ask the machine, commit, say what became of it. All decisions pass here."""

import logging
from collections.abc import Callable

import msgspec

from tidegate.control.loop import routes
from tidegate.control.store import endpoints, holds
from tidegate.control.store import store as stores
from tidegate.core.decide import machine
from tidegate.core.spec import settings as specification
from tidegate.core.vocabulary import decisions, errors, phases, releases

log = logging.getLogger(__name__)
_LEVELS = {"info": logging.INFO, "warning": logging.WARNING, "critical": logging.CRITICAL}


class Desk:
    """The store of one environment, with the release machine in front of it."""

    def __init__(self, store: stores.Store, environment: str, mint: Callable[[], str]) -> None:
        """`mint` gives ids for new releases."""
        self.store, self.environment, self._mint = store, environment, mint

    def active(self, endpoint: str) -> releases.Release | None:
        """The endpoint's release that has not ended."""
        latest = self.store.latest(self.environment, endpoint)
        return latest if latest is not None and latest.phase not in phases.ENDED else None

    def stable(self, endpoint: str) -> releases.Version | None:
        """The version that owns the endpoint; None before its first release has come through."""
        row = self.store.endpoint(self.environment, endpoint)
        return self.version(endpoint, row.stable if row else None)

    def version(self, endpoint: str, ordinal: int | None) -> releases.Version | None:
        """A version by its ordinal."""
        return None if ordinal is None else self.store.version(self.environment, endpoint, ordinal)

    def settings(self, endpoint: endpoints.Endpoint) -> specification.Settings:
        """What the endpoint's file settles, as resolved at its last release."""
        return specification.of(endpoint.settings)

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
            salt=routes.salt(identifier),
            created_at=now,
            phase_since=now,
            replicas=settings.replicas,
            load_seconds=settings.load_seconds,
            probation_seconds=settings.probation_seconds,
            actor=event.actor,
            reason=event.reason,
        )
