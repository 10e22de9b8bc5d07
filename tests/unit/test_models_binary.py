"""The binary tensor extension: bodies as tritonclient makes them, both ways, and everything that could be wrong with one."""

import json
import math
import struct
import sys

import numpy as np
import pytest

from tests.unit import codecs
from tests.unit.codecs import FLIGHTS, MATRIX, C, codec, decode, refused
from tidegate.core.vocabulary import errors
from tidegate.dataplane.models import batches

IDENTITY = codecs.IDENTITY


@pytest.fixture(params=["arrays", "lists"], autouse=True)
def runtime(request, monkeypatch):
    """A bundle's runtime with numpy, which its loader has imported, and one without."""
    monkeypatch.setitem(sys.modules, "numpy", np if request.param == "arrays" else None)


def listed(batch):
    return {name: batches.entries(values) for name, values in batch.inputs.items()}


def with_bytes(body, *tensors):
    """(a body with tensors' bytes behind its JSON, how much of it is JSON)."""
    head = json.dumps(body).encode()
    return head + b"".join(tensors), len(head)


def raw(name="input", shape=(1, 3), datatype="FP64", size=24, **more):
    return {"name": name, "shape": list(shape), "datatype": datatype, "parameters": {"binary_data_size": size}, **more}


def test_what_tritonclient_sends_by_default_is_read_and_answered_in_kind():
    body = (
        b'{"id":"7","inputs":[{"name":"input","shape":[2,3],"datatype":"FP32","parameters":{"binary_data_size":24}}],'
        b'"parameters":{"binary_data_output":true}}'
        b"\x00\x00\x00\x00\x00\x00\x80?\x00\x00\x00@\x00\x00@@\x00\x00\x80@\x00\x00\xa0@"
    )
    request = MATRIX.decode(body, codecs.INFER, 148)
    assert listed(request.batch) == {"input": [0, 1, 2, 3, 4, 5]}
    answer, size = MATRIX.encode(request, {"score": [0.5, 2.0]}, IDENTITY)
    assert json.loads(answer[:size]) == {
        "model_name": "e",
        "model_version": "v2",
        "outputs": [{"name": "score", "shape": [2], "datatype": "FP64", "parameters": {"binary_data_size": 16}}],
        "parameters": {"prediction_id": "pid"},
        "id": "7",
    }
    assert struct.unpack("<2d", answer[size:]) == (0.5, 2.0)


def test_json_and_bytes_stand_side_by_side_and_each_output_comes_as_asked():
    made = codec(C("n", "long"), C("carrier", "string"), outputs=(C("label", "string"), C("score", "float")))
    body = (
        b'{"inputs":[{"name":"n","shape":[2],"datatype":"INT64","data":[1,-2]},{"name":"carrier","shape":[2],"datatype":"BYTES",'
        b'"parameters":{"binary_data_size":12}}],"outputs":[{"name":"label","parameters":{"binary_data":true}},{"name":"score",'
        b'"parameters":{"binary_data":false}}],"parameters":{"priority":1,"timeout":5}}\x02\x00\x00\x00AA\x02\x00\x00\x00\xc3\xa9'
    )
    request = made.decode(body, codecs.INFER, 312)
    assert request.batch.inputs == {"n": [1, -2], "carrier": ["AA", "é"]}
    answer, size = made.encode(request, {"label": ["no", "è"], "score": [1.0, 2.0]}, IDENTITY)
    label, score = json.loads(answer[:size])["outputs"]
    assert (label["parameters"], "data" in label, score["data"]) == ({"binary_data_size": 12}, False, [1.0, 2.0])
    assert answer[size:] == b"\x02\0\0\0no\x02\0\0\0\xc3\xa8"


@pytest.mark.parametrize(
    ("made", "body", "shape"),
    [
        (MATRIX, struct.pack("<6d", *range(6)), (2, 3)),
        (codec(C("x", "FP32", shape=(-1,)), kind="tensor"), struct.pack("<6f", *range(6)), (6,)),
        (codec(C("x", "long")), struct.pack("<6q", *range(6)), (6,)),
    ],
)
def test_raw_bytes_alone_are_the_one_input_and_are_answered_in_bytes(made, body, shape):
    request = made.decode(body, codecs.INFER, 0)
    assert request.batch.rows == shape[0]
    assert [value for values in listed(request.batch).values() for value in values] == list(range(6))
    answer, size = made.encode(request, {"score": [1.0] * shape[0]}, IDENTITY)
    assert len(answer) - size == 8 * shape[0]


