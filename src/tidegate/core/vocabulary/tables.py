"""The routing table: what gateways obey. The file is the truth; sockets only nudge. Format final; N talks to N-1."""

import msgspec

from tidegate.core.vocabulary import arms, assignment, handling, keeping, monitoring, tokens

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
    """What one endpoint takes."""

    timeout_ms: int = 2_000
    queue: int = 1_000
    """Requests that wait, over all gateways."""
    body: int = 4 << 20
    """Bytes of one request's body, decompressed."""
    rescue_share: float = 0.5
    """Rescues as a share of the requests drawn for stable: keeps a dead canary from doubling stable's load."""
    batch: int = 256
    """Requests in one batch at most."""
    rate: float = 0.0
    """Predictions a second for each token, over all gateways; without tokens for all clients together. 0: no limit."""
    daily: int = 0
    """Predictions a day (UTC) likewise."""


class Measured(msgspec.Struct, frozen=True):
    """The posted metric that an A/B test is decided by."""

    metric: str = ""
    limits: tuple[float, float] | None = None
    """What its values are clipped to, (low, high); None: nothing."""
    covariate: str = ""
    """The posted metric that it is crossed with; empty: none."""


class Outcomes(msgspec.Struct, frozen=True):
    """How an outcome is held against its prediction, and how long one is waited for."""

    kind: str = "auto"
    """probability (answer >= threshold against a true/false label), class (equal or not), number (within tolerance);
    auto: probability for a numeric answer and a 0/1 label, class otherwise."""
    threshold: float = 0.5
    tolerance: float = 0.0
    within_seconds: float = 0.0
    """The label age a*; 0: outcomes are joined and shown, but are not evidence."""
    measured: Measured = Measured()
    """What the release's policy says of posted values; a route brings it, settings do not."""
    lookback_seconds: float = 0.0
    """How long before the time that ground truth by key is about its prediction may lie; 0: ground truth is by id only."""
    key: str = ""
    """The input column with whose value such ground truth names whom it is about; empty: the sticky key."""
    time: str = ""
    """The input column with a prediction's time; empty: when it arrived."""


class Pairing(msgspec.Struct, frozen=True):
    """When the answers of two versions to one request are the same."""

    tolerance: float = 0.0
    """Numbers this near are; classes have to be equal."""


class Condition(msgspec.Struct, frozen=True):
    """A comparison of one input of the request."""

    column: str
    op: str
    """==, !=, <, <=, > or >=."""
    value: float | str | bool | None


class Fallback(msgspec.Struct, frozen=True):
    """What is answered when no version can answer and all of `when` holds for the first row; none of it: always."""

    value: str
    """JSON."""
    when: tuple[Condition, ...] = ()


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
    """Buckets of requests of which the version that does not serve them gets a copy, unseen by clients."""
    sticky: assignment.Sticky | None = None
    """None: every request is a unit of its own."""
    cohort: assignment.Cohort | None = None
    candidate_owns: bool = False
    """Probation: the candidate owns the endpoint, and stable keeps a share for comparison. Each may rescue the other."""
    gap: bool = False
    """Stable's workers are not up yet and nothing else answers (recreate): requests wait while their time allows."""
    pairing: Pairing = Pairing()
    slices: tuple[str, ...] = ()
    """Input columns by whose values pairs are told apart."""
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
    """JSON answered, and flagged, when no version can answer and nothing of `fallbacks` holds; empty: 503."""
    fallbacks: tuple[Fallback, ...] = ()
    """Tried in order, before `fallback`."""
    fallback_version: str = ""
    """A version asked before any of them: v3, or previous (the newest of `kept`); empty: none."""
    guard: str = "rescue"
    """What a breach of `terms` does: rescue, fallback, reject or flag."""
    terms: handling.Terms = handling.PLAIN
    origins: tuple[str, ...] = ()
    """Web origins whose pages may read answers (CORS); `*` is any. Empty: none."""
    asleep: bool = False
    """Stable has no worker because nobody asked; a request is kept waiting while one is woken."""
    pin: str = "refuse"
    durability: str = "interval"
    inputs: str = "all"
    """all or none: whether records carry request and response bodies."""
    kept: tuple[Deployed, ...] = ()
    """Versions kept warm, newest first: with control down, rollback goes to these."""
    tokens: tuple[str, ...] = ()
    """sha256 of tokens that may predict here; empty: none is asked for."""
    monitors: monitoring.Monitors = monitoring.Monitors()
    """For the monitors, which know of endpoints by their routes; gateways look at `traces` alone."""
    log: keeping.Keeping = keeping.ALL
    """What of inputs is kept, where `inputs` is all."""

    @property
    def rho(self) -> float:
        """The probability with which a request is drawn for the candidate."""
        return self.weight / arms.BUCKETS if self.candidate else 0.0

    @property
    def owner(self) -> Deployed:
        """The version that owns the endpoint."""
        return self.candidate if self.candidate is not None and self.candidate_owns else self.stable

    @property
    def versions(self) -> tuple[Deployed, ...]:
        """All that it lists: stable, the candidate, those kept warm."""
        return (self.stable, *((self.candidate,) if self.candidate else ()), *self.kept)


class Table(msgspec.Struct, frozen=True):
    """All routes. A writer names the generation it read; if that is not current any more it is refused."""

    generation: int
    parent: int
    routes: dict[str, Route]
    protocol: int = PROTOCOL
    written_at: float = 0.0
    written_by: str = "control"
    gateways: int = 1
    """How many share what `limits` allow."""
    holders: tuple[tokens.Token, ...] = ()
    """Tokens that gateways have to know: with the scopes predict, feedback or operate."""
    override: Override | None = None


EMPTY = Table(generation=0, parent=0, routes={})
