"""What a model says of itself: its configuration for load tools, and an OpenAPI document that is one."""

import json

import jsonschema
import pytest

from tests.unit import codecs
from tests.unit.codecs import FLIGHTS, MATRIX, C, codec, decode
from tidegate.dataplane.models import batches
from tidegate.dataplane.wire import frames

OUTPUTS = (C("score", "double"), C("label", "string", required=False))
FLIGHT = codec(
    C("air time", "double"),
    C("n", "integer", required=False),
    C("carrier", "string", categories=("AA", "UA")),
    C("at", "datetime"),
    outputs=OUTPUTS,
    example=b'{"records":[{"air time":1.5,"n":null,"carrier":"AA","at":"2013-01-31T05:15:00"}]}',
)
NUMBERS = codec(C("a", "double"), C("b", "double"), example=b'{"records":[{"a":1.5,"b":null},{"a":1,"b":2},{"a":0,"b":0}]}')
IMAGES = codec(C("input", "FP32", shape=(-1, 2, -1)), kind="tensor", example=b'{"records":[[[1,2,3],[4,5,6]]]}')
PAIR = codec(
    C("x", "FP32", shape=(-1, 2)), C("y", "BYTES", shape=(-1,)), kind="tensor", example=b'{"records":[{"x":[1,2],"y":"a"}]}'
)
FORMS = {"infer": codecs.INFER, "predict": codecs.RECORDS, "invocations": codecs.INVOCATIONS}


def document(made):
    return json.loads(made.describe(frames.Content.OPENAPI, "a/b", "v3"))


@pytest.mark.parametrize(
    "made", [FLIGHT, NUMBERS, IMAGES, PAIR, FLIGHTS], ids=["mixed", "numbers", "tensor", "tensors", "no-example"]
)
def test_the_documents_examples_are_taken_and_fit_their_schemas(made):
    found = document(made)
    assert "/v2/models/a%2Fb/infer" in found["paths"]
    for path, item in found["paths"].items():
        for kind, content in item.get("post", {}).get("requestBody", {"content": {}})["content"].items():
            if "example" not in content:
                continue
            given = content["example"]
            name = content["schema"]["$ref"].rpartition("/")[2]
            jsonschema.validate(given, {"$ref": f"#/components/schemas/{name}", "components": found["components"]})
            if kind == "text/csv":
                assert decode(made, given.encode(), codecs.CSV).batch.rows == len(given.splitlines()) - 1
            else:
                assert decode(made, given, FORMS[path.rpartition("/")[2]]).batch.rows >= 1


def test_examples_are_the_bundles_own_rows_in_every_form():
    paths = document(NUMBERS)["paths"]
    infer = paths["/v2/models/a%2Fb/infer"]["post"]["requestBody"]["content"]["application/json"]["example"]
    assert infer["inputs"][0]["data"] == [[1.5, None], [1, 2]]
    table = paths["/endpoints/a%2Fb/invocations"]["post"]["requestBody"]["content"]["text/csv"]["example"]
    assert table == "a,b\n1.5,\n1,2\n"


def test_schemas_tell_types_missing_values_bounds_and_categories():
    schemas = document(FLIGHT)["components"]["schemas"]
    record = schemas["Record"]
    assert record["required"] == ["air time", "carrier", "at"]
    assert record["properties"]["air time"]["type"] == ["number", "null"]
    assert record["properties"]["n"] == {"type": ["integer", "null"], "minimum": -(2**31), "maximum": 2**31 - 1}
    assert record["properties"]["carrier"] == {"enum": ["AA", "UA"]}
    assert schemas["Predictions"]["properties"]["predictions"]["items"]["required"] == ["score", "label"]


@pytest.mark.parametrize("made", [FLIGHT, NUMBERS])
def test_answers_fit_the_schemas(made):
    found = document(made)
    values = {"score": [0.5], "label": [None]}
    row = {"air time": 1, "carrier": "AA", "at": "2013-01-31"} if made is FLIGHT else {"a": 1, "b": 2}
    bodies = {
        codecs.RECORDS: ([row], "Predictions"),
        codecs.INVOCATIONS: ({"inputs": {name: [value] for name, value in row.items()}}, "Scores"),
    }
    if made is NUMBERS:
        bodies[codecs.INFER] = ({"id": "7", "inputs": [codecs.tensor("x", [1, 2], data=[1, 2])]}, "InferResponse")
    for content, (body, name) in bodies.items():
        answer = json.loads(codecs.answered(made, decode(made, body, content), values))
        jsonschema.validate(answer, {"$ref": f"#/components/schemas/{name}", "components": found["components"]})


def test_the_configuration_is_what_load_tools_read():
    found = json.loads(FLIGHT.describe(frames.Content.CONFIG, "flight", "v3"))
    assert (found["name"], found["backend"], found["max_batch_size"] > 0) == ("flight", "sklearn", True)
    assert found["input"][1] == {"name": "n", "data_type": "TYPE_INT32", "dims": [1], "optional": True}
    assert found["input"][2]["data_type"] == "TYPE_STRING"
    assert json.loads(IMAGES.describe(frames.Content.CONFIG, "x", "v1"))["input"][0]["dims"] == [2, -1]


def test_a_tensor_of_rows_alone_is_also_taken_as_the_configuration_says():
    made = codec(C("x", "INT8", shape=(-1,)), kind="tensor")
    sent = {"inputs": [codecs.tensor("x", [2, 1], "INT8", [[1], [2]])]}
    assert decode(made, sent).batch == batches.Batch(2, {"x": [1, 2]}, {"x": ()})
    assert decode(MATRIX, {"inputs": [codecs.tensor("x", [1, 3])]}).batch.tails == {"input": (3,)}
