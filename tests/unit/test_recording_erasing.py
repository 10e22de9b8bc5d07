"""Who asks to be forgotten is nowhere in the log, and everybody else is there once; wherever it is interrupted."""

import pathlib
from typing import Any

import msgspec
import predlog_fixtures as given
import pytest
from columns_fixtures import TAKES, Columned, ended, everything, spoil
from pairs_fixtures import copied

from tests.unit.recording_fixtures import Killed, killing
from tidegate.core.vocabulary import assignment, erasures, explanations, ids, keeping, records, tables
from tidegate.dataplane.predlog import erasing, explained, parquet, reader, recorded, shipped
from tidegate.dataplane.wire import samples
from tidegate.observability.joining import entities

ANN, BOB = (assignment.digest(name) for name in (b"user-42", b"user-7"))
SECRET, PLAIN = "ann of the long name " * 100, "bob of the long name " * 100
CANDIDATE = tables.Deployed(2, "e" * 64, "m")


class Asked(Columned):
    """A log of two people, mirrored, with outcomes, posted values and large texts."""

    def __init__(self, root: pathlib.Path, **route: Any) -> None:
        whole = {"mirror": 1_000, "candidate": CANDIDATE, "outcomes": tables.Outcomes(within_seconds=10.0, lookback_seconds=60.0)}
        super().__init__(root, TAKES, **(whole | route))

    def met(self, begin: int = 0, at: float = 0.0, count: int = 3) -> list[records.Prediction]:
        """So many requests of each of the two, with all that may come with them; the first person's."""
        mine = []
        for number in range(begin, begin + count):
            for key, text in ((ANN, SECRET), (BOB, PLAIN)):
                one = self.asked(
                    2 * number + (key == BOB), {"age": number, "name": text}, at=at + (number - begin) / 10, key_hash=key
                )
                label = given.outcome(0, one, 1.0, at + 1.0, metric="" if number % 2 else "revenue")
                self.put(one, copied(one), label)
                mine += [one] if key == ANN else []
        posted = given.outcome(0, mine[0], 5.0, at + 2.0, metric="basket", endpoint="flight-delay", key_hash=ANN)
        self.put(msgspec.structs.replace(posted, id=given.identifier(900 + begin, at)))
        return mine

    def ask(self, at: float, **more: str) -> str:
        """Have it asked for, at seconds after T0."""
        told = {"kind": erasures.KEY, "key_hash": ANN.hex(), "actor": "ann", "reason": "her request"} | more
        one = erasures.Asked(erasures.fresh(), "flight-delay", at=given.T0 + at, **told)
        erasures.write(self.home.erasures, erasures.ASKED, one)
        return one.id

    def ask_together(self, at: float, *keys: bytes) -> list[str]:
        """Have several keys asked for at once."""
        several = [
            erasures.Asked(erasures.fresh(), "flight-delay", erasures.KEY, given.T0 + at, key_hash=key.hex()) for key in keys
        ]
        return [one.id for one in erasures.ask(self.home.erasures, several)]

    def done(self) -> dict[str, erasures.Told]:
        """What was told, by id."""
        return {one.id: one for one in erasures.told(self.home.erasures)}

    def keys(self) -> list[tuple[str, int]]:
        """(key hash, predictions) that DuckDB finds."""
        if not list((self.home.log / parquet.PREDICTIONS).rglob(f"*{parquet.SUFFIX}")):
            return []
        return self.query("SELECT key_hash, count(*) FROM p GROUP BY ALL ORDER BY ALL")


