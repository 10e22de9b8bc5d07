"""What a model takes and gives, in the Open Inference Protocol's words: its metadata, and its configuration for load tools."""

from typing import Any

import msgspec

from tidegate.core.vocabulary import manifests
from tidegate.dataplane.models import datatypes

_encode = msgspec.json.Encoder().encode


def metadata(manifest: manifests.Manifest, endpoint: str, version: str) -> bytes:
    """GET /v2/models/NAME: names, datatypes and shapes; the first size is the rows, -1 is any."""
    described = {
        "name": endpoint,
        "versions": [version],
        "platform": manifest.loader,
        "inputs": [_tensor(column) for column in manifest.signature.inputs],
        "outputs": [_tensor(column) for column in manifest.signature.outputs],
    }
    return _encode(described)


def configuration(manifest: manifests.Manifest, endpoint: str, most_rows: int) -> bytes:
    """GET /v2/models/NAME/config, in the form of Triton's model configuration: sizes without the rows.

    A column, or a tensor of rows alone, is `dims: [1]`: a tensor [rows, 1] is taken for either.
    """
    described = {
        "name": endpoint,
        "platform": manifest.loader,
        "backend": manifest.loader,
        "max_batch_size": most_rows,
        "input": [_configured(column) for column in manifest.signature.inputs],
        "output": [_configured(column) for column in manifest.signature.outputs],
        "dynamic_batching": {},
    }
    return _encode(described)


def _tensor(column: manifests.Column) -> dict[str, Any]:
    described = {"name": column.name, "datatype": datatypes.of(column).v2, "shape": list(column.shape or (-1,))}
    return described if column.required else {**described, "parameters": {"optional": True}}


def _configured(column: manifests.Column) -> dict[str, Any]:
    v2 = datatypes.of(column).v2
    kind = "TYPE_STRING" if v2 == "BYTES" else f"TYPE_{v2}"
    described = {"name": column.name, "data_type": kind, "dims": list(column.shape[1:]) or [1]}
    return described if column.required else {**described, "optional": True}
