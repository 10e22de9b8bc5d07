"""Environments of versions: HOME/runtimes/<sha256 of the lock>, built by uv, shared by all versions with that lock.

One appears by a single rename of what was built and is never changed afterwards, so whoever finds one finds it whole. Whoever
builds holds a lock file; a second waits for it and finds the work done. What a killed builder left is swept by the next.
"""

import contextlib
import errno
import fcntl
import hashlib
import os
import pathlib
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator

import msgspec

from tidegate.core.vocabulary import errors, home, instances, manifests
from tidegate.dataplane.models import bundles
from tidegate.delivery.runtimes import interpreters, locking

SECONDS = 1_200.0
NICE = 15
"""Building gives way to whatever serves."""
FRESH_SECONDS = 3_600.0
"""A runtime younger than this is not swept: its bundle may still be in the making."""
MARKER = "tidegate.json"
_STAGING = ".building-"


class Held(msgspec.Struct, frozen=True):
    """What a runtime says of itself."""

    digest: str
    python: str
    packages: tuple[str, ...]
    size: int
    """Bytes of its files; those that it shares with uv's cache included."""


def ensure(place: home.Home, lock: bytes) -> pathlib.Path:
    """The interpreter of the runtime of a lock, built if it is not there. Raises RuntimeUnavailable, DiskFull."""
    digest = hashlib.sha256(lock).hexdigest()
    folder = place.runtimes / digest
    if not (folder / MARKER).exists():
        place.runtimes.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _building(place, digest):
            if not (folder / MARKER).exists():
                _build(place, digest, lock)
    return folder / "bin" / "python"


def ensure_of(place: home.Home, digest: str) -> pathlib.Path | None:
    """The interpreter of a bundle's own runtime, built if need be; None for a bundle that runs in Tidegate's.

    Raises BundleMissing, DigestMismatch, RuntimeUnavailable, DiskFull.
    """
    manifest = bundles.read_manifest(place.bundles / digest)
    if not manifest.runtime:
        return None
    lock = (place.bundles / digest / manifests.RUNTIME).read_bytes()
    if hashlib.sha256(lock).hexdigest() != manifest.runtime:
        raise errors.DigestMismatch(f"bundle {digest[:12]}: {manifests.RUNTIME} has other bytes than its sha256 says")
    return ensure(place, lock)


def mend(place: home.Home) -> tuple[str, ...]:
    """Build the runtimes that workers' specifications need and that are not there (a restored home has none); what failed."""
    failed = []
    specs = (instances.read(path) for path in sorted(place.instances.glob("*.json")))
    for digest in sorted({spec.labels["digest"] for spec in specs if spec is not None and spec.labels.get("digest")}):
        try:
            ensure_of(place, digest)
        except errors.BundleMissing:
            continue  # its worker says so itself
        except errors.TidegateError as wrong:
            failed.append(f"bundle {digest[:12]}: {wrong}")
    return tuple(failed)


def found(place: home.Home) -> list[Held]:
    """The runtimes there are, largest first."""
    held = []
    for marker in place.runtimes.glob(f"[!.]*/{MARKER}"):
        with contextlib.suppress(OSError, ValueError):
            held.append(msgspec.json.decode(marker.read_bytes(), type=Held))
    return sorted(held, key=lambda one: -one.size)


def used(place: home.Home) -> set[str]:
    """The runtimes that a bundle goes by."""
    names = set()
    for path in place.bundles.glob(f"[!.]*/{bundles.MANIFEST}"):
        with contextlib.suppress(errors.ModelError):
            names.add(bundles.read_manifest(path.parent).runtime)
    return names - {""}


