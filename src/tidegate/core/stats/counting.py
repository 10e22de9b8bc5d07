"""Values of a column as they come, told apart and counted: a frame from the first of them, and counts in its bins.

Values are whatever a client sent: numbers, text, true and false, lists, nothing. None of them is an error here.
"""

import collections
import math
import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import msgspec
import numpy as np

from tidegate.core.stats import logspace
from tidegate.core.vocabulary import profiles

POINTS = 257
"""Numbers that say of a column what it was in training: its quantiles in equal steps."""
WORDS = 200
"""Categories that do, the commonest."""


def framed(name: str, values: Sequence[Any]) -> profiles.Frame:
    """The frame of a column, from its first values: numbers where half of what is there is numbers, else categories."""
    numbers = [float(one) for one in values if _is_number(one)]
    words = collections.Counter(word(one) for one in values if not _is_null(one) and not _is_number(one))
    if len(numbers) >= words.total():
        return edged(name, np.array(numbers))
    return profiles.Frame(name, classes=_classes(words))


def edged(name: str, values: logspace.Floats) -> profiles.Frame:
    """The frame of finite numbers (N,): their least and largest, 63 quantiles between them, and what may come beyond.

    The first values that are seen are of one hour of one season: on either side there are edges at 1, 3, 7, ... 255 of their
    quartile ranges (where these are 0 of their whole range, else of their size), so that what comes later is told apart as well.
    """
    if not values.size:
        return profiles.Frame(name)
    with np.errstate(over="ignore", invalid="ignore"):
        inner = np.unique(np.quantile(values, np.linspace(0, 1, profiles.MOST_EDGES)))
        low, high = np.quantile(values, (0.25, 0.75))
        width = next((float(one) for one in (high - low, inner[-1] - inner[0], abs(inner[0])) if one > 0), 1.0)
        steps = width * (2.0 ** np.arange(1, profiles.OUTER_EDGES + 1) - 1)
        inner[-1] = np.nextafter(inner[-1], math.inf)  # the largest is inside
        edges = np.unique(np.concatenate([inner[0] - steps, inner, inner[-1] + steps]))
    return profiles.Frame(name, tuple(edges[np.isfinite(edges)].tolist()))


def _classes(words: Mapping[str, int]) -> tuple[str, ...]:
    """What bins are called by: the commonest values of those that are common enough."""
    common = sorted((one for one, count in words.items() if count >= profiles.FEWEST_ALIKE), key=lambda one: (-words[one], one))
    return tuple(sorted(common[: profiles.MOST_CLASSES]))


def counted(frame: profiles.Frame, values: Sequence[Any]) -> profiles.Column:
    """What these values are, in the frame's bins."""
    return binned(frame, *numbered(values)) if frame.numeric else classed(frame, *worded(values))


def numbered(values: Sequence[Any]) -> tuple[logspace.Floats, int, int]:
    """(the finite numbers of these values in ascending order, how many are missing, how many are neither)."""
    try:
        told = np.array(values, np.float64)  # None is NaN
    except (TypeError, ValueError, OverflowError):
        told = np.array([float(one) if _is_number(one) else math.nan if _is_null(one) else math.inf for one in values])
    nulls, numbers = int(np.isnan(told).sum()), np.sort(told[np.isfinite(told)])
    return numbers, nulls, told.size - nulls - numbers.size


def binned(frame: profiles.Frame, numbers: logspace.Floats, nulls: int, broken: int) -> profiles.Column:
    """The same of numbers in ascending order: the few edges are looked for among them, and not each number among the edges."""
    if not numbers.size:
        return profiles.Column((0,) * frame.bins, nulls, broken)
    counts = np.diff(np.searchsorted(numbers, frame.edges), prepend=0, append=numbers.size)
    with np.errstate(over="ignore", invalid="ignore"):
        sums = float(numbers.sum()), float((numbers * numbers).sum())
    return profiles.Column(tuple(counts.tolist()), nulls, broken, *sums, float(numbers[0]), float(numbers[-1]))


def worded(values: Sequence[Any]) -> tuple[dict[str, int], int]:
    """(how often each category comes, how many values are missing)."""
    try:
        distinct = collections.Counter(values)  # most values come again and again
    except TypeError:  # rows of tensors are lists
        distinct = collections.Counter(None if _is_null(one) else word(one) for one in values)
    found: dict[str, int] = {}
    nulls = 0
    for value, count in distinct.items():
        if _is_null(value):
            nulls += count
        else:
            told = word(value)
            found[told] = found.get(told, 0) + count
    return found, nulls


def classed(frame: profiles.Frame, words: Mapping[str, int], nulls: int) -> profiles.Column:
    """The same of categories."""
    place, counts = {name: at for at, name in enumerate(frame.classes)}, [0] * frame.bins
    for name, count in words.items():
        counts[place.get(name, len(place))] += count
    return profiles.Column(tuple(counts), nulls)


