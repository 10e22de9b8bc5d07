"""Frames between gateway and worker: a 24-byte header, a small msgpack head, a raw body. No pickle, no decoding of bodies.

    u8 protocol | u8 kind | u16 flags | u32 zero | u64 call | u32 head bytes | u32 body bytes        little-endian

The worker listens; the gateway connects and says HELLO with the worker's token, the worker answers WELCOME or closes.
Then: CALL (gateway) -> REPLY (worker), matched by `call`; the calls between two pauses of the socket are one batch.
CANCEL asks to skip a call that has not begun; its REPLY never comes. DRAIN (worker): send me nothing more; it answers
what it has and closes. A gateway may answer DRAIN with DRAIN once it sends nothing more: the worker then need not wait and
see. A peer that speaks no common protocol version is told so and closed.
"""

import enum
import struct
from typing import Annotated

import msgspec

from tidegate.core.vocabulary import errors, marks
from tidegate.dataplane.wire import spans

PROTOCOL = 1
OLDEST = 1
HEADER = struct.Struct("<BBHIQII")
HEAD_MAX = 1 << 20
BODY_MAX = 1 << 30
UNREADABLE = (errors.FrameMalformed, msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What reading a frame or its head may raise: the connection that it came by is to be closed."""
_Count = Annotated[int, msgspec.Meta(ge=0)]


class Kind(enum.IntEnum):
    """What a frame is."""

    HELLO = 1
    WELCOME = 2
    CALL = 3
    REPLY = 4
    CANCEL = 5
    DRAIN = 6
    REFUSED = 7


class Content(enum.IntEnum):
    """How a body is to be read: the codec is the worker's affair, the gateway goes by path and headers only."""

    INFER = 1
    """Open Inference Protocol v2, JSON."""
    RECORDS = 2
    """{"records": [{column: value}]}, or one bare record, or a list of them."""
    METADATA = 3
    """No body: the model's v2 metadata is asked for."""
    CONFIG = 4
    """No body: the model's configuration, in the form that load tools read."""
    OPENAPI = 5
    """No body: the endpoint's OpenAPI document, from the model's signature."""
    INVOCATIONS = 6
    """MLflow's scoring protocol: JSON with dataframe_split, dataframe_records, instances or inputs."""
    CSV = 7
    """MLflow's scoring protocol: a CSV with a header line."""
    GRPC = 8
    """A ModelInferRequest of the Open Inference Protocol's gRPC service; answered with a ModelInferResponse, errors with JSON."""


class Hello(msgspec.Struct, frozen=True, array_like=True):
    """The gateway's first frame."""

    protocol: int
    oldest: int
    token: str
    incarnation: str


class Welcome(msgspec.Struct, frozen=True, array_like=True):
    """The worker's answer."""

    protocol: int
    instance: str
    digest: str


class Call(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Head of a CALL; the body is the client's, untouched."""

    prediction_id: bytes
    endpoint: str
    version: str
    content: int
    budget_us: int
    """Time left until the arm's deadline when the frame was sent."""
    json_bytes: int = -1
    """INFER with binary tensors: how many bytes at the body's beginning are its JSON; -1: all of it."""
    terms: bytes = b""
    """The endpoint's `handling.Terms` in MessagePack; empty: the plain ones."""
    trace: bytes = b""
    """Of a traced request: 16 bytes trace, 8 bytes the span that the worker's are part of, then tracestate; empty: it is not."""


class Reply(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Head of a REPLY; the body is the client's response, ready to send."""

    status: Annotated[int, msgspec.Meta(ge=200, le=599)]
    mark: Annotated[int, msgspec.Meta(ge=0, lt=marks.SLOTS)]
    model_us: _Count
    """Time of the model call this request's batch was in."""
    rows: _Count
    batch_rows: _Count
    bin: int = -1
    answers: tuple[float | str | None, ...] = ()
    error: str = ""
    """Stable code of the error, empty when ok."""
    detail: str = ""
    """The model's own words, for operators: goes into the log, never to clients."""
    json_bytes: int = -1
    """INFER answered with binary tensors: how many bytes at the body's beginning are its JSON; -1: all of it."""
    breach: str = ""
    """The endpoint's rule that the answer breaks. The body is the answer all the same: its fate is the gateway's affair."""
    worker_us: int = 0
    """From the call's arrival in the worker to this reply."""
    traced: tuple[spans.Span, ...] = ()
    """Of a traced request: the worker's, and those that the model has made inside."""
    numbers: bytes = b""
    """What the answer says beside `answers`, of as many rows as there is room for: `models.series` has the order."""
    words: tuple[str | None, ...] = ()


_encoder = msgspec.msgpack.Encoder()


def pack(kind: Kind, call: int, head: msgspec.Struct | None, body: bytes = b"") -> bytes:
    """One frame as bytes."""
    encoded = b"" if head is None else _encoder.encode(head)
    return HEADER.pack(PROTOCOL, kind, 0, 0, call, len(encoded), len(body)) + encoded + body


class Reader:
    """Bytes in, frames out: (kind, call, head, body). Keeps the unfinished tail, and joins it only when it is a whole frame."""

    def __init__(self, body_max: int = BODY_MAX) -> None:
        self.body_max = body_max
        """Bytes that a body may have; none of a peer that is not known yet, or a stranger could have memory set aside."""
        self._parts: list[bytes] = []
        self._have = self._need = 0

    def feed(self, data: bytes) -> list[tuple[int, int, bytes, bytes]]:
        """The frames completed by `data`. Raises FrameMalformed on an impossible header; the connection is to be closed."""
        if self._parts:
            self._parts.append(data)
            self._have += len(data)
            if self._have < self._need:
                return []
            data, self._parts = b"".join(self._parts), []
        found: list[tuple[int, int, bytes, bytes]] = []
        at, size, need = 0, len(data), HEADER.size
        while size - at >= HEADER.size:
            protocol, kind, _, _, call, head, body = HEADER.unpack_from(data, at)
            if protocol < OLDEST or head > HEAD_MAX or body > self.body_max:
                raise errors.FrameMalformed(f"frame with protocol {protocol}, head {head} and body {body} bytes")
            begin = at + HEADER.size
            middle = begin + head
            end = middle + body
            if end > size:
                need = end - at
                break
            found.append((kind, call, data[begin:middle], data[middle:end]))
            at = end
        if at < size:
            self._parts, self._have, self._need = [data[at:]], size - at, need
        return found
