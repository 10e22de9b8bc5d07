"""From a git revision to a version: by SHA without git, by tag and branch with a real repository."""

import os
import pathlib
import subprocess

import msgspec
import pytest

from tidegate.core.vocabulary import errors, home, manifests, tables
from tidegate.dataplane.models import bundles
from tidegate.interface.api import revisions

QUIET = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
NAMES = {f"GIT_{role}_{what}": f"{role}@x" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}


def git(folder, *words):
    done = subprocess.run(
        ["git", "-C", folder, *words], env=os.environ | QUIET | NAMES, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@pytest.fixture(scope="module")
def repository(tmp_path_factory):
    """main: one, two, three (tag v1.0 on two); a branch `side` off one. The commits by their name."""
    folder = tmp_path_factory.mktemp("project")
    git(folder, "init", "-q", "-b", "main")
    commits = {}
    for name in ("one", "two", "three"):
        git(folder, "commit", "-q", "--allow-empty", "-m", name)
        commits[name] = git(folder, "rev-parse", "HEAD")
    git(folder, "tag", "-a", "v1.0", "-m", "release", commits["two"])
    git(folder, "checkout", "-q", "-b", "side", commits["one"])
    git(folder, "commit", "-q", "--allow-empty", "-m", "aside")
    commits["side"] = git(folder, "rev-parse", "HEAD")
    git(folder, "tag", "abcdef12", commits["two"])
    return folder, commits


def built(ordinal, revision, **more):
    return revisions.Built(ordinal, **{"digest": f"d{ordinal}", "revision": revision, **more})


@pytest.fixture
def there(repository):
    commits = repository[1]
    return [built(3, commits["three"]), built(2, commits["two"]), built(1, commits["one"])]


def find(ref, there, repository):
    return revisions.find(ref, there, repository[0])


def test_a_sha_or_its_beginning_needs_no_git(there, repository, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    for length in (4, 7, 40):
        assert revisions.find(repository[1]["two"][:length].upper(), there, tmp_path) == 2


def test_a_tag_or_a_branch_is_the_newest_version_at_or_before_it(there, repository):
    assert find("v1.0", there, repository) == 2
    assert find("main", there, repository) == 3
    assert find("side", there, repository) == 1
    assert find("main~1", there, repository) == 2
    assert find("abcdef12", there, repository) == 2  # a tag that reads like a SHA


def test_held_versions_and_those_that_never_came_through_are_passed_over_by_name_but_not_by_sha(there, repository):
    commits = repository[1]
    known = [built(4, commits["three"], held=True), built(3, commits["three"], digest="d4", released=False), *there[1:]]
    assert find("main", known, repository) == 2
    assert find(commits["three"], known, repository) == 4


def test_one_model_under_several_ordinals_is_no_doubt_but_several_models_are(repository):
    two = repository[1]["two"]
    same = [built(9, two, digest="d", released=False), built(8, two, digest="d"), built(7, two, digest="d")]
    assert find(two, same, repository) == 8
    with pytest.raises(errors.RevisionUnknown, match="several") as refused:
        find(two[:8], [built(2, two), built(3, two)], repository)
    assert "v2" in str(refused.value)
    assert "v3" in str(refused.value)


@pytest.mark.parametrize("ref", ["nosuch", "deadbeef", "--all", "v1.0:x", "HEAD@{u}", "a b", "\x00"])
def test_what_comes_to_nothing_lists_what_there_is(there, repository, ref):
    with pytest.raises(errors.RevisionUnknown) as refused:
        find(ref, there, repository)
    assert f"v3 {repository[1]['three'][:12]}" in str(refused.value) or "git cannot be asked" in str(refused.value)


def test_a_commit_of_no_version_is_not_rounded_to_another(there, repository):
    with pytest.raises(errors.RevisionUnknown, match="no version was built from"):
        find(repository[1]["side"], there, repository)


def test_without_a_repository_or_without_git_it_says_what_does_work(there, tmp_path, monkeypatch):
    with pytest.raises(errors.RevisionUnknown, match="git cannot be asked") as refused:
        revisions.find("main", there, tmp_path)
    assert "SHA" in str(refused.value)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(errors.RevisionUnknown, match="git cannot be asked"):
        revisions.find("main", there, tmp_path)


def test_the_tables_versions_carry_the_revisions_of_their_bundles(tmp_path):
    place, listed = home.Home(tmp_path), []
    for ordinal in (1, 2):
        columns = (manifests.Column("x", "double"),)
        signature = manifests.Signature("columns", columns, columns)
        provenance = manifests.Provenance("m", code_revision=f"{ordinal}" * 40)
        manifest = manifests.Manifest("m", "sklearn", "m", signature, (), provenance=provenance)
        folder: pathlib.Path = place.bundles / manifest.digest
        folder.mkdir(parents=True)
        (folder / bundles.MANIFEST).write_bytes(msgspec.json.encode(manifest))
        listed.append(tables.Deployed(ordinal, manifest.digest, "m"))
    route = tables.Route("delay", "production", listed[1], candidate=tables.Deployed(3, "c" * 64, "m"), kept=(listed[0],))
    found = revisions.of_route(place, route)
    assert [(one.name, one.revision[:2], one.released, one.here) for one in found] == [
        ("v3", "", False, False),
        ("v2", "22", True, True),
        ("v1", "11", True, True),
    ]
