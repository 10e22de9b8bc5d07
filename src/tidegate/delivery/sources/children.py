"""Steps that are processes of their own: `python -m tidegate.delivery.registry VERB`, a request as JSON on standard input,
answers as JSON on standard output, a line each, of which the last whole one counts.

What runs a model gets an environment without credentials; what talks to MLflow gets the caller's, and runs no model.
"""

import contextlib
import os
import pathlib
import signal
import subprocess
import sys
from collections.abc import Mapping
from typing import TypeVar

import msgspec

import tidegate
from tidegate.core.vocabulary import amounts, errors

_T = TypeVar("_T")
DOING = {
    "fetch": "fetching the model from MLflow",
    "resolve": "looking the model up in MLflow",
    "list": "listing what MLflow has",
    "profile": "loading the model and asking it its example",
    "explain": "explaining what the model predicted",
    "survey": "reading the training data",
}
"""What a step is, for people."""
NICE = 10
"""None of this is as urgent as predictions are."""
_KEPT = (
    "PATH",
    "LANG",
    "TZ",
    "TMPDIR",
    "LD_LIBRARY_PATH",
    "DYLD_LIBRARY_PATH",
    "VIRTUAL_ENV",
    "PYTHONPATH",
    "PYTHONDONTWRITEBYTECODE",
    "PYTHONPYCACHEPREFIX",
)
_KEPT_FAMILIES = ("LC_", "OMP_", "OPENBLAS_", "MKL_")


class Failure(msgspec.Struct, frozen=True, tag=True):
    """An error of the tree, by its code."""

    code: str
    message: str
    cure: str = ""
    where: str = ""


def run(
    verb: str, request: msgspec.Struct, answer: type[_T], *, env: Mapping[str, str], seconds: float, python: str = sys.executable
) -> _T:
    """Have a process do it, under this interpreter or another.

    The last answer it gave counts, however it ended. Raises the error it reports, or ModelLoadFailed when it ends without a word
    or takes too long for one.
    """
    argv = [python, "-m", "tidegate.delivery.registry", verb]
    began = subprocess.Popen(
        argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=dict(env), start_new_session=True
    )
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, began.pid, NICE)
    late = False
    try:
        out, words = began.communicate(msgspec.json.encode(request), timeout=seconds)
    except subprocess.TimeoutExpired:
        (out, words), late = _end(began), True
    except BaseException:
        _end(began)
        raise
    said = _last(out, answer)
    if said is not None:
        return said
    if late:
        raise errors.ModelLoadFailed(f"{DOING[verb]} took more than {amounts.span(seconds)} and was ended.")
    failure = _last(out, Failure)
    if failure is not None:
        raise error(failure)
    last = words.decode(errors="replace").strip().splitlines()[-1:] or ["it said nothing"]
    how = f"ended by signal {-began.returncode}" if began.returncode < 0 else f"ended with code {began.returncode}"
    if began.returncode == -signal.SIGKILL:
        how += " (out of memory?)"
    raise errors.ModelLoadFailed(f"the process that was {DOING[verb]} {how}: {last[0][:500]}")


def _last(out: bytes, kind: type[_T]) -> _T | None:
    for line in reversed(out.splitlines()):
        try:
            return msgspec.json.decode(line, type=kind)
        except msgspec.DecodeError:
            continue
    return None


def _end(process: subprocess.Popen[bytes]) -> tuple[bytes, bytes]:
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    return process.communicate()


def error(failure: Failure) -> errors.TidegateError:
    """The error that a code stands for."""
    waiting: list[type[errors.TidegateError]] = [errors.TidegateError]
    while waiting:
        kind = waiting.pop()
        if kind.code == failure.code:
            return kind(failure.message, cure=failure.cure, where=failure.where)
        waiting.extend(kind.__subclasses__())
    return errors.TidegateError(failure.message, cure=failure.cure, where=failure.where)


def open_environment() -> dict[str, str]:
    """For the process that talks to MLflow: the caller's own."""
    return {**os.environ, "PYTHONPATH": _path()}


def bare_environment(scratch: pathlib.Path, path: str = "") -> dict[str, str]:
    """For the process that runs the model: no credential of the caller's, and a home folder of its own.

    `path`: all that is on its path beside its interpreter's own packages; else this tidegate and what is on ours.
    """
    kept = {name: value for name, value in os.environ.items() if name in _KEPT or name.startswith(_KEPT_FAMILIES)}
    own = {"PYTHONPATH": path, "PYTHONNOUSERSITE": "1"} if path else {"PYTHONPATH": _path()}
    # The same hashes each time, so that what a converter writes comes in the same order.
    return {**kept, **own, "HOME": str(scratch), "MPLCONFIGDIR": str(scratch), "PYTHONHASHSEED": "0"}


def _path() -> str:
    """Where this very tidegate is, first: the process is to run the same code."""
    here = str(pathlib.Path(tidegate.__file__).parent.parent)
    return os.pathsep.join([here, *filter(None, [os.environ.get("PYTHONPATH", "")])])
