"""Replay: logged requests of one version asked again of another, and the answers compared as the recorder compares copies.

The candidate's answers become records like a copy's (role batch), which are compared and forgotten: the log is read only.
Requests that were not answered well, or whose input was not logged, cannot be compared and are counted.
"""

import collections
import time
from collections.abc import Callable, Iterator, Sequence

import msgspec

from tidegate.control.batch import verdicts, worker
from tidegate.core.vocabulary import arms, errors, home, marks, records, sums, tables
from tidegate.dataplane.predlog import outcomes, pairing, reader
from tidegate.dataplane.wire import frames, samples
from tidegate.observability.joining import slicing
from tidegate.observability.reading import bodies

REASONS = 5
"""Different errors of the candidate that are told."""
SHOW_SECONDS = 0.5


class Wanted(msgspec.Struct, frozen=True):
    """What to replay, and what to hold it against."""

    endpoint: str
    stable: int
    """Ordinal of the version whose logged answers are compared with."""
    subject: worker.Subject
    span: tuple[float, float]
    """Unix seconds of arrival, from and to."""
    limit: int = 0
    """Requests at most, evenly spread over the period; 0: all."""
    speed: float = 0.0
    """How many times as fast as they came; 0: as fast as the worker answers."""
    pairing: tables.Pairing = tables.Pairing()
    slices: tuple[str, ...] = ()
    outcomes: tables.Outcomes = tables.Outcomes()
    bounds: verdicts.Bounds = verdicts.Bounds()


class Known(msgspec.Struct, frozen=True):
    """Requests whose outcome was in the log, and how many of them either version had wrong."""

    labelled: int
    stable_wrong: int
    candidate_wrong: int


class Report(msgspec.Struct, frozen=True):
    """What came of it."""

    endpoint: str
    candidate: str
    stable: str
    asked: int
    pairs: sums.PairSum
    slices: dict[str, sums.PairSum]
    beyond: tuple[str, ...]
    """Slices that are beyond the tolerance by themselves."""
    errors: dict[str, int]
    """The candidate's failures, by the words of the commonest."""
    outcomes: Known
    same_input: int
    """Requests that were not compared, since an identical one had come within the minute."""
    unlogged: int
    """Requests whose input is not in the log, or in no form that workers read."""
    failed_then: int
    deaths: int
    seconds: float
    rate: float
    """Requests a second, reading the log and comparing included."""
    tolerance: float
    verdict: verdicts.Verdict


class _Progress(msgspec.Struct):
    """What has been counted so far."""

    asked: int = 0
    same: int = 0
    unreadable: int = 0
    """Requests whose input is in no form that workers read: calls of programs that had the model themselves."""
    labelled: int = 0
    stable_wrong: int = 0
    candidate_wrong: int = 0


