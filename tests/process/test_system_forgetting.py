"""A whole system that redacts a column and forgets people: by key, by id and by value, and what the audit says of it."""

import json
import pathlib
import subprocess
import sys

import httpx
import living
import pytest

from tidegate.core.vocabulary import assignment
from tidegate.interface.api import addresses

ODD = 7.654321
"""A value that is nowhere else."""
LOG = "log: {redact: [petal_width], retention: 30d}"


class Sticky(living.Living):
    """Requests stick by a header."""

    def __init__(self, folder: pathlib.Path, models: pathlib.Path) -> None:
        super().__init__(folder, models, LOG)
        path = folder / "tidegate.yaml"
        path.write_text(path.read_text().replace("release: {", "release: {sticky: {header: x-user}, "))

    def ask(self, user: str, **row: float) -> str:
        """A prediction for somebody; its id."""
        whole = dict.fromkeys(living.COLUMNS, 3.0) | {"petal_width": ODD} | row
        headers = {"x-user": user} if user else {}
        answer = httpx.post(addresses.predict(self.home, living.ENDPOINT), json=whole, headers=headers, trust_env=False)
        assert answer.status_code == 200, answer.text
        return answer.headers["tidegate-prediction-id"]

    def files_with(self, raw: bytes) -> list[str]:
        return [path.name for path in self.home.root.rglob("*") if path.is_file() and raw in path.read_bytes()]


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory, models: pathlib.Path):
    found = Sticky(tmp_path_factory.mktemp("forgetting"), models)
    found.up()
    try:
        yield found
    finally:
        found.down()


def known(system: Sticky, identifier: str) -> bool:
    return json.loads(system.run("trace", identifier, "--json"))["prediction"]["recorded"]


def test_people_are_forgotten_and_the_audit_says_so_by_a_hash(system: Sticky):
    ann = [system.ask("ann@example.org") for _ in range(3)]
    bob = [system.ask("bob@example.org"), system.ask("", sepal_length=9.25)]
    assert "accepted" in system.run("feedback", ann[0], "1")
    living.wait(lambda: all(known(system, one) for one in (*ann, *bob)), what="the recorder")
    traced = json.loads(system.run("trace", bob[0], "--json"))["prediction"]
    assert (traced["input"], str(ODD) in str(traced)) == ("", False)
    told = json.loads(system.run("forget", living.ENDPOINT, "--key", "ann@example.org", "--reason", "her request", "--json"))
    assert (told["state"], told["predictions"], told["outcomes"]) == ("done", 3, 1)
    for identifier in ann:
        system.run("trace", identifier, code=2)
    assert known(system, bob[0])
    shown = system.run("forget", living.ENDPOINT, "--where", "sepal_length=9.25")
    assert "erased 1 prediction and 0 outcomes" in shown
    system.run("trace", bob[1], code=2)
    assert json.loads(system.run("forget", living.ENDPOINT, "--id", bob[0], "--json"))["predictions"] == 1

    def events() -> list[dict]:
        told = json.loads(system.run("history", living.ENDPOINT, "--json"))["events"]
        return [one for one in told if one["kind"] == "forgotten"]

    living.wait(lambda: len(events()) == 3, what="control to write it down")
    first = events()[0]
    assert assignment.hashed(b"ann@example.org") in first["reason"]
    assert system.files_with(b"ann@example.org") == []
    system.run("audit", "verify")
    system.run("forget", living.ENDPOINT, code=2)
    assert "No logged request has this value" in system.run("forget", living.ENDPOINT, "--where", "sepal_lenght=9.25")


def test_many_people_are_forgotten_at_once_and_each_has_an_event(system: Sticky):
    people = [f"person-{number}@example.org" for number in range(30)]
    made = [system.ask(one) for one in people]
    living.wait(lambda: all(known(system, one) for one in made), what="the recorder")
    lines = "\n".join([*people[:25], "", people[0], "nobody@example.org"])
    told = json.loads(system.run("forget", living.ENDPOINT, "--key", "-", "--json", given=lines))["erasures"]
    assert [(one["state"], one["predictions"]) for one in told] == [("done", 1)] * 25 + [("done", 0)]
    assert [known(system, one) for one in made[25:]] == [True] * 5
    system.run("trace", made[0], code=2)
    said = system.run("forget", living.ENDPOINT, "--id", made[25], "--id", made[26], "--id", made[0])
    assert "erased 2 predictions and 0 outcomes of 3 who asked" in said
    assert "Nothing was found of 1. The log has no prediction with this id" in said
    assert "names nobody" in failure(system, "--key", "-")

    def noted() -> set[str]:
        events = json.loads(system.run("history", living.ENDPOINT, "-n", "100", "--json"))["events"]
        return {one["facts"]["subject"] for one in events if one["kind"] == "forgotten"}

    living.wait(
        lambda: noted() >= {assignment.hashed(one.encode()) for one in people[:25]}, what="control to write all of it down"
    )
    system.run("audit", "verify")


def failure(system: Sticky, *words: str) -> str:
    """What a command says that is refused."""
    argv = [sys.executable, "-m", "tidegate.interface.cli.main", "forget", living.ENDPOINT, *words]
    done = subprocess.run(argv, cwd=system.folder, capture_output=True, text=True, timeout=90, check=False, input="\n")
    assert done.returncode == 2, done.stdout
    return done.stderr


def test_a_redacted_value_is_on_no_disk_once_its_segment_is_gone(system: Sticky):
    identifier = system.ask("cy@example.org")
    living.wait(lambda: known(system, identifier), what="the recorder")
    living.wait(lambda: system.files_with(str(ODD).encode()) == [], seconds=90, what="segments to go")