def known(values: Sequence[Any]) -> profiles.Known:
    """What these values of a column are, by themselves: they can be counted in any frame later."""
    frame = framed("", values)
    if not frame.numeric:
        words, nulls = worded(values)
        kept = {one: words[one] for one in commonest(words) if words[one] >= profiles.FEWEST_ALIKE}
        return profiles.Known(len(values), nulls, 0, (), kept, len(values) - nulls - sum(kept.values()))
    numbers, nulls, broken = numbered(values)
    at, each = tuple(points(numbers).tolist()), numbers.tolist()
    total, squares = _sum(each), _sum(one * one for one in each)
    return profiles.Known(len(values), nulls, broken, at, total=total, squares=squares)


def _sum(numbers: Iterable[float]) -> float:
    try:
        return bounded(math.fsum(numbers))
    except OverflowError:
        return sys.float_info.max


def points(numbers: logspace.Floats) -> logspace.Floats:
    """The numbers that say of these (N,) what they are: `POINTS` quantiles of them in equal steps; none of none."""
    return np.quantile(numbers, np.linspace(0, 1, POINTS), method="lower") if numbers.size else np.zeros(0)


def commonest(words: Mapping[str, int]) -> list[str]:
    """The `WORDS` that come most often, of equals the first by name."""
    return sorted(words, key=lambda one: (-words[one], one))[:WORDS]


def bounded(amount: float) -> float:
    """A sum that is no number any more, as the largest there is: JSON has no infinity."""
    return amount if math.isfinite(amount) else math.copysign(sys.float_info.max, amount)


def refitted(frame: profiles.Frame, one: profiles.Known) -> profiles.Column:
    """What was known of a column, in the bins of a frame: of numbers true to 1 / 256 of them in each bin."""
    valued = one.rows - one.nulls - one.broken
    if not frame.numeric:
        *counts, others = classed(frame, one.words, one.nulls).counts
        others += one.others + (valued if one.points else 0)
        return profiles.Column((*counts, others), one.nulls, one.broken)
    if not one.points:
        return profiles.Column((0,) * frame.bins, one.nulls, one.broken + valued)
    at = np.rint(np.concatenate([[0], _below(np.array(frame.edges), one, valued), [valued]]))
    return profiles.Column(
        tuple(np.diff(at).astype(int).tolist()), one.nulls, one.broken, one.total, one.squares, one.points[0], one.points[-1]
    )


def _below(edges: logspace.Floats, one: profiles.Known, valued: int) -> logspace.Floats:
    """How many numbers are below each edge: between two points in proportion, and never what is at the edge itself."""
    at = np.array(one.points)
    even = np.linspace(0, valued, len(at))
    below, upto = (np.array(one.below), np.array(one.upto)) if one.below else (even, even)
    after = np.searchsorted(at, edges, side="left")
    last = np.clip(after, 1, len(at) - 1)
    low, high = at[last - 1], at[last]
    with np.errstate(over="ignore", invalid="ignore"):
        part = np.clip(np.nan_to_num((edges - low) / np.where(high > low, high - low, math.inf)), 0, 1)
    between = upto[last - 1] + part * (below[last] - upto[last - 1])
    found: logspace.Floats = np.where(after == 0, 0.0, np.where(after == len(at), valued, between))
    return found


def taught(name: str, one: profiles.Known) -> profiles.Frame | None:
    """The frame of a column by what was known of it; None where nothing was."""
    if one.points:
        return profiles.Frame(name, one.edges) if one.edges else edged(name, np.array(one.points))
    classes = _classes(one.words)
    return profiles.Frame(name, classes=classes) if classes else None


def renamed(frame: profiles.Frame, without: Collection[str], one: profiles.Column) -> profiles.Column:
    """What was counted in a frame of categories, in the same frame without some of them: theirs is with all others'."""
    kept = [count for name, count in zip(frame.classes, one.counts, strict=False) if name not in without]
    return msgspec.structs.replace(one, counts=(*kept, sum(one.counts) - sum(kept)))


def baseline(columns: Mapping[str, Sequence[Any]], importances: Mapping[str, float]) -> profiles.Baseline:
    """What columns of equally many rows were."""
    rows = max(map(len, columns.values()), default=0)
    return profiles.Baseline(rows, {name: known(values) for name, values in columns.items()}, dict(importances))


def _is_null(one: Any) -> bool:
    return one is None or (isinstance(one, float) and math.isnan(one))


def _is_number(one: Any) -> bool:
    return isinstance(one, (int, float)) and not isinstance(one, bool) and abs(one) <= sys.float_info.max


def word(one: Any) -> str:
    """A value as a category."""
    return str(one)[:200]
