"""What moves together: once a week the week's logged inputs are told apart from those of the weeks before, of every endpoint.

Columns may each be what they were and not go together as they did; then nothing else sees it. An alarm needs more than 0.55, and
more than the endpoint's own history (`classifying`). The weeks before are held against theirs anew each time, so that a monitor
that is started anew comes to the same.

Called by `rounds`. Where scikit-learn is not installed nothing is looked at.
"""

import logging
from collections.abc import Iterator

from tidegate.core.stats import seasons
from tidegate.core.vocabulary import alarms, errors, home, tables
from tidegate.dataplane.wire import tablefile
from tidegate.observability.drift import classifying, drifting, moving, references, wording

EVERY = 3_600.0
SUBJECT = "together"
NAMED = 5
log = logging.getLogger(__name__)


class Together:
    """The watch."""

    name = "together"
    every = EVERY

    def __init__(self, place: home.Home) -> None:
        self._home = place
        self._found: dict[str, tuple[int, classifying.Told | None]] = {}
        self._able = True

    def look(self, now: float) -> list[alarms.Alarm]:
        """What has moved together in the last whole week, at Unix time `now`. Raises TableUnreadable."""
        if not self._able:
            return []
        try:
            return [alarm for route in tablefile.read(self._home.table).routes.values() for alarm in self._look(route, now)]
        except errors.ExtraMissing as absent:
            log.info("nothing is told apart", extra={"why": str(absent)})
            self._able = False
            return []

    def _look(self, route: tables.Route, now: float) -> Iterator[alarms.Alarm]:
        begin = seasons.floor(now - moving.WAIT, seasons.WEEK) - seasons.WEEK
        if self._found.get(route.endpoint, (0, None))[0] != begin:
            window = drifting.Stretch(begin, begin + seasons.WEEK)
            reference = references.seasonal(window, "week")
            about = drifting.Report(route.endpoint, window, drifting.SEASON, reference)
            self._found[route.endpoint] = (begin, classifying.explain(self._home, about))
        told = self._found[route.endpoint][1]
        if told is None or not told.unusual or len(told.history) < classifying.WEEKS:
            return
        until = begin + seasons.WEEK
        yield alarms.Alarm(
            alarms.Kind.DRIFT,
            route.endpoint,
            f"A model tells last week's inputs from those of the four weeks before with an area of {told.auc:.2f}; in the weeks "
            f"before it was {max(told.history):.2f} at most.",
            float(begin),
            subject=SUBJECT,
            moved=tuple(f"{name}: {fall:.2g} of the area" for name, fall in list(told.importances.items())[:NAMED] if fall > 0),
            next=f"tidegate drift {route.endpoint} --from {wording.stamp(begin)} --to {wording.stamp(until)} --explain",
            action=route.monitors.drift.action,
        )