def test_raw_bytes_alone_for_text_are_one_value():
    made = codec(C("text", "BYTES", shape=(-1, 1)), kind="tensor")
    request = made.decode("été".encode(), codecs.INFER, 0)
    assert (request.batch.rows, request.batch.inputs) == (1, {"text": ["été"]})


@pytest.mark.parametrize(
    ("made", "body", "words"),
    [
        (FLIGHTS, b"", "models of one input; this one has 3"),
        (MATRIX, b"1234567", "7 bytes are no FP64 of shape [-1, 3]"),
        (codec(C("x", "FP64", shape=(-1, -1)), kind="tensor"), bytes(64), "cannot tell the sizes"),
        (codec(C("x", "string")), b"\xff", "expected text in UTF-8"),
        (MATRIX, b"", "has no rows"),
    ],
)
def test_raw_bytes_that_tell_no_tensor_are_refused(made, body, words):
    assert words in refused(made, body, json_bytes=0)


@pytest.mark.parametrize(
    ("body", "tensors", "words"),
    [
        pytest.param(
            {"inputs": [raw(size=25)]}, [bytes(24)], "binary_data_size is 25, but 24 bytes are left", id="promises-more"
        ),
        pytest.param({"inputs": [raw(size=2**62)]}, [bytes(24)], "but 24 bytes are left", id="promises-exabytes"),
        pytest.param({"inputs": [raw(size=23)]}, [bytes(24)], "1 bytes follow the last tensor", id="trailing"),
        pytest.param({"inputs": [raw(size=16)]}, [bytes(16)], "3 values of FP64 are 24 bytes, not 16", id="short"),
        pytest.param({"inputs": [raw(size=-1)]}, [bytes(24)], "has to be a number of bytes", id="negative"),
        pytest.param({"inputs": [raw(size=True)]}, [bytes(24)], "has to be a number of bytes", id="boolean"),
        pytest.param({"inputs": [raw(data=[1, 2, 3])]}, [bytes(24)], "has `data` and binary_data_size", id="both"),
        pytest.param({"inputs": [raw(shape=[2**60 + 2, 3])]}, [bytes(24)], "too many for one request", id="overflow"),
        pytest.param({"inputs": [raw(shape=[-1, 3])]}, [bytes(24)], "negative", id="negative-size"),
        pytest.param({"inputs": [raw(datatype="FP8")]}, [bytes(24)], "expected datatype FP64, got 'FP8'", id="datatype"),
        pytest.param({"inputs": [raw(size=None)]}, [], "has no data", id="null-size"),
        pytest.param(
            {"inputs": [raw(parameters={"shared_memory_region": "x"})]},
            [],
            "shared_memory_region is not spoken",
            id="shared-memory",
        ),
        pytest.param(
            {"inputs": [raw()], "parameters": {"binary_data_output": "yes"}},
            [bytes(24)],
            "binary_data_output has to be true",
            id="flag",
        ),
        pytest.param({"inputs": [raw()], "parameters": {"a": {"b": 1}}}, [bytes(24)], "parameters", id="nested-parameter"),
    ],
)
def test_bytes_that_do_not_fit_what_is_said_of_them_are_refused(body, tensors, words):
    whole, size = with_bytes(body, *tensors)
    assert words in refused(MATRIX, whole, json_bytes=size)


def test_a_header_that_promises_more_json_than_there_is_is_refused():
    assert "says 999999999999 bytes of JSON, the body has 2" in refused(MATRIX, b"{}", json_bytes=999_999_999_999)
    assert "not JSON" in refused(MATRIX, b'{"inputs":[', json_bytes=5)


