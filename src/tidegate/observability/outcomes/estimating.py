"""How good a version's young predictions probably are, while their outcomes are far away: always an estimate. Pure.

The version's own scores are calibrated on its matured past, and say of what is not matured yet how often it will be right
(`core.stats.estimated`; of several classes `core.stats.multiclass`). Of probabilities only, and of nothing while fewer than a
thousand outcomes are known, or fifty for each class.
"""

import math

import msgspec

from tidegate.core.stats import estimated, isotonic, metrics, multiclass
from tidegate.observability.outcomes import graded

FEWEST_ROWS = 200
"""Young predictions below which nothing is estimated of them."""
_CELLS = 4
"""Of the confusion of two classes."""


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
    """Of more than two classes the mean of each against all others."""
    confusion: tuple[tuple[str, str, float], ...]
    """(answer, truth, expected rows)."""
    was: float
    """The accuracy of the outcomes it was calibrated on."""
    dropped: bool
    """Whether it is lower by more than chance, and by more than two points."""

    @property
    def words(self) -> str:
        """What is expected, for people: first of all that it is an estimate."""
        several = " (each class against the others)" if len(self.confusion) > _CELLS else ""
        area = f", AUC {self.auc:.3f}{several}" if self.auc is not None else ""
        return (
            f"an estimate, from v{self.version}'s own probabilities: of {self.rows:,} predictions that are not mature"
            f" {100 * self.accuracy:.1f} % +-{200 * self.deviation:.1f} will probably turn out right"
            f" ({100 * self.was:.1f} % did before){area}"
        )


def of(mine: graded.Graded, ages: metrics.Floats, mature: float, window: float = math.inf) -> Estimated | None:
    """The estimate of one version's rows younger than `mature`, of the last `window` seconds; None where there is none."""
    if mine.kind == graded.NUMBER:
        return None
    past, young = (ages >= mature) & mine.known, (ages < mature) & (ages <= window)
    several = mine.kind == graded.CLASS
    if several:
        past, young = past & mine.probable, young & mine.probable & (mine.places(mine.told) >= 0)
    if past.sum() < multiclass.enough(len(mine.told_apart)) or young.sum() < FEWEST_ROWS:
        return None
    was = 1 - float(mine.wrong[past].mean())
    found = (_of_several if several else _of_one)(mine, past, young)
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


def _of_one(mine: graded.Graded, past: metrics.Bools, young: metrics.Bools) -> estimated.Estimate:
    known = isotonic.fit(mine.told[past], mine.truth[past] >= graded.TRUE)
    return estimated.estimate(mine.told[young], known, mine.threshold)


def _of_several(mine: graded.Graded, past: metrics.Bools, young: metrics.Bools) -> estimated.Estimate:
    probabilities = mine.rows.probabilities
    assert probabilities is not None
    known = multiclass.fit(probabilities[past], mine.places(mine.truth[past]))
    return multiclass.estimate(probabilities[young], mine.places(mine.told[young]), known, mine.told_apart)
