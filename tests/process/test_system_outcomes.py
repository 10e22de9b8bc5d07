"""Ground truth by every way it comes, through real processes: from files, by key and time, from a table over a kill -9."""

import csv
import json
import pathlib
import re
import shlex
import sqlite3
import subprocess
import sys
import time
import urllib.request

import pytest

from tests.process import living

RULE = "outcomes: {kind: probability, lookback: 1h, key: sepal_length}"
ROW = {"sepal_length": 6.3, "sepal_width": 3.3, "petal_length": 6.0, "petal_width": 2.5}


def ask(system: living.Living, **more: float) -> str:
    """One prediction; its id."""
    body = json.dumps({"records": [ROW | more]}).encode()
    asked = urllib.request.Request(f"{system.address}/endpoints/iris/predict", body, {"content-type": "application/json"})
    with urllib.request.urlopen(asked, timeout=10) as answered:
        return str(answered.headers["tidegate-prediction-id"])


def fact(system: living.Living, name: str) -> int:
    with system.api as asked:
        return int(asked.status()["recorder"].get(name, 0))


def test_truth_comes_from_files_by_key_and_from_a_table_over_a_kill(
    tmp_path: pathlib.Path, models: pathlib.Path, monkeypatch
) -> None:
    database = tmp_path / "truth.db"
    connection = sqlite3.connect(database)
    connection.execute("CREATE TABLE truth (id TEXT, label INTEGER, number INTEGER)")
    connection.commit()
    monkeypatch.setenv("TRUTH_URL", f"sqlite:///{database}")
    table = "query: 'select id, label, number from truth', url: {env: TRUTH_URL}, every: 1s, watermark: number"
    rule = f"outcomes: {{kind: probability, lookback: 1h, key: sepal_length, {table}}}"
    with living.alive(tmp_path, models, rule) as system:
        asked = [ask(system, sepal_length=5.0 + number) for number in range(6)]
        # From a file, with columns by other names, and a word where a number is needed.
        (tmp_path / "truth.csv").write_text(f"prediction,virginica\n{asked[0]},1\n{asked[1]},perhaps\n")
        said = system.run("feedback", "iris", "--file", "truth.csv", "--id", "prediction", "--label", "virginica")
        assert said.startswith("2 outcomes accepted: 1 joined to their predictions\n  1 put aside: the label cannot be held"), (
            said
        )
        # By key and time, the next second.
        now = f"{time.time() + 1:.3f}"
        assert "1 outcome accepted" in system.run("feedback", "iris", "0", "--key", "7", "--time", now)
        living.wait(lambda: fact(system, "joined") == 2 and fact(system, "rejected") == 1, what="the file and the key")
        assert json.loads(system.run("trace", asked[2], "--json"))["outcomes"][0]["label"] == 0.0
        listed = json.loads(system.run("feedback", "iris", "--rejected", "--json"))
        assert [(one["reason"], one["for"], one["label"]) for one in listed["newest"]] == [("type", asked[1], "perhaps")]
        assert "put aside (`tidegate feedback --rejected`)" in system.run("status")
        # From a table, whose watcher is killed meanwhile.
        add(connection, [(asked[3], 1, 1), ("nonsense", 1, 2)])
        living.wait(lambda: fact(system, "joined") == 3, what="the first row of the table")
        system.kill(system.instance("monitor"))
        add(connection, [(asked[4], 0, 3), (asked[5], 1, 4)])
        living.wait(lambda: fact(system, "joined") == 5, what="the rows after the kill")
        assert fact(system, "unmatched") == 0
        listed = json.loads(system.run("feedback", "iris", "--rejected", "--json"))
        assert [json.loads(one["row"])["id"] for one in listed["rows"]] == ["nonsense"]
        # A table that is gone is an alarm with its cure.
        connection.execute("ALTER TABLE truth RENAME TO moved")
        connection.commit()
        living.wait(lambda: "alarm outcomes: iris: outcomes do not come" in system.run("status"), what="the alarm")


@pytest.fixture(scope="module")
def system(tmp_path_factory, models):
    with living.alive(tmp_path_factory.mktemp("labelled"), models, RULE) as found:
        yield found


