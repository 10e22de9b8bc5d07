"""What commands may not do, however they come: wedge control, come true once given up, change what nobody agreed to."""

import concurrent.futures
import math
import shutil

import msgspec
import pytest

from tests.process import loop_plays
from tests.process.loop_plays import release, when
from tests.process.loop_world import ENV, Ask, Play, World
from tidegate.control.loop import commands as loop_commands
from tidegate.control.loop import following
from tidegate.control.store import commands
from tidegate.core.decide import judge, ledger, record
from tidegate.core.vocabulary import manifests, releases, tables
from tidegate.core.vocabulary.phases import Phase
from tidegate.dataplane.models import bundles
from tidegate.dataplane.wire import tablefile
from tidegate.interface.cli import override

TIGHT = tables.Limits(body=10)


@pytest.fixture
def begun(tmp_path) -> World:
    return World.finished(tmp_path / "begins", loop_plays.BEGINNINGS["pair"])


def told(world: World, kind: str, payload: dict[str, object], late: float = 0.0) -> commands.Command:
    name = world.books.submit(commands.Command(ENV, "flights", kind, payload, "ada", "", world.now - late))
    world.tick()
    found = world.books.command(name)
    assert found is not None
    return found


def test_a_command_that_breaks_control_is_refused_and_those_after_it_are_carried_out(begun, tmp_path):
    with World.of(begun, tmp_path / "poison", Play({}, ())) as world:
        broken = told(world, "rollback", {"to": 10**23})
        assert (broken.status, broken.result["code"]) == ("refused", "internal")
        assert told(world, "hold", {}).status == "done"


def test_a_command_that_control_comes_to_too_late_is_not_carried_out(begun, tmp_path):
    with World.of(begun, tmp_path / "late", Play({}, ())) as world:
        late = told(world, "hold", {}, late=loop_commands.STALE_SECONDS + 2)
        assert (late.status, late.result["code"]) == ("refused", "control-down")
        assert world.books.holds(ENV, "flights") == []
        assert told(world, "hold", {}, late=loop_commands.STALE_SECONDS - 5).status == "done"


def test_a_release_that_cannot_be_judged_does_not_keep_others_from_going_on(begun, tmp_path, monkeypatch):
    settings = loop_plays.of("canary")
    asks = (release(), Ask("release", endpoint="trains", payload={"model": "next"}))
    real = judge.look
    with World.of(begun, tmp_path / "broken", Play(settings, asks)) as world:
        monkeypatch.setattr(judge, "look", lambda of, *given: 1 / 0 if of.endpoint == "flights" else real(of, *given))
        failed = 0
        while (newest := world.books.latest(ENV, "trains")).candidate.ordinal < 2 or newest.phase is not Phase.SUCCEEDED:
            try:
                world.tick()
            except ZeroDivisionError:
                failed += 1
                world._join()
            assert world.now < 1_000_200.0
        assert failed
        assert world.newest().phase is Phase.RUNNING


@pytest.mark.parametrize("alike", [True, False], ids=["judged alike", "judged otherwise"])
def test_a_retry_goes_on_from_the_evidence_of_the_attempt_that_was_aborted(begun, tmp_path, alike):
    settings = loop_plays.of("canary") | {"stages": (releases.Stage("half", 5_000, 60.0), releases.Stage("all", 10_000))}
    with World.of(begun, tmp_path / "again", Play(settings, (release(),))) as world:
        while world.newest().candidate.ordinal < 2 or world.books.judged(world.newest().id) is None:
            world.tick()
            assert world.now < 1_000_200.0
        assert told(world, "abort", {}).status == "done"
        while world.newest().phase is not Phase.ABORTED:
            world.tick()
        before = world.books.judged(world.newest().id)
        if not alike:
            other = {**settings, "policy": msgspec.structs.replace(settings["policy"], time_floor=0.5)}
            world.play = world.play._replace(settings=other)
            assert told(world, "release", world._payload("flights", "next")).status == "done"
        else:
            assert told(world, "retry", {}).status == "done"
        newest = world.newest()
        wealth = record.carried(record.read(before.inputs))
        assert wealth != 0.0
        assert (newest.attempt, newest.carried) == (2, wealth if alike else 0.0)
        threshold = next(one.threshold for one in ledger.lines(newest) if one.group == ledger.IMMEDIATE)
        assert threshold == pytest.approx(-math.log(newest.policy.alpha) - newest.carried)
        assert told(world, "abort", {}).status == "done"  # before its first verdict
        while world.newest().phase is not Phase.ABORTED:
            world.tick()
        assert told(world, "retry", {}).status == "done"
        assert (world.newest().attempt, world.newest().carried) == (3, newest.carried)


def limits(world: World) -> tuple[int, int]:
    """(in the settings that the endpoint goes by, in the table)."""
    row = world.books.endpoint(ENV, "flights")
    assert row is not None
    return row.settings["limits"]["body"], tablefile.read(world.place.table).routes["flights"].limits.body


