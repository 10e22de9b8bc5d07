"""What a model reference means just now, as a text that differs when it means another model. Nothing of a model is loaded.

mlflow://NAME@ALIAS     mlflow://NAME/3
a file, a folder        sha256:<64 digits> over names and contents
"""

import hashlib
import os
import pathlib

from tidegate.delivery.sources import asking, sources

Signature = tuple[tuple[str, int, int, int], ...]
"""(path, bytes, time of change, inode) of every file: equal as long as nothing was written."""


class Meanings:
    """Looks, and remembers contents while their files do not change."""

    def __init__(self) -> None:
        self._known: dict[pathlib.Path, tuple[Signature, str]] = {}

    def of(self, reference: str) -> str:
        """What it means; empty while it is still being written, which shows by two looks that differ.

        Raises ModelSourceInvalid where nothing is, or MLflow does not answer; ModelUnknown.
        """
        source = sources.parse(reference)
        if isinstance(source, sources.Registered):
            return asking.resolve(reference)
        signature = _signature(source.path)
        seen, content = self._known.get(source.path, ((), ""))
        if seen != signature:
            self._known[source.path] = (signature, "")
            return ""
        if not content:
            content = f"sha256:{_digest(source.path, signature)}"
            if _signature(source.path) != signature:
                return ""
            self._known[source.path] = (signature, content)
        return content


def _signature(path: pathlib.Path) -> Signature:
    files = sorted(one for one in path.rglob("*") if one.is_file()) if path.is_dir() else [path]
    found = []
    for one in files:
        try:
            status = one.stat()
        except OSError:
            continue  # it was there a moment ago: the next look sees what becomes of it
        found.append((os.fspath(one), status.st_size, status.st_mtime_ns, status.st_ino))
    return tuple(found)


def _digest(path: pathlib.Path, signature: Signature) -> str:
    content = hashlib.sha256()
    for name, size, _, _ in signature:
        shown = os.path.relpath(name, path) if path.is_dir() else ""
        content.update(f"{shown}\0{size}\0".encode())
        with pathlib.Path(name).open("rb") as file:
            while part := file.read(1 << 20):
                content.update(part)
    return content.hexdigest()