@pytest.mark.parametrize(
    ("datatype", "data", "words"),
    [
        ("FP64", struct.pack("<3d", 1, math.inf, 2), "row 0, element [1]: expected a finite number"),
        ("FP32", struct.pack("<3f", 1, 2, -math.inf), "row 0, element [2]: expected a finite number"),
        ("BOOL", b"\0\1\1", "expected datatype FP64, got 'BOOL'"),
    ],
)
def test_infinity_is_no_input_in_bytes_either(datatype, data, words):
    whole, size = with_bytes({"inputs": [raw(datatype=datatype, size=len(data))]}, data)
    assert words in refused(MATRIX, whole, json_bytes=size)


def test_nan_in_bytes_is_a_missing_number_as_null_is():
    data = struct.pack("<3d", 1, math.nan, 3)
    whole, size = with_bytes({"inputs": [raw()]}, data)
    values = batches.entries(MATRIX.decode(whole, codecs.INFER, size).batch.inputs["input"])
    assert values[1] is None or math.isnan(values[1])
    assert (values[0], values[2]) == (1, 3)


@pytest.mark.parametrize(
    ("column", "datatype", "data", "words"),
    [
        (C("x", "integer"), "INT64", struct.pack("<q", 2**40), "row 0: expected a whole number of at most 2147483647"),
        (C("x", "UINT8", shape=(-1,)), "INT8", struct.pack("<b", -1), "row 0: expected a whole number of at least 0"),
        (C("x", "float"), "FP64", struct.pack("<d", 1e300), "row 0: expected a number of at most 3.40282"),
        (C("x", "long"), "FP64", struct.pack("<d", 1.0), "expected datatype INT64"),
        (C("x", "boolean"), "BOOL", b"\2", "BOOL is one byte a value, 0 or 1"),
        (C("x", "string"), "BYTES", b"\5\0\0\0abc", "does not end with the 7 bytes there are"),
        (C("x", "string"), "BYTES", b"\1\0", "does not end with the 2 bytes"),
        (C("x", "string"), "BYTES", b"\xff\xff\xff\xffabc", "does not end with the 7 bytes"),
        (C("x", "string"), "BYTES", b"\1\0\0\0a\1\0\0\0b", "there are 2 values, not 1"),
        (C("x", "string"), "BYTES", b"\1\0\0\0\xff", "row 0: expected text in UTF-8"),
        (C("x", "datetime"), "BYTES", b"\4\0\0\0noon", "row 0: expected an ISO 8601 time"),
    ],
)
def test_values_in_bytes_are_held_to_the_columns_type(column, datatype, data, words):
    made = codec(column, kind="tensor" if column.shape else "columns")
    whole, size = with_bytes({"inputs": [raw("x", [1], datatype, len(data))]}, data)
    assert words in refused(made, whole, json_bytes=size)


def test_a_missing_value_that_a_datatype_cannot_say_is_refused_as_bytes():
    made = codec(C("a", "double"), outputs=(C("n", "long", required=False), C("p", "double", required=False)))
    values = made.checked({"n": [None], "p": [math.nan]}, 1)
    plain = {"inputs": [codecs.tensor("a", [1], data=[1])]}
    request = decode(made, {**plain, "outputs": [{"name": "p", "parameters": {"binary_data": True}}]})
    answer, size = made.encode(request, values, IDENTITY)
    assert math.isnan(struct.unpack("<d", answer[size:])[0])
    request = decode(made, {**plain, "parameters": {"binary_data_output": True}})
    with pytest.raises(errors.InputInvalid, match="INT64 has no way to say that a value is missing; ask for it as JSON"):
        made.encode(request, values, IDENTITY)


def test_an_output_by_classes_is_refused_rather_than_answered_as_scores():
    body = {"inputs": [codecs.tensor()], "outputs": [{"name": "score", "parameters": {"classification": 2}}]}
    assert "classification is not spoken here; the scores themselves are sent" in refused(MATRIX, body)


def test_lists_and_arrays_are_joined_in_order():
    whole, size = with_bytes({"inputs": [raw()]}, struct.pack("<3d", 1, 2, 3))
    array = MATRIX.decode(whole, codecs.INFER, size).batch
    plain = decode(MATRIX, {"inputs": [codecs.tensor(data=[4, None, 6])]}).batch
    assert array.key == plain.key
    assert batches.entries(batches.joined([array, array]).inputs["input"]) == [1, 2, 3, 1, 2, 3]
    assert batches.joined([plain, array]).inputs["input"] == [4, None, 6, 1, 2, 3]