@pytest.mark.parametrize("ends", ["abort", "reject"])
def test_settings_that_nobody_has_agreed_to_change_nothing(begun, tmp_path, ends):
    plain = tables.Limits().body
    settings = loop_plays.of("canary", approval=loop_plays.APPROVAL, limits=TIGHT, replicas=3)
    asks = (release(), Ask(ends, when(Phase.AWAITING_APPROVAL)))
    with World.of(begun, tmp_path / ends, Play(settings, asks)) as world:
        while not world.still:
            world.tick()
            assert limits(world) == (plain, plain)
            assert sum(one.endpoint == "flights" for one in world.workers.observe()) == 1


def test_settings_come_with_the_release_and_go_with_it(begun, tmp_path):
    plain, settings = tables.Limits().body, loop_plays.of("canary", limits=TIGHT)
    for name, bad, holds in (("good", (), TIGHT.body), ("bad", loop_plays.BAD, plain)):
        with World.of(begun, tmp_path / name, Play(settings, (release(),), bad=bad)) as world:
            during = set()
            while not world.still:
                world.tick()
                if world.books.active(ENV) and world.newest().phase is Phase.RUNNING:
                    during.add(limits(world)[0])
            assert during == {TIGHT.body}
            assert limits(world) == (holds, holds)


def test_settings_alone_are_released_behind_the_model_that_serves(begun, tmp_path):
    plain, settings = tables.Limits().body, loop_plays.of("canary", limits=TIGHT, probation_seconds=1.0)
    for name, bad, holds in (("good", (), TIGHT.body), ("bad", loop_plays.BAD, plain)):
        with World.of(begun, tmp_path / name, Play(settings, (), bad=bad)) as world:
            serves = world._payload("flights", "first")
            assert told(world, "release", serves).status == "done"
            world.finish()
            assert (world.newest().candidate.ordinal, limits(world)) == (2, (holds, holds))
            assert world.newest().candidate.model_digest == world.newest().stable.model_digest
            assert world.books.holds(ENV, "flights") == [], "the model serves on"
            again = told(world, "release", serves | {"settings": serves["settings"] | {"model": "by another name"}})
            if bad:
                assert again.status == "done"
            else:
                assert (again.status, again.result["code"]) == ("refused", "already-stable")
                assert told(world, "rollback", {}).status == "done"
                world.finish()
                assert limits(world) == (plain, plain)
                assert world.books.holds(ENV, "flights") == []


def test_a_way_back_brings_what_the_version_was_left_with_and_a_way_forth_again_what_it_had_brought(begun, tmp_path):
    plain, settings = tables.Limits().body, loop_plays.of("canary", limits=TIGHT, probation_seconds=1.0)
    with World.of(begun, tmp_path / "back", Play(settings, (release(),))) as world:
        world.finish()
        row = world.books.endpoint(ENV, "flights")
        assert told(world, "follow", {"settings": {**row.settings, "follow": True}}).status == "done"
        for back, holds in (({}, plain), ({"to": 2}, TIGHT.body)):
            if back:
                assert told(world, "unhold", {}).status == "done"
            assert told(world, "rollback", back).status == "done"
            world.finish()
            assert limits(world) == (holds, holds)
            assert world.books.endpoint(ENV, "flights").settings["follow"] is True, "that is a person's affair"


def test_a_way_back_by_hand_without_control_brings_them_once_control_is_back(begun, tmp_path):
    plain, settings = tables.Limits().body, loop_plays.of("canary", limits=TIGHT, probation_seconds=1.0)
    with World.of(begun, tmp_path / "hand", Play(settings, (release(),))) as world, pytest.MonkeyPatch.context() as patch:
        world.finish()
        world.kill()
        patch.setattr(override, "_warm", lambda *_: True)
        override.roll_back(world.place, "flights", None, actor="ada", reason="wrong")
        assert limits(world) == (TIGHT.body, TIGHT.body)
        world.finish()
        assert (world.newest().candidate.ordinal, limits(world)) == (1, (plain, plain))


def test_settings_to_follow_by_pass_what_a_release_has_to_pass(begun, tmp_path, monkeypatch):
    """A model file is replaced; before that, somebody had the endpoint follow it by other settings."""
    plain, approval = tables.Limits().body, releases.Approval(("bob",), count=1)
    monkeypatch.setattr(following.meaning.Meanings, "of", lambda *_: "sha256:new")
    with World.of(begun, tmp_path / "asks", Play(loop_plays.of("full", approval=approval, limits=TIGHT), ())) as world:
        serves = world._payload("flights", "first")
        monkeypatch.setattr(following.ordering, "make", lambda *_: serves["digest"])
        assert told(world, "follow", {"settings": {**serves["settings"], "follow": True}}).status == "done"
        assert limits(world) == (plain, plain)
        _look(world)
        assert (world.newest().phase, world.newest().actor) == (Phase.AWAITING_APPROVAL, "follow")
        assert limits(world) == (plain, plain)
        assert told(world, "reject", {}).status == "done"
        _look(world)
        assert (world.newest().phase, limits(world)) == (Phase.ABORTED, (plain, plain)), "it is not asked for again"
        assert told(world, "follow", {"settings": {**serves["settings"], "follow": True}}).status == "done"
        _look(world)
        approve = commands.Command(ENV, "flights", "approve", {}, "bob", "", world.now)
        world.books.submit(approve)
        world.finish()
        row = world.books.endpoint(ENV, "flights")
        assert (world.newest().phase, row.stable, row.settings["follow"]) == (Phase.SUCCEEDED, 3, True)
        assert limits(world) == (TIGHT.body, TIGHT.body)


