"""Which runtime a version gets: Tidegate's own interpreter, or an environment built from its lock; and why, in words."""

import dataclasses
import platform

from tidegate.delivery.describing import mlmodel
from tidegate.delivery.runtimes import interpreters, packages, requirements


@dataclasses.dataclass(frozen=True)
class Choice:
    """A decision about one model."""

    own: bool
    why: str
    """A clause to follow "since": "it needs scikit-learn==1.5.2, and 1.9.1 is installed here"."""
    lines: tuple[str, ...]
    """The requirement lines that the bundle keeps; empty where the model says none and shares Tidegate's."""
    python: str
    """The Python version that it is for."""


def choose(wanted: str, draft: mlmodel.Draft) -> Choice:
    """`wanted`: auto, own or shared, as the file has it. Reads what is installed here; imports and installs nothing."""
    python = draft.python or platform.python_version()
    lines = draft.lock
    if lines:
        columns = draft.signature.kind == "columns"
        lines = requirements.completed(lines, draft.loader, draft.options, columns=columns)
    if wanted == "shared":
        return Choice(False, "the file says `runtime: shared`", lines, python)
    if wanted == "own":
        return Choice(True, "the file says `runtime: own`", lines or packages.here(draft.loader), python)
    why = requirements.unmet(lines, draft.python)
    return Choice(bool(why), why or "everything it needs is installed here in the versions it needs", lines, python)


def look(choice: Choice) -> None:
    """Whether a runtime of its own could be built, as far as that shows without resolving. Raises RuntimeUnavailable."""
    if choice.own:
        requirements.resolvable(choice.lines)
        interpreters.uv()
        interpreters.of(choice.python)
