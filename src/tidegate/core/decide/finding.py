"""What one look at one thing comes to, before the judge makes a verdict of it."""

import msgspec

from tidegate.core.vocabulary import verdicts
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
    guards: tuple[verdicts.Effect, ...] = ()
