"""The small messages of the Open Inference Protocol's gRPC service (package `inference`): plain values <-> bytes.

    ServerLive, ServerReady         {}                      -> live(bool), ready(bool)
    ModelReady                      asked(data)             -> ready(bool)
    ServerMetadata                  {}                      -> server(name, version, extensions)
    ModelMetadata                   asked(data)             -> model(described), from the JSON a worker answers METADATA with
    ModelConfig (Triton's)          asked(data)             -> config(described), from the JSON a worker answers CONFIG with
    ModelInfer                      called(data): which model; the message itself goes to a worker untouched (`inferences`)

Reading raises BodyMalformed. Called by the gRPC front process, which takes requests and gives responses as bytes.
"""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import msgspec

from tidegate.dataplane.wire import protobuf

SERVICE = "inference.GRPCInferenceService"
_TYPES = (
    "BOOL",
    "UINT8",
    "UINT16",
    "UINT32",
    "UINT64",
    "INT8",
    "INT16",
    "INT32",
    "INT64",
    "FP16",
    "FP32",
    "FP64",
    "STRING",
    "BF16",
)
_NUMBERS = {f"TYPE_{name}": place for place, name in enumerate(_TYPES, 1)}
"""Triton's DataType enum."""


class Asked(NamedTuple):
    """Which model a request is about."""

    name: str
    version: str = ""
    """As the client wrote it; empty: none named."""
    id: str = ""
    """ModelInfer: the client's own id, which the worker echoes."""


def asked(data: bytes) -> Asked:
    """The model of a ModelReadyRequest, ModelMetadataRequest or ModelConfigRequest."""
    return _asked(data, 3)


def called(data: bytes) -> Asked:
    """The model of a ModelInferRequest, and its id. The tensors are passed over, not read."""
    return _asked(data, 4)


def _asked(data: bytes, end: int) -> Asked:
    found = {1: "", 2: "", 3: ""}
    for field in protobuf.fields(data):
        if field[0] < end:
            found[field[0]] = protobuf.text(field)
    return Asked(found[1], found[2], found[3])


def live(value: bool) -> bytes:
    """ServerLiveResponse."""
    return protobuf.flag(1, value)


def ready(value: bool) -> bytes:
    """ServerReadyResponse and ModelReadyResponse: they look alike."""
    return protobuf.flag(1, value)


def server(name: str, version: str, extensions: Iterable[str] = ()) -> bytes:
    """ServerMetadataResponse."""
    named = (protobuf.counted(3, one.encode()) for one in extensions)
    return protobuf.string(1, name) + protobuf.string(2, version) + b"".join(named)


class Tensor(msgspec.Struct):
    """One tensor of a model's v2 metadata."""

    name: str
    datatype: str
    shape: list[int]


class Model(msgspec.Struct):
    """A model's v2 metadata, as a worker answers METADATA."""

    name: str
    versions: list[str] = []
    platform: str = ""
    inputs: list[Tensor] = []
    outputs: list[Tensor] = []


_model = msgspec.json.Decoder(Model)


def model(described: bytes) -> bytes:
    """ModelMetadataResponse, from the JSON of a model's v2 metadata. Raises msgspec.DecodeError for what is none."""
    given = _model.decode(described)
    parts = [protobuf.string(1, given.name)]
    parts += [protobuf.counted(2, version.encode()) for version in given.versions]
    parts.append(protobuf.string(3, given.platform))
    for number, tensors in ((4, given.inputs), (5, given.outputs)):
        for tensor in tensors:
            shaped = protobuf.string(1, tensor.name) + protobuf.string(2, tensor.datatype) + protobuf.packed(3, tensor.shape)
            parts.append(protobuf.counted(number, shaped))
    return b"".join(parts)


def config(described: bytes) -> bytes:
    """ModelConfigResponse, from the JSON of a model's configuration. Raises msgspec.DecodeError for what is none."""
    given: Mapping[str, Any] = msgspec.json.decode(described, type=dict[str, Any])
    parts = [protobuf.string(1, given["name"]), protobuf.string(2, given.get("platform", ""))]
    parts.append(protobuf.integer(4, given.get("max_batch_size", 0)))
    for number, side in ((5, "input"), (6, "output")):
        for tensor in given.get(side, ()):
            shaped = protobuf.string(1, tensor["name"]) + protobuf.integer(2, _NUMBERS[tensor["data_type"]])
            # The dimensions are field 4 of an input and field 3 of an output.
            shaped += protobuf.packed(4 if side == "input" else 3, tensor["dims"])
            if side == "input":
                shaped += protobuf.flag(8, tensor.get("optional", False))
            parts.append(protobuf.counted(number, shaped))
    parts.append(protobuf.string(17, given.get("backend", "")))
    return protobuf.counted(1, b"".join(parts))
