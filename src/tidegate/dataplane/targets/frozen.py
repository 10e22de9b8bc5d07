"""Frozen copies of Tidegate's code: what a worker and the making of a bundle import, HOME/code/<sha256>/tidegate.

Tidegate is not installed in a version's own runtime but put on its path. Were that the folder Tidegate is installed in, the
runtime would see every package beside it, and an upgrade would change the code under workers that run. A copy is named by its
content, appears by one rename and is never changed.
"""

import contextlib
import hashlib
import pathlib
import shutil
import tempfile
import time

import tidegate
from tidegate.core.vocabulary import home, instances

ROOMS = (
    "core/vocabulary",
    "dataplane/models",
    "dataplane/wire",
    "dataplane/worker",
    "delivery/compiling",
    "delivery/describing",
    "delivery/registry",
    "delivery/runtimes",
    "delivery/sources",
)
"""What is copied, with the words of the wings above it. `delivery` for the process that profiles and compiles a model."""
FRESH_SECONDS = 3_600.0
_STAGING = ".copying-"
_known: dict[pathlib.Path, pathlib.Path] = {}


def copy(place: home.Home) -> pathlib.Path:
    """The folder to put on a path, made if it is not there. Raises OSError.

    A process goes by the copy it made or found first: its own code may have been upgraded on disk since.
    """
    there = _known.get(place.root)
    if there is None or not there.is_dir():
        there = _known[place.root] = _copied(place)
    return there


def _copied(place: home.Home) -> pathlib.Path:
    files = _files()
    digest = hashlib.sha256()
    for path, raw in files.items():
        digest.update(f"{path}\0{len(raw)}\0".encode() + raw)
    folder = place.code / digest.hexdigest()
    if folder.is_dir():
        return folder
    place.code.mkdir(mode=0o700, parents=True, exist_ok=True)
    staging = pathlib.Path(tempfile.mkdtemp(prefix=_STAGING, dir=place.code))
    try:
        for path, raw in files.items():
            target = staging / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(raw)
        with contextlib.suppress(OSError):  # somebody else's copy of the same was faster
            staging.rename(folder)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    if not folder.is_dir():
        raise OSError(f"{folder} cannot be made")
    return folder


def _files() -> dict[str, bytes]:
    source = pathlib.Path(tidegate.__file__).parent
    wings = {source, *((source / room).parent for room in ROOMS)}
    found = [wing / "__init__.py" for wing in wings]
    found += [path for room in ROOMS for path in (source / room).rglob("*.py")]
    return {f"tidegate/{path.relative_to(source).as_posix()}": path.read_bytes() for path in sorted(found)}


def sweep(place: home.Home) -> None:
    """Delete copies that no specification names and that have not been used for a while, and what killed copiers left."""
    kept = {str(_known.get(place.root, ""))}
    for path in place.instances.glob("*.json"):
        spec = instances.read(path)
        kept |= set(spec.env.get("PYTHONPATH", "").split(":")) if spec else set()
    for folder in place.code.glob("*"):
        with contextlib.suppress(OSError):  # another sweep may be faster
            if str(folder) not in kept and time.time() - folder.stat().st_mtime > FRESH_SECONDS:
                shutil.rmtree(folder)
