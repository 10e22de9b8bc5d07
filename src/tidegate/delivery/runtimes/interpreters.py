"""uv, and the Python interpreters of this machine. None is ever downloaded."""

import importlib
import importlib.util
import os
import pathlib
import platform
import shutil
import subprocess
import sys
from collections.abc import Sequence

import msgspec

from tidegate.core.vocabulary import errors
from tidegate.delivery.runtimes import requirements

FIND_SECONDS = 60.0
_CURE = "pip install uv"


class _Listed(msgspec.Struct):
    version: str
    path: str | None = None
    implementation: str = "cpython"


def uv() -> str:
    """The program. Raises RuntimeUnavailable where there is none."""
    if importlib.util.find_spec("uv") is not None:
        try:
            return str(importlib.import_module("uv").find_uv_bin())
        except FileNotFoundError:
            pass  # the module without its program: whoever installed it put that elsewhere
    beside = pathlib.Path(sys.executable).with_name("uv")
    found = str(beside) if beside.is_file() else shutil.which("uv")
    if not found:
        raise errors.RuntimeUnavailable("a runtime of the version's own is built with uv, which is not here.", cure=_CURE)
    return found


def environment() -> dict[str, str]:
    """For uv: the caller's own, with its index and proxy; what uv says is not broken into lines."""
    return {**os.environ, "UV_NO_WRAP": "1", "NO_COLOR": "1"}


def of(version: str) -> str:
    """A CPython of this minor version (any, when empty: this one). Raises RuntimeUnavailable naming those found."""
    wanted = requirements.minor(version)
    if not wanted or wanted == requirements.minor(platform.python_version()):
        return str(getattr(sys, "_base_executable", "") or sys.executable)
    listed = _listed()
    for one in listed:
        if one.path and requirements.minor(one.version) == wanted:
            return one.path
    here = {requirements.minor(found) for found in (platform.python_version(), *(one.version for one in listed))}
    cure = f"Install it, log the model with one of these, or say `runtime: shared`. Here: {', '.join(sorted(here, key=_key))}."
    raise errors.RuntimeUnavailable(f"the model was made with Python {wanted}, which is not on this machine.", cure=cure)


def _listed() -> Sequence[_Listed]:
    argv = [uv(), "python", "list", "--only-installed", "--offline", "--no-python-downloads", "--output-format", "json"]
    try:
        done = subprocess.run(argv, capture_output=True, timeout=FIND_SECONDS, check=False)
        found = msgspec.json.decode(done.stdout or b"[]", type=list[_Listed])
    except (subprocess.TimeoutExpired, OSError, msgspec.DecodeError) as failed:
        raise errors.RuntimeUnavailable(f"the interpreters of this machine cannot be listed: {failed}.") from failed
    return [one for one in found if one.implementation == "cpython"]


def _key(minor: str) -> tuple[int, ...]:
    return tuple(int(part) for part in minor.split(".") if part.isdigit())
