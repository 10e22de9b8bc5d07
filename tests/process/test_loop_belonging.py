"""Whose settings are: an endpoint's own stay on every way back, those of a version go with it; approvals are asked by both."""

import json

import pytest

from tests.process import loop_plays
from tests.process.loop_plays import release
from tests.process.loop_world import ENV, Play, World
from tests.process.test_loop_commands import TIGHT, limits, told
from tidegate.control.loop import brought
from tidegate.core.spec import explained
from tidegate.core.spec import settings as specification
from tidegate.core.vocabulary import keeping, releases, tables
from tidegate.core.vocabulary.phases import Phase

PLAIN = tables.Limits().body
CAREFUL = {
    "log": keeping.Keeping(redact=("x",), retention_seconds=86_400.0),
    "approval": releases.Approval(("bob",)),
    "notify": ("env:PAGER",),
    "access": "token",
}


@pytest.fixture
def begun(tmp_path) -> World:
    return World.finished(tmp_path / "begins", loop_plays.BEGINNINGS["one"])


def own(world: World) -> dict[str, object]:
    """The endpoint's own settings, as it goes by them."""
    row = world.books.endpoint(ENV, "flights")
    assert row is not None
    return {key: row.settings[key] for key in CAREFUL}


def careful() -> dict[str, object]:
    stored = json.loads(specification.encode(specification.Settings("flights", "m", **CAREFUL)))
    return {key: stored[key] for key in CAREFUL}


def until(world: World, phase: Phase) -> None:
    while world.newest().phase is not phase:
        world.tick()
        assert world.now < 1_000_300.0


def approved(world: World) -> None:
    until(world, Phase.AWAITING_APPROVAL)
    world.play = world.play._replace(asks=(*world.play.asks, loop_plays.Ask("approve", actor="bob")))


def test_a_way_back_and_forth_leaves_what_is_the_endpoints_as_it_is(begun, tmp_path):
    with World.of(begun, tmp_path / "ways", Play(loop_plays.of("full", limits=TIGHT, **CAREFUL), (release(),))) as world:
        approved(world)
        world.finish()
        assert (limits(world)[0], own(world)) == (TIGHT.body, careful())
        for back, holds in (({}, PLAIN), ({"to": 2}, TIGHT.body)):
            if back:
                assert told(world, "unhold", {}).status == "done"
            assert told(world, "rollback", back).status == "done"
            world.finish()
            assert (limits(world)[0], own(world)) == (holds, careful())


def test_a_release_that_is_rolled_back_does_not_show_what_its_file_had_redacted(begun, tmp_path):
    settings = loop_plays.of("canary", limits=TIGHT, **{**CAREFUL, "approval": None})
    with World.of(begun, tmp_path / "bad", Play(settings, (release(),), bad=loop_plays.BAD)) as world:
        world.finish()
        assert world.newest().phase is Phase.ROLLED_BACK
        assert (limits(world)[0], own(world)) == (PLAIN, careful() | {"approval": None})
        was, now = (specification.of(each) for each in brought.moved(world.books, world.newest()))
        changed = {key for key, *_ in explained.differing(was, now)}
        assert "limits.body" in changed
        assert not changed & {"log.redact", "log.retention", "release.approve", "notify", "access"}


def test_what_nobody_has_agreed_to_leaves_nothing_and_takes_nobody_off_the_list(begun, tmp_path):
    before = loop_plays.of("full", **CAREFUL, probation_seconds=1.0)
    with World.of(begun, tmp_path / "rejected", Play(before, (release(),))) as world:
        approved(world)
        world.finish()
        world.play = world.play._replace(settings=loop_plays.of("full", notify=("env:OTHER",)))
        assert told(world, "release", world._payload("flights", "later")).status == "done"
        until(world, Phase.AWAITING_APPROVAL)
        world.tick()
        assert own(world) == careful() | {"notify": ["env:PAGER", "env:OTHER"]}
        assert told(world, "reject", {}).status == "done"
        world.finish()
        assert own(world) == careful()


def test_a_file_without_approve_is_released_with_the_approval_that_is_in_force(begun, tmp_path):
    before = loop_plays.of("full", approval=CAREFUL["approval"], probation_seconds=1.0)
    with World.of(begun, tmp_path / "asked", Play(before, (release(),))) as world:
        approved(world)
        world.finish()
        world.play = world.play._replace(settings=loop_plays.of("full", probation_seconds=1.0))
        payload = world._payload("flights", "later")
        assert told(world, "release", payload).status == "done"
        approved(world)
        assert world.newest().approval == CAREFUL["approval"]
        world.finish()
        assert (world.newest().candidate.ordinal, world.newest().phase, own(world)["approval"]) == (3, Phase.SUCCEEDED, None)
        again = {**payload, "digest": world._payload("flights", "next")["digest"]}
        assert told(world, "release", again).status == "done"
        world.finish()
        assert (world.newest().candidate.ordinal, world.newest().phase) == (4, Phase.SUCCEEDED), "now nobody has to"


def test_a_file_may_not_appoint_its_own_approvers(begun, tmp_path):
    before = loop_plays.of("full", approval=CAREFUL["approval"], probation_seconds=1.0)
    with World.of(begun, tmp_path / "appointed", Play(before, (release(),))) as world:
        approved(world)
        world.finish()
        world.play = world.play._replace(settings=loop_plays.of("full", approval=releases.Approval(("eve",))))
        refused = told(world, "release", world._payload("flights", "later"))
        assert (refused.status, refused.result["code"]) == ("refused", "spec-invalid")
        assert world.newest().candidate.ordinal == 2
