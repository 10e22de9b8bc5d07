"""A home as one file, and a home from one: everything that was decided, and the models; the prediction log where asked for.

A backup is consistent while everything runs: the table is read first and the store copied after it, as of one moment, so the
store is never behind the table; bundles never change. It begins with a manifest of what is in it, by sha256. A restore reads
and verifies all of that beside the home, and puts it in place by one rename.
"""

import contextlib
import hashlib
import importlib.metadata
import os
import pathlib
import shutil
import sqlite3
import tarfile
import tempfile
import time
import zlib
from collections.abc import Iterator

import msgspec

from tidegate.control.store import database, location
from tidegate.control.store import store as stores
from tidegate.core.vocabulary import erasures, errors, home, instances, tables
from tidegate.dataplane.predlog import catalogue, parquet
from tidegate.dataplane.wire import tablefile

FORMAT = 1
MANIFEST = "manifest.json"
PROJECT = "tidegate.yaml"
_CHUNK = 1 << 20
_GROWING = (".seg", erasures.HASHES)
"""Files that are appended to."""
_MANIFEST_MAX = 64 << 20
_DAMAGED = (tarfile.TarError, EOFError, zlib.error, OSError, ValueError)


class Member(msgspec.Struct, frozen=True):
    """One file of a backup."""

    path: str
    """Relative to the home."""
    sha256: str
    size: int


class Manifest(msgspec.Struct, frozen=True):
    """What is in a backup."""

    format: int
    made_at: float
    tidegate: str
    """The release of Tidegate that has made it."""
    members: tuple[Member, ...]
    log: bool = False
    """Whether the prediction log is in it."""


def write(place: home.Home, path: pathlib.Path, *, log: bool, now: float) -> Manifest:
    """Back the home up into a new file, readable by this account only.

    Raises BackupInvalid where the file exists or the home holds nothing, StoreUnavailable, DiskFull; no file is left then.
    """
    if path.exists():
        raise errors.BackupInvalid("there is a file of this name already; nothing was written.", where=str(path))
    part = path.with_name(f".{path.name}.part")
    try:
        with _scratch(place.root) as staging:
            _gather(place, staging, log=log)
            manifest = Manifest(FORMAT, now, importlib.metadata.version("tidegate"), tuple(_measured(staging)), log)
            _pack(staging, manifest, part)
            part.replace(path)
    except OSError as failed:
        raise errors.DiskFull(f"the backup cannot be written: {failed.strerror}.", where=str(path)) from failed
    finally:
        part.unlink(missing_ok=True)
    return manifest


def restore(path: pathlib.Path, place: home.Home, *, force: bool, now: float) -> tuple[Manifest, str]:
    """Make a home from a backup. Its endpoints begin without workers; control starts them as soon as it is up.

    Returns what was in it, and where the home that was there before has gone (empty: there was none). Raises AlreadyRunning
    while anything of that home lives, BackupInvalid for a home that is not empty, unless forced, and for a file that is not
    whole; the home is then as it was.
    """
    if any(instances.holder(place.instances, one.stem) for one in place.instances.glob("*.lock")):
        raise errors.AlreadyRunning("Tidegate is up in this directory.", cure="`tidegate down` first.", where=str(place.root))
    if not force and any(one.is_file() for one in place.root.rglob("*")):
        cure = "Name an empty one with --home, or use --force: what is there is then moved aside."
        raise errors.BackupInvalid("this home is not empty; nothing was restored.", cure=cure, where=str(place.root))
    try:
        place.root.parent.mkdir(parents=True, exist_ok=True)
        with _scratch(place.root.parent) as staging:
            manifest = _unpack(path, staging)
            fresh = home.Home(staging / "home")
            _awaken(fresh)
            if manifest.log:
                _still_forgotten(place, fresh)
            aside = _put(fresh, place, now)
    except OSError as failed:
        raise errors.DiskFull(f"the home cannot be written: {failed.strerror}.", where=str(place.root)) from failed
    return manifest, aside


