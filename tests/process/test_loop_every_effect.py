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
from tidegate.control.store import store
from tidegate.core.vocabulary import decisions
from tidegate.dataplane.wire import tablefile

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
def begun(room) -> dict[tuple[str, ...], World]:
    """Worlds in which every endpoint has its first version."""
    made = {}
    for endpoints in (("flights",), ("flights", "trains")):
        root = room / "-".join(endpoints)
        root.mkdir()
        world = made[endpoints] = World(root, loop_plays.first(*endpoints))
        with world.open():
            world.finish()
    return made


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
    return (*versions, release.strategy, str(release.phase), release.outcome, release.stage, release.attempt, approved, release.heeded)


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
    with World.of(begun[play.endpoints], room / name, play) as whole:
        whole.finish()
        wanted, ends = end(whole), points(whole)
        assert [one.outcome for one in whole.books.releases(ENV)][: len(outcome.split())] == outcome.split()
    wrong = []
    for number, after in ends:
        fuse = Fuse(number, after=after)
        where = f"{name}, {'after' if after else 'before'} {number}: {whole.fuse.done[number]}"
        with World.of(begun[play.endpoints], room / f"{name}-{number}-{after}", play, fuse) as world:
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
    others = {"submit", "lease", "give_up"}  # not control's, or about who is control
    assert writing == set(loop_world.WRITES) | shown | others
