"""What moves little but for good: the last four weeks against the data that came with the model, once a day.

Four weeks of rows prove a smaller effect than a week's do, so the limit is lower (`monitors.drift.lasting`). What is told has
lasted: in three of the four weeks at least it is as much (`core.stats.lasting`), and it is more than 1.5 times what whole weeks
were in the version's first four. Called by `lookout`.
"""

from tidegate.core.stats import drift, lasting, seasons
from tidegate.core.vocabulary import alarms, monitoring, profiles
from tidegate.observability.drift import moving
from tidegate.observability.recording import profiling

SUBJECT = "lasting"


class Track(moving.Track):
    """One endpoint, looked at in this way."""

    def __init__(self, given: monitoring.Drift) -> None:
        rows = max(given.rows, profiles.FEWEST)
        watching = (moving.TRAINING, rows, given.holidays, given.lasting)
        super().__init__(moving.Plan(alarms.Kind.DRIFT, lasting.NAMES, seasons.TRAILING, seasons.DAY, *watching))
        self.subject = SUBJECT

    def _suspended(self, begin: int) -> bool:  # noqa: ARG002 - whichever
        """Four weeks have a holiday somewhere: it is left out of what was seen."""
        return False

    def _seen(self, shelf: moving.Shelf, begin: int, length: int) -> profiles.Profile:
        days = range(begin, begin + length, seasons.DAY)
        watched = [day for day in days if not moving.holiday(day // seasons.DAY, self.plan.holidays)]
        return profiling.merged([shelf.window(day, day + seasons.DAY) for day in watched])

    def _take(self, shelf: moving.Shelf, begin: int) -> None:
        if begin < shelf.begun() + self.plan.learning:
            self._learn(shelf, begin)
        else:
            super()._take(shelf, begin)

    def _learn(self, shelf: moving.Shelf, begin: int) -> None:
        """The version's first four weeks say what a week is away by, usually."""
        for at in range(begin, begin + self.plan.length - seasons.WEEK + 1, seasons.DAY):
            seen, known = self._seen(shelf, at, seasons.WEEK), self._known(shelf, at)
            for name in shelf.frames.keys() & seen.columns.keys() & known.columns.keys():
                for one in drift.effects(shelf.frames[name], known.columns[name], seen.columns[name]):
                    if one.name in self.plan.effects:
                        self._of(name, one.name).learn(at, one.size)

    def _effects(
        self, shelf: moving.Shelf, begin: int, frame: profiles.Frame, known: profiles.Column, alpha: float
    ) -> tuple[drift.Effect, ...]:
        weeks = [self._seen(shelf, at, seasons.WEEK) for at in range(begin, begin + self.plan.length, seasons.WEEK)]
        nothing = profiles.Column((0,) * frame.bins)
        return lasting.effects(frame, known, [one.columns.get(frame.name, nothing) for one in weeks], alpha)
