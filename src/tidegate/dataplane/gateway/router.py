"""Who answers: from a route and a unit to an arm. Pure: no clock, no chance, no memory.

The unit is the request's sticky key, or the gateway's own prediction id, never an id that the client chose. Its bucket does
not know the weight, so a ramp keeps the units it had. A cohort is a chosen group: its members get the candidate whatever the
weight, and their draw says so, so that they are never counted among those that chance has sent there.
"""

from collections.abc import Mapping
from typing import NamedTuple

from tidegate.core.vocabulary import arms, assignment, errors, tables


class Draw(NamedTuple):
    """One way a request can go. Arm, weight and evidence are recorded as they were when it was drawn."""

    arm: arms.Arm
    version: tables.Deployed
    weight: int
    """Buckets of arms.BUCKETS that the candidate had."""
    evidence: bool
    role: arms.Role


class Router:
    """One route, ready to be drawn from."""

    def __init__(self, route: tables.Route) -> None:
        self.route = route
        weight = route.weight if route.candidate else 0
        self.stable = Draw(arms.Arm.STABLE, route.stable, weight, route.evidence, arms.Role.LIVE)
        self.candidate = None
        if route.candidate:
            self.candidate = Draw(arms.Arm.CANDIDATE, route.candidate, weight, route.evidence, arms.Role.LIVE)
        self.member = None
        """What members of the cohort get; None where there is none."""
        if route.candidate and route.cohort:
            self.member = Draw(arms.Arm.CANDIDATE, route.candidate, arms.BUCKETS, evidence=False, role=arms.Role.LIVE)
            self._cohort = _Cohort(route, route.cohort)
        self.owner = self.candidate if self.candidate and route.candidate_owns else self.stable
        """The version that the endpoint is about: what is asked without naming one is asked of it."""
        self.standby = self._standby()
        """The version asked when neither candidate nor stable can answer. What it answers is no evidence."""

    @property
    def divided(self) -> bool:
        """Whether requests are drawn for two arms, and not all for stable."""
        return self.candidate is not None and self.candidate.weight > 0

    def draw(self, unit: bytes) -> Draw:
        """The arm of a unit."""
        stable, candidate = self.stable, self.candidate
        if candidate is None or not candidate.weight:
            return stable
        route = self.route
        return candidate if arms.bucket(route.endpoint, route.salt, unit) < candidate.weight else stable

    def belongs(self, fields: Mapping[bytes, bytes], key_hash: bytes) -> bool:
        """Whether a request with these headers and this `assignment.digest` of its sticky key (empty: none) is the cohort's."""
        return self.member is not None and self._cohort.has(fields, key_hash)

    def mirrored(self, prediction_id: bytes) -> bool:
        """Whether a request is one of those that are copied: by a hash that knows nothing of its arm."""
        route = self.route
        return arms.bucket(route.endpoint, route.salt, prediction_id, arms.MIRRORED) < route.mirror

    def pinned(self, name: str, *, freely: bool = False, role: arms.Role = arms.Role.PINNED) -> Draw:
        """What a request for one version gets: `name` is v2 or 2. It is never evidence.

        Raises VersionUnknown, and PinRefused unless the route allows pins, the version owns the endpoint, or `freely`.
        """
        arm, version = self.named(name)
        if version is not self.owner.version and self.route.pin != "allow" and not freely:
            raise errors.PinRefused
        return Draw(arm, version, 0, evidence=False, role=role)

    def named(self, name: str) -> tuple[arms.Arm, tables.Deployed]:
        """The version of this name (v2 or 2) with its arm. Raises VersionUnknown."""
        if name in (self.route.stable.name, str(self.route.stable.ordinal)):
            return arms.Arm.STABLE, self.route.stable
        for version in (self.route.candidate, *self.route.kept):
            if version and name in (version.name, str(version.ordinal)):
                return arms.Arm.CANDIDATE, version
        raise errors.VersionUnknown

    def _standby(self) -> Draw | None:
        route, name = self.route, self.route.fallback_version
        listed = [*route.kept, *([route.candidate] if route.candidate else [])]
        found = listed[: bool(route.kept)] if name == "previous" else [one for one in listed if one.name == name]
        return Draw(arms.Arm.STABLE, found[0], 0, evidence=False, role=arms.Role.PINNED) if found else None


class _Cohort:
    """A route's cohort, ready to be asked."""

    def __init__(self, route: tables.Route, given: assignment.Cohort) -> None:
        self._route, self._share = route, given.share
        self._header = given.header.lower().encode()
        self._values = frozenset(value.encode() for value in given.values)
        self._keys = frozenset(given.keys)

    def has(self, fields: Mapping[bytes, bytes], key_hash: bytes) -> bool:
        given = fields.get(self._header) if self._header else None
        if given is not None and (not self._values or given.strip() in self._values):
            return True
        if not key_hash:
            return False
        if key_hash.hex() in self._keys:
            return True
        route = self._route
        return arms.bucket(route.endpoint, route.salt, key_hash, arms.IN_COHORT) < self._share
