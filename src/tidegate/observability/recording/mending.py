"""Damage in the recorded log: found before it is asked for, set aside, counted, and told until a person has seen to it.

Every file's size is looked at, and file by file its checksum, round and round: what a disk has changed is found whether or not
anybody reads it. A damaged file is kept under its name and `.damaged` (empty for one that is missing), the row groups of it that
are whole go into a new one, and one transaction lets that count in its place. Called by the recorder.
"""

import logging
import os
from collections.abc import Sequence

from tidegate.dataplane.predlog import catalogue, intact, parquet

CHECKED_BYTES = 32 << 20
"""Bytes that are checked at one look."""
log = logging.getLogger(__name__)


class Mending:
    """Where the round has got to."""

    def __init__(self, known: catalogue.Catalogue) -> None:
        self._known = known
        self._after = ""
        """Path of the last file whose checksum was compared."""

    def look(self, name: str) -> int:
        """Look at all sizes and at some checksums; how many files were set aside. `name`: of what can be saved.

        Raises OSError and sqlite3.Error.
        """
        files = self._known.files()
        due = {file.path for file in (*self._next(files), *(file for file in files if intact.gone(self._known.log, file)))}
        found = [(file, why) for file in files if file.path in due and (why := intact.differs(self._known.log, file))]
        for number, (file, why) in enumerate(found):
            set_aside(self._known, file, why, f"{name}-{number}")
        return len(found)

    def _next(self, files: Sequence[parquet.File]) -> list[parquet.File]:
        """The files whose turn it is, in order of their paths; after the last one the first."""
        found, left = [], CHECKED_BYTES
        for file in files:
            if file.path > self._after and left > 0:
                found.append(file)
                left -= file.stored
        self._after = found[-1].path if found and left <= 0 else ""
        return found


def set_aside(known: catalogue.Catalogue, file: parquet.File, why: str, name: str) -> None:
    """Have a damaged file count no more, and what can be saved of it in its place, in a file of that name."""
    saved = intact.saved(known.log, name, file)
    path = known.log / file.path
    aside = path.with_name(path.name + parquet.ASIDE)
    try:
        os.link(path, aside)
    except FileExistsError:
        pass
    except FileNotFoundError:
        aside.touch(mode=0o600)
    lost = file.rows - (saved.rows if saved else 0)
    known.begin()
    known.swap(file, saved)
    known.damaged(file, why, lost)
    known.tally({"damaged": 1, "damaged_rows": lost})
    known.commit()
    path.unlink(missing_ok=True)
    told = {"file": file.path, "why": why, "rows": file.rows, "lost_rows": lost, "aside": str(aside)}
    log.error("a file of the prediction log is damaged and was set aside", extra=told)
