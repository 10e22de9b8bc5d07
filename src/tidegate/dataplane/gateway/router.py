"""Who answers: from a route and a prediction id to an arm. Pure: no clock, no chance, no memory.

The unit is the gateway's own prediction id, never one the client chose. Its bucket does not know the weight, so a ramp
keeps the requests it had.
"""

from typing import NamedTuple

from tidegate.core.vocabulary import arms, errors, tables


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
        self.standby = self._standby()
        """The version asked when neither candidate nor stable can answer. What it answers is no evidence."""

    @property
    def divided(self) -> bool:
        """Whether requests are drawn for two arms, and not all for stable."""
        return self.candidate is not None and self.candidate.weight > 0

    def draw(self, prediction_id: bytes) -> Draw:
        """The arm of a request that names no version."""
        stable, candidate = self.stable, self.candidate
        if candidate is None or not candidate.weight:
            return stable
        route = self.route
        return candidate if arms.bucket(route.endpoint, route.salt, prediction_id) < candidate.weight else stable

    def pinned(self, name: str, *, freely: bool = False) -> Draw:
        """What a request for one version gets: `name` is v2 or 2. It is never evidence.

        Raises VersionUnknown, and PinRefused unless the route allows pins, the version is the stable one, or `freely`.
        """
        arm, version = self.named(name)
        if arm is not arms.Arm.STABLE and self.route.pin != "allow" and not freely:
            raise errors.PinRefused
        return Draw(arm, version, 0, evidence=False, role=arms.Role.PINNED)

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
