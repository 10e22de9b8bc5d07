"""Files that are put in place whole: whoever reads sees what was there or what is, never a part. Standard library only."""

import os
import pathlib


def put(path: pathlib.Path, data: bytes, *, synced: bool = False) -> None:
    """Have a file hold exactly these bytes, for this account only. Its folder is there.

    `synced`: they are on the disk when this returns, and outlive a power cut; else they outlive the process alone.
    Raises OSError, and then the file is as it was.
    """
    scratch = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with os.fdopen(os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), "wb") as file:
            file.write(data)
            if synced:
                file.flush()
                os.fsync(file.fileno())
        scratch.replace(path)
    except OSError:
        scratch.unlink(missing_ok=True)
        raise
