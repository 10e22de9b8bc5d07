"""Shapley values of a game over columns, from nothing but the game's values: all coalitions, or permutations. Pure.

A coalition is the set of columns that are as they were sent; its value is the model's mean answer over the background, all other
columns taken from there. phi_j = sum over S without j of |S|! (m-|S|-1)! / m! (v(S+j) - v(S)) (Shapley 1953; Strumbelj and
Kononenko 2014). Sampled, it is the mean of j's step over random orders of the columns; an order and its reverse are drawn
together, which cancels what interactions of pairs add to the variance (Mitchell et al. 2022). Either way the values add up to
v(all) - v(none).
"""

import math
import random
from collections.abc import Callable, Sequence

import msgspec

Values = Callable[[Sequence[int]], list[float]]
"""The values of coalitions, each a bit mask: bit j is column j."""
MOST_PAIRS = 64
_CHUNK = 256


class Shared(msgspec.Struct, frozen=True):
    """What each column got."""

    values: tuple[float, ...]
    errors: tuple[float, ...]
    """Standard errors; zeros where nothing was drawn."""
    pairs: int
    """Pairs of orders that were drawn; 0: all coalitions were asked."""


def exactly(columns: int, game: Values) -> Shared:
    """Ask all 2^columns coalitions."""
    asked = range(1 << columns)
    worth: list[float] = []
    for begin in range(0, len(asked), _CHUNK):
        worth += game(asked[begin : begin + _CHUNK])
    weights = [1.0 / (columns * math.comb(columns - 1, size)) for size in range(columns)]
    values = []
    for column in range(columns):
        bit = 1 << column
        values.append(
            math.fsum(weights[mask.bit_count()] * (worth[mask | bit] - worth[mask]) for mask in asked if not mask & bit)
        )
    return Shared(tuple(values), (0.0,) * columns, 0)


def sampled(columns: int, game: Values, seed: int, more: Callable[[int], bool]) -> Shared:
    """Draw pairs of orders while there may be `more` (asked with how many there are, of MOST_PAIRS at most); one at least.

    The same seed draws the same orders.
    """
    chance = random.Random(seed)
    whole = (1 << columns) - 1
    none, all_ = game([0, whole])
    steps: list[list[float]] = []
    while not steps or (len(steps) < MOST_PAIRS and more(len(steps))):
        order = list(range(columns))
        chance.shuffle(order)
        steps.append(_pair(order, game, (none, all_)))
    count = len(steps)
    values = [math.fsum(one[column] for one in steps) / count for column in range(columns)]
    errors = [_error([one[column] for one in steps], values[column]) for column in range(columns)]
    return Shared(tuple(values), tuple(errors), count)


def _pair(order: Sequence[int], game: Values, ends: tuple[float, float]) -> list[float]:
    """Each column's step, the mean of an order's and its reverse's."""
    gained = [0.0] * len(order)
    for way in (order, order[::-1]):
        masks, mask = [], 0
        for column in way[:-1]:
            mask |= 1 << column
            masks.append(mask)
        worth = [
            ends[0],
            *[one for begin in range(0, len(masks), _CHUNK) for one in game(masks[begin : begin + _CHUNK])],
            ends[1],
        ]
        for place, column in enumerate(way):
            gained[column] += (worth[place + 1] - worth[place]) / 2
    return gained


def _error(drawn: Sequence[float], mean: float) -> float:
    """Of the mean of what was drawn; of a single draw nothing is known, and it is said to be as large as the value."""
    if len(drawn) < 2:
        return abs(mean)
    return math.sqrt(math.fsum((one - mean) ** 2 for one in drawn) / (len(drawn) - 1) / len(drawn))