def test_a_person_is_nowhere_and_the_other_is_as_before(tmp_path: pathlib.Path) -> None:
    log = Asked(tmp_path)
    mine = log.met()
    log.look(3.0)
    assert SECRET in everything(log.home)
    identifier = log.ask(4.0)
    ended(log, 4.0)
    told = log.done()[identifier]
    assert (told.predictions, told.outcomes, told.objects, told.aside) == (6, 4, 1, 0)
    assert told.noted > 0
    assert (told.kind, told.subject, told.actor, told.reason) == ("key", ANN.hex(), "ann", "her request")
    assert log.keys() == [(BOB.hex(), 6)]
    found = everything(log.home)
    assert SECRET not in found
    assert PLAIN in found
    assert not any(one.id.hex() in found.lower() or ids.text(one.id) in found for one in mine)
    assert f"x'{ANN.hex()}'" not in found.lower(), "the tombstone says it in words, no row has it as its key"
    assert not samples.path(log.home.warm, "flight-delay").exists()
    assert not list(log.home.segments.glob("*.seg"))
    assert all(reader.find(log.home, one.id) is None for one in mine)
    labelled = log.query("SELECT count(*) FROM p")[0][0]
    assert labelled == 6
    assert [one.name for one in log.home.erasures.iterdir() if erasures.ASKED in one.name] == []


def test_what_is_deleted_from_the_catalogue_is_overwritten_whatever_sqlite_does_by_itself(tmp_path: pathlib.Path) -> None:
    log = Asked(tmp_path)
    assert log.recorder.catalogue.connection.execute("PRAGMA secure_delete").fetchone() == (1,)


def test_explanations_of_a_person_go_and_those_of_others_stay(tmp_path: pathlib.Path) -> None:
    log = Asked(tmp_path)
    mine = log.met()
    log.look(3.0)
    theirs = [given.identifier(1), given.identifier(3, 0.1)]
    told = [(one.id, SECRET) for one in mine] + [(one, PLAIN) for one in theirs]
    explained.write(log.home.explanations, [explanation(identifier, text) for identifier, text in told])
    assert SECRET in everything(log.home)
    log.ask(4.0)
    ended(log, 4.0)
    assert SECRET not in everything(log.home)
    assert not any(explained.find(log.home.explanations, one.id) for one in mine)
    assert all(explained.find(log.home.explanations, one) for one in theirs)


def explanation(identifier: bytes, name: str) -> explanations.Explanation:
    whole = explanations.Explained("the answer", 0.5, 0.5, (explanations.Contribution("name", name, 0.0),), "m", True, 20)
    shown = ids.text(identifier)
    return explanations.Explanation(
        shown, 0, "production", "flight-delay", "v1", "d" * 64, 0.5, 0.5, explanations.EXACTLY, whole, "20 rows", 1.0
    )


def test_asked_again_it_finds_nothing(tmp_path: pathlib.Path) -> None:
    log = Asked(tmp_path)
    log.met()
    log.ask(4.0)
    ended(log, 4.0)
    again = log.ask(5.0)
    ended(log, 40.0)
    told = log.done()[again]
    assert (told.predictions, told.outcomes, told.noted, told.objects) == (0, 0, 0, 0)


def test_one_prediction_goes_by_its_id(tmp_path: pathlib.Path) -> None:
    log = Asked(tmp_path)
    one, *others = log.met()
    log.look(3.0)
    identifier = log.ask(4.0, kind=erasures.ID, prediction=ids.text(one.id), key_hash="")
    ended(log, 4.0)
    told = log.done()[identifier]
    assert (told.predictions, told.outcomes, told.subject) == (2, 1, "one prediction")
    assert reader.find(log.home, one.id) is None
    assert all(reader.find(log.home, other.id) is not None for other in others)
    assert SECRET in everything(log.home), "others refer to it"
    log.put(one, given.outcome(0, one, 0.0, 90.0))
    log.look(95.0)
    assert reader.find(log.home, one.id) is None


@pytest.mark.parametrize(
    ("column", "value", "gone"), [("name", SECRET, 6), ("age", "1", 4), ("age", "1.0", 4), ("age", "x", 0), ("shoe", "1", 0)]
)
def test_whoever_has_a_value_goes_by_it(tmp_path: pathlib.Path, column: str, value: str, gone: int) -> None:
    log = Asked(tmp_path, mirror=0)
    log.met()
    log.put(log.asked(50, {"age": 77, "name": None}, {"age": 1, "name": "cy"}, at=2.0, key_hash=b""))
    identifier = log.ask(4.0, kind=erasures.WHERE, column=column, value=value, key_hash="")
    ended(log, 4.0)
    told = log.done()[identifier]
    # Copies have their request's id, and no input; a request goes with all its rows.
    assert told.predictions == gone + (gone == 4)
    assert told.subject == column
    left = everything(log.home)
    assert value not in left.replace(PLAIN, "") or value in ("1", "1.0", "x")