def _gather(place: home.Home, staging: pathlib.Path, *, log: bool) -> None:
    """Everything into one folder: what may change as a copy, what never changes as a link."""
    with contextlib.suppress(FileNotFoundError):
        shutil.copyfile(place.table, staging / place.table.name)
    with stores.Store(location.url(place), create=False) as store:
        store.copy(staging / place.store.name)
    for one in (place.token, place.root.parent / PROJECT):
        with contextlib.suppress(FileNotFoundError):
            shutil.copyfile(one, staging / one.name)
    for shelf in (place.bundles, place.originals):
        for bundle in shelf.glob("[0-9a-f]*"):
            _link(bundle, staging / shelf.name / bundle.name)
    if log:
        _gather_log(place, staging)


def _gather_log(place: home.Home, staging: pathlib.Path) -> None:
    """The catalogue says what counts of the prediction log: what it names is there if it is looked for before and after it.

    What it does not name stays out: its records are in the segments, and beside it the catalogue would look like an earlier one.
    """
    counted: set[pathlib.Path] = set()
    for when in ("before", "after"):
        _link(place.log, staging / "log")
        _link(place.segments, staging / "segments")
        _link(place.erasures, staging / "erasures")
        known = place.log / catalogue.NAME
        if when == "before" and known.exists():
            source = sqlite3.connect(f"{known.as_uri()}?mode=ro", uri=True)
            with contextlib.closing(source), contextlib.closing(sqlite3.connect(staging / "log" / catalogue.NAME)) as copied:
                source.backup(copied)
                counted = {staging / "log" / row[0] for row in copied.execute("SELECT path FROM file")}
    if counted:
        for path in set((staging / "log").rglob(f"*{parquet.SUFFIX}")) - counted:
            path.unlink()


def _link(folder: pathlib.Path, target: pathlib.Path) -> None:
    """The same files once more; those that are written to are copied as far as they are, and one that goes is left out."""
    target.mkdir(parents=True, exist_ok=True)
    for path in sorted(folder.rglob("*")):
        if not path.is_file() or path.name.startswith((".", catalogue.NAME)):
            continue
        there = target / path.relative_to(folder)
        there.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileNotFoundError, FileExistsError):
            if path.suffix in _GROWING:
                shutil.copyfile(path, there)
            else:
                os.link(path, there)


def _measured(staging: pathlib.Path) -> Iterator[Member]:
    for path in sorted(one for one in staging.rglob("*") if one.is_file()):
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        yield Member(path.relative_to(staging).as_posix(), digest, path.stat().st_size)


def _pack(staging: pathlib.Path, manifest: Manifest, path: pathlib.Path) -> None:
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(file, "wb") as raw:
        with tarfile.open(fileobj=raw, mode="w:gz", compresslevel=3, dereference=True) as packed:
            (staging / MANIFEST).write_bytes(msgspec.json.encode(manifest))
            for name in (MANIFEST, *(one.path for one in manifest.members)):
                packed.add(staging / name, name, recursive=False)
        raw.flush()
        os.fsync(raw.fileno())


def _unpack(path: pathlib.Path, staging: pathlib.Path) -> Manifest:
    """All of it into `staging`/home, each file held against the manifest. Raises BackupInvalid."""
    try:
        with tarfile.open(path, "r:gz") as packed:
            manifest = _manifest(packed, path)
            wanted = {one.path: one for one in manifest.members}
            while (entry := packed.next()) is not None:
                member = wanted.pop(entry.name, None)
                if member is None or not entry.isreg() or not _is_inside(entry.name):
                    raise errors.BackupInvalid(f"{entry.name} does not belong in it.", where=str(path))
                _extract(packed, entry, member, staging / "home")
            while packed.fileobj is not None and packed.fileobj.read(_CHUNK):
                pass  # to its very end, where the checksum of all of it is
    except _DAMAGED as damaged:
        raise errors.BackupInvalid(f"it cannot be read: {damaged}. Nothing was restored.", where=str(path)) from damaged
    if wanted:
        raise errors.BackupInvalid(f"{min(wanted)} is missing. Nothing was restored.", where=str(path))
    return manifest


