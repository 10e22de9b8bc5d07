"""What becomes of an answer that must not be given out as it is: the actions, and what clients and records are told of them."""

import msgspec

from tidegate.core.vocabulary import errors, handling
from tidegate.dataplane.gateway import exchanges
from tidegate.dataplane.wire import frames

RESCUE, FALLBACK, REJECT, FLAG = "rescue", "fallback", "reject", "flag"
_ID = b"tidegate-prediction-id: "
_VALUE = exchanges.JSON + b"tidegate-fallback: true\r\n" + _ID
_RULE = exchanges.JSON + b"tidegate-fallback: rule\r\n" + _ID
_encode = msgspec.msgpack.Encoder().encode


def encoded(terms: handling.Terms) -> bytes:
    """Terms as calls bring them to workers; empty for the plain ones."""
    return b"" if terms == handling.PLAIN else _encode(terms)


def said(reply: frames.Reply, action: str) -> str:
    """What the record says of a reply that is not simply well: the code of its error, or of its breach with the rule."""
    code, words = reply.error, reply.detail
    if action:
        code = action if action == FLAG else errors.OutputRefused.code
        words = f"{reply.breach} ({reply.detail})" if reply.detail else reply.breach
    return f"{code}: {words}" if words else code


def head(by_rule: bool) -> bytes:
    """Header lines of a fallback value, up to the prediction id."""
    return _RULE if by_rule else _VALUE


def tail(*, rescued: bool, standing_in: bool, flagged: str) -> bytes:
    """Header lines behind the prediction id of an answer that came another way than drawn, or that breaks a rule."""
    lines = [b""]
    if rescued:
        lines.append(b"tidegate-rescued: true")
    if standing_in:
        lines.append(b"tidegate-fallback: version")
    if flagged:
        lines.append(b"tidegate-flagged: " + " ".join(flagged.split()).encode("ascii", "replace"))
    return b"\r\n".join([*lines, b""])