def test_what_comes_late_is_dropped_and_who_comes_back_is_somebody_new(tmp_path: pathlib.Path) -> None:
    log = Asked(tmp_path)
    first, *_ = log.met()
    log.look(3.0)
    log.ask(4.0)
    ended(log, 4.0)
    late = log.asked(70, {"age": 1, "name": "late"}, at=3.5, key_hash=ANN)
    log.put(given.outcome(0, late, 1.0, 3.6))
    log.look(40.0)
    log.put(late, given.outcome(0, first, 0.0, 41.0))
    back = log.asked(80, {"age": 1, "name": "back"}, at=41.0, key_hash=ANN)
    log.put(back, given.outcome(0, back, 1.0, 42.0))
    ended(log, 43.0)
    assert log.keys() == [(ANN.hex(), 1), (BOB.hex(), 6)]
    assert [row[0] for row in log.query("SELECT in_name[1] FROM p WHERE in_name[1] IN ('late', 'back')")] == ["back"]
    assert reader.outcomes(log.home.log, [first.id, late.id]) == []
    assert len(reader.outcomes(log.home.log, [back.id])) == 1
    assert log.fact("erased_late") == 2


def test_a_key_that_outcomes_are_matched_by_is_one_to_be_forgotten_by(tmp_path: pathlib.Path) -> None:
    rule = tables.Outcomes(within_seconds=10.0, lookback_seconds=60.0, key="name")
    log = Asked(tmp_path, outcomes=rule, mirror=0)
    log.put(*(log.asked(at, {"age": at, "name": name}, key_hash=b"") for at, name in enumerate(("ann", "bob"))))
    log.look(1.0)
    identifier = log.ask(4.0, key_hash=assignment.digest(b"ann").hex())
    ended(log, 4.0)
    assert log.done()[identifier].predictions == 1
    assert log.query("SELECT in_name[1] FROM p") == [("bob",)]
    index = entities.Entities(log.recorder.catalogue.connection, log.recorder._reader)
    assert index.of("flight-delay", assignment.digest(b"ann")) == set()


def test_nobody_is_forgotten_elsewhere(tmp_path: pathlib.Path) -> None:
    log = Asked(tmp_path)
    mine = log.met()
    log.put(msgspec.structs.replace(mine[0], endpoint="other", id=given.identifier(999)))
    log.ask(4.0)
    ended(log, 4.0)
    assert log.query("SELECT endpoint, count(*) FROM p WHERE key_hash = '" + ANN.hex() + "' GROUP BY ALL") == [("other", 1)]


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("step", range(1, 12))
def test_a_kill_before_or_after_any_commit_undoes_nothing_and_leaves_nobody(
    tmp_path: pathlib.Path, step: int, after: bool
) -> None:
    log = Asked(tmp_path)
    for number in range(3):
        log.met(10 * number, at=float(number), count=2)
        log.look(number + 0.9)
    identifier = log.ask(4.0)
    for writer in log.writers.values():
        writer.end()
        writer.sync()
    try:
        with killing(step, after=after):
            log.recorder.step(given.T0 + 15.0)
            log.recorder.step(given.T0 + 30.0)
    except Killed:
        log.killed(31.0)
    for at in (32.0, 50.0, 70.0):
        log.recorder.step(given.T0 + at)
    told = log.done()[identifier]
    assert (told.predictions, log.keys()) == (12, [(BOB.hex(), 12)])
    assert SECRET not in everything(log.home)
    files = {file.path for file in log.recorder.catalogue.files()}
    assert {path.relative_to(log.home.log).as_posix() for path in log.home.log.rglob("*.parquet")} == files
    assert not log.recorder.erasing.pending


