"""Data sets on this machine: where a source is, and the sha256 of what is in it."""

import hashlib
import pathlib
import stat
from urllib import parse


def local(source: str) -> pathlib.Path | None:
    """Where a source says that it is on this machine; None for one that is elsewhere, or not named. Raises ValueError."""
    parts = parse.urlsplit(source)
    if not source or parts.scheme not in ("", "file") or parts.netloc not in ("", "localhost"):
        return None
    return pathlib.Path(parse.unquote(parts.path) if parts.scheme else source)


def located(source: str, beside: pathlib.Path) -> pathlib.Path | None:
    """The same from a folder on: a name that is not absolute has to be there. Raises OSError, ValueError."""
    named = local(source)
    return beside / named if named and (named.is_absolute() or (beside / named).exists()) else None


def files(path: pathlib.Path) -> list[pathlib.Path]:
    """A file, or all those of a folder, in order."""
    return sorted(one for one in path.rglob("*") if one.is_file()) if path.is_dir() else [path]


def of(path: pathlib.Path) -> str:
    """The sha256 of a file, or of a folder's files with their names. Raises OSError: it cannot be read."""
    if not path.is_dir():
        told = path.stat()
        if not stat.S_ISREG(told.st_mode):
            raise OSError("it is neither a file nor a folder")  # a pipe would be waited for, and a device never ends
        return _of_file(path)
    whole = hashlib.sha256()
    for one in files(path):
        whole.update(f"{one.relative_to(path).as_posix()}\0{_of_file(one)}\n".encode())
    return whole.hexdigest()


def _of_file(path: pathlib.Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
