"""How a process has fared: pure, so that back-off can be read and tested without one. Times are seconds."""

import dataclasses
import pathlib
from typing import Any

from tidegate.core.vocabulary import instances

FIRST = 0.1
LONGEST, LONGEST_OF_OURS = 30.0, 1.6
"""Of models' processes, and of Tidegate's own: without those nobody is answered, or nothing decided."""
SETTLED = 60.0
"""Who lived this long did not crash on the way up: back-off starts again from FIRST."""
LOAD_FAILED = 3
"""A worker's exit code when its model does not load: trying it for ever would not help."""
LOAD_RETRIES = 3


@dataclasses.dataclass(frozen=True)
class History:
    """The ends of one instance under one token."""

    token: str
    restarts: int = 0
    """Times it ended and was to be started again."""
    crashes: int = 0
    """Ends in a row, none of which had lived to SETTLED."""
    failures: int = 0
    """Ends in a row with LOAD_FAILED."""
    exit: int | None = None
    """The last exit code, negative for a signal; None when somebody else's child ended."""
    down: bool = False
    """Not to be started again under this token."""
    why: str = ""
    """Why the keeper ended it the last time; empty: it ended by itself."""

    def ended(self, code: int | None, lived: float, restart: str, why: str = "") -> "History":
        """The history with one more end."""
        failures = self.failures + 1 if code == LOAD_FAILED else 0
        down = restart == "never" or failures > LOAD_RETRIES
        return dataclasses.replace(
            self,
            restarts=self.restarts + (not down),
            crashes=1 if lived >= SETTLED else self.crashes + 1,
            failures=failures,
            exit=code,
            down=down,
            why=why,
        )

    def pause(self, kind: str) -> float:
        """How long to wait before the next start of an instance of this kind: FIRST, doubled with every crash in a row, LONGEST
        at most.
        """
        longest = LONGEST if kind in {"worker", "job"} else LONGEST_OF_OURS
        return min(longest, FIRST * 2 ** min(self.crashes - 1, 20)) if self.crashes else 0.0


def read(folder: pathlib.Path, spec: instances.Spec) -> History:
    """The history that an earlier keeper left for this token, or a new one.

    What runs once and has said something has run, though no keeper saw it end.
    """
    kept: dict[str, Any] = instances.read_restarts(folder, spec.name)
    if kept.get("token") == spec.token:
        fields = {field.name for field in dataclasses.fields(History)}
        return dataclasses.replace(History(**{key: kept[key] for key in fields & set(kept)}), crashes=0)
    began = instances.read_state(folder, spec.name).get("token") == spec.token
    return History(spec.token, down=began and spec.restart == "never")


def write(folder: pathlib.Path, name: str, history: History) -> None:
    """Keep it where the target and the next keeper read it. Raises OSError."""
    instances.write_json(folder / f"{name}.restarts", dataclasses.asdict(history))
