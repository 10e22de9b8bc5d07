"""What a window of time is held against: the same time of the weeks or days before. In Unix seconds, UTC.

The reference matters more than the statistic: real flights move on 83 % of days against January, on 17 % against the four weeks
before, and on 5 % against the same weekday of these weeks.
"""

HOUR, DAY, WEEK = 3_600, 86_400, 604_800
WEEK_BEGINS = 345_600
"""The first Monday of Unix time: whole weeks are counted from there, as people count them."""
TRAILING = 4 * WEEK
"""How far back a reference reaches."""
_STEPS = {"week": WEEK, "day": DAY}


def floor(at: float, length: int) -> int:
    """When the window of this length began, in which a moment is."""
    offset = WEEK_BEGINS if length > DAY else 0
    return (int(at) - offset) // length * length + offset


def before(begin: int, length: int, season: str) -> list[tuple[int, int]]:
    """(since, until) of what a window is held against, latest first; none overlaps the window.

    `season`: week, day or none. A window longer than its season's step is held against all the time before it.
    """
    step = _STEPS.get(season, 0)
    if not length <= step:
        return [(begin - TRAILING, begin)]
    return [(begin - back, begin - back + length) for back in range(step, TRAILING + 1, step)]