class Replay:
    """One replay on its way."""

    def __init__(self, place: home.Home, wanted: Wanted) -> None:
        self._place, self._wanted = place, wanted
        self._logged = reader.period(place, wanted.endpoint, wanted.stable, wanted.span)
        self._reader, self._known = bodies.Reader(place.bundles), slicing.Known()
        self._counts: dict[str, pairing.Count] = {}
        self._seen: set[tuple[int, bytes]] = set()
        self._errors: collections.Counter[str] = collections.Counter()
        self._progress = _Progress()
        self._open: dict[int, tuple[records.Prediction, list[outcomes.Heard]]] = {}

    @property
    def total(self) -> int:
        """Requests that will be asked."""
        return len(self._chosen())

    def run(self, show: Callable[[int, float], None]) -> Report:
        """Ask them all. `show` gets how many were asked in how many seconds, twice a second.

        Raises InputInvalid where nothing in the period can be asked, what the candidate raises while it loads, InstanceLost.
        """
        if not self._logged.ids:
            raise self._nothing()
        with worker.Worker(self._place, self._wanted.subject) as asked:
            began = shown = time.monotonic()
            for reply in asked.ask(self._questions(began)):
                self._compare(reply)
                now = time.monotonic()
                if now - shown >= SHOW_SECONDS:
                    shown = now
                    show(self._progress.asked, now - began)
            seconds = time.monotonic() - began
        return self._report(seconds, asked.deaths)

    def _chosen(self) -> Sequence[bytes]:
        """Their ids: all, or evenly spread."""
        known, most = self._logged.ids, self._wanted.limit
        return known if not 0 < most < len(known) else [known[number * len(known) // most] for number in range(most)]

    def _nothing(self) -> errors.InputInvalid:
        wanted, logged = self._wanted, self._logged
        name = f"v{wanted.stable}"
        if logged.unlogged:
            return errors.InputInvalid(
                f"{logged.unlogged:,} requests to {name} of {wanted.endpoint} are in the log, without their inputs.",
                cure="Inputs are logged with `log: {inputs: all}`, from then on.",
            )
        there = ", ".join(f"v{one}" for one in reader.versions(self._place, wanted.endpoint))
        return errors.InputInvalid(
            f"no request that {name} of {wanted.endpoint} answered well is in the log for that time.",
            cure=f"Choose another time with --from and --to, or another version with --against: the log has {there or 'none'}.",
        )

    def _questions(self, began: float) -> Iterator[worker.Question]:
        """The requests in the order they came, each once (a batch of identical ones would be asked for nothing)."""
        wanted, first = self._wanted, 0
        number = 0
        for predictions, heard in reader.requests(self._place, self._chosen()):
            told: dict[bytes, list[outcomes.Heard]] = {}
            for of in reader.first_heard(heard):
                told.setdefault(of.id, []).append(outcomes.Heard(of.row, of.label_version, of.label, of.received_ns))
            for one in predictions:
                sample, same = samples.of(one), pairing.sameness(one)
                if sample is None:
                    self._progress.unreadable += 1
                    continue
                if same in self._seen:
                    self._progress.same += 1
                    continue
                self._seen.add(same)
                first = first or one.arrived_ns
                if wanted.speed:
                    _wait_until(began + (one.arrived_ns - first) / 1e9 / wanted.speed)
                number += 1
                self._open[number] = (one, told.get(one.id, []))
                yield worker.Question(number, one.id, sample)

    def _compare(self, reply: worker.Reply) -> None:
        wanted, progress = self._wanted, self._progress
        served, heard = self._open.pop(reply.number)
        copied = _record(served, reply)
        progress.asked += 1
        if copied.error:
            self._errors[copied.error] += 1
        if not pairing.is_pair(served, copied):
            return
        found, given = pairing.compared(wanted.pairing, served, copied), pairing.given(served, copied)
        for name, rows in self._known.slices(self._reader.words(served, wanted.slices)):
            count = self._counts.setdefault(name, pairing.Count())
            count.add(found, rows)
            count.settle(pairing.NEITHER, pairing.wronged(wanted.outcomes, given, heard, rows))
        self._settle(given, heard)

    def _settle(self, given: pairing.Given, heard: Sequence[outcomes.Heard]) -> None:
        rule, progress = self._wanted.outcomes, self._progress
        served = outcomes.mark(rule, outcomes.Given(given.served), heard)
        copied = outcomes.mark(rule, outcomes.Given(given.copied, given.failed), heard)
        if served is not None and copied is not None:
            progress.labelled += 1
            progress.stable_wrong += served
            progress.candidate_wrong += copied

    def _report(self, seconds: float, deaths: int) -> Report:
        wanted, progress = self._wanted, self._progress
        whole = self._counts.get("", pairing.Count()).shown("")
        slices = {name: count.shown(name) for name, count in sorted(self._counts.items()) if name}
        stable = f"v{wanted.stable}"
        return Report(
            endpoint=wanted.endpoint,
            candidate=wanted.subject.name,
            stable=stable,
            asked=progress.asked,
            pairs=whole,
            slices=slices,
            beyond=verdicts.worst(slices, wanted.bounds),
            errors=dict(self._errors.most_common(REASONS)),
            outcomes=Known(progress.labelled, progress.stable_wrong, progress.candidate_wrong),
            same_input=progress.same,
            unlogged=self._logged.unlogged + progress.unreadable,
            failed_then=self._logged.failed,
            deaths=deaths,
            seconds=round(seconds, 3),
            rate=round(progress.asked / seconds, 1) if seconds else 0.0,
            tolerance=wanted.bounds.tolerance,
            verdict=verdicts.judge(whole, wanted.bounds, (wanted.subject.name, stable)),
        )


def _record(served: records.Prediction, reply: worker.Reply) -> records.Prediction:
    """The candidate's answer as a record beside the one that was served."""
    head = reply.head or frames.Reply(500, marks.Mark.ERROR, 0, 0, 0)
    words = f"{head.error}: {head.detail}" if head.error and head.detail else head.error or head.detail or head.breach
    return msgspec.structs.replace(
        served,
        role=arms.Role.BATCH,
        arm=arms.Arm.CANDIDATE,
        mark=head.mark,
        status=head.status,
        rows=head.rows,
        answers=head.answers,
        numbers=head.numbers,
        words=head.words,
        input=b"",
        output=reply.body,
        error=reply.trouble or ("" if head.mark == marks.Mark.OK else words),
    )


def _wait_until(moment: float) -> None:
    left = moment - time.monotonic()
    if left > 0:
        time.sleep(left)
