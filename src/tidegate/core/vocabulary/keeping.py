"""What the prediction log keeps of an endpoint's inputs, and for how long. Standard library and msgspec."""

import hashlib

import msgspec

_PERSON = b"tidegate.keeping"
DAY = 86_400.0


class Sink(msgspec.Struct, frozen=True):
    """A place that gets the log besides, as the endpoint's file says it."""

    to: str
    """Where its address is: env:NAME or file:PATH."""
    sign: str = ""
    """Where the key is that signs what is sent (webhooks); empty: nothing is signed."""
    outcomes: bool = False
    """Whether outcomes go there too: those of all endpoints."""
    behind_seconds: float = 300.0
    """From how far behind on it is an alarm."""


class Keeping(msgspec.Struct, frozen=True):
    """As the endpoint's file says it. The predictions themselves (who answered what, and how it ended) are always kept."""

    share: float = 1.0
    """Of predictions whose input and output are kept."""
    columns: tuple[tuple[str, float], ...] = ()
    """Input columns of which fewer are kept, each with its share."""
    redact: tuple[str, ...] = ()
    """Input columns whose values are kept nowhere."""
    encrypt: tuple[str, ...] = ()
    """Input columns whose values are kept encrypted only."""
    key: str = ""
    """Where the key for that is: env:NAME or file:PATH."""
    retention_seconds: float = 0.0
    """Days of the log that ended longer ago are deleted; 0: none are."""
    sinks: tuple[Sink, ...] = ()

    @property
    def veiled(self) -> frozenset[str]:
        """Columns whose values must be nowhere in the clear."""
        return frozenset((*self.redact, *self.encrypt))

    def veiling(self, other: "Keeping") -> "Keeping":
        """The same, with whatever another would not have kept in the clear kept as little here."""
        redact = tuple(dict.fromkeys((*self.redact, *other.redact)))
        encrypt = tuple(one for one in dict.fromkeys((*self.encrypt, *other.encrypt)) if one not in redact)
        columns = tuple(one for one in self.columns if one[0] not in redact)
        key = (self.key or other.key) if encrypt else ""
        return msgspec.structs.replace(self, redact=redact, encrypt=encrypt, columns=columns, key=key)

    def keeps(self, prediction_id: bytes) -> bool:
        """Whether a prediction's input and output are kept."""
        return self.share >= 1 or chance(prediction_id) < self.share

    def keeps_body(self, prediction_id: bytes) -> bool:
        """Whether its input may be kept as it came, all columns in one."""
        least = min((share for _, share in self.columns), default=1.0)
        return not self.redact and (least >= 1 or chance(prediction_id) < least)

    def expired(self, day_ended: float, now: float) -> bool:
        """Whether a day that ended at this Unix time is not kept any more."""
        return 0 < self.retention_seconds < now - day_ended


ALL = Keeping()
"""Everything, for good."""


def chance(prediction_id: bytes) -> float:
    """A number in [0, 1) of a prediction's own: the same wherever and however often it is asked for, so that samples agree.

    Of those kept at one share all are kept at a larger one.
    """
    digest = hashlib.blake2b(prediction_id, digest_size=7, person=_PERSON).digest()
    return int.from_bytes(digest, "big") / (1 << 56)
