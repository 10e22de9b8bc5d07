"""Every prediction accounted for where two controls share a PostgreSQL server, and truth comes from a table of that server.

A control, and a monitor, are killed in between: alarms are acted on once, and every row of truth counts once.
"""

import csv
import json

import pytest

from tests import postgresql
from tests.process import living
from tests.process.test_system_alarms import say, shown
from tests.process.test_system_controls import leader
from tests.process.test_system_outcomes import ask, fact
from tidegate.core.vocabulary import explanations

TABLE = "query: 'select id, label, number from truth', url: {env: TRUTH_URL}, every: 1s, watermark: number"
pytestmark = pytest.mark.timeout(300)
RULES = f"monitors: {{drift: {{action: rollback}}}}\noutcomes: {{kind: probability, {TABLE}}}"

SHEET, TRUTHS, PORTION = 20, 1_500, 500
"""Labels by people; rows of the table, and how many come at once."""


@pytest.fixture
def truth(server: postgresql.Server, monkeypatch: pytest.MonkeyPatch) -> str:
    """The address of a database with an empty table of truths."""
    made = server.empty()
    server.sql(made, "CREATE TABLE truth (id TEXT, label INTEGER, number INTEGER)")
    monkeypatch.setenv("TRUTH_URL", made.replace("postgresql://", "postgresql+psycopg://"))
    return made


@pytest.fixture
def system(tmp_path, models, server: postgresql.Server, truth: str):
    found = living.Living(tmp_path, models, RULES)
    found.up("--controls", "2", "--store", server.empty())
    try:
        yield found
    finally:
        found.down()


def test_all_that_is_asked_about_predictions(system: living.Living, server: postgresql.Server, truth: str) -> None:
    with living.Traffic(system.address, 300) as traffic:
        system.release("v2", probation_seconds=0.0)
        system.await_phase("succeeded")
        _an_alarm_is_acted_on_once_though_the_control_is_killed_that_heard_it(system)
        living.wait(lambda: traffic.answered > SHEET + TRUTHS, 60, "answers")
    assert traffic.failed == 0, traffic.failures
    living.wait(lambda: fact(system, "recorded") >= len(traffic.ids), what="all to be recorded")
    sheet = _a_sheet_goes_out_and_comes_back(system, traffic.ids)
    told = [one for one in traffic.ids.items() if one[0] not in sheet][:TRUTHS]
    _truth_counts_once_though_the_monitor_is_killed_that_fetches_it(system, (server, truth), told)
    _it_is_told_by_version_and_by_prediction(system, told[0])
    _who_is_forgotten_is_so_once(system, [one for one, _ in told[:2]])
    assert "each as it was written" in system.run("audit", "verify")


def _an_alarm_is_acted_on_once_though_the_control_is_killed_that_heard_it(system: living.Living) -> None:
    say(system, "drift", "quality")
    living.wait(lambda: len(shown(system)) == 2, what="the alarms")
    system.kill(leader(system))
    living.wait(lambda: system.endpoint()["release"]["strategy"] == "rollback", what="the way back")
    system.kill(leader(system))
    system.run("snooze", living.ENDPOINT, "quality", "--for", "1h", "--reason", "looking")
    system.run("ack", living.ENDPOINT, "quality", "--reason", "mine")
    living.wait(lambda: system.endpoint()["stable"]["name"] == "v1", what="v1 to serve again")
    system.await_phase("succeeded")
    say(system)
    living.wait(lambda: not shown(system), what="all alarms to be over")
    kinds = [one["kind"] for one in json.loads(system.run("history", living.ENDPOINT, "--limit", "1000", "--json"))["events"]]
    for kind, times in {"alarm": 2, "alarm_acted": 1, "alarm_snoozed": 1, "alarm_acknowledged": 1, "alarm_over": 2}.items():
        assert kinds.count(kind) == times, (kind, kinds)


def _a_sheet_goes_out_and_comes_back(system: living.Living, told: dict[str, int]) -> set[str]:
    system.run("label", living.ENDPOINT, "--sample", str(SHEET), "--since", "1h", "--out", "sheet.csv")
    sheet = system.folder / "sheet.csv"
    lines = [line | {"label": told[line["id"]]} for line in csv.DictReader(sheet.open())]
    with sheet.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(lines[0]))
        writer.writeheader()
        writer.writerows(lines)
    assert f"{SHEET} labels accepted" in system.run("label", living.ENDPOINT, "--take", "sheet.csv")
    living.wait(lambda: fact(system, "joined") == SHEET, what="the sheet to be joined")
    return {line["id"] for line in lines}


def _truth_counts_once_though_the_monitor_is_killed_that_fetches_it(
    system: living.Living, where: tuple[postgresql.Server, str], told: list[tuple[str, int]]
) -> None:
    server, truth = where
    for begin in range(0, TRUTHS, PORTION):
        rows = ", ".join(f"('{one}', {label}, {begin + at})" for at, (one, label) in enumerate(told[begin : begin + PORTION]))
        server.sql(truth, f"INSERT INTO truth VALUES {rows}")
        living.wait(lambda begin=begin: fact(system, "joined") > SHEET + begin, what="some of these")
        system.kill(system.instance("monitor"))
    another = ask(system)
    server.sql(truth, f"INSERT INTO truth VALUES ('{another}', 1, 1000000)")
    living.wait(lambda: fact(system, "joined") > SHEET + TRUTHS, what="all the truth")
    assert [fact(system, name) for name in ("joined", "unmatched", "rejected")] == [SHEET + TRUTHS + 1, 0, 0]


def _it_is_told_by_version_and_by_prediction(system: living.Living, told: tuple[str, int]) -> None:
    standings = json.loads(system.run("performance", living.ENDPOINT, "--since", "1h", "--json"))["standings"]
    assert sum(one["labelled"] for one in standings if not one["by_chance"]) == TRUTHS + 1
    assert sum(one["sampled"] for one in standings) == SHEET
    one, label = told
    found = json.loads(system.run("trace", one, "--json"))
    assert [each["label"] for each in found["outcomes"]] == [float(label)]
    assert {event["eventType"] for event in json.loads(system.run("trace", one, "--openlineage"))} >= {"COMPLETE"}
    assert json.loads(system.run("explain", one, "--json"))["agreement"] in {explanations.EXACTLY, explanations.WITHIN}
    assert "v1" in system.run("lineage", living.ENDPOINT)
    assert json.loads(system.run("drift", living.ENDPOINT, "--json"))
    system.run("report", living.ENDPOINT, "--since", "1h", "--out", "report.html")
    written = (system.folder / "report.html").read_text()
    assert "<h2>Traffic by version</h2>" in written
    assert "mine" in written, "who has acknowledged the alarm"


def _who_is_forgotten_is_so_once(system: living.Living, gone: list[str]) -> None:
    for number, one in enumerate(gone):
        said = json.loads(system.run("forget", living.ENDPOINT, "--id", one, "--reason", "asked", "--json"))
        assert (said["state"], said["predictions"], said["outcomes"]) == ("done", 1, 1)
        if not number:
            system.kill(leader(system))
        system.run("trace", one, code=2)

    def events() -> list[str]:
        told = json.loads(system.run("history", living.ENDPOINT, "--limit", "1000", "--json"))["events"]
        return [each["kind"] for each in told if each["kind"] == "forgotten"]

    assert living.wait(lambda: len(found := events()) >= len(gone) and found, what="both in the audit") == ["forgotten"] * 2
