"""Label sums: how many predictions of each arm arrived in a tick, how many were labelled in time, how many of those were wrong.

Same-age cohorts (a prediction enters in its arrival tick, at one fixed age, in order of arrival): a comparison at label arrival
would roll back a model of equal accuracy whose errors sit in the class that reports first. So a tick is shown only once it is
older than the label age a* and everything written until then has been read; from then on it never changes, and what is
heard later is harm, not evidence. Who counts, in full:

- live predictions of a release, by the arm drawn (intention to treat), each with the generation and weight of its own draw;
- a neutral mark (shed, cancelled, collateral) is in no cohort: it contributes a factor of 1 to every e-process;
- a bad mark (error, timeout, invalid, rejected) is in its cohort like any other, labelled when its outcome comes in time, and
  then wrong, since its arm gave no right answer, even if stable's answer rescued the request. Leaving it unlabelled would
  make the labelled share differ between the arms whenever their errors do, and so turn a known harm into `error`;
- where outcomes are numbers or probabilities, every labelled prediction is also in one bucket of its cell's losses
  (`histograms`), so that they add up to the labelled; a bad mark is in the topmost, as bad as can be.

Kept in the catalogue's database, so that counts and places are committed together. Called by the recorder.
"""

import collections
import hashlib
import sqlite3
from collections.abc import Callable, Sequence

import msgspec

from tidegate.core.vocabulary import arms, losses, marks, records, sums, tables
from tidegate.observability.joining import histograms

RELEASES = 8
"""Releases whose label sums are kept, by endpoint."""
FOLD_AFTER_SECONDS = 600
MARGIN_SECONDS = 2.0
"""How much later than its time stamp a record may reach its segment."""
_TABLES = """
CREATE TABLE IF NOT EXISTS release (endpoint TEXT, release TEXT, rule TEXT, closed_before INTEGER, joined INTEGER, wrong INTEGER,
  number INTEGER PRIMARY KEY, UNIQUE (endpoint, release));
CREATE TABLE IF NOT EXISTS cohort (number INTEGER PRIMARY KEY, of INTEGER, generation INTEGER, weight INTEGER, evidence INTEGER,
  arm INTEGER, UNIQUE (of, generation, weight, evidence, arm));
CREATE TABLE IF NOT EXISTS cell (cohort INTEGER, span INTEGER, tick INTEGER, arrived INTEGER, labelled INTEGER, wrong INTEGER,
  PRIMARY KEY (cohort, span, tick)) WITHOUT ROWID;
"""
_Counted = tuple[tuple[int, ...], histograms.Histogram]
"""(arrived, labelled, wrong), and the losses, of one arm."""
_NOTHING: _Counted = ((0, 0, 0), ())
Rule = Callable[[str], tables.Outcomes]
"""The rule of an endpoint, as the routing table has it now."""


def _chance(identifier: bytes) -> float:
    """Uniform in [0, 1), the same whenever it is asked for."""
    return int.from_bytes(hashlib.blake2b(identifier, digest_size=8).digest()) / 2**64


class Tracked(msgspec.Struct):
    """A release whose outcomes are followed."""

    number: int
    endpoint: str
    release: str
    rule: tables.Outcomes
    """As it was when the first prediction was read after the candidate had got traffic: fixed from then on."""
    closed_before: int = 0
    joined: int = 0
    wrong: int = 0
    last_tick: int = 0
    """The latest tick with a prediction in a cohort."""


class Cohort(msgspec.Struct, frozen=True):
    """One arm's predictions of one generation of one release."""

    number: int
    of: Tracked
    arm: int
    weight: int
    evidence: bool


