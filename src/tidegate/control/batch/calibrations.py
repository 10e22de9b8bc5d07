"""What a calibration comes to: how long releases took, how many faults were found, how soon. Pure.

Quantiles are over all runs. A release that did not come to something in its time came to it never, and so the 90th percentile of
a fault that is found in half of all releases is never, too.
"""

import collections
import math
from collections.abc import Iterable, Sequence

import msgspec

from tidegate.core.decide import redrawn
from tidegate.core.vocabulary.phases import Phase

PROMOTED = "promoted"


class Walk(msgspec.Struct, frozen=True):
    """What became of one release."""

    begin: int
    """Unix seconds at which the candidate's traffic began; likewise the others."""
    fault_at: int
    end: int
    phase: Phase
    reached: tuple[redrawn.Reached, ...]
    stages: int
    """How many the release has."""
    requests: int
    """The candidate's since its fault began."""
    harmed: int
    """Those that failed, were slower or wrong by the fault."""
    culprit: str
    """What was found, where it was rolled back."""
    why: str
    """Why it stands where it does, or what it waits for, in words."""

    @property
    def is_back(self) -> bool:
        """Whether it was rolled back."""
        return self.phase is Phase.ROLLED_BACK

    @property
    def promoted(self) -> int | None:
        """Seconds until all traffic was the candidate's; None: never."""
        return self.left(self.stages - 1, self.begin) if self.stages else 0

    def left(self, stage: int, since: int) -> int | None:
        """Seconds from a Unix time until a stage was followed by the next; None: never."""
        return next((one.at - since for one in self.reached if one.stage == stage + 1), None)

    @property
    def ending(self) -> str:
        """How it stood in the end, in a word or two."""
        if self.is_back:
            return "rolled back"
        if self.phase in (Phase.PAUSED, Phase.HALTED):
            return "paused"
        return "undecided" if self.promoted is None else PROMOTED


class Quantiles(msgspec.Struct, frozen=True):
    """Of something that runs come to, or do not."""

    share: float
    """Of runs that came to it."""
    median: float | None
    """None: never, in so many runs."""
    p90: float | None


class Stage(msgspec.Struct, frozen=True):
    """How long releases of a candidate that is no worse are in a stage."""

    name: str
    entered: float
    """Share of runs that came so far."""
    seconds: Quantiles
    """Of those, until the next one."""


class Found(msgspec.Struct, frozen=True):
    """How a fault was found."""

    runs: int
    """Releases that were under way when it began."""
    seconds: Quantiles
    """From its beginning to the decision to roll back; `share`: of runs that went back."""
    before_all: float
    """Share of runs that went back before the candidate had all traffic."""
    requests: Quantiles
    """The candidate's in that time."""
    harmed: Quantiles
    """Those of them that failed, were slower or wrong by it, also where it was not found: `share` is of runs that went back."""
    by: dict[str, int]
    """Runs that went back, by what was found."""


class Scenario(msgspec.Struct, frozen=True):
    """One fault of a candidate."""

    name: str
    at_once: Found
    after_an_hour: Found | None
    """None: no release lasted as long."""


def stages(walks: Sequence[Walk], names: Sequence[str]) -> tuple[Stage, ...]:
    """Each stage of the releases in turn."""
    found = []
    for stage, name in enumerate(names):
        entered = [(one, at.at) for one in walks for at in one.reached if at.stage == stage]
        took = [one.left(stage, since) for one, since in entered]
        found.append(Stage(name, len(entered) / len(walks), quantiles(took)))
    return tuple(found)


def found(walks: Sequence[Walk]) -> Found:
    """How the fault of these releases was found."""
    back = [one for one in walks if one.is_back]
    before_all = sum(one.promoted is None for one in back)
    harmed = quantiles([one.harmed for one in walks])
    return Found(
        runs=len(walks),
        seconds=quantiles([one.end - one.fault_at if one.is_back else None for one in walks]),
        before_all=before_all / len(walks),
        requests=quantiles([one.requests if one.is_back else None for one in walks]),
        harmed=msgspec.structs.replace(harmed, share=len(back) / len(walks)),
        by=dict(collections.Counter(one.culprit for one in back).most_common()),
    )


def quantiles(values: Iterable[float | None]) -> Quantiles:
    """Over all of them; None is later than any number."""
    given = sorted(math.inf if one is None else one for one in values)
    if not given:
        return Quantiles(0.0, None, None)
    share = sum(one < math.inf for one in given) / len(given)
    return Quantiles(share, *(_finite(given[math.ceil(part * len(given)) - 1]) for part in (0.5, 0.9)))


def _finite(value: float) -> float | None:
    return value if value < math.inf else None
