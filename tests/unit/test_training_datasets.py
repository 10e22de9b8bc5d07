"""Training data: where it is, and the bytes that its sha256 is of, wherever that is."""

import gzip
import hashlib
import pathlib

import pytest

from tidegate.delivery.training import datasets, digests


def test_a_compressed_file_that_is_elsewhere_has_the_sha256_that_it_has_here(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "train.csv.gz"
    path.write_bytes(gzip.compress(b"minutes\n1\n2\n"))
    with datasets.stream(path.as_uri()) as file:
        elsewhere = hashlib.file_digest(file, "sha256").hexdigest()
    assert elsewhere == digests.of(path) == hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize(
    ("source", "path"),
    [
        ("train.csv", "train.csv"),
        ("/data/train.csv", "/data/train.csv"),
        ("file:///data/a%20b.csv", "/data/a b.csv"),
        ("file://localhost/data/train.csv", "/data/train.csv"),
        ("file://another/data/train.csv", None),
        ("s3://bucket/train.csv", None),
        ("", None),
    ],
)
def test_a_source_is_here_only_if_it_names_this_machine(source: str, path: str | None) -> None:
    assert digests.local(source) == (pathlib.Path(path) if path else None)
