"""Releases of a version against itself: how many were sent back, and whether that is more than chance explains."""

import math
from collections.abc import Sequence
from typing import Any

_SURE = 0.01
"""Below this chance of so many by chance it is not chance."""
Json = dict[str, Any]


def counted(drills: Sequence[Json], alpha: float) -> Json:
    """What came of them all; `alpha`: by chance at most this share of them goes back."""
    back = sum(one["outcome"] == "rolled_back" for one in drills)
    lines = [line for one in drills if one["verdict"] for line in one["verdict"]["evidence"] if line["group"] == "immediate"]
    failed = sum(one["traffic"]["failed"] for one in drills)
    chance = by_chance(back, len(drills), alpha)
    return {
        "endpoint": drills[0]["endpoint"],
        "drills": len(drills),
        "rolled_back": back,
        "undecided": sum(one["outcome"] not in ("rolled_back", "rehearsed") for one in drills),
        "alpha": alpha,
        "chance": chance,
        "largest_e": max((line["e_value"] for line in lines), default=1.0),
        "requests": sum(one["traffic"]["answered"] for one in drills),
        "failed": failed,
        "reasons": [one["reason"] for one in drills if one["outcome"] == "rolled_back"],
        "well": chance >= _SURE and not failed and not any(one["outcome"] not in ("rolled_back", "rehearsed") for one in drills),
    }


def said(found: Json) -> str:
    """In sentences."""
    told = f"{found['endpoint']}: of {found['drills']} releases of its version against itself {found['rolled_back']} were sent "
    told += f"back, over {found['requests']:,} requests; the largest e-value for harm was {found['largest_e']:.3g}, "
    told += f"{1 / found['alpha']:.0f} sends back."
    if found["rolled_back"]:
        told += f" So many by chance alone: {found['chance']:.2%}. The last: {found['reasons'][-1]}"
    if found["undecided"]:
        told += f" {found['undecided']} did not come to their end."
    return f"{told} {found['failed']:,} requests failed." if found["failed"] else told


def by_chance(back: int, drills: int, alpha: float) -> float:
    """The chance of so many or more, each with probability alpha at most."""
    return math.fsum(math.comb(drills, k) * alpha**k * (1 - alpha) ** (drills - k) for k in range(back, drills + 1))