def test_a_damaged_file_hides_nobody(tmp_path: pathlib.Path) -> None:
    log = Asked(tmp_path)
    log.met()
    log.look(3.0)
    [file] = (one for one in log.recorder.catalogue.files(parquet.PREDICTIONS))
    path = log.home.log / file.path
    path.write_bytes(path.read_bytes()[:-9])
    identifier = log.ask(4.0)
    ended(log, 4.0)
    told = log.done()[identifier]
    assert told.aside == 1, "it lies aside, and is to be deleted by hand"
    assert log.recorder.catalogue.files(parquet.PREDICTIONS) == []


@pytest.mark.parametrize("table", [parquet.PREDICTIONS, parquet.OUTCOMES])
def test_pages_that_are_not_what_was_written_stop_neither_erasing_nor_recording(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, table: str
) -> None:
    log = Asked(tmp_path)
    log.met()
    log.look(3.0)
    log.met(begin=10, at=3.0)
    log.look(6.0)
    spoil(log.home.log / log.recorder.catalogue.files(table)[0].path)
    monkeypatch.setattr(log.recorder.mending, "look", lambda _: 0)  # whose turn comes later in a log of many files
    identifier = log.ask(7.0)
    ended(log, 7.0)
    assert log.done()[identifier].aside == 1
    left = log.keys()
    assert [key for key, _ in left] == [BOB.hex()]
    assert not log.recorder.erasing.pending


def test_a_lost_catalogue_brings_nobody_back(tmp_path: pathlib.Path) -> None:
    log = Asked(tmp_path)
    mine = log.met()
    log.look(3.0)
    log.ask(4.0)
    ended(log, 4.0)
    log.recorder.close()
    for path in log.home.log.glob("catalogue.db*"):
        path.unlink()
    log.killed(50.0)
    log.put(mine[0], log.asked(99, {"age": 3}, key_hash=b"", at=51.0))
    log.look(52.0)
    assert log.keys() == [("", 1), (BOB.hex(), 6)]


@pytest.mark.parametrize("raw", [None, b"", b'{"id": "\xff"}'])
def test_a_tombstone_that_is_lost_or_damaged_is_there_again_and_brings_nobody_back(
    tmp_path: pathlib.Path, raw: bytes | None
) -> None:
    log = Asked(tmp_path)
    log.met()
    log.look(3.0)
    identifier = log.ask(4.0)
    ended(log, 4.0)
    path = log.home.erasures / f"{identifier}{erasures.KEPT}"
    before = path.read_bytes()
    path.unlink() if raw is None else path.write_bytes(raw)
    log.killed(50.0)
    assert path.read_bytes() == before
    log.put(log.asked(70, {"age": 1}, at=3.5, key_hash=ANN))
    log.look(51.0)
    assert ANN.hex() not in dict(log.keys())
    assert log.fact("erased_late") == 1


def test_an_erasure_that_cannot_be_read_is_passed_over(tmp_path: pathlib.Path) -> None:
    log = Asked(tmp_path)
    log.met()
    log.home.erasures.mkdir()
    (log.home.erasures / f"broken{erasures.ASKED}").write_bytes(b"{")
    identifier = log.ask(4.0)
    ended(log, 4.0)
    assert log.done()[identifier].predictions == 6


def test_what_is_erased_before_a_sink_had_it_is_never_shipped(tmp_path: pathlib.Path) -> None:
    log = Asked(tmp_path, log=keeping.Keeping(sinks=(keeping.Sink("env:SINK", outcomes=True),)))
    log.met()
    log.look(3.0)
    [begun] = shipped.positions(log.home.log)
    log.ask(4.0)
    ended(log, 4.0)
    book = recorded.Book(log.home.log, "flight-delay", outcomes=True)
    book.look()
    chunk = book.chunk(begun.moment)
    assert chunk is not None
    rows = {one.partition.table: one.rows for one in chunk.parts}
    assert set(rows["predictions"]["key_hash"].to_pylist()) == {BOB.hex()}
    assert rows["outcomes"].num_rows == 3


