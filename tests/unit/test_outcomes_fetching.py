"""Outcomes from tables: only what is new, once more after a kill at worst, and nothing silently."""

import datetime as dt
import pathlib
import sqlite3
import threading
import time
from collections.abc import Sequence
from typing import Any

import duckdb
import msgspec
import predlog_fixtures as given
import pytest

from tidegate.core.vocabulary import alarms, errors, ids, monitoring, tables
from tidegate.observability.outcomes import fetching

QUERY = "SELECT id, label, added FROM truth"
EVERY = 3_600.0


class Table:
    """A database with a table of truths, and what was posted of it."""

    def __init__(self, folder: pathlib.Path, kind: str = "sqlite") -> None:
        self.path, self.kind = folder / f"truth.{kind}", kind
        self.url = f"{kind}:///{self.path}"
        self.posted: list[dict[str, Any]] = []
        self.fails = False
        self.home = given.place(folder / "home")
        self.truth = monitoring.Truth(QUERY, "env:TRUTH", EVERY, "added")
        self.add([])

    def add(self, rows: Sequence[tuple[str, object, object]]) -> None:
        connection: Any = sqlite3.connect(self.path) if self.kind == "sqlite" else duckdb.connect(str(self.path))
        kind = "TEXT" if self.kind == "sqlite" else "TIMESTAMP"
        connection.execute(f"CREATE TABLE IF NOT EXISTS truth (id TEXT, label TEXT, added {kind})")
        for row in rows:
            connection.execute("INSERT INTO truth VALUES (?, ?, ?)", row)
        connection.commit()
        connection.close()

    def post(self, entries: Sequence[dict[str, Any]]) -> None:
        if self.fails:
            raise errors.WorkerUnavailable("the gateway does not answer.")
        self.posted += entries

    def watch(self) -> fetching.Fetching:
        return fetching.Fetching(self.home, self.post, lambda _: self.url)

    def take(self) -> list[str]:
        """What was posted this time, by id."""
        self.posted = []
        self.watch().take("flight-delay", self.truth, 0.0)
        return [one["id"] for one in self.posted]


def name(number: int) -> str:
    return ids.text(given.identifier(number))


def at(minute: int) -> dt.datetime:
    return dt.datetime(2026, 3, 1, 12, minute)  # noqa: DTZ001 - as databases have them


@pytest.mark.parametrize("kind", ["sqlite", "duckdb"])
def test_only_rows_from_the_watermark_on_are_taken_and_ties_once(tmp_path: pathlib.Path, kind: str) -> None:
    table = Table(tmp_path, kind)
    stamp = (lambda minute: at(minute).isoformat(" ")) if kind == "sqlite" else at
    table.add([(name(2), "1", stamp(2)), (name(1), "0", stamp(1)), (name(3), "1", stamp(2))])
    assert table.take() == [name(1), name(2), name(3)]
    assert table.take() == []
    table.add([(name(4), "1", stamp(2)), (name(5), "1", stamp(3)), (name(0), "1", stamp(0))])
    assert table.take() == [name(4), name(5)]
    assert table.take() == []


def test_without_a_watermark_rows_are_known_by_themselves_and_a_changed_one_is_new(tmp_path: pathlib.Path) -> None:
    table = Table(tmp_path)
    table.truth = msgspec.structs.replace(table.truth, watermark="")
    table.add([(name(1), "0", "a"), (name(2), "0", "b")])
    assert table.take() == [name(1), name(2)]
    table.add([(name(1), "1", "c")])
    assert table.take() == [name(1)]
    assert table.take() == []


def test_another_query_begins_anew(tmp_path: pathlib.Path) -> None:
    table = Table(tmp_path)
    table.add([(name(1), "0", "a")])
    assert table.take() == [name(1)]
    table.truth = msgspec.structs.replace(table.truth, query=QUERY + " WHERE label != ':x'")
    assert table.take() == [name(1)]


def test_what_was_not_acknowledged_is_asked_for_again(tmp_path: pathlib.Path) -> None:
    table = Table(tmp_path)
    table.add([(name(number), "1", f"{number:04}") for number in range(1_200)])
    table.fails = True
    with pytest.raises(errors.WorkerUnavailable):
        table.take()
    table.fails = False
    assert len(table.take()) == 1_200


