"""A gateway's log and a recorder on a clock of the test's own."""

import contextlib
import itertools
import pathlib
from collections.abc import Iterator

import msgspec
import pytest

from tests.unit import predlog_fixtures as given
from tidegate.core.vocabulary import home, records, sums, tables
from tidegate.dataplane.predlog import catalogue, segments
from tidegate.observability.recording import recorder


class Log:
    """Gateways that append, and the recorder that follows them. Times are seconds after `given.T0`."""

    def __init__(self, root: pathlib.Path, rule: tables.Outcomes | None = None) -> None:
        self.home: home.Home = given.place(root, rule)
        self.writers: dict[str, segments.Writer] = {}
        self.recorder = recorder.Recorder(self.home, given.T0)

    def put(self, *batch: records.Prediction | records.Outcome, boot: str = given.BOOT) -> None:
        """Append records, numbered as they come."""
        writer = self.writers.setdefault(boot, given.writer(self.home, boot))
        numbers = itertools.count(writer.sequence)
        writer.append([msgspec.structs.replace(one, sequence=next(numbers), incarnation=boot) for one in batch])

    def look(self, at: float) -> None:
        """Read all there is, publish and flush."""
        now = given.T0 + at
        while self.recorder.step(now):
            continue
        self.recorder.publish(now)
        self.recorder.flush(now)

    def age(self, at: float) -> None:
        """Let time pass until then, as the recorder's clock has it: nobody sets that."""
        self.recorder.catalogue.begin()
        for hours in range(24, -1, -1):
            self.recorder.believed.at(given.T0 + at - 3_600.0 * hours)
        self.recorder.catalogue.commit()

    def killed(self, at: float) -> None:
        """Undo what does not count, as a kill would, and begin anew."""
        self.recorder.close()
        self.recorder = recorder.Recorder(self.home, given.T0 + at)

    def interrupted(self, turn: int, at: float) -> None:
        """Read and publish all there is; every other turn a kill undoes it before it counts."""
        self.recorder.step(given.T0 + at)
        self.recorder.publish(given.T0 + at)
        if turn % 2:
            self.killed(at + 0.1)
        else:
            self.look(at + 0.1)

    def labels(self, release: str = "r1") -> sums.Labels:
        """What control would read."""
        raw = (self.home.labels / "flight-delay.json").read_bytes()
        return msgspec.json.decode(raw, type=dict[str, sums.Labels])[release]

    def cells(self) -> list[tuple[int, ...]]:
        """The label sums as (tick, stable, labelled, wrong, candidate, labelled, wrong)."""
        return [
            (
                one.tick - given.T0,
                *(one.stable, one.stable_labelled, one.stable_wrong),
                *(one.candidate, one.candidate_labelled, one.candidate_wrong),
            )
            for one in self.labels().sums
        ]

    def fact(self, name: str) -> object:
        """One of the recorder's counts."""
        return self.recorder.facts(given.T0)[name]


class Killed(BaseException):
    """As if by a signal."""


@contextlib.contextmanager
def killing(step: int, *, after: bool) -> Iterator[None]:
    """Killed at the commit of that number, counted from 1: just before it, or just after."""
    commit, left = catalogue.Catalogue.commit, itertools.count(step - 1, -1)

    def killed(self: catalogue.Catalogue) -> None:
        last = next(left) == 0
        if last and not after:
            raise Killed
        commit(self)
        if last:
            raise Killed

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(catalogue.Catalogue, "commit", killed)
        yield