def sweep(place: home.Home) -> list[str]:
    """Delete runtimes that no bundle goes by, and what killed builders left; the names of the former. What cannot go stays."""
    gone, kept = [], used(place)
    for folder in place.runtimes.glob("[!.]*"):
        if len(folder.name) != 64 or folder.name in kept or not _old(folder):
            continue
        with contextlib.suppress(OSError), _claimed(place, folder.name) as ours:
            if ours:
                (folder / MARKER).unlink(missing_ok=True)  # from here on it is no runtime, whenever we are killed
                shutil.rmtree(folder, ignore_errors=True)
                gone.append(folder.name)
    for left in place.runtimes.glob(f"{_STAGING}*"):
        with contextlib.suppress(OSError), _claimed(place, left.name.removeprefix(_STAGING)[:64]) as ours:
            if ours:
                shutil.rmtree(left, ignore_errors=True)
    return gone


def _old(folder: pathlib.Path) -> bool:
    try:
        return time.time() - folder.stat().st_mtime >= FRESH_SECONDS
    except OSError:
        return False  # another sweep was faster


@contextlib.contextmanager
def _building(place: home.Home, digest: str) -> Iterator[None]:
    """Alone with this runtime, and clear of what builders before have left of it."""
    with _locked(place, digest, wait=True):
        for left in place.runtimes.glob(f"{_STAGING}{digest}*"):
            shutil.rmtree(left, ignore_errors=True)
        yield


@contextlib.contextmanager
def _claimed(place: home.Home, digest: str) -> Iterator[bool]:
    """Whether nobody is building it, and nobody begins to meanwhile."""
    try:
        with _locked(place, digest, wait=False):
            yield True
    except BlockingIOError:
        yield False


@contextlib.contextmanager
def _locked(place: home.Home, digest: str, *, wait: bool) -> Iterator[None]:
    file = os.open(place.runtimes / f".{digest}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        yield
    finally:
        os.close(file)


def _build(place: home.Home, digest: str, lock: bytes) -> None:
    python = locking.version(lock)
    staging = pathlib.Path(tempfile.mkdtemp(prefix=f"{_STAGING}{digest}-", dir=place.runtimes))
    try:
        (staging / manifests.RUNTIME).write_bytes(lock)
        made = staging / "made"
        _run(staging, "venv", "--relocatable", "--python", interpreters.of(python), str(made))
        wheels = ("--require-hashes", "--only-binary", ":all:", "--no-deps", "--compile-bytecode")
        _run(staging, "pip", "install", "--python", str(made / "bin" / "python"), *wheels, "-r", manifests.RUNTIME)
        told = Held(digest, python, locking.packages(lock), sum(path.lstat().st_size for path in made.rglob("*")))
        (made / MARKER).write_bytes(msgspec.json.encode(told))
        shutil.rmtree(place.runtimes / digest, ignore_errors=True)  # without a marker it is what a killed sweep has left
        made.rename(place.runtimes / digest)
    except OSError as failed:
        if failed.errno in (errno.ENOSPC, errno.EDQUOT):
            raise errors.DiskFull(where=str(place.runtimes)) from failed
        raise errors.RuntimeUnavailable(f"the version's own runtime cannot be built: {failed}.") from failed
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _run(folder: pathlib.Path, *words: str) -> None:
    """One uv command in the staging folder, so that no project's configuration counts, and at low priority."""
    argv = [interpreters.uv(), *words, "--no-python-downloads", "--no-progress"]
    none = subprocess.DEVNULL
    child = subprocess.Popen(argv, cwd=folder, env=interpreters.environment(), stdin=none, stdout=none, stderr=subprocess.PIPE)
    try:
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, child.pid, NICE)
        said = child.communicate(timeout=SECONDS)[1]
    except BaseException as cut:
        child.kill()
        child.communicate()
        if isinstance(cut, subprocess.TimeoutExpired):
            raise errors.RuntimeUnavailable(f"building the version's own runtime took more than {SECONDS:.0f} s.") from cut
        raise
    if not child.returncode:
        return
    if b"os error 28" in said or b"No space left" in said:
        raise errors.DiskFull(where=str(folder.parent))
    raise errors.RuntimeUnavailable(
        f"the version's own runtime cannot be built: {locking.last_words(said)}",
        cure="Mend the model's requirements or reach the index; or say `runtime: shared`.",
    )
