"""Why a prediction came out as it did: contributions of its input's columns, which add up to the answer. As stored and told."""

from typing import Any

import msgspec

EXACTLY, WITHIN, DIFFERS, UNKNOWN = "exactly", "within tolerance", "differs", "unknown"
"""How the answer, computed once more, stands to the one that was logged. UNKNOWN: no answer was logged."""


class Contribution(msgspec.Struct, frozen=True):
    """One column's part in an answer."""

    name: str
    value: Any
    """As it was sent: a number, text, true or false, an ISO time, or None."""
    contribution: float
    """How far it takes the answer from that of typical cases, in the answer's own unit; negative lowers it."""
    error: float = 0.0
    """Standard error, where contributions are sampled; 0: exact."""
    typical: Any = None
    """The median of the background's values, or the commonest of what is no number."""
    instead: float | None = None
    """What the answer would have been with the typical value and all else as it was; None: the model refused that."""


class Explained(msgspec.Struct, frozen=True):
    """The answer to one row taken apart: base + contributions = score."""

    subject: str
    """What the numbers are: `the answer`, `the probability of late`, ..."""
    score: float
    base: float
    """The mean over the background."""
    contributions: tuple[Contribution, ...]
    """The largest first, whichever its sign."""
    method: str
    """In words."""
    exact: bool
    """Whether they are computed and not sampled."""
    rows: int
    """Of the background."""
    note: str = ""
    """Why not another method, where one would have been better."""

    @property
    def gap(self) -> float:
        """By how much base and contributions miss the score: rounding, as long as all is well."""
        return self.base + sum(one.contribution for one in self.contributions) - self.score


class Explanation(msgspec.Struct, frozen=True):
    """An explanation of one row of one prediction."""

    id: str
    row: int
    environment: str
    endpoint: str
    version: str
    """The version whose answer is explained: the one that the client got, where a version gave it."""
    digest: str
    logged: float | str | None
    """The row's answer as it was logged; None where only the whole response was."""
    recomputed: float | str | None
    agreement: str
    """EXACTLY, WITHIN, DIFFERS or UNKNOWN."""
    explained: Explained
    background: str
    """Which rows stand for typical cases, in words."""
    at: float
    """Unix seconds at which it was computed."""
    notes: tuple[str, ...] = ()
    """What else has to be known: a rescue, several rows, another drawn version."""
