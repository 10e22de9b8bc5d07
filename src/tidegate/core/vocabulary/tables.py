"""The routing table: what gateways obey. The file is the truth; sockets only nudge. Format final; N talks to N-1."""

import msgspec

from tidegate.core.vocabulary import arms

PROTOCOL = 1


class Worker(msgspec.Struct, frozen=True):
    """One replica's address. The token is checked when it is connected to; a pid is never an identity."""

    instance: str
    address: str
    """unix:/path or tcp:host:port."""
    token: str


class Deployed(msgspec.Struct, frozen=True):
    """A version that can be routed to."""

    ordinal: int
    digest: str
    model: str
    workers: tuple[Worker, ...] = ()

    @property
    def name(self) -> str:
        """v1, v2, ..."""
        return f"v{self.ordinal}"


class Limits(msgspec.Struct, frozen=True):
    """What one endpoint takes, per gateway."""

    timeout_ms: int = 2_000
    queue: int = 1_000
    body: int = 4 << 20
    """Bytes of one request's body, decompressed."""
    rescue_share: float = 0.5
    """Rescues as a share of the requests drawn for stable: keeps a dead canary from doubling stable's load."""
    batch: int = 256
    """Requests in one batch at most."""


class Outcomes(msgspec.Struct, frozen=True):
    """How an outcome is held against its prediction, and how long one is waited for."""

    kind: str = "auto"
    """probability (answer >= threshold against a true/false label), class (equal or not), number (within tolerance);
    auto: probability for a numeric answer and a 0/1 label, class otherwise."""
    threshold: float = 0.5
    tolerance: float = 0.0
    within_seconds: float = 0.0
    """The label age a*; 0: outcomes are joined and shown, but are not evidence."""


class Override(msgspec.Struct, frozen=True):
    """Who wrote a table without control, and why. Control imports it as an event before it publishes again."""

    actor: str
    reason: str
    endpoint: str
    held_digest: str = ""
    """Bundle digest of the version it took the traffic from."""
    at: float = 0.0
    before: "Override | None" = None
    """An earlier one that control has not imported yet."""


class Route(msgspec.Struct, frozen=True):
    """One endpoint's routing."""

    endpoint: str
    environment: str
    stable: Deployed
    candidate: Deployed | None = None
    weight: int = 0
    """Buckets of arms.BUCKETS for the candidate."""
    mirror: int = 0
    evidence: bool = False
    """Whether this generation's requests are evidence (False while warming, and when nothing is compared)."""
    release: str = ""
    stage: int = 0
    salt: bytes = b""
    generation: int = 0
    """The table generation at which this route last changed: what records and sums carry."""
    limits: Limits = Limits()
    outcomes: Outcomes = Outcomes()
    fallback: str = ""
    """JSON answered, and flagged, when no version can answer; empty: 503."""
    pin: str = "refuse"
    durability: str = "interval"
    inputs: str = "all"
    """all or none: whether records carry request and response bodies."""
    kept: tuple[Deployed, ...] = ()
    """Versions kept warm, newest first: with control down, rollback goes to these."""
    tokens: tuple[str, ...] = ()
    """sha256 of tokens with the predict scope; empty: none is asked on loopback."""

    @property
    def rho(self) -> float:
        """The probability with which a request is drawn for the candidate."""
        return self.weight / arms.BUCKETS if self.candidate else 0.0


class Table(msgspec.Struct, frozen=True):
    """All routes. A writer names the generation it read; if that is not current any more it is refused."""

    generation: int
    parent: int
    routes: dict[str, Route]
    protocol: int = PROTOCOL
    written_at: float = 0.0
    written_by: str = "control"
    override: Override | None = None


EMPTY = Table(generation=0, parent=0, routes={})
