"""Bounds: what one gateway takes from clients whatever the endpoint, and how much stable may be asked to rescue.

What one endpoint takes is in its route (`tables.Limits`).
"""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Service:
    """Each can be set by a label of the instance's specification, `limits.<field>`."""

    connections: int = 4_096
    """Over all gateways, as are `flights`: each takes its part of them."""
    flights: int = 10_000
    """Predictions in flight altogether; the next are refused before they are drawn."""
    pipeline: int = 32
    """Requests of one connection that wait for their answers before it is read on."""
    head_bytes: int = 32_768
    headers: int = 100
    body_bytes: int = 4 << 20
    """Where no endpoint is asked for: outcomes."""
    head_seconds: float = 10.0
    """From a request's first byte to the end of its headers."""
    body_seconds: float = 30.0
    idle_seconds: float = 75.0
    stalled_seconds: float = 30.0
    """How long a client may not read what it asked for."""
    linger_seconds: float = 1.0
    """How long a refused client is read from, so that it gets to see why before the connection ends."""
    drain_seconds: float = 10.0
    silent_seconds: float = 10.0
    """A worker that has not answered for so long is reported in the state."""
    copies: int = 256
    """Mirrored requests that are under way to shadows, ..."""
    copy_bytes: int = 16 << 20
    """... and the bytes of their bodies."""


def service(labels: dict[str, str]) -> Service:
    """The limits with what the labels change. Raises ValueError for one that is not a number or does not exist."""
    types = {field.name: int if field.type is int else float for field in dataclasses.fields(Service)}
    changed: dict[str, float] = {}
    for label, value in labels.items():
        prefix, _, name = label.partition(".")
        if prefix == "limits":
            if name not in types:
                raise ValueError(f"there is no limit {name}")
            changed[name] = types[name](value)
    return dataclasses.replace(Service(), **changed)  # type: ignore[arg-type]


def part(whole: Service, gateways: int) -> Service:
    """What one of so many gateways takes of it: at least one of anything."""
    connections, flights = (max(1, limit // max(1, gateways)) for limit in (whole.connections, whole.flights))
    return dataclasses.replace(whole, connections=connections, flights=flights)


class Budget:
    """Rescues that an arm can bear: a share of the requests drawn for it, and a few in any case."""

    FLOOR = 10.0
    """A second, however little traffic there is."""
    BURST = 100.0

    def __init__(self, now: float) -> None:
        self.drawn = 0
        """Requests drawn for the arm since `spend` last looked."""
        self._at = now
        self._rate = 0.0
        self._tokens = self.BURST

    def spend(self, share: float, now: float) -> bool:
        """Whether one more rescue may go to it now; `share` is the route's rescue_share."""
        elapsed = now - self._at
        if elapsed >= 1.0:
            self._rate = self.drawn / elapsed
        if elapsed >= 1.0 or self._tokens < 1.0:
            self._tokens += self.FLOOR * elapsed + share * self.drawn
            self._at, self.drawn = now, 0
        self._tokens = min(self._tokens, self.BURST + share * self._rate)
        if self._tokens < 1.0:
            return False
        self._tokens -= 1.0
        return True
