"""The OpenAPI 3.1 document of one endpoint, made from its model's signature: what to send, what comes back, what can go wrong.

The example requests are the bundle's own example, so they work as they stand.
"""

import urllib.parse
from typing import Any

import msgspec

from tidegate.core.vocabulary import manifests
from tidegate.dataplane.models import datatypes, examples

Schema = dict[str, Any]
_PARAMETERS = {"type": ["object", "null"], "additionalProperties": {"type": ["string", "number", "boolean", "null"]}}
_TYPES = {"number": "number", "integer": "integer", "boolean": "boolean", "text": "string", "time": "string"}
_REFUSALS = {
    "400": "The request cannot be answered as sent: `error` names the input and the row.",
    "404": "There is no such endpoint or version.",
    "413": "The body is over the endpoint's limit.",
    "429": "Too many requests; try again after the time in Retry-After.",
    "500": "The model failed, or its answer broke its contract.",
    "503": "Nothing can answer just now; try again after the time in Retry-After.",
    "504": "The model did not answer within the time limit.",
}


def document(manifest: manifests.Manifest, example: bytes, endpoint: str, version: str) -> bytes:
    """The document, as JSON. `example`: a body in records form; empty where the bundle has none."""
    signature = manifest.signature
    shown = examples.Examples(signature, example)
    name = urllib.parse.quote(endpoint, safe="")
    paths = {
        f"/v2/models/{name}": {"get": _reading("metadata", "What the model takes and gives")},
        f"/v2/models/{name}/ready": {"get": _reading("ready", "Whether the endpoint can answer")},
        f"/v2/models/{name}/infer": {
            "post": _asking(
                "infer", "Open Inference Protocol v2", {"application/json": ("InferRequest", shown.infer)}, "InferResponse"
            )
        },
        f"/endpoints/{name}/predict": {
            "post": _asking("predict", "Plain JSON records", {"application/json": ("Records", shown.records)}, "Predictions")
        },
        f"/endpoints/{name}/invocations": {
            "post": _asking(
                "invocations",
                "MLflow's scoring protocol",
                {"application/json": ("Invocation", shown.invocation), "text/csv": ("Table", shown.table)},
                "Scores",
            )
        },
    }
    made = {
        "openapi": "3.1.0",
        "info": {"title": endpoint, "version": version, "description": f"Predictions of `{manifest.name}`, served by Tidegate."},
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {"schemas": _schemas(signature)},
    }
    return msgspec.json.encode(made)


def _reading(operation: str, summary: str) -> Schema:
    answer = {"200": {"description": summary, "content": {"application/json": {"schema": {"type": "object"}}}}}
    return {"operationId": operation, "summary": summary, "responses": {**answer, "404": _refusal("404"), "503": _refusal("503")}}


def _asking(operation: str, summary: str, bodies: dict[str, tuple[str, Any]], answer: str) -> Schema:
    content: Schema = {kind: {"schema": _ref(schema)} for kind, (schema, _) in bodies.items()}
    for kind, (_, example) in bodies.items():
        if example is not None:
            content[kind]["example"] = example
    identity = {"description": "Names this prediction in the log", "schema": {"type": "string"}}
    answered: Schema = {
        "description": "The predictions",
        "headers": {"tidegate-prediction-id": identity, "tidegate-version": {"schema": {"type": "string"}}},
        "content": {"application/json": {"schema": _ref(answer)}},
    }
    refused = {status: _refusal(status) for status in _REFUSALS}
    return {
        "operationId": operation,
        "summary": summary,
        "requestBody": {"required": True, "content": content},
        "responses": {"200": answered, **refused},
    }


def _refusal(status: str) -> Schema:
    return {"description": _REFUSALS[status], "content": {"application/json": {"schema": _ref("Error")}}}


def _ref(schema: str) -> Schema:
    return {"$ref": f"#/components/schemas/{schema}"}


def _object(properties: Schema, required: list[str], **more: Any) -> Schema:
    return {"type": "object", "properties": properties, "required": required, **more}


def _list(items: Schema, **more: Any) -> Schema:
    return {"type": "array", "items": items, **more}