def test_a_file_needs_no_address(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "truth.csv"
    path.write_text(f"id,label\n{name(1)},1\n")
    table = Table(tmp_path)
    table.truth = monitoring.Truth(f"SELECT * FROM read_csv('{path}')")
    assert table.take() == [name(1)]


def test_rows_that_are_no_outcomes_are_listed_and_hold_nothing_up(tmp_path: pathlib.Path) -> None:
    table = Table(tmp_path)
    table.add([("nonsense", "1", "a"), (name(1), None, "b"), (name(2), "1", "c")])
    assert table.take() == [name(2)]
    listed = fetching.refused(table.home, "flight-delay")
    assert [one.words.partition(".")[0] for one in listed] == [
        "row 2: the label is empty",
        "row 1: 'nonsense' is not a prediction id",
    ]
    assert table.take() == []


@pytest.mark.parametrize(
    ("truth", "url", "says"),
    [
        (monitoring.Truth("SELECT * FROM nowhere", "env:T"), "", "no such table"),
        (monitoring.Truth("SELECT id FROM truth", "env:T", EVERY, "when"), "", "no column when"),
        (monitoring.Truth(QUERY, "env:T"), "sqlite:////nowhere.db", "no such file"),
        (monitoring.Truth(QUERY, "env:T"), "no address", "holds no SQLAlchemy address"),
        (monitoring.Truth(QUERY, "env:T"), "duckdb:////nowhere.db", "no such file"),
        (monitoring.Truth(QUERY, "env:T"), "postgresql+psycopg://ann:secret@127.0.0.1:1/x", "cannot be asked"),
    ],
)
def test_a_table_that_cannot_be_asked_says_why_and_nothing_secret(tmp_path: pathlib.Path, truth, url, says) -> None:
    table = Table(tmp_path)
    table.add([(name(1), "1", "a")])
    watch = fetching.Fetching(table.home, table.post, lambda _: url or table.url)
    with pytest.raises(errors.OutcomeInvalid, match=says) as raised:
        watch.take("flight-delay", truth, 0.0)
    assert "secret" not in str(raised.value)


def settled(watch: fetching.Fetching, now: float) -> list[alarms.Alarm]:
    """What a look says once the table has been asked."""
    list(watch.look(now))
    for one in threading.enumerate():
        if one.name in watch._asked:
            one.join(20)
    return list(watch.look(now))


def test_trouble_is_an_alarm_with_the_cure_until_it_is_over(tmp_path: pathlib.Path) -> None:
    table = Table(tmp_path)
    table.add([(name(1), "1", "a")])
    route = tables.Route(
        "flight-delay", "production", tables.Deployed(1, "d" * 64, "m"), monitors=monitoring.Monitors(truth=table.truth)
    )
    table.home.table.write_bytes(msgspec.json.encode(tables.Table(2, 1, {"flight-delay": route})))
    watch, now = table.watch(), time.time()
    table.fails = True
    (alarm,) = settled(watch, now)
    assert (alarm.kind, alarm.endpoint, alarm.subject) == (alarms.Kind.OUTCOMES, "flight-delay", "query")
    assert "the gateway does not answer" in alarm.words
    table.fails = False
    assert settled(watch, now + 5) == [alarm], "it is tried again when it is due"
    table.add([("nonsense", "1", "b")])
    (alarm,) = settled(watch, now + fetching.RETRY_SECONDS + 60)
    assert "1 row of the table cannot be taken" in alarm.words
    assert alarm.next == "tidegate feedback flight-delay --rejected"
    assert [one["id"] for one in table.posted] == [name(1)]
    assert settled(watch, now + EVERY + 120) == []


def test_a_clock_that_was_ahead_keeps_no_table_waiting(tmp_path: pathlib.Path) -> None:
    table = Table(tmp_path)
    route = tables.Route("flight-delay", "production", tables.Deployed(1, "d" * 64, "m"))
    watched = msgspec.structs.replace(route, monitors=monitoring.Monitors(truth=table.truth))
    table.home.table.write_bytes(msgspec.json.encode(tables.Table(1, 0, {"flight-delay": watched})))
    watch = table.watch()
    now = time.time()
    for at in (now, now + 1.0, now - 30.0 * EVERY):
        table.posted = []
        table.add([(name(int(now - at) + 5), "1", f"{int(1e9 - at):012}")])
        settled(watch, at)
        assert len(table.posted) == (at != now + 1.0), "once in each interval"
