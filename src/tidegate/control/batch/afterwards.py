"""Explanations of what was predicted, computed afterwards from the log: a watch of the monitor (`monitors.rounds`).

It is nowhere on a request's way: it reads what was logged some seconds ago, has models answer in processes of their own at low
priority, and keeps what comes of it beside the log. It does a bounded amount at a look and so falls behind rather than hurt; what
lies more than an hour behind is skipped, and counted. How far it is stands in HOME/explanations/state.json, written after what it
tells of: killed in between, it explains a few again.

Which predictions: `explain` in tidegate.yaml, by the chance that each id has of its own (`keeping.chance`), so that the sample is
the same however often it is drawn, and goes with the sample of inputs that the log keeps.
"""

import collections

import msgspec

from tidegate.control.batch import explaining
from tidegate.core.vocabulary import alarms, errors, explanations, home, ids, keeping, placing, records, tables
from tidegate.dataplane.predlog import explained, reader
from tidegate.dataplane.wire import tablefile

LAG = 15.0
"""Seconds that a prediction is left alone for: by then its record is there."""
BEHIND = 3_600.0
MOST = 50
"""Predictions at a look, of one endpoint."""
ROWS = 5
"""Of one request."""
SECONDS = 2.0
"""For one explanation that draws."""
WORDS = 20
"""Different reasons that are kept count of."""
STATE = "state.json"
HIDDEN = "(kept from the log)"


class Progress(msgspec.Struct):
    """How far an endpoint's are."""

    after: bytes
    """The last prediction that was dealt with."""
    explained: int = 0
    skipped: int = 0
    """Left out since it had fallen behind, or a request had many rows."""
    failed: dict[str, int] = {}
    """What could not be explained, by why."""
    behind: float = 0.0
    """Seconds that the next one is old, beyond LAG, at the last look."""


class Afterwards:
    """The watch."""

    name, every = "explanations", 5.0

    def __init__(self, place: home.Home, lag: float = LAG, behind: float = BEHIND) -> None:
        self._home, self._lag, self._behind = place, lag, behind
        self._path, self._table = place.explanations / STATE, tablefile.Reading(place.table)

    def look(self, now: float) -> list[alarms.Alarm]:
        """Explain what is due at Unix time `now`. Raises nothing to be alarmed of."""
        routes = self._table.read().routes
        for route in routes.values():
            if route.monitors.explained:
                self._endpoint(route, now)
        return []

    def _endpoint(self, route: tables.Route, now: float) -> None:
        state = read(self._home)
        until = ids.last(int((now - max(self._lag, 2e-3 * route.limits.timeout_ms)) * 1e3))
        progress = state.get(route.endpoint) or Progress(until)
        progress.after = min(progress.after, until)  # the clock was ahead when that was written
        oldest = ids.first(int((now - self._lag - self._behind) * 1e3))
        if progress.after < oldest:
            progress.skipped += len(self._chosen(route, progress.after, oldest))
            progress.after = oldest
        chosen = self._chosen(route, progress.after, until)
        now_due = chosen[:MOST]
        if now_due:
            self._explain(route, now_due, progress)
        progress.after = max(progress.after, now_due[-1] if len(chosen) > MOST else until)
        progress.behind = max(0.0, now - self._lag - ids.milliseconds(chosen[MOST]) / 1e3) if len(chosen) > MOST else 0.0
        self._write(state | {route.endpoint: progress})

    def _chosen(self, route: tables.Route, after: bytes, until: bytes) -> list[bytes]:
        if after >= until:
            return []
        share = route.monitors.explained
        return [one for one in reader.arrived(self._home, route.endpoint, after, until) if keeping.chance(one) < share]

    def _explain(self, route: tables.Route, chosen: list[bytes], progress: Progress) -> None:
        """Bundle by bundle: one process each."""
        groups: dict[str, list[explaining.Subject]] = {}
        answering = _by_route(route)
        failed: collections.Counter[str] = collections.Counter(progress.failed)
        for predictions, _ in reader.requests(self._home, chosen):
            for record in predictions:
                try:
                    for row in range(min(record.rows, ROWS)):
                        subject = explaining.subject_of(self._home, answering, record, row)
                        groups.setdefault(subject.digest, []).append(subject)
                    progress.skipped += max(0, record.rows - ROWS)
                except errors.NotExplainable as wrong:
                    failed[wrong.message] += 1
        for group in groups.values():
            told: list[explanations.Explanation] = []
            try:
                for outcome in explaining.explain_all(self._home, group, SECONDS):
                    if outcome.explanation is None:
                        failed[outcome.trouble] += 1
                    else:
                        told.append(_veiled(outcome.explanation, route.log.veiled))
            except errors.TidegateError as wrong:
                failed[wrong.message] += len(group)
            if told:
                explained.write(self._home.explanations, told)
                progress.explained += len(told) - self._forget([one.record.id for one in group])
        progress.failed = dict(failed.most_common(WORDS))

    def _forget(self, wanted: list[bytes]) -> int:
        """Delete again what was erased from the log while it was explained: whoever erased it looked too early for it."""
        there = {one.id for predictions, _ in reader.requests(self._home, wanted) for one in predictions}
        gone = set(wanted) - there
        return len(explained.forget(self._home.explanations, gone))

    def _write(self, state: dict[str, Progress]) -> None:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        placing.put(self._path, msgspec.json.encode(state))


def read(place: home.Home) -> dict[str, Progress]:
    """How far each endpoint's explanations are; nothing where none were begun."""
    try:
        return msgspec.json.decode((place.explanations / STATE).read_bytes(), type=dict[str, Progress])
    except (OSError, ValueError):
        return {}


def _by_route(route: tables.Route) -> explaining.Answering:
    """Who answered, as the routing table has it: only the versions that it lists still."""
    listed = {one.ordinal: one.digest for one in route.versions}

    def answering(record: records.Prediction) -> explaining.Answered:
        if record.answered_by not in listed:
            raise errors.NotExplainable("another version than the one drawn answered it, and is not kept any more.")
        return explaining.Answered(record.answered_by, listed[record.answered_by], explaining.rounded(route.terms.round))

    return answering


def _veiled(one: explanations.Explanation, names: frozenset[str]) -> explanations.Explanation:
    """Without the values of columns that the log does not keep in the clear."""
    if not names:
        return one
    parts = tuple(
        msgspec.structs.replace(part, value=HIDDEN, typical=HIDDEN) if part.name in names else part
        for part in one.explained.contributions
    )
    return msgspec.structs.replace(one, explained=msgspec.structs.replace(one.explained, contributions=parts))
