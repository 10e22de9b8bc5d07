"""How good a version's young predictions probably are, while their outcomes are far away: always an estimate. Pure.

The version's own scores are calibrated on its matured past, and say of what is not matured yet how often it will be right
(`core.stats.estimated`). Of probabilities only, and of nothing while fewer than a thousand outcomes are known.
"""

import math

import msgspec

from tidegate.core.stats import estimated, isotonic, metrics
from tidegate.observability.outcomes import graded

FEWEST_ROWS = 200
"""Young predictions below which nothing is estimated of them."""


class Estimated(msgspec.Struct, frozen=True):
    """What is expected of a version's young predictions."""

    version: int
    since: float
    """Unix seconds: of predictions from then on, none of them matured."""
    rows: int
    accuracy: float
    deviation: float
    """Standard deviation of what the accuracy will turn out to be, by chance alone."""
    auc: float | None
    confusion: tuple[tuple[str, str, float], ...]
    """(answer, truth, expected rows)."""
    was: float
    """The accuracy of the outcomes it was calibrated on."""
    dropped: bool
    """Whether it is lower by more than chance, and by more than two points."""


def of(mine: graded.Graded, ages: metrics.Floats, mature: float, window: float = math.inf) -> Estimated | None:
    """The estimate of one version's rows younger than `mature`, of the last `window` seconds; None where there is none."""
    if mine.kind != graded.PROBABILITY:
        return None
    past = (ages >= mature) & mine.known
    young = (ages < mature) & (ages <= window)
    if past.sum() < estimated.FEWEST or young.sum() < FEWEST_ROWS:
        return None
    score, truth = mine.told[past], mine.truth[past] >= graded.TRUE
    known = isotonic.fit(score, truth)
    was = float(((score >= mine.threshold) == truth).mean())
    found = estimated.estimate(mine.told[young], known, mine.threshold)
    error = math.sqrt(was * (1 - was) / int(past.sum()))
    return Estimated(
        version=int(mine.rows.version[young][0]),
        since=float(mine.rows.at[young].min()),
        rows=found.rows,
        accuracy=found.accuracy,
        deviation=found.deviation,
        auc=found.auc,
        confusion=found.confusion,
        was=was,
        dropped=estimated.dropped(was, error, found),
    )
