"""Where a process's output goes: logs/NAME.log, appended to, about 50 MB at most and one older file."""

import os
import pathlib
import shutil

LARGEST = 50 << 20


def opened(path: pathlib.Path) -> int:
    """A descriptor to append to. Raises OSError."""
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)


def trim(folder: pathlib.Path) -> None:
    """Move what is too long aside, as NAME.log.1.

    The writer's descriptor stays open for its whole life, so the file is copied and emptied, not renamed; a line written
    between the two is lost. Raises OSError.
    """
    for path in folder.glob("*.log"):
        if path.stat().st_size > LARGEST:
            shutil.copyfile(path, path.with_name(path.name + ".1"))
            os.truncate(path, 0)
