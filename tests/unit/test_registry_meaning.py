"""What a path means, and when that is another model."""

import pytest

from tidegate.core.vocabulary import errors
from tidegate.delivery.registry import meaning


def twice(looks: meaning.Meanings, path) -> str:
    looks.of(str(path))
    return looks.of(str(path))


def test_a_file_means_its_content_once_two_looks_agree(tmp_path):
    path, looks = tmp_path / "m.joblib", meaning.Meanings()
    with pytest.raises(errors.ModelSourceInvalid):
        looks.of(str(path))
    path.write_bytes(b"one")
    assert looks.of(str(path)) == ""  # it may still be being written
    first = looks.of(str(path))
    assert first.startswith("sha256:")
    path.write_bytes(b"another")
    assert looks.of(str(path)) == ""
    assert looks.of(str(path)) not in ("", first)
    path.write_bytes(b"one")
    assert twice(looks, path) == first


def test_a_folder_means_its_files_wherever_it_lies(tmp_path):
    looks, found = meaning.Meanings(), []
    for name in ("here", "there"):
        (tmp_path / name / "data").mkdir(parents=True)
        (tmp_path / name / "MLmodel").write_text("flavors: {}")
        (tmp_path / name / "data" / "m.pkl").write_bytes(b"m")
        found.append(twice(looks, tmp_path / name))
    assert found[0] == found[1]
    (tmp_path / "there" / "data" / "m.pkl").rename(tmp_path / "there" / "data" / "n.pkl")
    assert twice(looks, tmp_path / "there") != found[0]
