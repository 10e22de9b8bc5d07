"""What is noted of a model is found by its digest: under another check or example, and in homes of an earlier Tidegate."""

import shutil

import msgspec
import pytest

from tests.process import loop_plays, loop_world
from tests.process.loop_plays import release
from tests.process.loop_world import ENV, Play, World
from tests.process.test_loop_commands import told
from tidegate.core.vocabulary import manifests
from tidegate.core.vocabulary.phases import Phase
from tidegate.dataplane.models import bundles
from tidegate.dataplane.wire import tablefile


@pytest.fixture
def begun(tmp_path) -> World:
    return World.finished(tmp_path / "begins", loop_plays.BEGINNINGS["one"])


def with_a_check(world: World, digest: str, content: str) -> str:
    """The digest of the same model's bundle with another check."""
    folder = world.place.bundles / f"checked-{content}"
    shutil.copytree(world.place.bundles / digest, folder)
    (folder / manifests.CHECKS).mkdir()
    (folder / manifests.CHECKS / "mine.py").write_text(content)
    before = bundles.read_manifest(folder)
    files = (bundles.measure(folder, f"{manifests.CHECKS}/mine.py"), *before.files)
    made = msgspec.structs.replace(before, files=files)
    (folder / bundles.MANIFEST).write_bytes(msgspec.json.encode(made, order="deterministic"))
    folder.rename(world.place.bundles / made.digest)
    return made.digest


def test_a_held_model_stays_held_with_another_check_and_a_good_one_is_released_with_it(begun, tmp_path):
    settings = loop_plays.of("canary", probation_seconds=1.0)
    with World.of(begun, tmp_path / "held", Play(settings, (release(),), bad=loop_plays.BAD)) as world:
        world.finish()
        assert world.newest().phase is Phase.ROLLED_BACK
        payload = world._payload("flights", "next")
        again = told(world, "release", payload | {"digest": with_a_check(world, payload["digest"], "held")})
        assert (again.status, again.result["code"]) == ("refused", "digest-held")
        stable = {**world.books.endpoint(ENV, "flights").settings, "probation_seconds": 1.0}
        world.books.put_endpoint(
            msgspec.structs.replace(world.books.endpoint(ENV, "flights"), settings=stable), world.books.endpoint(ENV, "flights")
        )
        serves = {"digest": world._payload("flights", "first")["digest"], "settings": stable}
        assert told(world, "release", serves).result["code"] == "already-stable"
        assert told(world, "release", serves | {"digest": with_a_check(world, serves["digest"], "good")}).status == "done"
        world.finish()
        assert (world.newest().candidate.ordinal, world.newest().phase) == (3, Phase.SUCCEEDED)


def test_what_an_earlier_tidegate_noted_of_a_model_is_found(begun, tmp_path):
    """A store with former digests: of a version that serves, of a held one, of a release under way."""
    with World.of(begun, tmp_path / "home", Play(loop_plays.of("canary"), (release(),), bad=loop_plays.BAD)) as world:
        world.finish()
        digests = {name: loop_world.bundle(world.place, name) for name in ("first", "next", "later")}
        known = {name: bundles.read_manifest(world.place.bundles / digest) for name, digest in digests.items()}
        world.play = world.play._replace(settings=loop_plays.of("canary", plan=loop_plays.SLOW), bad=())
        assert told(world, "release", world._payload("flights", "later")).status == "done"
        while world.newest().phase is not Phase.RUNNING:
            world.tick()
        world.kill()
        for one in known.values():
            world.books.rename_model((ENV, "flights"), one.model_digest, one.former_model_digest)
        world.books.note(ENV, "", "model_digests", "")
        world.tick()
        assert [one.model_digest for one in world.books.versions(ENV, "flights")] == [
            known[name].model_digest for name in ("first", "next", "later")
        ]
        assert [one.model_digest for one in world.books.holds(ENV, "flights")] == [known["next"].model_digest]
        assert world.newest().candidate.model_digest == known["later"].model_digest
        assert told(world, "rollback", {}).status == "done"
        world.finish()
        assert {one.model_digest for one in world.books.holds(ENV, "flights")} == {
            known[name].model_digest for name in ("next", "later")
        }
        assert tablefile.read(world.place.table).routes["flights"].stable.ordinal == 1
        assert world.books.verify()
