"""A bundle on disk: HOME/bundles/<digest>/manifest.json and the files it names. Reading verifies; nothing here loads."""

import dataclasses
import hashlib
import pathlib

import msgspec

from tidegate.core.vocabulary import errors, manifests

MANIFEST = "manifest.json"
CURE = "It was changed or damaged: remove its folder and make it again with `tidegate release`."
_CHUNK = 1 << 20


@dataclasses.dataclass(frozen=True)
class Bundle:
    """A bundle whose bytes are those its digest promises."""

    folder: pathlib.Path
    manifest: manifests.Manifest

    @property
    def entry(self) -> pathlib.Path:
        """What the loader is given: a file or a folder."""
        return self.folder / self.manifest.entry

    def example(self) -> bytes:
        """The example request body in JSON records form; empty where the bundle has none."""
        return (self.folder / self.manifest.example).read_bytes() if self.manifest.example else b""


def read_manifest(folder: pathlib.Path) -> manifests.Manifest:
    """The manifest in a bundle's folder, unverified. Raises BundleMissing or DigestMismatch (damaged beyond reading)."""
    try:
        return msgspec.json.decode((folder / MANIFEST).read_bytes(), type=manifests.Manifest)
    except FileNotFoundError as gone:
        raise errors.BundleMissing(f"bundle {folder.name[:12]} is not here; make it with `tidegate release`") from gone
    except ValueError as broken:
        raise errors.DigestMismatch(f"bundle {folder.name[:12]}: {MANIFEST} cannot be read ({broken})") from broken


def read(bundles: pathlib.Path, digest: str) -> Bundle:
    """The bundle of that digest, every byte checked: manifest, each file's size and sha256, and that no file is there besides.

    Raises BundleMissing where there is none, DigestMismatch naming the first file that is not as promised.
    """
    folder = bundles / digest
    manifest = read_manifest(folder)
    if manifest.digest != digest:
        raise errors.DigestMismatch(f"bundle {digest[:12]}: {MANIFEST} is not the one this digest was made from", cure=CURE)
    verify(folder, manifest)
    return Bundle(folder, manifest)


def verify(folder: pathlib.Path, manifest: manifests.Manifest) -> None:
    """Check the files of a bundle's folder against its manifest. Raises DigestMismatch naming the file."""
    named = {blob.path: blob for blob in manifest.files}
    there = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir() or path.is_symlink()}
    # A stray file is as bad as a changed one: what lies in a folder that a loader searches can become code.
    for stray in sorted(there - named.keys() - {MANIFEST}):
        raise errors.DigestMismatch(f"bundle {folder.name[:12]}: {stray} is not in the manifest", cure=CURE)
    for path, blob in named.items():
        if path not in there:
            raise errors.DigestMismatch(f"bundle {folder.name[:12]}: {path} is missing", cure=CURE)
        if (folder / path).is_symlink() or measure(folder, path) != blob:
            raise errors.DigestMismatch(f"bundle {folder.name[:12]}: {path} has other bytes than its sha256 says", cure=CURE)


def measure(folder: pathlib.Path, path: str) -> manifests.Blob:
    """The size and sha256 of one file, as the manifest lists it."""
    digest, size = hashlib.sha256(), 0
    with (folder / path).open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
            size += len(chunk)
    return manifests.Blob(path, digest.hexdigest(), size)
