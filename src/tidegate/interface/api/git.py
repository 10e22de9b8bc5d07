"""Questions to the git command line about the project's repository. It only reads, and nothing here needs the network."""

import os
import pathlib
import subprocess

from tidegate.core.vocabulary import errors

SECONDS = 20.0


def commit(folder: pathlib.Path, ref: str) -> str:
    """The commit that a tag, branch or expression names in the repository around `folder`; empty where it names none.

    Raises RevisionUnknown where there is no git, or no repository.
    """
    if ref.startswith("-") or not ref.strip():
        return ""
    _ask(folder, "rev-parse", "--git-dir")
    return _ask(folder, "rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}", misses=True)


def is_named(folder: pathlib.Path, ref: str) -> bool:
    """Whether it is the name of a branch or tag, not a commit's own."""
    return bool(_ask(folder, "rev-parse", "--symbolic-full-name", ref, misses=True))


def precedes(folder: pathlib.Path, earlier: str, later: str) -> bool:
    """Whether a commit is the other, or one of those it was built on; False for one that the repository does not have."""
    return _run(folder, "merge-base", "--is-ancestor", earlier, later).returncode == 0


def _ask(folder: pathlib.Path, *words: str, misses: bool = False) -> str:
    done = _run(folder, *words)
    if done.returncode and not misses:
        said = next(iter(done.stderr.strip().splitlines()), "no reason given").removeprefix("fatal: ")
        raise errors.RevisionUnknown(f"git cannot be asked: {said}.", cure=_CURE, where=str(folder))
    return done.stdout.strip() if not done.returncode else ""


_CURE = "A version's own SHA, or its beginning, is found without git; so is `--to V`."


def _run(folder: pathlib.Path, *words: str) -> "subprocess.CompletedProcess[str]":
    quiet = os.environ | {"GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}
    try:
        return subprocess.run(
            ["git", "-C", str(folder), *words], capture_output=True, text=True, timeout=SECONDS, check=False, env=quiet
        )
    except (OSError, subprocess.TimeoutExpired, ValueError) as failed:
        raise errors.RevisionUnknown(f"git cannot be asked: {type(failed).__name__}.", cure=_CURE, where=str(folder)) from failed
