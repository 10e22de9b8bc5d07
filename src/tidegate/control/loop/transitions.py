"""One desk for every change of a release: ask the machine, commit, say what became of it. All decisions pass here."""

import hashlib
import logging
import math
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

from tidegate.control.loop import brought
from tidegate.control.store import endpoints, holds
from tidegate.control.store import store as stores
from tidegate.core.decide import machine, record, strategies
from tidegate.core.spec import settings as specification
from tidegate.core.vocabulary import decisions, errors, incidents, phases, releases, verdicts

log = logging.getLogger(__name__)
_T = TypeVar("_T")
_GROUPED = 200
"""Newest releases of the environment among which those of a group are looked for."""
_REMEMBERED = 50
"""Releases of an endpoint that are looked at for earlier attempts with one model."""
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

    def incidents(self) -> list[incidents.Incident]:
        """The alarms that are open, and those that were lately."""
        return self._remembered(("incidents", ""), lambda: self.store.alarms(self.environment))

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

    def known_version(self, endpoint: str, ordinal: int) -> releases.Version:
        """The same, where it has to be there. Raises VersionUnknown."""
        found = self.version(endpoint, ordinal)
        if found is None:
            raise errors.VersionUnknown(f"{endpoint} has no version v{ordinal}.")
        return found

    def settings(self, endpoint: endpoints.Endpoint) -> specification.Settings:
        """What the endpoint's file settles, as resolved at its last release."""
        known = self._settings.get(endpoint.name)
        if known is None or (known[0] is not endpoint.settings and known[0] != endpoint.settings):
            known = self._settings[endpoint.name] = (endpoint.settings, specification.of(endpoint.settings))
        return known[1]

    def tell(
        self,
        release: releases.Release,
        event: decisions.Event,
        now: float,
        command: str = "",
        inputs: Callable[[], dict[str, Any]] | None = None,
    ) -> decisions.Decision:
        """Advance by one event; commit when that changes anything. Returns the decision, its release as stored.

        `inputs` gives what the event's verdict was computed from: it is asked only where that is to be kept.

        Raises TransitionRefused for a verb that the phase does not allow, GenerationConflict when somebody was faster.
        """
        decision = machine.advance(release, event, now)
        if decision.release == release and not decision.effects:
            return decision
        kept = inputs() if inputs and event.verdict else None
        stored = self.store.commit(decision, event, release.generation, now, command, kept)
        for effect in decision.effects:
            if isinstance(effect, decisions.Notify):
                log.log(_LEVELS[effect.severity], effect.text, extra={"endpoint": release.endpoint, "release": release.id})
        if stored.phase is not release.phase:
            said = {"endpoint": release.endpoint, "release": release.id, "phase": stored.phase.value, "reason": decision.reason}
            log.info("phase", extra=said)
        return msgspec.structs.replace(decision, release=stored)

    def begin(
        self,
        settings: specification.Settings,
        candidate: releases.Version,
        event: decisions.Event,
        now: float,
        command: str,
        noting: Callable[[releases.Release], brought.Facts] = lambda _: (),
    ) -> releases.Release:
        """Start a release of `candidate`, under the endpoint's next ordinal. A probation under way ends as superseded. `noting`
        gives facts of the endpoint to be kept with it.

        Raises ReleaseInProgress when anything else is under way.
        """
        last = next((one.ordinal for one in reversed(self.store.versions(self.environment, settings.endpoint))), 0)
        candidate = msgspec.structs.replace(candidate, ordinal=last + 1)
        self._supersede(settings.endpoint, candidate, now)
        release = self._draft(settings, candidate, event, now)
        self.store.create(release, event, command, noting(release))
        return release

    def go_back(
        self, version: releases.Version, event: decisions.Event, now: float, command: str = "", *, warm: bool = True
    ) -> releases.Release:
        """Put an earlier version at 100 %, with the settings that it was left with: a release that begins at its last step, with
        nothing to prove. Where it is `warm` that is one route write, else it is loaded first.

        Raises EndpointUnknown, ReleaseInProgress.
        """
        row = self.store.endpoint(self.environment, version.endpoint)
        if row is None:
            raise errors.EndpointUnknown(f"there is no endpoint {version.endpoint}.")
        self._supersede(version.endpoint, version, now)
        plain = {"strategy": strategies.BACK, "stages": (), "returns": False, "approval": None, "group": "", "probation": None}
        wanted = brought.returning(self.store, row, version)
        settings = msgspec.structs.replace(specification.of(wanted), **plain, probation_seconds=0.0)
        draft = self._draft(settings, version, event, now)
        phase = phases.Phase.PROMOTING if warm else phases.Phase.WARMING
        release = msgspec.structs.replace(draft, phase=phase, rollback_began_at=now)
        self.store.create(release, event, command, brought.notes(release, row.settings, wanted))
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

    def group(self, name: str) -> list[releases.Release]:
        """The releases of a group, ended ones too."""
        newest = self._remembered(("newest", ""), lambda: self.store.releases(self.environment, None, _GROUPED))
        return [one for one in newest if one.group == name]

    def hold(self, version: releases.Version, event: decisions.Event, now: float, command: str = "") -> bool:
        """Refuse this version's model from now on, answering `command` if given; False where it is held already."""
        row = holds.HoldRow(
            environment=self.environment,
            endpoint=version.endpoint,
            model_digest=version.model_digest,
            reason=event.reason or f"rolled back by {event.actor}",
            actor=event.actor,
            at=now,
        )
        return self.store.hold(row, command)

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

    def _attempts(self, endpoint: str, candidate: releases.Version, stable: releases.Version | None) -> list[releases.Release]:
        """The releases of this model against this stable so far, newest first."""
        before = self.store.releases(self.environment, endpoint, _REMEMBERED)
        pair = (candidate.model_digest, stable.ordinal if stable else 0)
        return [one for one in before if (one.candidate.model_digest, one.stable.ordinal if one.stable else 0) == pair]

    def _carried(self, last: releases.Release, now: releases.Release) -> float:
        """The evidence with which the attempt before ended, where both are set up and judged alike. One that was rolled back has
        been forgiven by whoever cleared the hold; counts that could not be trusted, and looks never taken, bring nothing new.
        """
        policy = msgspec.structs.replace(last.policy, alpha_promote=now.policy.alpha_promote)
        before, after = (
            (one.candidate.digest, one.sticky, one.cohort, one.replicas, kept)
            for one, kept in ((last, policy), (now, now.policy))
        )
        if before != after or last.outcome == "rolled_back":
            return 0.0
        judged = self.store.judged(last.id)
        if judged is None or judged.verdict.result is verdicts.Result.ERROR:
            return last.carried
        try:
            return record.carried(record.read(judged.inputs))
        except errors.StateError:  # kept by an earlier Tidegate
            return last.carried

    def _draft(
        self, settings: specification.Settings, candidate: releases.Version, event: decisions.Event, now: float
    ) -> releases.Release:
        identifier, stable = self._mint(), self.stable(settings.endpoint)
        drill = settings.strategy == strategies.REHEARSAL  # it promotes nothing, however often
        before = [] if drill else self._attempts(settings.endpoint, candidate, stable)
        attempt = 1 + len(before)
        policy = _policy(settings, attempt)
        drafted = releases.Release(
            id=identifier,
            environment=self.environment,
            endpoint=settings.endpoint,
            candidate=candidate,
            stable=stable,
            strategy=settings.strategy,
            stages=settings.stages,
            returns=settings.returns,
            policy=policy,
            attempt=attempt,
            sticky=settings.sticky,
            cohort=settings.cohort,
            approval=settings.approval,
            group=settings.group,
            requires=settings.requires,
            migrations=settings.migrations,
            probation=strategies.after(settings.stages, settings.probation, settings.replicas),
            probation_outcomes=settings.probation_outcomes,
            salt=_salt(identifier),
            created_at=now,
            phase_since=now,
            replicas=settings.replicas,
            load_seconds=settings.load_seconds,
            probation_seconds=settings.probation_seconds,
            actor=event.actor,
            reason=event.reason,
        )
        proves = before and settings.strategy != strategies.BACK
        return msgspec.structs.replace(drafted, carried=self._carried(before[0], drafted)) if proves else drafted


def _policy(settings: specification.Settings, attempt: int) -> releases.Policy:
    """The policy of the j-th attempt with one model: promotion at alpha 6 / (pi j)^2, so that trying again and again proves
    nothing by itself.
    """
    alpha = settings.policy.alpha_promote
    return msgspec.structs.replace(settings.policy, alpha_promote=alpha * 6 / (math.pi * attempt) ** 2 if attempt > 1 else alpha)


def _salt(release: str) -> bytes:
    """The key of a release's buckets: fresh for each release, the same after any restart."""
    return hashlib.blake2b(release.encode(), digest_size=16).digest()
