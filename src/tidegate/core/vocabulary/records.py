"""One prediction as it is logged, and one outcome. The schema is final; new fields are appended with a default."""

import msgspec

SCHEMA = 1
BINARY = "binary"
"""An infer body with binary tensors behind its JSON."""


class Prediction(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One request that was given an id. Its rows are `id/0` ... `id/n-1`; each metric takes one mark a request."""

    schema: int
    host: str
    incarnation: str
    """The gateway's boot: 32 hexadecimal digits."""
    sequence: int
    """Dense from 0 within an incarnation: a gap is a loss, a repeat is dropped."""
    id: bytes
    request_id: str
    environment: str
    endpoint: str
    release: str
    stage: int
    generation: int
    version: int
    """Ordinal of the version drawn; the one that answered is `answered_by`."""
    digest: str
    arm: int
    weight: int
    evidence: bool
    key_hash: bytes
    role: int
    mark: int
    status: int
    """HTTP status that the client got."""
    answered_by: int
    """Ordinal of the version whose answer the client got; 0: none, -1: the fallback."""
    rescued: bool
    arrived_ns: int
    """Unix nanoseconds."""
    total_us: int
    model_us: int
    """The worker's own time for the batch this request was in."""
    rows: int
    batch_rows: int
    bin: int
    """Prediction bin of row 0; -1: none."""
    answers: tuple[float | str | None, ...]
    """First output of each row as the arm drawn answered; empty when it did not."""
    content: str
    """What the body is: infer, BINARY, records, invocations, csv, grpc."""
    input: bytes
    output: bytes
    error: str = ""
    worker_us: int = 0
    """From the call's arrival in the worker to its reply: what `total_us` has beyond it was spent on the way and in queues."""
    json_bytes: int = -1
    """BINARY: how many bytes at the input's beginning are its JSON."""
    numbers: bytes = b""
    """What its outputs say beside `answers`, row by row as little-endian FP64: the series of its bundle (`models.series`)."""
    words: tuple[str | None, ...] = ()
    """Likewise those that are words."""


class Outcome(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Ground truth for one row of one prediction, as posted. First write wins per label version; corrections append."""

    schema: int
    host: str
    incarnation: str
    sequence: int
    """Shares the predictions' count: one dense sequence a gateway boot."""
    id: bytes
    row: int
    label: float | str
    label_version: int
    role: int
    received_ns: int
    request_id: str = ""
    metric: str = ""
    """Empty: ground truth, held against the prediction. Else a business metric of that name, and `label` its value."""
    endpoint: str = ""
    """Of what names a key instead of a prediction; then `id` is the outcome's own, and no prediction's."""
    key_hash: bytes = b""
    """That key, as `assignment.hashed` shows it: 16 bytes."""
    at_ns: int = 0
    """Of ground truth that names a key instead of a prediction: Unix nanoseconds of what it is about."""