def _look(world: World) -> None:
    """Let whatever is followed be looked at, and what comes of it come to rest or to a person."""
    for _ in range(3 * int(following.LOOK_SECONDS)):
        world.tick()
        if world.control is not None:
            concurrent.futures.wait([done for _, done in world.control._following._looks.values()])


def test_the_same_model_by_the_same_settings_is_released_where_its_example_is_another(begun, tmp_path):
    with World.of(begun, tmp_path / "same", Play(loop_plays.of("full", probation_seconds=1.0), ())) as world:
        serves = world._payload("flights", "first")
        stable = world.books.endpoint(ENV, "flights").settings
        assert told(world, "release", serves | {"settings": stable}).result["code"] == "already-stable"
        before = bundles.read_manifest(world.place.bundles / serves["digest"])
        other = msgspec.structs.replace(before, profile=manifests.Profile(rows=30, edges=(0.5,)))
        folder = world.place.bundles / other.digest
        shutil.copytree(world.place.bundles / serves["digest"], folder)
        (folder / bundles.MANIFEST).write_bytes(msgspec.json.encode(other, order="deterministic"))
        assert other.model_digest == before.model_digest
        assert told(world, "release", {"digest": other.digest, "settings": stable}).status == "done"


def test_a_retry_goes_by_what_the_failed_release_brought(begun, tmp_path):
    settings = loop_plays.of("canary", limits=TIGHT)
    asks = (release(), Ask("abort", when(Phase.RUNNING)), Ask("retry", when(Phase.ABORTED)))
    with World.of(begun, tmp_path / "retry", Play(settings, asks)) as world:
        world.finish()
        assert world.newest().phase is Phase.SUCCEEDED
        assert limits(world) == (TIGHT.body, TIGHT.body)
        assert msgspec.convert(world.books.endpoint(ENV, "flights").settings["limits"], tables.Limits) == TIGHT


def test_who_asks_is_refused_at_once_where_nobody_else_could_approve(begun, tmp_path):
    approval = releases.Approval(("ada", "bob"), count=2)
    with World.of(begun, tmp_path / "alone", Play(loop_plays.of("canary", approval=approval), (release(),))) as world:
        world.tick()
        (asked,) = [world.books.command(name) for name in world.commands]
        assert (asked.status, asked.result["code"]) == ("refused", "spec-invalid")
        assert world.newest().candidate.ordinal == 1


def test_a_held_version_is_not_gone_back_to_by_its_name(begun, tmp_path):
    asks = (release(), release("later", when(Phase.SUCCEEDED)), Ask("rollback", when(Phase.SUCCEEDED, 3)))
    with World.of(begun, tmp_path / "held", Play(loop_plays.of("full", probation_seconds=1.0), asks)) as world:
        world.finish()
        held = told(world, "rollback", {"to": 3})
        assert (held.status, held.result["code"]) == ("refused", "digest-held")
        assert "tidegate unhold flights --digest" in held.result["error"]
        assert told(world, "unhold", {}).status == "done"
        assert told(world, "rollback", {"to": 3}).status == "done"


@pytest.mark.parametrize("why", ["by a person", "by its verdict"])
def test_a_drill_that_is_rolled_back_does_not_hold_the_model_that_serves(begun, tmp_path, why):
    asks = [Ask("rehearse", payload={"seconds": 30.0})]
    asks += [Ask("rollback", when(Phase.RUNNING))] if why == "by a person" else []
    bad = loop_plays.BAD if why == "by its verdict" else ()
    with World.of(begun, tmp_path / "drill", Play(loop_plays.of("canary"), tuple(asks), bad=bad)) as world:
        world.finish()
        assert world.newest().outcome == "rolled_back"
        assert world.books.holds(ENV, "flights") == []


def test_what_a_person_has_an_endpoint_follow_counts_whatever_a_release_has_brought(begun, tmp_path):
    settings = loop_plays.of("canary", probation_seconds=600.0, follow=True)
    with World.of(begun, tmp_path / "follow", Play(settings, (release(),))) as world:
        while world.newest().phase is not Phase.PROBATION or world.newest().candidate.ordinal < 2:
            world.tick()
        world.tick()
        row = world.books.endpoint(ENV, "flights")
        assert row.settings["follow"] is True
        assert told(world, "follow", {"settings": {**row.settings, "follow": False}}).status == "done"
        assert told(world, "rollback", {}).status == "done"
        world.finish()
        assert world.books.endpoint(ENV, "flights").settings["follow"] is False
