"""What moves little but for good: a long window by its parts, such as four weeks.

Many rows prove a small effect, and from afar a short large one looks like it. So the bound of the whole window counts, and no
more than what all of its parts but one have of the same: of the set of values that there are more of in the whole (`excess`), or
of the numbers on that side of the edge where the distribution functions are furthest apart.
"""

from collections.abc import Sequence

import numpy as np

from tidegate.core.stats import drift, excess, logspace, stacks
from tidegate.core.stats import effects as moved

NAMES = ("ks", "tv")
APART = 1
"""Parts that need not have moved."""


def effects(
    layout: stacks.Layout, reference: stacks.Stack, parts: Sequence[stacks.Stack], alpha: logspace.Floats
) -> dict[str, moved.Found]:
    """How the parts together differ from the reference, and keep to it, by effect; of columns of which there are enough rows.

    `alpha` (K,): of a bound that is too high.
    """
    both = (reference, layout.total(parts))
    found = moved.effects(layout, both, alpha, frozenset(NAMES))
    of = {"ks": _of_numbers, "tv": _of_classes}
    return {
        name: one._replace(low=np.minimum(one.low, of[name](layout, both, parts, one.columns))) for name, one in found.items()
    }


def _of_numbers(
    layout: stacks.Layout, both: moved.Both, parts: Sequence[stacks.Stack], columns: logspace.Ints
) -> logspace.Floats:
    known, seen, *each = (layout.numbers(one, columns) for one in (*both, *parts))
    return _kept(_side(known, seen), known, each)


def _of_classes(
    layout: stacks.Layout, both: moved.Both, parts: Sequence[stacks.Stack], columns: logspace.Ints
) -> logspace.Floats:
    found = np.zeros(len(columns))
    for some in layout.of_one_size(columns):
        known, seen, *each = (layout.classes(one, columns[some]) for one in (*both, *parts))
        found[some] = _kept(excess.most(known, seen, drift.ALPHA).chosen, known, each)
    return found


def _kept(chosen: logspace.Bools, known: logspace.Floats, parts: Sequence[logspace.Floats]) -> logspace.Floats:
    """(C,): what all parts but one have of the difference at least, as seen; a part in which nothing came has none."""
    found = np.sort([excess.share(chosen, known, one) for one in parts], axis=0)
    least: logspace.Floats = found[min(APART, len(found) - 1)]
    return least


def _side(reference: logspace.Floats, window: logspace.Floats) -> logspace.Bools:
    """(C, W): the bins below the edge where the window has more than the reference by most, or those above it."""
    gaps = window.cumsum(1) / window.sum(1, keepdims=True) - reference.cumsum(1) / reference.sum(1, keepdims=True)
    at = np.abs(gaps).argmax(1)[:, None]
    below: logspace.Bools = np.arange(gaps.shape[1]) <= at
    found: logspace.Bools = below == (np.take_along_axis(gaps, at, 1) > 0)
    return found
