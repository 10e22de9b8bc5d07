"""gRPC bodies, made and read by Google's protobuf."""

import math
import struct

import pytest

from tests.unit import codecs, protocol_messages
from tests.unit.codecs import FLIGHTS, GRPC, MATRIX, C, codec, refused
from tidegate.dataplane.models import batches
from tidegate.dataplane.wire import protobuf


def asking(*inputs, raw=(), outputs=(), **more):
    """A ModelInferRequest; an input is (name, datatype, shape, contents' field, values)."""
    made = protocol_messages.message("ModelInferRequest")(model_name="e", raw_input_contents=raw, **more)
    for name, datatype, shape, field, values in inputs:
        one = made.inputs.add(name=name, datatype=datatype, shape=shape)
        if field:
            getattr(one.contents, field).extend(values)
    for name in outputs:
        made.outputs.add(name=name)
    return made


def sent(values, **more):
    """The matrix's one row."""
    return asking(("input", "FP64", [1, 3], "fp64_contents", values), **more)


def untyped(**more):
    return asking(("input", "FP64", [1, 3], "", ()), **more)


def answer(made, request, values):
    return protocol_messages.message("ModelInferResponse").FromString(codecs.answered(made, request, values))


def test_typed_contents_are_read_and_answered_typed():
    given = asking(
        ("air time", "FP32", [2], "fp32_contents", [0.5, math.nan]),
        ("carrier", "BYTES", [2, 1], "bytes_contents", ["é".encode(), b""]),
        ("n", "INT32", [2], "int_contents", [-1, 7]),
        id="mine",
    )
    request = FLIGHTS.decode(given.SerializeToString(), GRPC)
    assert request.batch.inputs == {"air time": [0.5, None], "n": [-1, 7], "carrier": ["é", ""]}
    said = answer(FLIGHTS, request, {"score": [0.25, 4.0]})
    assert (said.model_name, said.model_version, said.id) == ("e", "v2", "mine")
    assert said.parameters["prediction_id"].string_param == "pid"
    assert (said.outputs[0].datatype, list(said.outputs[0].shape)) == ("FP64", [2])
    assert list(said.outputs[0].contents.fp64_contents) == [0.25, 4.0]
    assert not said.raw_output_contents


def test_raw_contents_are_read_and_answered_raw():
    given = asking(("any", "FP64", [2, 3], "", ()), raw=[struct.pack("<6d", *range(6))])
    request = MATRIX.decode(given.SerializeToString(), GRPC)
    assert batches.entries(request.batch.inputs["input"]) == [0, 1, 2, 3, 4, 5]
    said = answer(MATRIX, request, {"score": [0.5, 1.0]})
    assert list(said.raw_output_contents) == [struct.pack("<2d", 0.5, 1.0)]
    assert not said.outputs[0].HasField("contents")
    assert said.id == ""


def test_an_answer_with_half_precision_is_raw_for_all_outputs():
    outputs = (C("half", "FP16"), C("n", "UINT64"), C("flag", "BOOL"))
    made = codec(C("x", "double"), outputs=outputs)
    given = asking(("x", "FP64", [1], "fp64_contents", [1.0]))
    values = {"half": [0.5], "n": [2**64 - 1], "flag": [True]}
    said = answer(made, made.decode(given.SerializeToString(), GRPC), values)
    assert list(said.raw_output_contents) == [struct.pack("<e", 0.5), b"\xff" * 8, b"\1"]
    given.outputs.add(name="n")
    given.outputs.add(name="flag")
    said = answer(made, made.decode(given.SerializeToString(), GRPC), values)
    assert [list(one.contents.uint64_contents) + list(one.contents.bool_contents) for one in said.outputs] == [
        [2**64 - 1],
        [True],
    ]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        pytest.param(asking(("input", "FP64", [1, 3], "fp32_contents", [1, 2, 3])), "does not belong to FP64", id="other-field"),
        pytest.param(asking(("input", "FP16", [1, 3], "fp32_contents", [1, 2, 3])), "has no typed contents", id="half-typed"),
        pytest.param(sent([1, 2]), "needs 3 values, there are 2", id="count"),
        pytest.param(untyped(), "needs 3 values, there are 0", id="no-contents"),
        pytest.param(asking(("input", "FP64", [2**62, 3], "fp64_contents", [1])), "too many for one request", id="overflow"),
        pytest.param(asking(("input", "FP64", [-1, 3], "fp64_contents", [1])), "negative", id="negative"),
        pytest.param(asking(("input", "FP64", [1] * 99, "fp64_contents", [1])), "of 99 dimensions", id="dimensions"),
        pytest.param(sent([1, math.inf, 3]), "element [1]: expected a finite", id="infinity"),
        pytest.param(asking(("input", "INT8", [1, 3], "int_contents", [1, 300, 3])), "element [1]: expected a whole", id="wide"),
        pytest.param(sent([1, 2, 3], raw=[bytes(24)]), "although raw_input_contents", id="both"),
        pytest.param(untyped(raw=[bytes(24)] * 2), "2 entries for 1 inputs", id="raw-count"),
        pytest.param(untyped(raw=[bytes(23)]), "are 24 bytes, not 23", id="raw-size"),
        pytest.param(asking(*[("input", "FP64", [1, 3], "", ())] * 3), "over 2 inputs are there", id="more-inputs"),
        pytest.param(asking(), "missing required input `input`", id="no-inputs"),
        pytest.param(sent([1, 2, 3], outputs=["z"]), "unknown output `z`", id="output"),
        pytest.param(sent([1, 2, 3], outputs=["score"] * 2), "asked for twice", id="output-twice"),
    ],
)  # fmt: skip
def test_a_request_that_does_not_fit_is_refused(given, words):
    assert words in refused(MATRIX, given.SerializeToString(), GRPC)


@pytest.mark.parametrize("body", [b"\x0a\x05e", b'{"inputs":[]}', b"\x2a\x03\x0a\x01\xff"])
def test_what_is_no_message_is_refused(body):
    refused(MATRIX, body, GRPC)


def test_fields_one_by_one_in_any_order_and_in_pieces_are_read_alike():
    double = protobuf.tag(7, protobuf.FIXED64)
    pieces = b"".join(protobuf.counted(5, double + struct.pack("<d", value)) for value in (1, 2))
    last = protobuf.counted(5, protobuf.packed_floats(7, [3.0], "d"))
    shape = protobuf.tag(3, protobuf.VARINT) + b"\1" + protobuf.tag(3, protobuf.VARINT) + b"\3"
    made = protobuf.counted(5, pieces + last + shape + protobuf.string(2, "FP64") + protobuf.string(1, "x"))
    assert MATRIX.decode(made + protobuf.string(1, "e"), GRPC).batch.inputs == {"input": [1.0, 2.0, 3.0]}


def test_parameters_are_read_and_what_is_not_spoken_is_refused():
    made = sent([1, 2, 3])
    made.parameters["priority"].int64_param = 3
    made.parameters["weight"].double_param = 0.5
    made.parameters["loud"].bool_param = True
    made.inputs[0].parameters["note"].string_param = "x"
    assert MATRIX.decode(made.SerializeToString(), GRPC).batch.rows == 1
    made.inputs[0].parameters["shared_memory_region"].string_param = "x"
    assert "shared_memory_region is not spoken" in refused(MATRIX, made.SerializeToString(), GRPC)
