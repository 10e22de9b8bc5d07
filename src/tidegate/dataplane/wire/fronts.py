"""What another process says to a gateway of its machine, in frames over a unix socket: requests that did not come by HTTP.

The front connects to HOME/run/GATEWAY.front.sock and says HELLO with the gateway's token (`Hello`); the gateway answers
WELCOME (`frames.Welcome`) or closes. Then CALL with `Asked` -> REPLY with `Told`, matched by the frame's `call`; CANCEL when
the client went away, and then no reply comes. DRAIN (gateway): ask me nothing more; what was asked is still answered. Each
call is a request of its own to the gateway: drawn, timed, rescued, logged and counted as one by HTTP is.
"""

import msgspec

from tidegate.core.vocabulary import arms


class Hello(msgspec.Struct, frozen=True, array_like=True):
    """The front's first frame."""

    protocol: int
    oldest: int
    token: str
    name: str
    """The front's instance."""
    exposed: bool = True
    """Whether its clients may come from other machines."""


class Asked(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Head of a CALL; the body is the client's message, untouched."""

    ask: str
    """What is asked for: `gateway.paths.Ask` by its value (grpc, live, ready, server, model, model ready, config)."""
    endpoint: str = ""
    version: str = ""
    fields: dict[bytes, bytes] = {}
    """Headers by lower-case name: authorization, x-request-id, tidegate-timeout-ms, and what an endpoint may draw by. A front
    passes none on that would say how the body is written or the answer is sent."""
    role: int = int(arms.Role.LIVE)
    """LIVE, or SMOKE: a request of our own for the version named, whoever may ask for that; never evidence, never rescued."""


class Told(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Head of a REPLY."""

    status: int
    """As HTTP has it."""
    lines: bytes
    """Header lines, as HTTP has them: content-type, tidegate-prediction-id, tidegate-version, retry-after, ..."""
