"""The checks of a release, run over real bundles: in order, kept on disk, and once more before the release is exposed."""

import concurrent.futures

import msgspec
import pytest

from tidegate.control.loop import checks, observation
from tidegate.core.decide import strategies
from tidegate.core.vocabulary import dependencies, home, manifests, phases, releases, tables
from tidegate.dataplane.models import bundles
from tidegate.dataplane.targets import target
from tidegate.delivery.gates import memory

STAGES = strategies.canary(strategies.Plan())


@pytest.fixture
def place(tmp_path):
    return home.Home(tmp_path / ".tidegate")


def make(place, name, output="double", data=()):
    """A bundle on disk; its version."""
    folder = place.bundles / "making"
    folder.mkdir(parents=True)
    (folder / "model.bin").write_text(name)
    signature = manifests.Signature("columns", (manifests.Column("x", "double"),), (manifests.Column("y", output),))
    provenance = manifests.Provenance(f"models/{name}", data=data)
    files = (bundles.measure(folder, "model.bin"),)
    manifest = manifests.Manifest("m", "sklearn", "model.bin", signature, files, provenance=provenance)
    (folder / bundles.MANIFEST).write_bytes(msgspec.json.encode(manifest, order="deterministic"))
    folder.rename(place.bundles / manifest.digest)
    return releases.Version("delay", int(name[1:]), manifest.digest, manifest.model_digest, name)


def release(stable, candidate, **more):
    given = ("r1", "production", "delay", candidate, stable, "canary", STAGES, releases.Policy(), b"", 0.0)
    return releases.Release(*given, **{"phase": phases.Phase.CHECKING, "replicas": 2, **more})


def seen(version, rss, state=target.State.READY):
    workers = tuple(
        target.Replica(f"w{number}", "delay", version.ordinal, version.digest, "unix:/w", "t", state, rss=rss)
        for number in (1, 2)
    )
    return observation.Observation(0.0, tables.EMPTY, (), workers, {}, 0, {})


@pytest.fixture
def running(place):
    made = checks.Checks(place)
    yield made
    made.close()


def through(running, one, looked=None):
    """Have the checks run and be through; what came of them."""
    running.start(one, looked)
    concurrent.futures.wait(running._running.values(), 30)
    return running.result(one)


def named(found, name):
    return [one for one in found if one.name == name]


def test_a_good_release_passes_and_every_check_says_what_it_saw(place, running):
    given = release(make(place, "v1"), make(place, "v2"))
    assert running.result(given) is None
    assert running.findings(given) == ()
    assert through(running, given, seen(given.stable, 100 * 10**6)) == ""
    found = running.findings(given)
    assert [one.name for one in found] == ["bundle", "contract", "data", "memory"]
    assert "1 files" in named(found, "bundle")[0].words
    assert "200 MB" in named(found, "memory")[0].words


def test_a_first_release_has_no_contract_to_keep(place, running):
    given = release(None, make(place, "v1"))
    assert through(running, given) == ""
    assert not named(running.findings(given), "contract")[0].compared


def test_a_damaged_bundle_is_all_that_is_said(place, running):
    given = release(make(place, "v1"), make(place, "v2", output="long"))
    (place.bundles / given.candidate.digest / "model.bin").write_text("changed")
    assert "other bytes" in through(running, given)
    assert [one.name for one in running.findings(given)] == ["bundle"]


def test_everything_that_is_wrong_is_said_at_once(place, running):
    wanted = (dependencies.Requirement("table", "t", url="env:NOTHING_OF_THE_SORT"),)
    moved = (dependencies.Migration("drop-x", "contract"), dependencies.Migration("add-y", "expand"))
    given = release(make(place, "v1"), make(place, "v2", output="long"), requires=wanted, migrations=moved)
    why = through(running, given)
    assert "stable answers y: double" in why
    assert "env:NOTHING_OF_THE_SORT" in why
    words = [one.words for one in named(running.findings(given), "migrations")]
    assert "point of no return" in words[0]
    assert "`tidegate migrated delay drop-x`" in words[0]
    assert "a rollback stays possible" in words[1]


def test_a_way_back_is_checked_for_nothing_but_its_bundle(place, running):
    forward = release(make(place, "v2", output="long"), make(place, "v1"))
    given = msgspec.structs.replace(forward, strategy="rollback")
    assert through(running, given) == ""
    assert [one.name for one in running.findings(given)] == ["bundle"]


def test_too_little_memory_is_refused_before_anything_starts(place, running, monkeypatch):
    monkeypatch.setattr(memory, "free", lambda: memory.Free(150 * 10**6, "on this machine"))
    given = release(make(place, "v1"), make(place, "v2"))
    why = through(running, given, seen(given.stable, 100 * 10**6))
    assert "200 MB together, and only 150 MB are free on this machine" in why


def test_workers_that_are_up_already_need_no_room(place, running, monkeypatch):
    monkeypatch.setattr(memory, "free", lambda: memory.Free(0, "on this machine"))
    given = release(make(place, "v1"), make(place, "v2"), phase=phases.Phase.WARMING)
    assert through(running, given, seen(given.candidate, 100 * 10**6)) == ""


def test_data_that_changes_between_the_check_and_the_exposure_is_refused(place, running):
    rows = place.root.parent / "rows.csv"
    rows.write_text("1")
    data = (manifests.Dataset("rows", "training", "", "rows.csv"),)
    checked = release(make(place, "v1"), make(place, "v2", data=data))
    warming = msgspec.structs.replace(checked, phase=phases.Phase.WARMING)
    assert through(running, checked) == ""
    assert running.result(warming) is None  # the second run is one of its own
    assert through(running, warming) == ""
    rows.write_text("2")
    assert running.result(warming) == ""
    running.forget(checked.id)
    assert "was changed since the release was checked" in through(running, warming)


def test_a_new_control_compares_with_what_the_one_before_has_seen(place, running):
    rows = place.root.parent / "rows.csv"
    rows.write_text("1")
    data = (manifests.Dataset("rows", "training", "", "rows.csv"),)
    checked = release(make(place, "v1"), make(place, "v2", data=data))
    assert through(running, checked) == ""
    rows.write_text("2")
    later = checks.Checks(place)
    assert [one.name for one in later.findings(checked)] == ["bundle", "contract", "data", "memory"]
    assert "was changed" in through(later, checked)
    later.close()


def test_a_check_that_breaks_itself_is_no_pass(place, running, monkeypatch):
    given = release(make(place, "v1"), make(place, "v2"))
    place.checks.write_text("in the way")
    assert "the check itself failed" in through(running, given)


def test_old_findings_make_room(place, running, monkeypatch):
    monkeypatch.setattr(checks, "KEPT", 1)
    given = release(make(place, "v1"), make(place, "v2"))
    through(running, given)
    through(running, msgspec.structs.replace(given, id="r2"))
    assert len(list(place.checks.glob("*.json"))) == 1
