"""Control dies at everything it does that lasts, in every way a release can go: the end is the same, and nobody notices.

Each play of `loop_plays` is first gone through undisturbed. Then control is ended by an exception right before its first lasting
act, its second, and so on, and right after each that is the last one of its tick (right after any other is right before the next:
the same is on disk, and all else is lost). Another control goes on a tick later.
"""

import collections
import inspect
import pathlib
import tempfile
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from tests.process import loop_plays, loop_world
from tests.process.loop_world import ENV, Fuse, World
from tidegate.control.store import commands, store
from tidegate.core.vocabulary import decisions, errors
from tidegate.core.vocabulary.phases import Phase
from tidegate.dataplane.wire import tablefile
from tidegate.interface.cli import override

pytestmark = pytest.mark.no_cover  # it runs the same lines again and again: measuring them doubles its time

MEMORY = pathlib.Path("/dev/shm")


@pytest.fixture(scope="module")
def room(tmp_path_factory) -> Iterator[pathlib.Path]:
    """A folder in memory, where there is such a thing."""
    if not MEMORY.is_dir():
        yield tmp_path_factory.mktemp("worlds")
        return
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        yield pathlib.Path(folder)


@pytest.fixture(scope="module")
def begun(room) -> dict[str, World]:
    """The worlds that plays begin in."""
    return {name: World.finished(room / name, play) for name, play in loop_plays.BEGINNINGS.items()}


def end(world: World) -> dict[str, Any]:
    """How a world has ended, times apart."""
    books, table = world.books, tablefile.read(world.place.table)
    assert books.verify() == books.head()[0]
    assert table.override is None
    assert books.adopted_generation(ENV) >= table.generation
    found: dict[str, Any] = {}
    for row in books.endpoints(ENV):
        past = books.releases(ENV, row.name)
        names = {one.id: f"release of {one.candidate.name}" for one in past}
        told = collections.defaultdict(list)
        for event in books.events(ENV, row.name):
            told[names.get(event.release, "")] += _told(event)
        found[row.name] = {
            "owner": (row.stable, row.kept),
            "settings": row.settings,
            "versions": [(one.ordinal, one.digest[:8]) for one in books.versions(ENV, row.name)],
            "releases": [_ended(one) for one in past],
            "route": _route(table.routes[row.name], names),
            "holds": sorted(one.model_digest[:8] for one in books.holds(ENV, row.name)),
            "steps": {name: collections.Counter(acts) for name, acts in told.items()},
        }
    workers = collections.Counter((one.endpoint, one.ordinal, str(one.state)) for one in world.workers.observe())
    answers = [(one.kind, one.status, one.result.get("code")) for name in world.commands if (one := books.command(name))]
    return found | {"workers": dict(workers), "answers": answers, "gap": world.gaps > 0}


def _told(event: Any) -> list[str]:
    """What must not happen twice: a phase entered, a hold, people told of something that is wrong."""
    found = []
    if event.phase_after != event.phase_before:
        found.append(event.phase_after)
    if event.kind.startswith("hold") or event.kind == "created":
        found.append(event.kind)
    for effect in event.effects:
        if isinstance(effect, decisions.Hold):
            found.append("holds")
        elif isinstance(effect, decisions.Notify) and event.phase_after != event.phase_before:
            found.append(f"tells ({effect.severity})")
    return found


def _ended(release: Any) -> tuple[Any, ...]:
    approved = tuple(one.actor for one in release.approvals)
    versions = (release.candidate.name, release.stable.name if release.stable else None)
    return (*versions, release.strategy, str(release.phase), release.outcome, release.attempt, approved, release.heeded)


def _route(route: Any, names: dict[str, str]) -> dict[str, Any]:
    found = msgspec.to_builtins(route)
    for own in ("generation", "salt"):
        del found[own]
    found["release"] = names.get(route.release, route.release)
    for one in (found["stable"], *([found["candidate"]] if found["candidate"] else []), *found["kept"]):
        one["workers"] = len(one["workers"])
    return found


def points(world: World) -> list[tuple[int, bool]]:
    """Where control is ended, (number, after it): from a world that was gone through undisturbed."""
    last = {done - 1 for before, done in zip([0, *world.ticks], world.ticks, strict=False) if done > before}
    return [(number, after) for number in range(len(world.fuse.done)) for after in (False, True) if not after or number in last]


