"""Contract migrations that were done: recorded once, with an event, and no version before them comes back."""

import itertools
import shutil

import msgspec
import pytest

from tidegate.control.loop import migrations, transitions
from tidegate.control.store import commands, database, endpoints
from tidegate.control.store import store as stores
from tidegate.core.spec import settings as specification
from tidegate.core.vocabulary import dependencies, errors, phases, releases

DROP, ADD = dependencies.Migration("drop-x", "contract"), dependencies.Migration("add-y", "expand")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    path = tmp_path_factory.mktemp("made") / "store.db"
    with stores.Store(database.sqlite_url(path)) as opened:
        settings = specification.plain(specification.Settings("delay", "m"))
        opened.put_endpoint(endpoints.Endpoint("production", "delay", settings, stable=3, kept=(2, 1)))
        for number in (1, 2, 3, 4):
            opened.add_version("production", "delay", f"{number}" * 64, f"{number}" * 64, "m", 1.0)
    return path


@pytest.fixture
def desk(made, tmp_path):
    shutil.copy(made, tmp_path / "store.db")
    with stores.Store(database.sqlite_url(tmp_path / "store.db")) as opened:
        numbers = itertools.count(1)
        yield transitions.Desk(opened, "production", lambda: f"new{next(numbers)}")


def past(desk, identifier, ordinal, phase=phases.Phase.SUCCEEDED, **more):
    candidate, stable = desk.version("delay", ordinal), desk.version("delay", ordinal - 1)
    given = (
        identifier,
        "production",
        "delay",
        candidate,
        stable,
        "canary",
        (releases.Stage("5 %", 500),),
        releases.Policy(),
        b"",
        float(ordinal),
    )
    one = releases.Release(*given, phase=phase, **{"migrations": (DROP, ADD), **more})
    desk.store.create(one)
    return one


def say(desk, name="drop-x", actor="ann", now=100.0):
    command = commands.Command("production", "delay", "migrated", {"name": name}, actor, "it ran", now)
    migrations.answer(desk, command, now)


def test_from_then_on_no_version_before_comes_back(desk):
    past(desk, "r3", 3)
    assert migrations.blocks(desk, "delay", 1) == ""
    say(desk)
    assert migrations.boundary(desk, "delay") == 3
    assert "drop-x was done for v3 (said by ann)" in migrations.blocks(desk, "delay", 2)
    assert migrations.blocks(desk, "delay", 3) == ""
    with pytest.raises(errors.IrreversibleMigration, match="v1 does not work"):
        migrations.refuse(desk, "delay", 1)
    migrations.refuse(desk, "delay", 4)
    assert desk.store.endpoint("production", "delay").kept == ()


def test_it_is_an_event_of_the_chain_with_who_said_it(desk):
    past(desk, "r3", 3)
    say(desk)
    (event,) = [one for one in desk.store.events("production", "delay") if one.kind == migrations.RECORDED]
    assert (event.actor, event.said, event.release, event.facts) == ("ann", "it ran", "r3", {"migration": "drop-x", "ordinal": 3})
    assert desk.store.verify() > 0


def test_saying_it_twice_changes_nothing(desk):
    past(desk, "r3", 3)
    say(desk)
    before = desk.store.head()
    say(desk, actor="bob", now=200.0)
    assert desk.store.head() == before


def test_of_several_releases_that_name_it_the_first_one_through_counts(desk):
    past(desk, "r2", 2, phases.Phase.ROLLED_BACK)
    past(desk, "r3", 3)
    past(desk, "r4", 4)
    row = desk.store.endpoint("production", "delay")
    desk.store.put_endpoint(msgspec.structs.replace(row, stable=4, kept=(3, 2)), row)
    say(desk)
    assert migrations.boundary(desk, "delay") == 3
    assert desk.store.endpoint("production", "delay").kept == (3,)


@pytest.mark.parametrize("phase", [phases.Phase.RUNNING, phases.Phase.PROMOTING, phases.Phase.ROLLED_BACK, phases.Phase.ABORTED])
def test_before_its_release_is_promoted_it_is_refused(desk, phase):
    past(desk, "r4", 4, phase)
    with pytest.raises(errors.TransitionRefused, match="v4, whose release names drop-x, is not promoted"):
        say(desk)
    assert migrations.boundary(desk, "delay") == 0


def test_after_a_rollback_to_a_version_before_it_is_refused(desk):
    past(desk, "r4", 4)  # came through, and stable is v3 again
    with pytest.raises(errors.TransitionRefused, match="served by v3"):
        say(desk)


def test_a_rollback_carries_what_the_file_says_and_is_not_the_release_that_came_with_it(desk):
    given = past(desk, "r3", 3)
    row = desk.store.endpoint("production", "delay")
    desk.store.put_endpoint(msgspec.structs.replace(row, stable=2), row)
    back = msgspec.structs.replace(given, id="r9", candidate=desk.version("delay", 2), strategy="rollback", created_at=9.0)
    desk.store.create(back)
    with pytest.raises(errors.TransitionRefused, match="served by v2"):
        say(desk)


def test_an_expand_is_nothing_to_record_and_an_unknown_name_lists_those_there_are(desk):
    past(desk, "r3", 3)
    with pytest.raises(errors.TransitionRefused, match="expand"):
        say(desk, "add-y")
    with pytest.raises(errors.MigrationUnknown, match="add-y, drop-x"):
        say(desk, "drop-z")


def test_a_probation_gives_the_version_before_no_share_any_more(desk):
    past(desk, "r3", 3, phases.Phase.PROBATION, probation=releases.Stage("holdback 1%", 9_900))
    say(desk)
    release = desk.store.release("r3")
    assert (release.phase, release.no_return, release.probation) == (phases.Phase.PROBATION, "drop-x", None)
    assert desk.store.endpoint("production", "delay").kept == ()


def test_a_release_on_top_of_the_boundary_is_left_alone(desk):
    past(desk, "r3", 3)
    past(desk, "r4", 4, phases.Phase.RUNNING, migrations=())
    say(desk)
    assert desk.store.release("r4").no_return == ""
