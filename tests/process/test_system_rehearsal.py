"""A rollback practised under load; a rollback to a git revision, with everything alive and with control dead."""

import json
import os
import subprocess

import msgspec

from tests.process import living
from tidegate.core.vocabulary import manifests
from tidegate.dataplane.models import bundles

QUIET = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
NAMES = {f"GIT_{role}_{what}": f"{role}@x" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}


def test_a_drill_takes_half_of_the_traffic_and_gives_it_back_without_a_failed_request(tmp_path, models):
    with living.alive(tmp_path, models) as system, living.Traffic(system.address, 50) as traffic:
        found = json.loads(system.run("rehearse", living.ENDPOINT, "--requests", "300", "--rate", "100", "--json"))
        assert found["outcome"] == "rehearsed", found
        assert found["well"], found
        assert found["traffic"]["failed"] == 0, found
        assert found["traffic"]["versions"]["v2"] > 0, found
        assert 0 < found["traffic_off_seconds"] < 10, found
        assert traffic.failed == 0, traffic.failures
        endpoint = system.endpoint()
        assert (endpoint["stable"]["name"], endpoint["holds"]) == ("v1", [])
        against = json.loads(
            system.run("rehearse", living.ENDPOINT, "--aa", "2", "--pool", "2", "--requests", "200", "--rate", "100", "--json")
        )
        assert (against["drills"], against["rolled_back"], against["undecided"], against["failed"]) == (2, 0, 0, 0), against
        assert against["well"], against
        assert 0 < against["largest_e"] < 100, against
        assert system.endpoint()["holds"] == []
        system.release("v2")  # a drill leaves nothing in the way of a release
        system.await_phase("running", "promoting", "probation")


def test_a_rollback_to_a_revision_with_all_alive_and_with_control_dead(tmp_path, models):
    commit = _repository(tmp_path)
    with living.alive(tmp_path, models, "keep: 3\n") as system, living.Traffic(system.address, 100) as traffic:
        for name in ("one", "two", "three"):
            _release(system, commit[name])
        assert [one["revision"] for one in _versions(system)[:3]] == [commit["three"], commit["two"], commit["one"]]
        system.run("rollback", living.ENDPOINT, "--to-ref", "v1.0", "--reason", "a drill")
        assert system.endpoint()["stable"]["name"] == "v3"
        refused = system.run("rollback", living.ENDPOINT, "--to-ref", "deadbeef", code=2)
        assert refused == ""
        _stop_for_good(system, "control")
        system.run("rollback", living.ENDPOINT, "--to-ref", commit["one"][:10])
        route = json.loads(system.home.table.read_text())["routes"][living.ENDPOINT]
        assert (route["stable"]["ordinal"], route["candidate"]) == (2, None)
        answered = traffic.answered
        living.wait(lambda: traffic.answered > answered + 20, what="predictions to go on")
        assert traffic.failed == 0, traffic.failures


def test_after_a_contract_migration_no_rollback_goes_back_before_it(tmp_path, models):
    with living.alive(tmp_path, models) as system, living.Traffic(system.address, 50) as traffic:
        drop = {"migrations": [{"name": "drop-x", "kind": "contract"}]}
        system.release("v2", strategy="full", **drop)
        system.await_phase("probation", "succeeded")
        system.run("migrated", living.ENDPOINT, "drop-x", "--reason", "it ran")
        system.run("rollback", living.ENDPOINT, "--to", "v1", code=3)
        living.wait(lambda: not _listed(system)["kept"], what="v1 to leave the table")
        _stop_for_good(system, "control")
        system.run("rollback", living.ENDPOINT, "--to", "v1", code=3)
        assert _listed(system)["stable"]["ordinal"] == 2
        assert traffic.failed == 0, traffic.failures


def _listed(system):
    return json.loads(system.home.table.read_text())["routes"][living.ENDPOINT]


def _versions(system):
    with system.api as asked:
        return asked.versions(living.ENDPOINT)


def _release(system, revision):
    """Release v1's model as if it had been built from this revision: another bundle each."""
    (first,) = [one for one in _versions(system) if one["name"] == "v1"]
    folder = system.home.bundles / first["digest"]
    manifest = bundles.read_manifest(folder)
    provenance = manifests.Provenance(manifest.provenance.source, code_revision=revision)
    # Its parameters are the one thing here that makes it another model.
    mended = msgspec.structs.replace(manifest, provenance=provenance, lock=(*manifest.lock, f"# {revision}"))
    target = system.home.bundles / mended.digest
    subprocess.run(["cp", "-r", folder, target], check=True)
    (target / bundles.MANIFEST).chmod(0o600)
    (target / bundles.MANIFEST).write_bytes(msgspec.json.encode(mended, order="deterministic"))
    with system.api as asked:
        begun = asked.release(living.ENDPOINT, {"strategy": "full"}, digest=mended.digest)["release"]
        living.wait(lambda: asked.release_of(begun)["phase"] in {"probation", "succeeded"}, 60, "it to have all traffic")


def _repository(folder):
    """main: one, two, three; v1.0 is two."""
    found = {}
    for words in (
        ("init", "-q", "-b", "main"),
        *(("commit", "-q", "--allow-empty", "-m", one) for one in ("one", "two", "three")),
    ):
        _git(folder, *words)
        if words[0] == "commit":
            found[words[-1]] = _git(folder, "rev-parse", "HEAD")
    _git(folder, "tag", "v1.0", found["two"])
    return found


def _git(folder, *words):
    done = subprocess.run(
        ["git", "-C", folder, *words], env=os.environ | QUIET | NAMES, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def _stop_for_good(system, name):
    """Take its specification away, so that the keeper lets it end and starts no other."""
    spec = system.home.instances / f"{name}.json"
    spec.rename(spec.with_name(f"{spec.name}.off"))
    living.wait(lambda: not system.pid(name), what=f"{name} to end")
