"""Whether the event log is as it was written: its chain recomputed, and held against what was told outside."""

import re

from tidegate.control.store import store as stores
from tidegate.core.vocabulary import errors
from tidegate.interface.api import answers

_WITNESS = re.compile(r"(\d{1,18}):([0-9a-f]{8,64})")


def verify(store: stores.Store, witness: str = "") -> answers.Audit:
    """`witness`: NUMBER:HASH of an event as a notification told it, eight digits of the hash or more.

    A chain that was rewritten as a whole fits in itself: only what left the house shows it. Raises ChainBroken naming the first
    event that does not fit; BodyMalformed for what is no witness.
    """
    named = _WITNESS.fullmatch(witness)
    if witness and named is None:
        cure = "Write NUMBER:HASH, as the last line of a notification tells them."
        raise errors.BodyMalformed(f"{witness[:80]!r} names no event and its hash.", cure=cure)
    events = store.verify()
    if named is not None and not store.link(int(named[1])).startswith(named[2]):
        raise errors.ChainBroken(f"event {named[1]} is not the one whose hash is {named[2]}: the event log was written anew.")
    return answers.Audit(events=events, hash=store.link(events), witness=witness)
