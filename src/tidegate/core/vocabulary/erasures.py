"""What is to be erased from the prediction log, and what was. Files in HOME/erasures, each written whole.

<id>.asked.json     asked for, and not yet done; made by the API. A list where several are asked for together: the first one's id
<id>.kept.json      done: a tombstone, so that what comes late is erased, too; without what a person could be told by
<id>.hashes         of the predictions that went, with those of others that went out of the same files, 16 bytes each: these, too,
                    outlive the log's catalogue and backups of the log
<id>.told.json      what was done; control makes an event of the audit of it and deletes it
"""

import logging
import os
import pathlib
import uuid
from collections.abc import Sequence
from typing import Any

import msgspec

from tidegate.core.vocabulary import placing

KEY, ID, WHERE, EXPIRED, AGAIN = "key", "id", "where", "expired", "again"
ASKED, KEPT, TOLD, HASHES = ".asked.json", ".kept.json", ".told.json", ".hashes"
HASH_BYTES = 16
TOGETHER_MOST = 10_000
"""Asked for with one request."""
log = logging.getLogger(__name__)


class Asked(msgspec.Struct, frozen=True):
    """Whose records are to go: those of a sticky key, one prediction, or those with a value in an input column."""

    id: str
    endpoint: str
    kind: str
    """KEY, ID or WHERE; AGAIN: whatever was erased before and is in files that have come back."""
    at: float
    """Unix seconds: predictions up to then are meant, whoever of that key comes back later is somebody new."""
    actor: str = ""
    reason: str = ""
    key_hash: str = ""
    """KEY: as records have it, hexadecimal."""
    prediction: str = ""
    """ID: 36 characters."""
    column: str = ""
    value: str = ""
    """WHERE: the column and the value, as text."""
    together: str = ""
    """The id that the file is called by, where it was asked for with others."""

    @property
    def subject(self) -> str:
        """What the audit says of it: no name, no id and no value."""
        return {KEY: self.key_hash, ID: "one prediction", WHERE: self.column}.get(self.kind, "")


class Told(msgspec.Struct, frozen=True):
    """What was erased."""

    id: str
    endpoint: str
    kind: str
    subject: str
    """The key's hash, the column, or the day (EXPIRED)."""
    asked_at: float
    at: float = 0.0
    actor: str = "system"
    reason: str = ""
    predictions: int = 0
    outcomes: int = 0
    noted: int = 0
    """Rows of the recorder's own: waiting for outcomes, pairs, units."""
    objects: int = 0
    """Large texts, bodies and tensors."""
    aside: int = 0
    """Damaged files that lie aside and may hold some: they are to be deleted by hand."""


def fresh() -> str:
    """An id."""
    return uuid.uuid4().hex


def write(folder: pathlib.Path, suffix: str, one: Asked | Told) -> None:
    """Put one there whole, for this account only, on the disk when this returns. Raises OSError."""
    folder.mkdir(mode=0o700, exist_ok=True)
    placing.put(folder / f"{one.id}{suffix}", msgspec.json.encode(one), synced=True)


def ask(folder: pathlib.Path, several: Sequence[Asked]) -> list[Asked]:
    """Ask for several together: whoever hears of one hears of all; these as they are asked for. Raises OSError."""
    if len(several) == 1:
        write(folder, ASKED, several[0])
        return list(several)
    folder.mkdir(mode=0o700, exist_ok=True)
    whole = [msgspec.structs.replace(one, together=several[0].id) for one in several]
    placing.put(folder / f"{several[0].id}{ASKED}", msgspec.json.encode(whole), synced=True)
    return whole


def remove(folder: pathlib.Path, suffix: str, identifier: str) -> None:
    """Take one away, if it is there. Raises OSError."""
    (folder / f"{identifier}{suffix}").unlink(missing_ok=True)


def remember(folder: pathlib.Path, of: str, hashes: Sequence[bytes]) -> None:
    """Add hashes of predictions that went to those of an erasure, on the disk when this returns. Raises OSError."""
    folder.mkdir(mode=0o700, exist_ok=True)
    file = os.open(folder / f"{of}{HASHES}", os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    with os.fdopen(file, "ab") as opened:
        opened.truncate(opened.tell() // HASH_BYTES * HASH_BYTES)  # a kill may have left a part of one
        opened.write(b"".join(hashes))
        opened.flush()
        os.fsync(opened.fileno())


def remembered(folder: pathlib.Path) -> dict[str, list[bytes]]:
    """By erasure, the hashes of what went. Raises OSError."""
    found = {}
    for path in sorted(folder.glob(f"[!.]*{HASHES}")):
        raw = path.read_bytes()
        ends = range(HASH_BYTES, len(raw) + 1, HASH_BYTES)
        found[path.name.removesuffix(HASHES)] = [raw[end - HASH_BYTES : end] for end in ends]
    return found


def asked(folder: pathlib.Path, suffix: str = ASKED) -> list[Asked]:
    """Those that are there, in order of their files; one that cannot be read is passed over."""
    found = _all(folder, suffix, Asked | list[Asked])
    return [one for each in found for one in (each if isinstance(each, list) else [each])]


def told(folder: pathlib.Path, most: int | None = None) -> list[Told]:
    """Likewise, what was done and not yet heard of; so many at most."""
    return _all(folder, TOLD, Told, most=most)


def told_of(folder: pathlib.Path, identifier: str) -> Told | None:
    """What was done for one erasure, where that is not yet heard of."""
    return next(iter(_all(folder, TOLD, Told, identifier)), None) if identifier.isalnum() else None


def _all(folder: pathlib.Path, suffix: str, kind: Any, name: str = "[!.]*", most: int | None = None) -> list[Any]:
    found: list[Any] = []
    for path in sorted(folder.glob(f"{name}{suffix}")):
        if len(found) == most:
            break
        try:
            found.append(msgspec.json.decode(path.read_bytes(), type=kind))
        except FileNotFoundError:
            continue
        except (OSError, ValueError) as broken:
            log.warning("an erasure cannot be read", extra={"file": path.name, "why": str(broken)})
    return found
