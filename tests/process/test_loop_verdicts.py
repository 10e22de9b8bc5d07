"""Every verdict that is kept comes out again of what is kept with it, from the store alone."""

import json

import pytest

from tests.process import loop_plays
from tests.process.loop_world import ENV, World
from tidegate.core.decide import record
from tidegate.core.vocabulary import verdicts
from tidegate.interface.cli import main

PLAYS = ("canary-bad", "canary-holdback", "blue-green-smoke-fails", "shadow-canary-full", "ab", "rolling", "rehearsal")


@pytest.fixture
def begun(tmp_path) -> World:
    return World.finished(tmp_path / "begins", loop_plays.BEGINNINGS["one"])


def kept(world: World) -> list[tuple[verdicts.Verdict, record.Record]]:
    found = []
    for release in world.books.releases(ENV, "flights"):
        judged = [world.books.judged(release.id, generation) for generation in range(release.generation + 1)]
        found += [(one.verdict, record.read(one.inputs)) for one in judged if one is not None]
    return found


@pytest.mark.parametrize("name", PLAYS)
def test_a_kept_verdict_comes_out_again(begun, tmp_path, name):
    with World.of(begun, tmp_path / name, loop_plays.PLAYS[name][0]) as world:
        world.finish()
        found = kept(world)
    assert found
    for verdict, looked in found:
        assert record.same(record.again(looked), verdict)


def test_the_command_shows_it_and_says_when_it_does_not(begun, tmp_path, capsys):
    with World.of(begun, tmp_path / "bad", loop_plays.PLAYS["canary-bad"][0]) as world:
        world.finish()
        release, home = world.newest(), str(world.place.root)
        world.books.close()
        assert main.run(["verdict", "flights", "--home", home]) == 0
        shown = capsys.readouterr().out
        assert shown.startswith("FAIL  v2 fails")
        assert "the same." in shown
        heads, *arms = (
            line.split() for line in shown.splitlines() if "requests of the release" in line or line[:6] in ("candid", "stable")
        )
        assert heads[4:9] == ["drawn", "ok", "error", "pending", "rescued"]
        assert [line[0] for line in arms] == ["candidate", "stable"]
        assert "Goes back when e of 0.5 x errors + 0.25 x latency + 0.15 x invalid + 0.1 x timeouts passes 100" in shown
        assert main.run(["verdict", release.id, "--home", home, "--json"]) == 0
        told = json.loads(capsys.readouterr().out)
        assert told["verdict"]["sentence"] == record.again(record.read(told["from"])).sentence
        changed = told["from"] | {"inputs": told["from"]["inputs"] | {"sums": told["from"]["inputs"]["sums"][:1]}}
        world.books = world._open()
        verdict = world.books.judged(release.id).verdict
        world.books.put_verdict(release.id, verdict, changed, told["at"])
        world.books.close()
        assert main.run(["verdict", "flights", "--home", home]) == 1
        assert "does not come out" in capsys.readouterr().err
        assert main.run(["verdict", "nothing", "--home", home]) == 2
        assert "no verdict of 'nothing' is kept" in capsys.readouterr().err
