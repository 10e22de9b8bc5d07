"""A small effect that stays, told from a large one that passes."""

import alone_fixtures
import numpy as np
import pytest

from tidegate.core.stats import counting, lasting
from tidegate.core.vocabulary import profiles

RNG = np.random.default_rng(5)
ROWS = 20_000
FRAMES = {
    "numbers": counting.edged("x", RNG.normal(size=ROWS)),
    "words": profiles.Frame("c", classes=("a", "b", "c")),
}


def week(kind, moved):
    """The rows of one week, `moved` of them elsewhere."""
    rows = round(ROWS * moved)
    if kind == "numbers":
        values = np.append(RNG.normal(size=ROWS - rows), RNG.normal(1.5, 0.1, rows))
        return counting.counted(FRAMES[kind], values.tolist())
    return counting.counted(FRAMES[kind], [*RNG.choice(["a", "b"], ROWS - rows, p=[0.7, 0.3]).tolist(), *["c"] * rows])


def low(kind, moved):
    [found] = alone_fixtures.lasting_of(FRAMES[kind], week(kind, 0.0), [week(kind, one) for one in moved])
    assert found.low <= found.size
    return found.low


@pytest.mark.parametrize("kind", FRAMES)
def test_four_weeks_prove_what_one_does_not_and_one_week_does_not_stand_for_four(kind):
    [alone] = (
        one for one in alone_fixtures.effects_of(FRAMES[kind], week(kind, 0.0), week(kind, 0.05)) if one.name in lasting.NAMES
    )
    assert low(kind, [0.05] * 4) > max(0.02, alone.low)
    assert low(kind, [0.08, 0.08, 0.0, 0.08]) > 0.02
    assert low(kind, [0.0, 0.0, 0.4, 0.0]) < 0.01
    assert low(kind, [0.0, 0.2, 0.2, 0.0]) < 0.01
    assert low(kind, [0.0] * 4) < 0.01


@pytest.mark.parametrize("kind", FRAMES)
def test_weeks_in_which_nothing_came_have_not_moved(kind):
    nothing = profiles.Column((0,) * FRAMES[kind].bins)
    several = [week(kind, 0.1), week(kind, 0.1), nothing, nothing]
    assert all(one.low <= 0.0 for one in alone_fixtures.lasting_of(FRAMES[kind], week(kind, 0.0), several))
    assert alone_fixtures.lasting_of(FRAMES[kind], week(kind, 0.0), [nothing] * 4) == ()
