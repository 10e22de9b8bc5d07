"""Every datatype comes through every form of a body as it was: JSON, raw bytes and protobuf say the same thing."""

import json
import math
import struct

import hypothesis
import pytest
from hypothesis import strategies as st

from tests.unit import codecs, protocol_messages
from tidegate.core.vocabulary import errors
from tidegate.dataplane.models import batches, binary, datatypes
from tidegate.dataplane.wire import inferences, protobuf

FEW = hypothesis.settings(max_examples=12, deadline=None)
C = codecs.C
FIELDS = {1: "bool", 2: "int", 3: "int64", 4: "uint", 5: "uint64", 6: "fp32", 7: "fp64", 8: "bytes"}
WHOLE = [f"{sign}INT{bits}" for sign in ("", "U") for bits in (8, 16, 32, 64)]
VALUES = {
    **{name: st.integers(*map(int, datatypes.bounds(C("x", name)))) for name in WHOLE},
    "BOOL": st.booleans(),
    "BYTES": st.text(st.characters(exclude_categories=["Cs"]), max_size=5),
    "FP16": st.floats(width=16, allow_nan=False, allow_infinity=False),
    "BF16": st.floats(width=16, min_value=-8, max_value=8).map(lambda value: round(value * 16) / 16),
    "FP32": st.floats(width=32, allow_nan=False, allow_infinity=False),
    "FP64": st.floats(allow_nan=False, allow_infinity=False),
}
CODECS = {
    name: codecs.codec(C("x", name, shape=(-1, -1)), kind="tensor", outputs=(C("y", name, shape=(-1, -1)),)) for name in VALUES
}
SAMPLE = st.sampled_from(sorted(VALUES)).flatmap(
    lambda name: st.tuples(st.just(name), st.integers(1, 3)).flatmap(
        lambda drawn: st.tuples(
            st.just(drawn[0]), st.just(drawn[1]), st.lists(VALUES[drawn[0]], min_size=drawn[1], max_size=drawn[1])
        )
    )
)


def grpc(name, width, values, raw):
    made = protocol_messages.message("ModelInferRequest")()
    one = made.inputs.add(name="x", datatype=name, shape=[1, width])
    if raw:
        made.raw_input_contents.append(binary.write(name, values))
    else:
        sent = [value.encode() for value in values] if name == "BYTES" else values
        getattr(one.contents, f"{FIELDS[inferences.FIELDS[name]]}_contents").extend(sent)
    return made.SerializeToString()


@FEW
@hypothesis.given(SAMPLE)
def test_a_tensor_is_the_same_in_json_in_bytes_and_in_protobuf(sample):
    name, width, values = sample
    made = CODECS[name]
    tensor = {"name": "x", "shape": [1, width], "datatype": name}
    data = binary.write(name, values)
    head = json.dumps({"inputs": [{**tensor, "parameters": {"binary_data_size": len(data)}}]}).encode()
    requests = [
        codecs.decode(made, {"inputs": [{**tensor, "data": values}]}),
        codecs.decode(made, {"inputs": [{**tensor, "data": [values]}]}),
        codecs.decode(made, {"inputs": [values]}, codecs.INVOCATIONS),
        made.decode(head + data, codecs.INFER, len(head)),
        made.decode(grpc(name, width, values, raw=True), codecs.GRPC),
    ]
    if name in inferences.FIELDS:
        requests.append(made.decode(grpc(name, width, values, raw=False), codecs.GRPC))
    for request in requests:
        assert batches.entries(request.batch.inputs["x"]) == values
        assert request.batch.tails == {"x": (width,)}


@FEW
@hypothesis.given(SAMPLE)
def test_an_answer_is_the_same_in_json_in_bytes_and_in_protobuf(sample):
    name, width, values = sample
    made = CODECS[name]
    answer = made.checked({"y": [values]}, 1)
    empty = {"BYTES": "", "BOOL": False}.get(name, 0)
    tensor = {"inputs": [{"name": "x", "shape": [1, 1], "datatype": name, "data": [empty]}]}
    plain, _ = made.encode(codecs.decode(made, tensor), answer, codecs.IDENTITY)
    assert json.loads(plain)["outputs"][0]["data"] == values
    body, size = made.encode(codecs.decode(made, {**tensor, "parameters": {"binary_data_output": True}}), answer, codecs.IDENTITY)
    assert batches.entries(binary.read(name, body[size:], width)) == values
    request = made.decode(grpc(name, 1, [empty], raw=name not in inferences.FIELDS), codecs.GRPC)
    said = protocol_messages.message("ModelInferResponse").FromString(codecs.answered(made, request, answer))
    if said.raw_output_contents:
        assert batches.entries(binary.read(name, said.raw_output_contents[0], width)) == values
    else:
        found = list(getattr(said.outputs[0].contents, f"{FIELDS[inferences.FIELDS[name]]}_contents"))
        assert [value.decode() for value in found] == values if name == "BYTES" else found == values


@FEW
@hypothesis.given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_bf16_is_the_nearest_that_there_is(value):
    if abs(value) > 3.38e38:
        return
    near = batches.entries(binary.read("BF16", binary.write("BF16", [value]), 1))[0]
    bits = struct.unpack("<I", struct.pack("<f", near))[0] >> 16
    around = [struct.unpack("<f", struct.pack("<I", (bits + step << 16) & 0xFFFFFFFF))[0] for step in (-1, 1)]
    assert all(abs(near - value) <= abs(other - value) for other in around if math.isfinite(other))


@FEW
@hypothesis.given(st.lists(st.tuples(st.integers(1, 2**29 - 1), st.integers(-(2**63), 2**64 - 1)), max_size=5))
def test_numbers_of_a_message_come_back(pairs):
    written = b"".join(protobuf.tag(number, protobuf.VARINT) + protobuf.varint(value) for number, value in pairs)
    assert [(number, protobuf.unsigned(field)) for field in protobuf.fields(written) for number in field[:1]] == [
        (number, value % 2**64) for number, value in pairs
    ]


@pytest.mark.parametrize("content", [codecs.INFER, codecs.RECORDS, codecs.INVOCATIONS, codecs.CSV, codecs.GRPC])
@hypothesis.settings(max_examples=15, deadline=None)
@hypothesis.given(
    body=st.one_of(st.binary(max_size=60), st.text('{}[]":,1aeu\\NI', max_size=60).map(str.encode)), size=st.integers(-1, 70)
)
def test_any_body_is_taken_or_refused_and_nothing_else(content, body, size):
    for made in (codecs.FLIGHTS, codecs.MATRIX):
        try:
            made.decode(body, content, size if content == codecs.INFER else -1)
        except errors.RequestError:
            pass