def test_performance_and_a_labelled_sample(system: living.Living) -> None:
    with living.Traffic(system.address, 100) as traffic:
        living.wait(lambda: traffic.answered > 600, 60, what="answers")
    ids = dict(traffic.ids)
    living.wait(lambda: fact(system, "recorded") >= len(ids), what="all to be recorded")
    # Nothing is labelled yet: a sheet of doubtful predictions is filled in, and taken back.
    sheet = system.folder / "sheet.csv"
    said = json.loads(
        system.run("label", "iris", "--sample", "100", "--strategy", "uncertain", "--since", "1h", "--out", "sheet.csv", "--json")
    )
    assert said["handed_out"] == 100
    lines = list(csv.DictReader(sheet.open()))
    assert {"task", "id", "label", "answer", *living.COLUMNS} == set(lines[0])
    filled = [line | {"label": ids[line["id"]] if number else ""} for number, line in enumerate(lines)]
    with sheet.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(lines[0]))
        writer.writeheader()
        writer.writerows(filled)
    assert "99 labels accepted, 1 left open" in system.run("label", "iris", "--take", "sheet.csv")
    living.wait(lambda: fact(system, "joined") == 99, what="the sample to be joined")

    def standing() -> dict:
        return json.loads(system.run("performance", "iris", "--since", "1h", "--json"))["standings"][0]

    found = living.wait(lambda: (told := standing())["labelled"] == 99 and told, what="the sample in the log")
    assert found["by_chance"]
    accuracy = found["headline"]["metrics"][0]
    wrong = [line for line in filled[1:] if (float(line["answer"]) >= 0.5) != (int(line["label"]) == 1)]
    assert accuracy["value"] > 1 - len(wrong) / 99 - 1e-9, "doubtful predictions do not count as all do"
    # Then truth comes for all.
    labels = system.folder / "truth.csv"
    labels.write_text("id,label\n" + "".join(f"{name},{label}\n" for name, label in ids.items()))
    system.run("feedback", "iris", "--file", "truth.csv")
    living.wait(lambda: standing()["labelled"] == len(ids), what="all the truth in the log")
    with system.api as asked:
        told = asked.performance("iris", since="1h", by="day", segment="")
    (found,) = told["standings"]
    assert (found["by_chance"], found["sampled"], told["kind"]) == (False, 0, "probability")
    shown = system.run("performance", "iris", "--since", "1h", "--by", "day")
    assert "accuracy" in shown


def test_a_correction_speaks_and_a_repeat_does_not(system: living.Living) -> None:
    one, before = ask(system), fact(system, "duplicate")
    for label, version in ((0, 1), (1, 1), (1, 2)):
        path = system.folder / "truth.csv"
        path.write_text(f"prediction,late,seen\n{one},{label},{version}\n")
        system.run("feedback", "iris", "--file", "truth.csv", "--id", "prediction", "--label", "late", "--version", "seen")
    living.wait(lambda: fact(system, "duplicate") == before + 1, what="the repeat to be dropped")

    def heard() -> list[tuple[float, int]]:
        return [(told["label"], told["label_version"]) for told in json.loads(system.run("trace", one, "--json"))["outcomes"]]

    assert living.wait(lambda: len(heard()) == 2 and heard(), what="both in the trace") == [(0.0, 1), (1.0, 2)]


def test_the_commands_of_the_page_run_as_they_are_written(system: living.Living) -> None:
    """In their order, with an endpoint and columns that there are."""
    page = (pathlib.Path(__file__).parents[2] / "docs" / "outcomes.md").read_text()
    commands = re.findall(r"^\$ tidegate (.+)$", page, re.MULTILINE)
    assert len(commands) == 6
    before = fact(system, "recorded")
    asked = [ask(system, sepal_length=4.0 + number / 10) for number in range(5)][:3]
    living.wait(lambda: fact(system, "recorded") >= before + 5, what="them to be recorded")
    later = f"{time.time() + 1:.3f}"
    lines = [f"{name},1,{4.0 + number / 10},{later}" for number, name in enumerate(asked)]
    (system.folder / "truth.csv").write_text("prediction,late,customer,seen_at\n" + "\n".join(lines) + "\n")
    before = fact(system, "joined")
    for line in commands:
        words = [{"flights": "iris", "carrier": "petal_width"}.get(word, word) for word in shlex.split(line)]
        if "sheet.csv" in words:
            words = [str(system.folder / "page.csv") if word == "sheet.csv" else word for word in words]
        said = system.run(*words)
        assert said.startswith("3 outcomes accepted") or "truth.csv" not in words, said
        if words[0] == "feedback":
            living.wait(lambda: fact(system, "joined") >= before + 3, what="the outcomes to be joined")
    living.wait(lambda: fact(system, "duplicate") >= 3, what="the same by key, as repeats")


def add(connection: sqlite3.Connection, rows: list[tuple[str, int, int]]) -> None:
    connection.executemany("INSERT INTO truth VALUES (?, ?, ?)", rows)
    connection.commit()


def test_the_same_file_sent_twice_at_once_counts_once(system: living.Living, tmp_path: pathlib.Path) -> None:
    """Two processes post the same rows side by side: every outcome is joined once, and its repeat is dropped."""
    asked = [ask(system, sepal_length=4.0 + number / 1_000) for number in range(600)]  # more than one post of each
    path = tmp_path / "truth.csv"
    path.write_text("id,label\n" + "".join(f"{one},{number % 2}\n" for number, one in enumerate(asked)))
    joined, repeated = fact(system, "joined"), fact(system, "duplicate")
    argv = [sys.executable, "-m", "tidegate.interface.cli.main", "feedback", "iris", "--file", str(path)]
    several = [subprocess.Popen(argv, cwd=system.folder, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    for one in several:
        said, _ = one.communicate(timeout=90)
        assert one.returncode == 0, said
        assert "600 outcomes accepted" in said
    living.wait(lambda: fact(system, "duplicate") == repeated + 600, 60, what="the repeats")
    assert fact(system, "joined") == joined + 600
    told = json.loads(system.run("trace", asked[1], "--json"))["outcomes"]
    assert [one["label"] for one in told] == [1.0]
