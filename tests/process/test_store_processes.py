"""Several processes on one store: killed in the middle of commits, racing for a generation, opening it for the first time."""

import subprocess
import sys

import pytest

from tidegate.control.store import checks, database, store

START = """
import sys
from tidegate.control.store import checks, database, store
from tidegate.core.vocabulary import decisions, errors, phases
"""
COMMITS = (
    START
    + """
books = store.Store(sys.argv[1])
release = books.active(checks.ENV)[0]
while True:
    phase = phases.Phase.PAUSED if release.phase is phases.Phase.RUNNING else phases.Phase.RUNNING
    hold = decisions.Hold(checks.NAME, f"digest-{release.generation + 1}", "worse")
    release = checks.moved(books, release, phase, (hold,))
    print(release.generation, flush=True)
"""
)
APPENDS = (
    START
    + """
from tidegate.control.store import chain
books = store.Store(sys.argv[1])
for number in range(40):
    books.append(chain.StoredEvent(checks.ENV, sys.argv[2], "noted", float(number)))
"""
)
CREATES = (
    START
    + """
books = store.Store(sys.argv[1])
candidate = books.versions(checks.ENV, checks.NAME)[int(sys.argv[2])]
try:
    checks.begun(books, candidate)
    print("began")
except errors.ReleaseInProgress:
    print("refused")
"""
)
RACES = (
    START
    + """
books = store.Store(sys.argv[1])
won = 0
for _ in range(30):
    release = books.active(checks.ENV)[0]
    try:
        checks.moved(books, release, phases.Phase.RUNNING)
        won += 1
    except errors.GenerationConflict:
        pass
print(won)
"""
)
OPENS = START + "books = store.Store(sys.argv[1])\nbooks.adopt_generation(sys.argv[2], 1)\nprint(books.verify())"


def run(script: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", script, *arguments], stdout=subprocess.PIPE, text=True)


@pytest.mark.parametrize("acknowledged", [1, 4, 9, 16])
def test_kill_9_in_the_middle_of_commits_loses_nothing_acknowledged_and_leaves_nothing_half_done(
    url: str, acknowledged: int
) -> None:
    with store.Store(url) as books:
        checks.begun(books, checks.deployed(books))
        with run(COMMITS, url) as child:
            assert child.stdout is not None
            last = 0
            while last < acknowledged:
                last = int(child.stdout.readline())
            child.kill()
            rest = child.stdout.read().split()
        last = int(rest[-1]) if rest else last
        release = books.active(checks.ENV)[0]
        assert last <= release.generation <= last + 1
        assert books.verify() == release.generation + 1
        assert len(books.holds(checks.ENV, checks.NAME)) == release.generation
        assert books.last_events(checks.ENV)[-1].generation == release.generation


def test_of_several_that_saw_a_generation_one_commits(url: str) -> None:
    with store.Store(url) as books:
        checks.begun(books, checks.deployed(books))
        racing = [run(RACES, url) for _ in range(3)]
        won = [int(child.communicate(timeout=100)[0]) for child in racing]
        assert sum(won) == books.active(checks.ENV)[0].generation
        assert books.verify() == sum(won) + 1


def test_the_events_of_several_writers_are_one_chain_without_a_gap(url: str) -> None:
    with store.Store(url) as books:
        writing = [run(APPENDS, url, str(number)) for number in range(3)]
        assert [child.wait(timeout=100) for child in writing] == [0] * 3
        assert books.verify() == 120
        assert [one.sequence for one in books.events(checks.ENV)] == list(range(1, 121))


def test_of_several_releases_begun_at_once_one_is(url: str) -> None:
    with store.Store(url) as books:
        for _ in range(3):
            checks.deployed(books)
        racing = [run(CREATES, url, str(number)) for number in range(3)]
        said = sorted(child.communicate(timeout=100)[0] for child in racing)
        assert said == ["began\n", "refused\n", "refused\n"]
        assert len(books.active(checks.ENV)) == books.verify() == 1


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_new_store_may_be_opened_by_several_at_once(kind: str, request: pytest.FixtureRequest, tmp_path) -> None:
    sqlite = database.sqlite_url(tmp_path / "store.db")
    url = sqlite if kind == "sqlite" else request.getfixturevalue("server").empty()
    opening = [run(OPENS, url, str(number)) for number in range(4)]
    assert [child.communicate(timeout=100)[0] for child in opening] == ["0\n"] * 4
    with store.Store(url) as books:
        assert [books.adopted_generation(str(number)) for number in range(4)] == [1] * 4


def test_opening_a_store_that_is_up_to_date_does_not_import_alembic(url: str) -> None:
    store.Store(url).close()
    script = START + "store.Store(sys.argv[1]).endpoints('production')\nprint('alembic' in sys.modules)"
    assert run(script, url).communicate(timeout=100)[0] == "False\n"