@pytest.mark.parametrize("name", loop_plays.PLAYS)
def test_the_end_is_the_same_wherever_control_dies(begun, room, name):
    play, outcome = loop_plays.PLAYS[name]
    with World.of(begun[play.begins], room / name, play) as whole:
        whole.finish()
        wanted, ends = end(whole), points(whole)
        assert [one.outcome for one in whole.books.releases(ENV)][: len(outcome.split())] == outcome.split()
    wrong = []
    for number, after in ends:
        fuse = Fuse(number, after=after)
        where = f"{name}, {'after' if after else 'before'} {number}: {whole.fuse.done[number]}"
        with World.of(begun[play.begins], room / f"{name}-{number}-{after}", play, fuse) as world:
            try:
                world.finish()
                assert world.crashes == 1
                found = end(world)
            except AssertionError as broken:
                wrong.append(f"{where}: {broken}")
                continue
        wrong += [f"{where}: {line}" for line in differences(wanted, found)]
    assert not wrong, "\n".join([f"{len(wrong)} of {len(ends)} ends", *wrong])


def differences(wanted: Any, found: Any, path: str = "") -> list[str]:
    """Where two ends differ."""
    if type(wanted) is type(found) is dict:
        keys = [*wanted, *(key for key in found if key not in wanted)]
        return [line for key in keys for line in differences(wanted.get(key), found.get(key), f"{path}/{key}")]
    if isinstance(wanted, collections.Counter) and isinstance(found, collections.Counter):
        more = found - wanted  # on the way to the same end some steps may have been spared
        return [f"{path}: too often {dict(more)}"] if more else []
    return [] if wanted == found else [f"{path} is {found}, not {wanted}"]


def test_whatever_the_store_keeps_that_decides_something_is_an_end():
    """So that a new way to write is not forgotten here."""
    methods = {name: it for name, it in vars(store.Store).items() if inspect.isfunction(it)}
    writing = {name for name, it in methods.items() if "_database.writing(" in inspect.getsource(it)}
    shown = {"put_waiting", "put_verdict"}  # for people; computed again
    others = {"submit", "withdraw", "add_version", "lease", "give_up"}  # not control's, or about who is control
    others |= {"rename_model"}  # before its first turn, and the same again
    assert writing == set(loop_world.WRITES) | shown | others


def by_hand(world: World) -> tuple[int, str] | None:
    """Roll flights back without control; (version that has all traffic then, model digest of the one it was taken from)."""
    try:
        override.roll_back(world.place, "flights", None, actor="eve", reason="it is wrong")
    except errors.NothingToRollBack:
        return None
    table = tablefile.read(world.place.table)
    assert table.override is not None
    digests = {one.digest: one.model_digest for one in world.books.versions(ENV, "flights")}
    return table.routes["flights"].owner.ordinal, digests[table.override.held_digest]


def stands(world: World, written: tuple[int, str], under_way: list[str]) -> list[str]:
    """What is wrong with a world in which that was written by hand: empty when it stands, told once, and held once."""
    ordinal, left = written
    found, books = end(world)["flights"], world.books
    past = books.releases(ENV, "flights")
    ways = [one for one in past if one.strategy == "rollback"]
    held = [one.model_digest for one in books.holds(ENV, "flights")]
    kinds = collections.Counter(event.kind for event in books.events(ENV, "flights"))
    wrong = [
        (found["owner"][0] == ordinal, f"v{found['owner'][0]} owns the endpoint, not v{ordinal}"),
        (found["route"]["stable"]["ordinal"] == ordinal, f"the route is of {found['route']['stable']}"),
        (found["route"]["candidate"] is None, f"the route has a candidate: {found['route']['candidate']}"),
        (held == [left], f"held are {held}, not {left}"),
        (kinds["hold_placed"] == 1, f"a hold was placed {kinds['hold_placed']} times"),
        (kinds["written_by_hand"] == 1, f"it was told {kinds['written_by_hand']} times"),
        (len(ways) <= 1, f"{len(ways)} releases lead back"),
        (world.served <= {ordinal}, f"traffic went to {world.served} afterwards"),
    ]
    ended = {one.id: one.phase for one in past}
    wrong += [(ended[name] == Phase.ROLLED_BACK, f"{name} has ended as {ended[name]}") for name in under_way]
    return [words for good, words in wrong if not good]


@pytest.fixture
def warm(monkeypatch):
    """What an override asks processes on disk: whether a version has a worker that answers."""

    def watch(world: World) -> None:
        ready = world.workers.ready
        monkeypatch.setattr(override, "_warm", lambda _, version: any(one.instance in ready for one in version.workers))

    return watch