def _schemas(signature: manifests.Signature) -> Schema:
    outputs = [_tensor(column, answered=True) for column in signature.outputs]
    prediction = (
        _nested(signature.outputs[0])
        if len(signature.outputs) == 1
        else _object({one.name: _nested(one) for one in signature.outputs}, [one.name for one in signature.outputs])
    )
    wanted = _object({"name": {"enum": [one.name for one in signature.outputs]}, "parameters": _PARAMETERS}, ["name"])
    return {
        "Record": _record(signature),
        "Records": {"anyOf": _records(signature)},
        "Predictions": _object(
            {"predictions": _list(prediction), "prediction_id": {"type": "string"}, "version": {"type": "string"}},
            ["predictions", "prediction_id", "version"],
        ),
        "InferRequest": _object(
            {
                "id": {"type": ["string", "null"]},
                "parameters": _PARAMETERS,
                "inputs": _list({"anyOf": _inputs(signature)}, minItems=1),
                "outputs": {**_list(wanted), "type": ["array", "null"]},
            },
            ["inputs"],
        ),
        "InferResponse": _object(
            {
                "model_name": {"type": "string"},
                "model_version": {"type": "string"},
                "id": {"type": "string"},
                "parameters": _object({"prediction_id": {"type": "string"}}, ["prediction_id"]),
                "outputs": _list({"anyOf": outputs}),
            },
            ["model_name", "model_version", "parameters", "outputs"],
        ),
        "Invocation": {"anyOf": _invocations(signature)},
        "Table": {"type": "string", "description": "A header line with the columns' names, then a row a line."},
        "Scores": _object({"predictions": _list(prediction)}, ["predictions"]),
        "Error": _object(
            {"error": {"type": "string"}, "code": {"type": "string"}, "prediction_id": {"type": "string"}}, ["error", "code"]
        ),
    }


def _value(column: manifests.Column) -> Schema:
    """One value. Numbers may be null wherever they are inputs: a missing number."""
    kind = datatypes.of(column)
    optional = not column.required or kind.family == "number"
    if column.categories:
        return {"enum": [*datatypes.categories(column), *([None] if optional else [])]}
    said: Schema = {"type": [_TYPES[kind.family], "null"] if optional else _TYPES[kind.family]}
    if kind.family in ("number", "integer") and (bounds := datatypes.bounds(column)):
        said["minimum"], said["maximum"] = bounds
    if kind.family == "time":
        said["description"] = "ISO 8601, such as 2013-01-31T05:15:00"
    return said


def _nested(column: manifests.Column) -> Schema:
    """One row of a column or tensor."""
    said = _value(column)
    for size in reversed(column.shape[1:]):
        said = _list(said, **({"minItems": size, "maxItems": size} if size >= 0 else {}))
    return said


def _record(signature: manifests.Signature) -> Schema:
    if signature.kind != "columns" and len(signature.inputs) == 1:
        return _nested(signature.inputs[0])
    required = [column.name for column in signature.inputs if column.required]
    return _object({column.name: _nested(column) for column in signature.inputs}, required, additionalProperties=False)


def _records(signature: manifests.Signature) -> list[Schema]:
    rows = _list(_ref("Record"), minItems=1)
    alone = [_ref("Record")] if signature.kind == "columns" else []
    return [_object({"records": rows}, ["records"]), rows, *alone]


def _inputs(signature: manifests.Signature) -> list[Schema]:
    named = [_tensor(column) for column in signature.inputs]
    if signature.kind != "columns" and len(named) == 1:
        named[0]["properties"]["name"] = {"type": "string"}
    block = datatypes.block(signature)
    return [*named, _tensor(block)] if block else named


def _tensor(column: manifests.Column, answered: bool = False) -> Schema:
    """A v2 tensor; `data` flat or nested. A tensor without a name is one that may have any."""
    rank = len(column.shape) or 1
    data = _list(_value(column))
    kinds = sorted(datatypes.accepted(column)) if not answered else [datatypes.of(column).v2]
    properties: Schema = {
        "name": {"const": column.name} if column.name else {"type": "string"},
        "datatype": {"enum": kinds},
        "shape": _list({"type": "integer", "minimum": 0 if answered else 1}, minItems=rank, maxItems=max(rank, 2)),
        "data": data if answered else {"anyOf": [data, {"type": "array", "items": {"type": "array"}}]},
        "parameters": {"type": "object"} if answered else _PARAMETERS,
    }
    return _object(properties, ["name", "datatype", "shape"])


def _invocations(signature: manifests.Signature) -> list[Schema]:
    rows = _list(_ref("Record"), minItems=1)
    columns = {column.name: _list(_nested(column)) for column in signature.inputs}
    split = _object(
        {"columns": _list({"type": "string"}), "index": {"type": "array"}, "data": _list({"type": "array"})}, ["data"]
    )
    by_name = _object(columns, [column.name for column in signature.inputs if column.required], additionalProperties=False)
    return [
        _object({"dataframe_split": split}, ["dataframe_split"]),
        _object({"dataframe_records": rows}, ["dataframe_records"]),
        _object({"instances": rows}, ["instances"]),
        _object({"inputs": {"anyOf": [by_name, rows]}}, ["inputs"]),
    ]
