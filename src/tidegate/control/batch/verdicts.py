"""What a replay comes to. Pure.

The share of pairs that differ is held against the tolerance of the endpoint's shadow stage, as that stage will hold it: by two
e-values, so the verdict is as strict as a shadow's, and a replay may be repeated on more and more of the log.
"""

import math
from collections.abc import Mapping

import msgspec

from tidegate.core.stats import intervals, shares
from tidegate.core.vocabulary import amounts, sums

WITHIN, BEYOND, UNDECIDED = "within", "beyond", "undecided"


class Bounds(msgspec.Struct, frozen=True):
    """What the comparison is held against."""

    tolerance: float = 0.01
    """Share of pairs that may differ."""
    alpha: float = 0.01
    """Chance of calling a candidate beyond that is not."""
    alpha_within: float = 0.05
    """Chance of calling one within that is not."""


class Verdict(msgspec.Struct, frozen=True):
    """How it stands."""

    result: str
    """within, beyond or undecided."""
    share: float
    interval: tuple[float, float]
    """A 95 % confidence sequence of the share."""
    needs: int
    """About how many more pairs a decision takes; 0 when there is one, -1 when it cannot be said."""
    sentence: str


def judge(found: sums.PairSum, bounds: Bounds, names: tuple[str, str]) -> Verdict:
    """The verdict over all pairs; `names` are the candidate's and stable's."""
    bad, pairs = found.disagreed, found.pairs
    interval = intervals.share(bad, pairs)
    share = bad / pairs if pairs else 0.0
    held = shares.Held(bad, pairs, bounds.tolerance, bounds.alpha, bounds.alpha_within)
    result = BEYOND if held.is_beyond else WITHIN if held.is_within else UNDECIDED
    return Verdict(result, share, interval, held.needs, _sentence(found, bounds, names, (result, interval, held.needs)))


def _sentence(found: sums.PairSum, bounds: Bounds, names: tuple[str, str], told: tuple[str, tuple[float, float], int]) -> str:
    (candidate, stable), (result, (low, high), needs) = names, told
    if not found.pairs:
        return f"{candidate} was asked nothing that {stable} had answered: there is nothing to compare."
    how = f"{candidate} differs from {stable} on {found.disagreed:,} of {found.pairs:,} requests"
    how += f" ({amounts.percent(found.disagreed / found.pairs)}, 95 % interval {amounts.percent(low)} to {amounts.percent(high)})"
    failed = f", {found.failed:,} of which it did not answer" if found.failed else ""
    allowed = f"the tolerance of {amounts.percent(bounds.tolerance)}"
    if result == WITHIN:
        return f"{how}{failed}: within {allowed}."
    if result == BEYOND:
        return f"{how}{failed}: beyond {allowed}."
    more = f"; about {needs:,} more would decide if it goes on so" if needs > 0 else ""
    return f"{how}{failed}: not decided against {allowed}{more}."


def worst(slices: Mapping[str, sums.PairSum], bounds: Bounds) -> tuple[str, ...]:
    """Slices that by themselves are beyond the tolerance, the most certain first: alpha is divided among all of them."""
    threshold = math.log(max(1, len(slices)) / bounds.alpha)
    known = [(shares.above(one.disagreed, one.pairs, bounds.tolerance), name) for name, one in slices.items()]
    return tuple(name for evidence, name in sorted(known, reverse=True) if evidence >= threshold)