@pytest.mark.parametrize("name", loop_plays.BY_HAND)
def test_a_table_written_by_hand_stands_wherever_control_had_died(begun, room, warm, name):
    play = loop_plays.PLAYS[name][0]._replace(begins="kept")
    with World.of(begun["kept"], room / name, play) as whole:
        whole.finish()
        wanted = end(whole)
    wrong = []
    for number, act in enumerate(whole.fuse.done):
        where = f"{name}, before {number}: {act}"
        with World.of(begun["kept"], room / f"{name}-{number}", play, Fuse(number)) as world:
            while not world.crashes:
                world.tick()
            world.tick(alive=False)
            warm(world)
            under_way = [one.id for one in world.books.active(ENV)]
            written = by_hand(world)
            for _ in range(2):
                world.tick(alive=False)
            world.served.clear()
            try:
                world.finish()
                faults = stands(world, written, under_way) if written else differences(wanted, end(world))
                wrong += [f"{where}: {words}" for words in faults]
            except AssertionError as broken:
                wrong.append(f"{where}: {broken}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("phase", [Phase.CHECKING, Phase.RUNNING, Phase.PROBATION, Phase.SUCCEEDED])
def test_a_table_written_by_hand_is_taken_over_once_wherever_control_dies_over_it(begun, room, warm, phase):
    play = loop_plays.PLAYS["canary-holdback"][0]._replace(begins="kept")
    number, acts, wrong = -1, 0, []
    while number < acts:
        with World.of(begun["kept"], room / f"{phase}-{number}", play) as world:
            while world.newest().candidate.ordinal < 3 or world.newest().phase is not phase:
                world.tick()
            world.kill()
            for _ in range(2):
                world.tick(alive=False)
            warm(world)
            under_way = [one.id for one in world.books.active(ENV)]
            written = by_hand(world)
            assert written is not None
            for _ in range(2):
                world.tick(alive=False)
            world.served.clear()
            began = len(world.fuse.done)
            world.fuse.at = began + number if number >= 0 else -1
            where = "undisturbed"
            try:
                world.finish()
                acts = acts or len(world.fuse.done) - began
                where = f"{phase}, before {number}: {world.fuse.done[world.fuse.at]}" if number >= 0 else where
                wrong += [f"{where}: {words}" for words in stands(world, written, under_way)]
            except AssertionError as broken:
                wrong.append(f"{where} {number}: {broken}")
        number += 1
    assert not wrong, "\n".join(wrong)


def test_of_two_tables_written_by_hand_the_last_stands_and_both_versions_are_held(begun, room, warm):
    play = loop_plays.PLAYS["canary-holdback"][0]._replace(begins="kept")
    with World.of(begun["kept"], room / "twice", play) as world:
        while world.newest().candidate.ordinal < 3 or world.newest().phase is not Phase.RUNNING:
            world.tick()
        world.tick()  # its routes are in the table
        world.kill()
        warm(world)
        left = [written[1] for written in (by_hand(world), by_hand(world)) if written]
        for _ in range(2):
            world.tick(alive=False)
        world.served.clear()
        world.finish()
        assert end(world)["flights"]["owner"] == (1, ())
        assert world.served == {1}
        assert len(left) == 2
        assert sorted(one.model_digest for one in world.books.holds(ENV, "flights")) == sorted(left)
        assert [str(one.phase) for one in world.books.releases(ENV, "flights")][:2] == ["succeeded", "rolled_back"]


@pytest.mark.parametrize("phase", [Phase.WARMING, Phase.RUNNING, Phase.PROBATION])
def test_a_table_that_a_restored_store_does_not_know_is_adopted_wherever_control_dies(begun, room, phase):
    play, wrong, number, acts = loop_plays.PLAYS["canary-holdback"][0], [], -1, 0
    while number < acts:
        with World.of(begun["one"], room / f"{phase}-{number}", play) as world:
            while world.newest().candidate.ordinal < 2 or world.newest().phase is not phase:
                world.tick()
            world.books.copy(room / "past")
            world.finish()
            table = tablefile.read(world.place.table).routes["flights"]
            world.restore(room / "past")
            (room / "past").unlink()
            world.tick()
            assert world.behind == 1
            world.books.submit(commands.Command(ENV, "", "adopt", actor="eve", at=world.now, id="adopt"))
            began, world.fuse.at = len(world.fuse.done), len(world.fuse.done) + number if number >= 0 else -1
            where = f"{phase}, {number}"
            try:
                world.finish()
                acts = acts or len(world.fuse.done) - began
                found = end(world)["flights"]
                adopted = world.books.command("adopt")
                if adopted.status != "done" or found["owner"][0] != table.stable.ordinal or world.crashes != (number >= 0):
                    wrong.append(f"{where}: {adopted}, {found['owner']}")
            except AssertionError as broken:
                wrong.append(f"{where}: {broken}")
        number += 1
    assert not wrong, "\n".join(wrong)
