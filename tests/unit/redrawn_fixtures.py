"""Traffic that was, by second, and releases to redraw from it."""

import numpy as np

from tidegate.core.decide import strategies
from tidegate.core.spec import settings as specification
from tidegate.core.stats import thinning
from tidegate.core.vocabulary import marks, releases

BEGIN = 1_700_000_000
PLAN = strategies.Plan()
STABLE = releases.Version("delay", 1, "d" * 64, "m" * 64, "mlflow://delay/1")


def traffic(seconds=900, rate=200, bad_every=400, labelled=False, timed=True):
    """So many seconds alike but for their noise: times about 3 ms, four bins, a tenth of the outcomes wrong."""
    chance = np.random.default_rng(7)
    counts = np.zeros((seconds, thinning.WIDTH), np.int32)
    requests = chance.poisson(rate, seconds)
    counts[:, marks.Mark.ERROR] = chance.binomial(requests, 1 / bad_every)
    counts[:, marks.Mark.OK] = requests - counts[:, marks.Mark.ERROR]
    for row in counts:
        row[thinning.LATENCY.start + 21 : thinning.LATENCY.start + 25] = chance.multinomial(row[0], [0.2, 0.5, 0.2, 0.1])
        row[thinning.BINS.start : thinning.BINS.start + 4] = chance.multinomial(row[0], [0.25] * 4)
        if labelled:
            row[[thinning.RIGHT, thinning.WRONG]] = chance.multinomial(row[0], [0.9, 0.1])
    if not timed:
        counts[:, thinning.LATENCY] = 0
    return thinning.Seconds(BEGIN, counts)


def settings(*way, plan=PLAN, **more):
    """By a strategy, or several."""
    names = way or ("canary",)
    stages = strategies.compose(names, plan)
    given = {"probation": strategies.holdback(), "probation_seconds": 7_200.0, "returns": strategies.returns(names)} | more
    return specification.Settings("delay", "mlflow://delay/1", strategy=" ".join(names), stages=stages, **given)
