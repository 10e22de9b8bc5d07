"""Files that one process writes for as long as it lives, and others read: blocks reserved beforehand, life told by a lock."""

import errno
import fcntl
import os
import pathlib


def reserve(file: int, offset: int, size: int) -> None:
    """Real blocks, all zero: a mapped hole would kill us later. Raises OSError where there are none."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(file, offset, size)
    elif os.pwrite(file, bytes(size), offset) < size:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def in_use(path: pathlib.Path) -> bool:
    """Whether the process that writes this file is alive: it holds a lock on it. Raises OSError."""
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(file)
    return False
