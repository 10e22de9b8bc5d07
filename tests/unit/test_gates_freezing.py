"""The data that a model came from: digested at the check, compared before it is exposed, and never passed over in silence."""

import hashlib

import pytest

from tidegate.core.vocabulary import manifests
from tidegate.delivery.gates import freezing

SHA = hashlib.sha256(b"1,2\n").hexdigest()


def naming(*sources, sha256=""):
    data = tuple(manifests.Dataset(f"d{place}", "training", sha256, str(source)) for place, source in enumerate(sources))
    columns = (manifests.Column("x", "double"),)
    signature = manifests.Signature("columns", columns, columns)
    provenance = manifests.Provenance("m", data=data)
    return manifests.Manifest("m", "sklearn", "m", signature, (), provenance=provenance)


@pytest.fixture
def file(tmp_path):
    found = tmp_path / "rows with space.csv"
    found.write_bytes(b"1,2\n")
    return found


def both(before, now):
    return list(freezing.compared(before, now))


@pytest.mark.parametrize("spelt", ["{0}", "file://{0}", "file://localhost{0}"])
def test_a_file_is_digested_as_it_is(file, tmp_path, spelt):
    (found,) = freezing.look(naming(spelt.format(file)), tmp_path)
    assert found.sha256 == SHA
    (said,) = both(None, (found,))
    assert said.compared
    assert SHA[:12] in said.words


def test_a_relative_source_is_looked_for_beside_the_home(file, tmp_path):
    (found,) = freezing.look(naming(file.name), tmp_path)
    assert found.sha256 == SHA
    (elsewhere,) = freezing.look(naming(file.name), tmp_path / "sub")
    assert not elsewhere.sha256


def test_unchanged_data_passes_and_changed_data_is_refused_with_both_digests(file, tmp_path):
    before = freezing.look(naming(file), tmp_path)
    assert all(one.passed and one.compared for one in both(before, freezing.look(naming(file), tmp_path)))
    file.write_bytes(b"1,3\n")
    (refused,) = both(before, freezing.look(naming(file), tmp_path))
    assert (refused.passed, refused.code) == (False, "data-changed")
    assert SHA[:12] in refused.words
    assert hashlib.sha256(b"1,3\n").hexdigest()[:12] in refused.words


def test_a_folder_changes_with_any_of_its_files_and_their_names(tmp_path):
    folder = tmp_path / "data"
    (folder / "a").mkdir(parents=True)
    (folder / "a" / "1.csv").write_bytes(b"1")
    (folder / "2.csv").write_bytes(b"2")
    digests = {freezing.look(naming(folder), tmp_path)[0].sha256}
    (folder / "2.csv").rename(folder / "3.csv")
    digests.add(freezing.look(naming(folder), tmp_path)[0].sha256)
    (folder / "a" / "1.csv").write_bytes(b"x")
    digests.add(freezing.look(naming(folder), tmp_path)[0].sha256)
    assert len(digests) == 3


@pytest.mark.parametrize(
    "source", ["", "s3://bucket/rows.csv", "customers", "file://otherhost/rows.csv", "https://host/rows.csv"]
)
def test_a_source_that_is_elsewhere_is_said_not_to_be_compared(tmp_path, source):
    now = freezing.look(naming(source), tmp_path)
    for before in (None, now):
        (said,) = both(before, now)
        assert said.passed
        assert not said.compared
        assert "not compared" in said.words


def test_a_file_that_is_gone_is_said_not_to_be_compared(file, tmp_path):
    before = freezing.look(naming(file), tmp_path)
    file.unlink()
    now = freezing.look(naming(file), tmp_path)
    (said,) = both(before, now)
    assert not said.compared
    assert "No such file" in said.words
    (later,) = both(now, before)
    assert not later.compared
    assert "at the first check" in later.words


def test_what_is_too_much_to_read_is_said(file, tmp_path, monkeypatch):
    monkeypatch.setattr(freezing, "MOST_BYTES", 3)
    (found,) = freezing.look(naming(file), tmp_path)
    assert not found.sha256
    assert "at most" in found.why


def test_what_was_noted_in_training_is_held_against_the_file_and_told(file, tmp_path):
    (alike,) = both(None, freezing.look(naming(file, sha256=SHA), tmp_path))
    assert "noted in training" in alike.words
    (other,) = both(None, freezing.look(naming(file, sha256="f" * 64), tmp_path))
    assert other.passed
    assert "ffffffffffff was noted, which is not the file's" in other.words


def test_a_bundle_without_data_is_no_proof(tmp_path):
    (said,) = both(None, freezing.look(naming(), tmp_path))
    assert said.passed
    assert not said.compared
