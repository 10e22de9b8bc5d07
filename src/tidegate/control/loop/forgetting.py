"""What the recorder has erased from the log, as events of the audit: who asked, why, whose (a hash), and how much it was.

The recorder leaves a file for each; it is deleted once its event is written, which is once however often it is heard.
"""

import msgspec

from tidegate.control.loop import transitions
from tidegate.control.store import chain
from tidegate.core.vocabulary import erasures, home, instants

FORGOTTEN, EXPIRED = "forgotten", "expired"
LOOK_SECONDS = 1.0
HEARD_MOST = 100
"""At one look: where thousands were erased at once, releases are not to wait for their events."""
_FACTS = ("id", "kind", "subject", "asked_at", "predictions", "outcomes", "noted", "objects", "aside")


class Forgetting:
    """One environment's."""

    def __init__(self, desk: transitions.Desk, place: home.Home) -> None:
        self._desk, self._home = desk, place
        self._looked_at = 0.0

    def turn(self, now: float) -> None:
        """Write down what there is to hear, now and then. Raises StoreUnavailable, DiskFull, OSError."""
        if not instants.passed(self._looked_at, now, LOOK_SECONDS):
            return
        self._looked_at = now
        for told in erasures.told(self._home.erasures, HEARD_MOST):
            self._desk.store.append_once(_event(self._desk.environment, told), name(told.id))
            erasures.remove(self._home.erasures, erasures.TOLD, told.id)


def name(identifier: str) -> str:
    """The name of the note that an erasure has its event."""
    return f"erased:{identifier}"


def _event(environment: str, told: erasures.Told) -> chain.StoredEvent:
    facts = {key: value for key, value in msgspec.to_builtins(told).items() if key in _FACTS}
    return chain.StoredEvent(
        environment=environment,
        endpoint=told.endpoint,
        kind=EXPIRED if told.kind == erasures.EXPIRED else FORGOTTEN,
        at=told.at,
        actor=told.actor,
        reason=words(told),
        said=told.reason,
        facts=facts,
    )


def words(told: erasures.Told) -> str:
    """What was erased, in a sentence."""
    whose = {
        erasures.KEY: f"of the key with the hash {told.subject}",
        erasures.ID: "of one prediction",
        erasures.WHERE: f"with a value of {told.subject}",
        erasures.AGAIN: "that were erased before and came back with restored files",
        erasures.EXPIRED: f"of {told.subject}, which is longer ago than the log is kept",
    }.get(told.kind, "")
    left = f"; {told.aside} damaged files lie aside and may hold more" if told.aside else ""
    return f"erased {told.predictions:,} predictions and {told.outcomes:,} outcomes {whose}{left}"
