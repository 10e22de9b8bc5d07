"""A model's requirements -> the whole of its runtime, every package with the hashes of its wheels.

What was resolved is kept in HOME/runtimes/locks by what was asked for: an index moves on, and the same model is to give the same
bundle.
"""

import hashlib
import pathlib
import platform
import subprocess
import sys
import tempfile
from collections.abc import Sequence

from tidegate.core.vocabulary import errors, home
from tidegate.delivery.runtimes import interpreters, requirements

SECONDS = 300.0
_OURS = "msgspec>=0.20,<1"
"""All that a worker needs of its own."""


def lock(place: home.Home, lines: Sequence[str], python: str) -> bytes:
    """The lock of requirement lines for a Python version (empty: this one), as `runtime.txt` has it.

    Raises RuntimeUnavailable: a line that is not allowed, an interpreter that is not here, no uv, or what the resolver said last.
    """
    wanted = requirements.resolvable((*lines, _OURS))
    interpreter = interpreters.of(python)
    minor = requirements.minor(python or platform.python_version())
    head = f"# CPython {minor} on {sys.platform} {platform.machine()}\n"
    asked = head + "".join(f"{line}\n" for line in wanted)
    kept = place.runtimes / "locks" / f"{hashlib.sha256(asked.encode()).hexdigest()}.txt"
    if not kept.exists():
        _keep(kept, head.encode() + _resolved(asked, interpreter))
    return kept.read_bytes()


def packages(locked: bytes) -> tuple[str, ...]:
    """NAME==VERSION of each package in a lock."""
    lines = locked.decode().splitlines()
    return tuple(line.split()[0] for line in lines if "==" in line and not line.startswith(("#", " ")))


def version(locked: bytes) -> str:
    """The Python version that a lock is of, such as 3.11."""
    return locked.decode().partition("CPython ")[2].partition(" ")[0]


def _resolved(asked: str, interpreter: str) -> bytes:
    argv = [
        interpreters.uv(),
        "pip",
        "compile",
        "-",
        "--generate-hashes",
        "--no-header",
        "--no-annotate",
        "--only-binary",
        ":all:",
    ]
    argv += ["--python", interpreter, "--no-python-downloads", "--no-progress", "--color", "never"]
    with tempfile.TemporaryDirectory(prefix="tidegate-lock-") as folder:  # no project's own configuration counts here
        try:
            done = subprocess.run(
                argv,
                input=asked.encode(),
                capture_output=True,
                cwd=folder,
                env=interpreters.environment(),
                timeout=SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired as late:
            raise errors.RuntimeUnavailable(f"resolving the model's requirements took more than {SECONDS:.0f} s.") from late
    if done.returncode:
        raise errors.RuntimeUnavailable(
            f"the model's requirements cannot be resolved: {last_words(done.stderr)}",
            cure="Mend its requirements or reach the index; or say `runtime: shared`.",
        )
    return done.stdout


def last_words(said: bytes) -> str:
    """What uv ended with: its last line that is no hint."""
    lines = [line.strip() for line in said.decode(errors="replace").splitlines()]
    plain = [line for line in lines if line and not line.startswith(("hint:", "warning:"))]
    return (plain or lines or ["it said nothing"])[-1].removeprefix("cause: ").removeprefix("error: ")[:600]


def _keep(path: pathlib.Path, raw: bytes) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".", delete=False) as scratch:
        scratch.write(raw)
    try:
        path.hardlink_to(scratch.name)
    except FileExistsError:
        pass  # somebody else has resolved it meanwhile: all go by the first
    finally:
        pathlib.Path(scratch.name).unlink()
