"""What moves little but for good: a long window by its parts, such as four weeks.

Many rows prove a small effect, and from afar a short large one looks like it. So the bound of the whole window counts, and no
more than what all of its parts but one have of the same: of the set of values that there are more of in the whole (`excess`), or
of the numbers on that side of the edge where the distribution functions are furthest apart.
"""

from collections.abc import Sequence

import numpy as np

from tidegate.core.stats import drift, excess, logspace
from tidegate.core.vocabulary import profiles

NAMES = ("ks", "tv")
APART = 1
"""Parts that need not have moved."""


def effects(
    frame: profiles.Frame, reference: profiles.Column, parts: Sequence[profiles.Column], alpha: float = drift.ALPHA
) -> tuple[drift.Effect, ...]:
    """How the parts together differ from the reference, and keep to it; empty where there are too few rows.

    `alpha`: of a bound that is too high.
    """
    whole = profiles.total(parts)
    return tuple(
        one._replace(low=min(one.low, _kept(frame, reference, whole, parts)))
        for one in drift.effects(frame, reference, whole, alpha)
        if one.name in NAMES
    )


def _kept(frame: profiles.Frame, reference: profiles.Column, whole: profiles.Column, parts: Sequence[profiles.Column]) -> float:
    """What all parts but one have of the difference at least, as seen; a part in which nothing came has none."""
    known, seen, *each = (_counts(frame, one) for one in (reference, whole, *parts))
    chosen = _side(known, seen) if frame.numeric else excess.most(known, seen, drift.ALPHA).chosen
    found = sorted(excess.share(chosen, known, one) if one.any() else 0.0 for one in each)
    return found[min(APART, len(found) - 1)]


def _counts(frame: profiles.Frame, one: profiles.Column) -> logspace.Floats:
    return np.array(one.counts, np.float64) if frame.numeric else drift.classes(one)


def _side(reference: logspace.Floats, window: logspace.Floats) -> logspace.Bools:
    """The bins below the edge where the window has more than the reference by most, or those above it."""
    gaps = window.cumsum() / window.sum() - reference.cumsum() / reference.sum()
    at = int(np.abs(gaps).argmax())
    below: logspace.Bools = np.arange(len(gaps)) <= at
    return below if gaps[at] > 0 else ~below
