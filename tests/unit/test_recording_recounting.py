"""Profiles counted once more by the Parquet files: as they were, once whatever is killed, and without whoever is forgotten."""

import datetime as dt
import pathlib
import shutil
from typing import Any

import numpy as np
import predlog_fixtures as given
import pytest
from columns_fixtures import C, Columned, ended, everything

from tests.unit.recording_fixtures import Killed, killing
from tidegate.core.stats import seasons
from tidegate.core.vocabulary import assignment, erasures, ids, keeping, manifests, profiles, records
from tidegate.dataplane.predlog import objects, parquet, reader
from tidegate.observability.profiling import hourly, oddness, profiled, sketching

HOUR = seasons.HOUR
FIRST = given.T0 // HOUR * HOUR
ROWS = 50
ANN = assignment.digest(b"ann")
TAKES = manifests.Signature(
    "columns",
    (
        *(C(name, kind, required=False) for name, kind in (("age", "long"), ("size", "float"), ("income", "double"))),
        *(C(name, kind, required=False) for name, kind in (("city", "string"), ("is_new", "boolean"), ("since", "datetime"))),
    ),
    (C("score", "double"),),
)
CITIES = ["Ulm", "Bonn", "Kiel", "a very long name " * 100]


class Profiled(Columned):
    """An endpoint that has learned its frames from its first hour, and two hours more."""

    def __init__(self, root: pathlib.Path, **route: Any) -> None:
        super().__init__(root, TAKES, **route)
        self.rng = np.random.default_rng(1)
        self.number = 0
        for hour in (0, 1, 2):
            self.put(*(self.some(hour * HOUR + at) for at in range(hourly.TEACH // ROWS + 5)))
            self.look(hour * HOUR + 100.0)

    def some(self, at: float, city: str = "", **more: Any) -> records.Prediction:
        """A request of fifty rows, on a second of its own."""
        self.number += 1
        rows = [self.row(city) for _ in range(ROWS)]
        answers = tuple(float(one) for one in self.rng.random(ROWS))
        return self.asked(self.number, *rows, at=at, **({"answers": answers, "key_hash": b"", "weight": 0} | more))

    def row(self, city: str) -> dict[str, Any]:
        moment = dt.datetime.fromtimestamp(int(self.rng.integers(1, 2**31)), dt.UTC)
        return {
            "age": int(self.rng.integers(0, 90)) if self.rng.random() > 0.1 else None,
            "size": round(4 * float(self.rng.normal(170, 10))) / 4,
            "income": float(self.rng.lognormal(10, 1)),
            "city": city or str(self.rng.choice(CITIES)),
            "is_new": bool(self.rng.random() > 0.5),
            "since": moment.isoformat(),
        }

    def told(self) -> dict[str, Any]:
        """All that the catalogue says of profiles; quantiles of sketches, which are drawn at random when they are large."""
        connection = self.recorder.catalogue.connection
        frames = profiled.frames(connection, "flight-delay")
        hours = profiled.hours(connection, "flight-delay", 0, 2**40)
        sketched = sketching.read(connection, "flight-delay", [(0, 2**40, None)], frames)
        words = {name: one.distinct for name, one in sketched.items() if hasattr(one, "distinct")}
        counts = {name: one.count for name, one in sketched.items() if hasattr(one, "count")}
        bits = [one for (one,) in connection.execute("SELECT bits FROM odd ORDER BY bits DESC LIMIT ?", (oddness.KEPT,))]
        return {"frames": frames, "hours": rounded(hours), "words": words, "counts": counts, "odd": np.round(bits, 3).tolist()}

    def lost(self, at: float) -> None:
        """The catalogue is gone, and the recorder begins anew."""
        self.recorder.close()
        for path in self.home.log.glob("catalogue.db*"):
            path.unlink()
        self.killed(at)

    def counted(self, at: float) -> None:
        """Everything is counted that has to be."""
        for step in range(50):
            self.recorder.step(given.T0 + at + 11.0 * step)
            if not self.recorder.recounting.pending and not self.recorder.doubts.pending and not self.recorder.erasing.pending:
                return
        raise AssertionError("counting has no end")


def rounded(hours: list[tuple[int, int, profiles.Profile]]) -> list[tuple[int, int, int, dict[str, Any]]]:
    """Profiles of which sums, that are added up in another order, agree to six digits."""
    return [
        (
            version,
            hour,
            one.rows,
            {
                name: (
                    column.counts,
                    column.nulls,
                    column.broken,
                    *(float(f"{value:.6g}") for value in (column.total, column.squares, column.least, column.most)),
                )
                for name, column in one.columns.items()
            },
        )
        for version, hour, one in hours
    ]


def test_a_lost_catalogue_has_the_same_profiles_again(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet, "ROW_GROUP", 20)
    log = Profiled(tmp_path)
    before = log.told()
    assert [hour - FIRST for _, hour, _, _ in before["hours"]] == [0, HOUR, 2 * HOUR]
    assert set(before["frames"]) == {"age", "size", "income", "city", "is_new", "since", "prediction", "oddness"}
    assert before["odd"]
    log.lost(2 * HOUR + 200.0)
    assert log.recorder.recounting.pending
    assert log.told()["hours"] == []
    log.counted(2 * HOUR + 200.0)
    assert log.told() == before
    log.killed(2 * HOUR + 900.0)
    log.counted(2 * HOUR + 900.0)
    assert log.told() == before


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("step", [1, 2, 3, 4, 5])
def test_every_row_is_counted_once_whenever_it_is_killed(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, step: int, after: bool
) -> None:
    monkeypatch.setattr(parquet, "ROW_GROUP", 20)
    log = Profiled(tmp_path)
    before = log.told()
    log.lost(2 * HOUR + 200.0)
    with pytest.raises(Killed), killing(step, after=after):
        log.counted(2 * HOUR + 200.0)
    log.killed(2 * HOUR + 300.0)
    log.counted(2 * HOUR + 300.0)
    assert log.told() == before


def test_what_comes_meanwhile_is_counted_once_and_files_are_merged_when_all_is_counted(tmp_path: pathlib.Path) -> None:
    log = Profiled(tmp_path)
    rows = sum(rows for _, _, rows, _ in log.told()["hours"])
    for at in range(25):
        log.put(log.some(3 * HOUR + at))
        log.look(3 * HOUR + at)
    log.lost(3 * HOUR + 100.0)
    log.put(log.some(3 * HOUR + 101.0))
    log.look(3 * HOUR + 102.0)
    log.counted(3 * HOUR + 110.0)
    assert sum(rows for _, _, rows, _ in log.told()["hours"]) == rows + 26 * ROWS
    log.recorder.step(given.T0 + 4 * HOUR)
    assert any("-m" in file.path for file in log.recorder.catalogue.files())


def test_what_is_veiled_is_counted_nowhere_and_a_sampled_column_as_far_as_it_is_kept(tmp_path: pathlib.Path) -> None:
    log = Profiled(tmp_path, log=keeping.Keeping(columns=(("income", 0.5),), redact=("city",)))
    (_, _, rows, first), *_ = log.told()["hours"]
    assert "city" not in first
    log.lost(2 * HOUR + 200.0)
    log.counted(2 * HOUR + 200.0)
    (_, _, counted, again), *_ = log.told()["hours"]
    assert counted == rows
    assert "city" not in log.told()["frames"]
    assert sum(again["age"][0]) == sum(first["age"][0])
    assert 0 < sum(sum(one["income"][0]) for *_, one in log.told()["hours"] if "income" in one) < 1_500


def test_the_hours_of_who_is_forgotten_are_as_if_they_had_never_asked(tmp_path: pathlib.Path) -> None:
    log = Profiled(tmp_path)
    log.put(*(log.some(3 * HOUR + at) for at in range(5)))
    log.look(3 * HOUR + 50.0)
    without = log.told()
    log.put(*(log.some(3 * HOUR + 60.0 + at, city="Rome", key_hash=ANN) for at in range(3)))
    log.look(3 * HOUR + 70.0)
    assert log.told()["hours"] != without["hours"]
    one = erasures.Asked(erasures.fresh(), "flight-delay", erasures.KEY, given.T0 + 3 * HOUR + 80.0, key_hash=ANN.hex())
    erasures.write(log.home.erasures, erasures.ASKED, one)
    ended(log, 3 * HOUR + 80.0)
    log.counted(3 * HOUR + 120.0)
    told = log.told()
    assert told["hours"] == without["hours"]
    assert told["counts"] == without["counts"]
    assert told["words"] == without["words"]


def test_a_bin_is_called_by_no_value_that_only_who_is_forgotten_had(tmp_path: pathlib.Path) -> None:
    log = Columned(tmp_path, TAKES)
    for at in range(40):
        mine = at < 20
        rows = [{"city": "12 Ann's Road" if mine else "Ulm" if row % 2 else "Bonn"} for row in range(ROWS)]
        log.put(log.asked(at, *rows, at=float(at), key_hash=ANN if mine else b"", answers=(0.5,) * ROWS))
    log.put(log.asked(50, *[{"city": "Kiel"}] * ROWS, at=41.0, key_hash=b"", answers=(0.5,) * ROWS))
    log.look(45.0)
    classes = log.recorder.profiles.frames("flight-delay")["city"].classes
    assert classes == ("12 Ann's Road",), "the first thousand values are hers"
    one = erasures.Asked(erasures.fresh(), "flight-delay", erasures.KEY, given.T0 + 50.0, key_hash=ANN.hex())
    erasures.write(log.home.erasures, erasures.ASKED, one)
    ended(log, 50.0)
    for at in range(5):
        log.recorder.step(given.T0 + 100.0 + 11.0 * at)
    assert not log.recorder.doubts.pending
    assert log.recorder.profiles.frames("flight-delay")["city"].classes == ()
    assert "Ann's Road" not in everything(log.home)
    [(_, _, hour)] = profiled.hours(log.recorder.catalogue.connection, "flight-delay", 0, 2**40)
    assert hour.columns["city"].counts == (21 * ROWS,)


def test_a_bin_that_others_are_in_stays(tmp_path: pathlib.Path) -> None:
    log = Profiled(tmp_path)
    log.put(log.some(3 * HOUR, key_hash=ANN))
    log.look(3 * HOUR + 1.0)
    before = log.recorder.profiles.frames("flight-delay")["city"]
    one = erasures.Asked(erasures.fresh(), "flight-delay", erasures.KEY, given.T0 + 3 * HOUR + 5.0, key_hash=ANN.hex())
    erasures.write(log.home.erasures, erasures.ASKED, one)
    ended(log, 3 * HOUR + 5.0)
    log.counted(3 * HOUR + 50.0)
    assert log.recorder.profiles.frames("flight-delay")["city"] == before


def archived(log: Profiled, folder: pathlib.Path) -> None:
    """A copy of what is in the log and in segments now."""
    shutil.copytree(log.home.log, folder / "log", ignore=shutil.ignore_patterns("catalogue.db*"))
    shutil.copytree(log.home.segments, folder / "segments")


@pytest.mark.parametrize("kind", [erasures.KEY, erasures.ID, erasures.WHERE])
def test_what_was_erased_goes_again_when_it_comes_back_without_a_catalogue(tmp_path: pathlib.Path, kind: str) -> None:
    log = Profiled(tmp_path / "home")
    mine = log.some(3 * HOUR, city="12 Ann's Road " * 100, key_hash=ANN)
    log.put(mine, given.outcome(0, mine, 1.0, 3 * HOUR + 1.0), log.some(3 * HOUR + 1.0))
    log.look(3 * HOUR + 2.0)
    archived(log, tmp_path / "archive")
    what = {
        erasures.KEY: {"key_hash": ANN.hex()},
        erasures.ID: {"prediction": ids.text(mine.id)},
        erasures.WHERE: {"column": "city", "value": "12 Ann's Road " * 100},
    }[kind]
    one = erasures.Asked(erasures.fresh(), "flight-delay", kind, given.T0 + 3 * HOUR + 5.0, **what)
    erasures.write(log.home.erasures, erasures.ASKED, one)
    ended(log, 3 * HOUR + 5.0)
    [told] = erasures.told(log.home.erasures)
    assert (told.predictions, told.outcomes) == (1, 1)
    erasures.remove(log.home.erasures, erasures.TOLD, told.id)
    shutil.copytree(tmp_path / "archive" / "log", log.home.log, dirs_exist_ok=True)
    shutil.copytree(tmp_path / "archive" / "segments", log.home.segments, dirs_exist_ok=True)
    for path in log.home.log.glob("predictions/**/*-m*.parquet"):
        path.unlink()  # what the erasure had made of the file that is back
    log.writers.clear()
    log.lost(3 * HOUR + 60.0)
    log.counted(3 * HOUR + 60.0)
    assert reader.find(log.home, mine.id) is None
    assert "Ann's Road" not in "".join(one for one in everything(log.home).splitlines() if "frame" not in one)
    [again] = erasures.told(log.home.erasures)
    assert (again.kind, again.predictions, again.outcomes) == (erasures.AGAIN, 1, 1)
    place = objects.folder(log.home.log, "flight-delay", parquet.day(ids.milliseconds(mine.id) / 1e3))
    assert not any(path.read_bytes().startswith(b"12 Ann") for path in place.glob("*"))
    log.killed(3 * HOUR + 900.0)
    assert not log.recorder.erasing.pending, "once is enough"
    outcome = given.outcome(0, mine, 1.0, 3 * HOUR + 901.0)
    log.put(mine, outcome, boot="f" * 32)
    log.look(3 * HOUR + 910.0)
    assert reader.find(log.home, mine.id) is None
