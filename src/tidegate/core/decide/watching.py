"""What stages are left on besides the comparison of the two arms: smoke requests, pairs, a metric, a level, a cohort.

Each looks at one part of the case and says how it stands; None where the comparison alone decides. The alpha ledger goes before
all of them: what a comparison has found is not undone here.
"""

from collections.abc import Callable

import msgspec

from tidegate.core.decide import case
from tidegate.core.vocabulary import releases, verdicts
from tidegate.core.vocabulary.verdicts import Result


class Finding(msgspec.Struct, frozen=True):
    """How a stage's own watch stands."""

    result: Result
    sentence: str
    evidence: tuple[verdicts.Evidence, ...] = ()
    culprit: str = ""
    needs: int = 0
    decision: str = ""
    effect: verdicts.Effect | None = None


def find(found: case.Case) -> Finding | None:
    """What the current stage's own watch says."""
    stage = found.stage
    look = _WATCHES.get(stage.watch) if stage is not None else None
    return look(found) if look is not None else None


def _smoke(found: case.Case) -> Finding:
    """Every one of our own requests has to be answered well."""
    name, given = found.release.candidate.name, found.given.smoke
    wanted = found.stage.min_requests if found.stage else 0
    if given is None:
        return Finding(Result.UNSURE, f"{name} has not been asked anything yet.", needs=wanted)
    if given.failure:
        words = f"{name} answered {given.answered} of {given.asked} smoke requests well: {given.failure}."
        return Finding(Result.FAIL, words, culprit="smoke")
    if given.answered < wanted:
        words = f"{name} has answered {given.answered} of {wanted} smoke requests."
        return Finding(Result.UNSURE, words, needs=wanted - given.answered)
    return Finding(Result.PASS, f"{name} answered all {given.answered} smoke requests.")


_WATCHES: dict[releases.Watch, Callable[[case.Case], Finding]] = {
    releases.Watch.SMOKE: _smoke,
}
