"""One column held against another as all columns are: stacks of one."""

from collections.abc import Sequence, Set
from typing import Any

import numpy as np

from tidegate.core.stats import drift, effects, lasting, stacks
from tidegate.core.vocabulary import profiles
from tidegate.observability.drift import drifting


def column(frame: profiles.Frame, values: Any, nulls: int = 0, broken: int = 0) -> profiles.Column:
    """Values, counted."""
    if frame.numeric:
        counts = np.bincount(np.searchsorted(frame.edges, values, side="right"), minlength=frame.bins)
        return profiles.Column(
            tuple(counts.tolist()), nulls, broken, float(np.sum(values)), float(np.sum(values**2)), values.min(), values.max()
        )
    known = {name: at for at, name in enumerate(frame.classes)}
    counts = np.bincount([known.get(value, len(known)) for value in values], minlength=frame.bins)
    return profiles.Column(tuple(counts.tolist()), nulls, broken)


def stacked(frame: profiles.Frame, *several: profiles.Column) -> tuple[stacks.Layout, list[stacks.Stack]]:
    """The layout of one column, and a stack of each."""
    layout = stacks.Layout({frame.name: frame})
    return layout, [layout.stacked(one.seen, {frame.name: one}) for one in several]


def effects_of(
    frame: profiles.Frame,
    reference: profiles.Column,
    window: profiles.Column,
    alpha: float = drift.ALPHA,
    wanted: Set[str] = frozenset(drift.LIMITS),
) -> tuple[drift.Effect, ...]:
    """How the window differs from the reference."""
    layout, (known, seen) = stacked(frame, reference, window)
    found = effects.effects(layout, (known, seen), np.array([alpha]), wanted)
    return tuple(effects.told(layout, found).get(frame.name, ()))


def lasting_of(frame: profiles.Frame, reference: profiles.Column, parts: Sequence[profiles.Column]) -> tuple[drift.Effect, ...]:
    """How the parts do, and keep to it."""
    layout, (known, *several) = stacked(frame, reference, *parts)
    found = lasting.effects(layout, known, several, np.array([drift.ALPHA]))
    return tuple(effects.told(layout, found).get(frame.name, ()))


def column_of(frame: profiles.Frame, window: profiles.Column, reference: profiles.Column) -> drifting.Column:
    """How it stands."""
    layout, (known, seen) = stacked(frame, reference, window)
    return drifting.columns(layout, (known, seen))[frame.name]