class Cohorts:
    """The counts. What `count` adds is in memory until `save`."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Make the tables where there are none, and load the releases."""
        self._connection = connection
        connection.executescript(_TABLES)
        self._releases: dict[tuple[str, str], Tracked] = {}
        for endpoint, release, rule, closed, joined, wrong, number in connection.execute("SELECT * FROM release"):
            known = msgspec.json.decode(rule, type=tables.Outcomes)
            self._releases[endpoint, release] = Tracked(number, endpoint, release, known, closed, joined, wrong)
        self._cohorts: dict[tuple[int, int, int, bool, int], Cohort] = {}
        self._numbered: dict[int, Cohort] = {}
        by_number = self._by_number = {one.number: one for one in self._releases.values()}
        for number, of, generation, weight, evidence, arm in connection.execute("SELECT * FROM cohort"):
            self._keep((of, generation, weight, bool(evidence), arm), Cohort(number, by_number[of], arm, weight, bool(evidence)))
        for of, last in connection.execute("SELECT of, max(tick) FROM cell JOIN cohort ON cell.cohort = number GROUP BY of"):
            by_number[of].last_tick = last
        self._cells: dict[tuple[int, int], list[int]] = {}
        self._histograms = histograms.Histograms(connection)
        self._sums: dict[int, tuple[int, tuple[sums.LabelSum, ...]]] = {}

    def _keep(self, key: tuple[int, int, int, bool, int], cohort: Cohort) -> Cohort:
        self._cohorts[key] = self._numbered[cohort.number] = cohort
        return cohort

    def cohort(self, prediction: records.Prediction, rule: Rule) -> Cohort:
        """The cohort of a prediction; `rule` is asked for a release that is new, and until its candidate gets traffic: settings
        come with a release, but not before it has been checked.
        """
        tracked = self._releases.get((prediction.endpoint, prediction.release))
        if tracked is None:
            tracked = self._track(prediction.endpoint, prediction.release, rule(prediction.endpoint))
        key = (tracked.number, prediction.generation, prediction.weight, prediction.evidence, prediction.arm)
        found = self._cohorts.get(key)
        if found is None:
            self._follow(tracked, rule)
            row = self._connection.execute(
                "INSERT INTO cohort (of, generation, weight, evidence, arm) VALUES (?, ?, ?, ?, ?) RETURNING number", key
            ).fetchone()
            found = self._keep(key, Cohort(row[0], tracked, prediction.arm, prediction.weight, prediction.evidence))
        return found

    def _follow(self, tracked: Tracked, rule: Rule) -> None:
        """Go by the rule as it is now, as long as no cohort of the release is one of its candidate's traffic."""
        if any(one.of is tracked and one.weight for one in self._numbered.values()):
            return
        told = rule(tracked.endpoint)
        if told != tracked.rule:
            tracked.rule = told
            self._connection.execute("UPDATE release SET rule = ? WHERE number = ?", (msgspec.json.encode(told), tracked.number))

    def numbered(self, number: int) -> Cohort:
        """The cohort of a number."""
        return self._numbered[number]

    def tracked(self, endpoint: str, release: str) -> Tracked:
        """A release of which a prediction has been read."""
        return self._releases[endpoint, release]

    def of_number(self, number: int) -> Tracked:
        """The same by its number."""
        return self._by_number[number]

    def _track(self, endpoint: str, release: str, rule: tables.Outcomes) -> Tracked:
        row = self._connection.execute(
            "INSERT INTO release (endpoint, release, rule, closed_before, joined, wrong) VALUES (?, ?, ?, 0, 0, 0)"
            " RETURNING number",
            (endpoint, release, msgspec.json.encode(rule)),
        ).fetchone()
        tracked = self._releases[endpoint, release] = self._by_number[row[0]] = Tracked(row[0], endpoint, release, rule)
        return tracked

    def enters(self, cohort: Cohort, prediction: records.Prediction) -> bool:
        """Whether a prediction is evidence; then it is counted as arrived."""
        evidence = (
            bool(prediction.release)
            and cohort.of.rule.within_seconds > 0
            and prediction.role == arms.Role.LIVE
            and prediction.mark not in marks.NEUTRAL
            and self.open(cohort, prediction.arrived_ns)
        )
        if evidence:
            self.count(cohort, prediction.arrived_ns, (1, 0, 0))
            cohort.of.last_tick = max(cohort.of.last_tick, prediction.arrived_ns // 1_000_000_000)
        return evidence

    def open(self, cohort: Cohort, arrived_ns: int) -> bool:
        """Whether the tick of an arrival may still change."""
        return arrived_ns // 1_000_000_000 >= cohort.of.closed_before

    def count(self, cohort: Cohort, arrived_ns: int, counts: tuple[int, int, int]) -> None:
        """Add (arrived, labelled, wrong) to the cell of an arrival."""
        key = (cohort.number, arrived_ns // 1_000_000_000)
        cell = self._cells.get(key)
        if cell is None:
            self._cells[key] = list(counts)
            return
        for at, more in enumerate(counts):
            cell[at] += more

    def measure(self, cohort: Cohort, prediction: tuple[bytes, int], loss: float | None) -> None:
        """Count the loss of a prediction (id, arrival), as it is known now, in its cell; None: it is not labelled any more."""
        identifier, arrived_ns = prediction
        bucket = None if loss is None else losses.bucket(loss)
        if loss is not None and cohort.of.rule.kind == losses.PROBABILITY:
            bucket = losses.fair(loss, _chance(identifier))
        self._histograms.put(identifier, cohort.number, arrived_ns // 1_000_000_000, bucket)

    def close(self, read_until: float, timeouts: dict[str, float], current: frozenset[str]) -> None:
        """Everything written by this Unix time has been read: ticks old enough by then are closed.

        `timeouts`: seconds by endpoint that a request may take, and its record with it. `current`: the releases that are
        routed; for others nothing moves once their last tick is closed.
        """
        for tracked in self._releases.values():
            moves = tracked.release in current or tracked.closed_before <= tracked.last_tick
            if moves and tracked.release and tracked.rule.within_seconds > 0:
                age = max(tracked.rule.within_seconds, timeouts.get(tracked.endpoint, 0.0)) + MARGIN_SECONDS
                tracked.closed_before = max(tracked.closed_before, int(read_until - age))

    def save(self) -> None:
        """Put what was counted into the transaction under way."""
        rows = [(*key, *cell) for key, cell in self._cells.items()]
        self._connection.executemany(
            "INSERT INTO cell (cohort, span, tick, arrived, labelled, wrong) VALUES (?, 1, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
            " arrived = arrived + excluded.arrived, labelled = labelled + excluded.labelled, wrong = wrong + excluded.wrong",
            rows,
        )
        self._cells.clear()
        self._histograms.save()
        told = [(one.closed_before, one.joined, one.wrong, one.number) for one in self._releases.values()]
        self._connection.executemany("UPDATE release SET closed_before = ?, joined = ?, wrong = ? WHERE number = ?", told)

    def fold(self) -> None:
        """Fold closed ticks that are old into minutes, and forget the label sums of releases long ended; call `save` before."""
        for tracked in self._releases.values():
            until = (tracked.closed_before - FOLD_AFTER_SECONDS) // sums.EPOCH_SECONDS * sums.EPOCH_SECONDS
            old = "span = 1 AND tick < ? AND cohort IN (SELECT number FROM cohort WHERE of = ?)"
            self._connection.execute(
                "INSERT INTO cell SELECT cohort, 60, tick / 60 * 60, sum(arrived), sum(labelled), sum(wrong)"  # noqa: S608
                f" FROM cell WHERE {old} GROUP BY cohort, tick / 60",
                (until, tracked.number),
            )
            folded = self._connection.execute(f"DELETE FROM cell WHERE {old}", (until, tracked.number)).rowcount  # noqa: S608
            if folded:
                self._histograms.fold(tracked.number, until)
                self._sums.pop(tracked.number, None)
        for ended in self.ended():
            gone = "DELETE FROM cell WHERE cohort IN (SELECT number FROM cohort WHERE of = ?)"
            self._connection.execute(gone, (ended.number,))
            self._histograms.forget(ended.number)
            self._sums.pop(ended.number, None)

    def erase(self, gone: Sequence[bytes]) -> collections.Counter[bytes]:
        """Forget how far off these predictions were; how many rows that were of each."""
        return self._histograms.erase(gone)

    def expire(self, cut: bytes) -> None:
        """Forget the losses of single predictions before this id, which wait for outcomes no more."""
        self._histograms.expire(cut)

    def longest_age(self) -> float:
        """The longest label age that any release waits for, in seconds."""
        return max((one.rule.within_seconds for one in self._releases.values()), default=0.0)

    def endpoints(self) -> list[str]:
        """The endpoints that have had a release."""
        return sorted({endpoint for endpoint, release in self._releases if release})

    def newest(self, endpoint: str) -> list[Tracked]:
        """The endpoint's releases whose sums are kept, newest first."""
        return self._of(endpoint)[:RELEASES]

    def kept(self) -> list[Tracked]:
        """Those of all endpoints."""
        return [one for endpoint in self.endpoints() for one in self.newest(endpoint)]

    def ended(self) -> list[Tracked]:
        """The releases whose sums are not kept any more."""
        return [one for endpoint in self.endpoints() for one in self._of(endpoint)[RELEASES:]]

    def _of(self, endpoint: str) -> list[Tracked]:
        mine = [one for one in self._releases.values() if one.endpoint == endpoint and one.release]
        return sorted(mine, key=lambda one: one.number, reverse=True)

    def version(self, endpoint: str) -> tuple[tuple[int, int, int, int], ...]:
        """Changes when `labels` does, folding apart, and costs nothing."""
        return tuple((one.number, one.closed_before, one.joined, one.wrong) for one in self.newest(endpoint))

    def labels(self, tracked: Tracked) -> sums.Labels:
        """What is known of the outcomes of a release; call `save` before."""
        return sums.Labels(tracked.closed_before, self._closed(tracked), tracked.joined, tracked.wrong)

    def _closed(self, tracked: Tracked) -> tuple[sums.LabelSum, ...]:
        """The sums of closed ticks. Those never change, so only the ticks that have closed since the last time are read."""
        since, told = self._sums.get(tracked.number, (0, ()))
        if since != tracked.closed_before:
            told += self._summed(tracked, since)
            self._sums[tracked.number] = (tracked.closed_before, told)
        return told

    def _summed(self, tracked: Tracked, since: int) -> tuple[sums.LabelSum, ...]:
        """The sums of the closed ticks from `since` on."""
        rows = self._connection.execute(
            "SELECT generation, weight, evidence, tick, span, arm, cohort, arrived, labelled, wrong FROM cell JOIN cohort"
            " ON cell.cohort = cohort.number WHERE of = ? AND span IN (1, 60) AND tick >= ? AND tick + span <= ?"
            " ORDER BY tick, generation",
            (tracked.number, since, tracked.closed_before),
        )
        measured = tracked.rule.kind in losses.KINDS
        off = self._histograms.of(tracked.number, since, tracked.closed_before) if measured else {}
        pairs: dict[tuple[int, int, int, int, int], dict[int, _Counted]] = {}
        for generation, weight, evidence, tick, span, arm, cohort, *counted in rows:
            mine = (tuple(counted), off.get((cohort, span, tick), ()))
            pairs.setdefault((generation, weight, evidence, tick, span), {})[arm] = mine
        found = []
        for (generation, weight, evidence, tick, span), pair in pairs.items():
            stable, candidate = pair.get(arms.Arm.STABLE, _NOTHING), pair.get(arms.Arm.CANDIDATE, _NOTHING)
            arrived, labelled, wrong = zip(stable[0], candidate[0], strict=True)
            counts = (*arrived, *labelled, *wrong)
            found.append(sums.LabelSum(generation, weight, bool(evidence), tick, *counts, span, stable[1], candidate[1]))
        return tuple(found)