def test_a_value_that_somebody_is_found_by_is_in_no_profile_and_no_example(tmp_path: pathlib.Path) -> None:
    log = Asked(tmp_path, mirror=0)
    names = ["ann@example.org"] * 30 + [f"person-{number % 7}" for number in range(1_970)]
    for begin in range(0, 2_000, 250):
        rows = [{"age": begin + at, "name": name} for at, name in enumerate(names[begin : begin + 250])]
        log.put(log.asked(begin, *rows, at=begin / 1_000, key_hash=b"", answers=(0.5,) * 250))
        log.look(begin / 1_000)
    assert "ann@example.org" in str(log.recorder.profiles.frames("flight-delay"))
    identifier = log.ask(4.0, kind=erasures.WHERE, column="name", value="ann@example.org", key_hash="")
    ended(log, 4.0)
    assert log.done()[identifier].predictions == 1
    log.killed(60.0)
    assert set(log.recorder.profiles.frames("flight-delay")) >= {"age", "prediction"}
    assert "ann@example.org" not in str(log.recorder.profiles.frames("flight-delay"))
    assert "ann@example.org" not in everything(log.home)
    gone = ids.text(given.identifier(0)).replace("-", "")
    assert gone not in everything(log.home).lower()


def counted(one: erasures.Told) -> tuple[int, ...]:
    return (one.predictions, one.outcomes, one.noted, one.objects, one.aside)


def test_several_who_ask_together_are_counted_as_if_each_had_asked_alone(tmp_path: pathlib.Path) -> None:
    alone, together = Asked(tmp_path / "alone"), Asked(tmp_path / "together")
    for log in (alone, together):
        log.met()
        log.look(3.0)
    apart = []
    for at, key in ((4.0, ANN), (40.0, BOB)):
        apart.append(alone.ask(at, key_hash=key.hex()))
        ended(alone, at)
    at_once = together.ask_together(4.0, ANN, BOB)
    ended(together, 4.0)
    told = [[counted(log.done()[one]) for one in asked] for log, asked in ((alone, apart), (together, at_once))]
    assert told[0] == told[1]
    assert [one[:2] for one in told[1]] == [(6, 4), (6, 3)]
    assert [one[3] for one in told[1]] == [1, 1]
    assert together.keys() == []
    found = everything(together.home)
    assert SECRET not in found
    assert PLAIN not in found
    assert not list(together.home.erasures.glob(f"*{erasures.ASKED}"))


