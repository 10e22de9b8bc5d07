"""What moves little but for good: the last four weeks against the data that came with the model, once a day.

Four weeks of rows prove a smaller effect than a week's do, so the limit is lower (`monitors.drift.lasting`). What is told has
lasted: in three of the four weeks at least it is as much (`core.stats.lasting`), and it is more than 1.5 times what whole weeks
were in the version's first four. Called by `lookout`.
"""

from tidegate.core.stats import effects, lasting, seasons, stacks
from tidegate.core.vocabulary import alarms, monitoring, profiles
from tidegate.observability.drift import drifting, moving, shelving

SUBJECT = "lasting"


class Track(moving.Track):
    """One endpoint, looked at in this way."""

    def __init__(self, given: monitoring.Drift) -> None:
        rows = max(given.rows, profiles.FEWEST)
        watching = (drifting.TRAINING, rows, given.holidays, given.lasting)
        super().__init__(moving.Plan(alarms.Kind.DRIFT, lasting.NAMES, seasons.TRAILING, seasons.DAY, *watching))
        self.subject = SUBJECT

    def _suspended(self, begin: int) -> bool:  # noqa: ARG002 - whichever
        """Four weeks have a holiday somewhere: it is left out of what was seen."""
        return False

    def _seen(self, shelf: shelving.Shelf, begin: int, length: int) -> stacks.Stack:
        days = range(begin, begin + length, seasons.DAY)
        watched = [day for day in days if not moving.holiday(day // seasons.DAY, self.plan.holidays)]
        return shelf.layout.total([shelf.window(day, day + seasons.DAY) for day in watched] or [shelf.layout.empty])

    def take(self, shelf: shelving.Shelf, begin: int) -> None:
        """Take in the four weeks that begin then."""
        if begin < shelf.begun() + self.plan.learning:
            self._learn(shelf, begin)
        else:
            super().take(shelf, begin)

    def _learn(self, shelf: shelving.Shelf, begin: int) -> None:
        """The version's first four weeks say what a week is away by, usually."""
        for at in range(begin, begin + self.plan.length - seasons.WEEK + 1, seasons.DAY):
            both = self._known(shelf, at), self._seen(shelf, at, seasons.WEEK)
            for name, one in effects.effects(shelf.layout, both, effects.shared(shelf.layout, both), self._wanted).items():
                self.series.learn(at, self._of(shelf.layout, name)[one.columns], one.size)

    def _effects(self, shelf: shelving.Shelf, begin: int, both: effects.Both) -> dict[str, effects.Found]:
        weeks = [self._seen(shelf, at, seasons.WEEK) for at in range(begin, begin + self.plan.length, seasons.WEEK)]
        return lasting.effects(shelf.layout, both[0], weeks, effects.shared(shelf.layout, both))
