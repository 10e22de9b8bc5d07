"""A control that was stopped in the middle of something, and goes on where another has decided meanwhile."""

import pytest

from tests.process import loop_plays
from tests.process.loop_plays import release
from tests.process.loop_world import ENV, Ask, Play, World
from tidegate.control.loop import loop
from tidegate.core.vocabulary import errors
from tidegate.core.vocabulary.phases import Phase
from tidegate.dataplane.wire import tablefile


@pytest.fixture
def begun(tmp_path) -> World:
    return World.finished(tmp_path / "begins", loop_plays.BEGINNINGS["one"])


def stopped_before(world: World, monkeypatch: pytest.MonkeyPatch, write: str, enough) -> None:
    """Let control go on until it is about to write this, and another decide until that is `enough`; then both go on."""
    first, real = world.control, getattr(world.books, write)

    def meanwhile(*given: object) -> object:
        monkeypatch.setattr(world.books, write, real)
        other = world.control = world.another()
        while not enough():
            world.tick()
            world.books.read.clear()  # another writes
            assert world.now < 1_000_300.0
        try:
            return real(*given)
        finally:
            assert world.control is other

    monkeypatch.setattr(world.books, write, meanwhile)
    with pytest.raises((errors.ParentStale, errors.GenerationConflict)):
        _as_long_as(world, first)


def _as_long_as(world: World, control: loop.Control | None) -> None:
    while world.control is control:
        world.tick()


def test_who_is_stopped_before_it_publishes_keeps_nobody_else_from_deciding(begun, tmp_path, monkeypatch):
    with World.of(begun, tmp_path / "publishes", Play(loop_plays.of("canary"), (release(),))) as world:
        world.tick()
        generation = tablefile.read(world.place.table).generation
        stopped_before(
            world, monkeypatch, "adopt_generation", lambda: tablefile.read(world.place.table).generation > generation + 1
        )
        world.finish()
        assert (world.behind, world.newest().phase) == (0, Phase.SUCCEEDED)


def test_who_is_stopped_before_it_writes_a_new_endpoint_takes_back_no_first_release(begun, tmp_path, monkeypatch):
    ask = Ask("release", endpoint="trains", payload={"model": "first"})
    with World.of(begun, tmp_path / "first", Play(loop_plays.of("full", probation_seconds=1.0), (ask,))) as world:

        def owned() -> bool:
            newest = world.books.latest(ENV, "trains")
            return newest is not None and newest.phase is Phase.SUCCEEDED

        stopped_before(world, monkeypatch, "put_endpoint", owned)
        world.finish()
        row = world.books.endpoint(ENV, "trains")
        assert (row.stable, len(world.books.releases(ENV, "trains"))) == (1, 1)
        assert [world.books.command(name).status for name in world.commands] == ["done"]


def test_who_is_stopped_before_it_settles_takes_back_no_promotion(begun, tmp_path, monkeypatch):
    settings = loop_plays.of("canary", keep=1, probation_seconds=1.0)
    with World.of(begun, tmp_path / "settles", Play(settings, (release(),))) as world:
        world.tick()
        stopped_before(world, monkeypatch, "settle", lambda: world.newest().phase is Phase.SUCCEEDED)
        world.finish()
        row = world.books.endpoint(ENV, "flights")
        assert (row.stable, row.kept, row.settings["keep"]) == (2, (1,), 1)