def test_however_many_ask_together_each_file_is_written_at_most_once_more(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = Asked(tmp_path, mirror=0)
    people = [assignment.digest(f"user-{number}".encode()) for number in range(1_200)]
    for file in range(6):
        mine = [
            log.asked(1_200 * file + number, {"age": number}, at=file + number / 1_200, key_hash=key)
            for number, key in enumerate(people)
            if (number + file) % 6 < 2
        ]
        log.put(*mine, *(given.outcome(0, one, 1.0, file + 1.0) for one in mine))
        log.look(float(file))
    files = {one.path for one in log.recorder.catalogue.files()}
    assert len(files) == 12
    read: list[str] = []
    made: list[str] = []

    def reading(folder: pathlib.Path, file: parquet.File, *more: Any) -> Any:
        read.append(file.path)
        return meant(folder, file, *more)

    def making(folder: pathlib.Path, name: str, file: parquet.File, rows: Any) -> parquet.File:
        made.append(file.path)
        return rewritten(folder, name, file, rows)

    meant, rewritten = erasing.meant, parquet.rewritten
    monkeypatch.setattr(erasing, "meant", reading)
    monkeypatch.setattr(parquet, "rewritten", making)
    asked = log.ask_together(11.0, *people[:1_000])
    ended(log, 11.0)
    for at in range(1, 1_000):  # telling takes its time
        if not log.recorder.erasing.pending:
            break
        log.recorder.step(given.T0 + 11.0 + at)
    told = log.done()
    assert [(told[one].predictions, told[one].outcomes) for one in asked] == [(2, 2)] * 1_000
    assert sorted(made) == sorted(files)
    assert len(read) == len(set(read)) == 6
    assert log.query("SELECT count(*) FROM p") == [(400,)]


def test_who_is_meant_twice_is_counted_once_with_who_asked_first(tmp_path: pathlib.Path) -> None:
    log = Asked(tmp_path, mirror=0)
    mine = log.met()
    log.look(3.0)
    by_id = erasures.Asked(erasures.fresh(), "flight-delay", erasures.ID, given.T0 + 4.0, prediction=ids.text(mine[1].id))
    by_key = erasures.Asked(erasures.fresh(), "flight-delay", erasures.KEY, given.T0 + 4.0, key_hash=ANN.hex())
    by_value = msgspec.structs.replace(by_id, id=erasures.fresh(), kind=erasures.WHERE, prediction="", column="age", value="2")
    other = msgspec.structs.replace(by_value, id=erasures.fresh(), value="0.0")
    erasures.ask(log.home.erasures, [by_id, by_key, by_value, other])
    ended(log, 5.0)
    told = log.done()
    counts = [(told[one.id].predictions, told[one.id].outcomes) for one in (by_id, by_key, by_value, other)]
    assert counts == [(2, 1), (4, 3), (2, 1), (2, 1)], "a basket was posted for the key; of the others, its rows are left"
    assert log.keys() == [(BOB.hex(), 2)]


def test_who_asks_while_files_are_gone_through_goes_in_the_next_walk(tmp_path: pathlib.Path) -> None:
    log = Asked(tmp_path)
    for number in range(3):
        log.met(10 * number, at=float(number), count=2)
        log.look(number + 0.9)
    erasing_now = log.recorder.erasing
    log.ask_together(4.0, ANN)
    erasing_now.hear()
    ticks = iter([0.0, 0.0, *[9.0] * 20])
    erasing_now.step("9-x", given.T0 + 5.0, given.T0 + 5.0, clock=lambda: next(ticks))
    assert log.keys() == [(ANN.hex(), 8), (BOB.hex(), 12)], "one file, and the time was up"
    [second] = log.ask_together(5.0, BOB)
    ended(log, 6.0)
    assert log.keys() == []
    assert log.done()[second].predictions == 12


def test_who_is_looked_for_by_a_value_waits_for_what_is_unread_and_nobody_waits_for_them(tmp_path: pathlib.Path) -> None:
    log = Asked(tmp_path, mirror=0)
    log.met()
    log.look(3.0)
    [by_key] = log.ask_together(4.0, ANN)
    by_value = log.ask(4.0, kind=erasures.WHERE, column="age", value="1", key_hash="")
    erasing_now = log.recorder.erasing
    erasing_now.hear()
    for number in range(3):
        erasing_now.step(f"9-{number}", given.T0 + 5.0, given.T0 + 3.5)
    assert log.keys() == [(BOB.hex(), 6)]
    assert erasing_now.sweeping
    ended(log, 5.0)
    assert log.keys() == [(BOB.hex(), 4)]
    told = log.done()
    assert (told[by_key].predictions, told[by_value].predictions) == (6, 2)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("step", range(1, 14, 2))
def test_a_kill_while_several_are_erased_takes_nobody_out_of_their_counts(tmp_path: pathlib.Path, step: int, after: bool) -> None:
    log = Asked(tmp_path)
    for number in range(3):
        log.met(10 * number, at=float(number), count=2)
        log.look(number + 0.9)
    asked = log.ask_together(4.0, ANN, BOB)
    for writer in log.writers.values():
        writer.end()
        writer.sync()
    try:
        with killing(step, after=after):
            log.recorder.step(given.T0 + 15.0)
            log.recorder.step(given.T0 + 30.0)
    except Killed:
        log.killed(31.0)
    for at in (32.0, 50.0, 70.0):
        log.recorder.step(given.T0 + at)
    told = log.done()
    assert [(told[one].predictions, told[one].outcomes) for one in asked] == [(12, 9), (12, 6)]
    assert log.keys() == []
    assert not log.recorder.erasing.pending
    log.recorder.close()
    for path in log.home.log.glob("catalogue.db*"):
        path.unlink()
    log.killed(100.0)
    log.put(*(log.asked(500 + at, {"age": 3}, key_hash=key, at=3.5) for at, key in enumerate((ANN, BOB))))
    log.look(101.0)
    assert log.keys() == [], "hashes of both are in one file"