def _manifest(packed: tarfile.TarFile, path: pathlib.Path) -> Manifest:
    entry = packed.next()
    content = packed.extractfile(entry) if entry is not None and entry.name == MANIFEST and entry.isreg() else None
    if entry is None or content is None or entry.size > _MANIFEST_MAX:
        raise errors.BackupInvalid("it does not begin with a manifest: it is not one of ours.", where=str(path))
    manifest = msgspec.json.decode(content.read(), type=Manifest)
    if manifest.format > FORMAT:
        raise errors.BackupInvalid(f"it was made by a newer Tidegate ({manifest.tidegate}).", where=str(path))
    return manifest


def _is_inside(name: str) -> bool:
    parts = pathlib.PurePosixPath(name).parts
    return bool(parts) and not name.startswith("/") and ".." not in parts


def _extract(packed: tarfile.TarFile, entry: tarfile.TarInfo, member: Member, folder: pathlib.Path) -> None:
    target = folder / member.path
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    content, digest, size = packed.extractfile(entry), hashlib.sha256(), 0
    assert content is not None
    file = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(file, "wb") as written:
        while part := content.read(_CHUNK):
            size += len(part)
            digest.update(part)
            written.write(part)
    if (digest.hexdigest(), size) != (member.sha256, member.size):
        raise errors.BackupInvalid(f"{member.path} differs from its manifest. Nothing was restored.", where=str(packed.name))
    if member.path.startswith(("bundles/", "originals/")):
        target.chmod(0o400)


def _awaken(fresh: home.Home) -> None:
    """Check the store, and have every route say that its workers are yet to come up: those of the backup live no more.

    Raises BackupInvalid.
    """
    try:
        with stores.Store(database.sqlite_url(fresh.store), create=False) as store:
            store.verify()
            table = tablefile.read(fresh.table)
            for environment in {route.environment for route in table.routes.values()}:
                store.adopt_generation(environment, table.generation + 1)
    except (errors.StateError, errors.StoreUnavailable) as broken:
        raise errors.BackupInvalid(f"{broken} Nothing was restored.") from broken
    missing = {route.stable.digest for route in table.routes.values()} - {one.name for one in fresh.bundles.glob("*")}
    if missing:
        raise errors.BackupInvalid(f"the bundle {min(missing)[:12]}, which is stable, is not in it. Nothing was restored.")
    if table.routes:
        routes = {name: _sleeping(route, table.generation + 1) for name, route in table.routes.items()}
        tablefile.write(fresh.table, lambda current: msgspec.structs.replace(current, routes=routes))


def _sleeping(route: tables.Route, generation: int) -> tables.Route:
    stable = msgspec.structs.replace(route.stable, workers=())
    bare = {"candidate": None, "weight": 0, "mirror": 0, "evidence": False, "kept": (), "asleep": True}
    return msgspec.structs.replace(route, stable=stable, generation=generation, **bare)


def _still_forgotten(place: home.Home, fresh: home.Home) -> None:
    """Whoever was erased since the backup goes again: what is known of that is taken along from the home that was there."""
    for path in place.erasures.glob("[!.]*"):
        there = fresh.erasures / path.name
        if not there.exists() or path.stat().st_size > there.stat().st_size:  # hashes are only ever added
            there.parent.mkdir(mode=0o700, exist_ok=True)
            shutil.copyfile(path, there)


def _put(fresh: home.Home, place: home.Home, now: float) -> str:
    """Rename it into place; what was there before is moved aside, never deleted."""
    given = fresh.root / PROJECT
    if given.exists() and not (place.root.parent / PROJECT).exists():
        given.replace(place.root.parent / PROJECT)
    given.unlink(missing_ok=True)
    aside = ""
    if place.root.exists():
        stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime(now))
        before = place.root.with_name(f"{place.root.name}.before-{stamp}")
        place.root.rename(before)
        aside = str(before)
        if not any(one.is_file() for one in before.rglob("*")):
            shutil.rmtree(before)
            aside = ""
    fresh.root.chmod(0o700)
    fresh.root.rename(place.root)
    return aside


@contextlib.contextmanager
def _scratch(folder: pathlib.Path) -> Iterator[pathlib.Path]:
    """A folder of this account's own, gone afterwards whatever happens."""
    if not folder.is_dir():
        raise errors.NotRunning("there is nothing to back up here.", where=str(folder))
    made = pathlib.Path(tempfile.mkdtemp(prefix=".tidegate-", dir=folder))
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)
