"""Bodies become batches exactly when the signature allows it, and answers become bodies exactly when they keep it."""

import json
import math
import struct

import msgspec
import numpy as np
import pytest

from tidegate.core.vocabulary import errors, manifests
from tidegate.dataplane.models import batches, bins, signature
from tidegate.dataplane.wire import frames

C = manifests.Column
INFER, RECORDS = frames.Content.INFER, frames.Content.RECORDS
SCORE = (C("score", "double"),)


def codec(*inputs, kind="columns", outputs=SCORE, **more):
    made = manifests.Manifest("m", "sklearn", "m", manifests.Signature(kind, inputs, outputs), (), **more)
    return signature.Codec(made)


FLIGHTS = codec(C("air time", "double"), C("n", "long", required=False), C("carrier", "string"))
MATRIX = codec(C("input", "FP64", shape=(-1, 3)), kind="tensor")
ROW = {"air time": 1.5, "n": 2, "carrier": "AA"}


def tensor(name="input", shape=(1, 3), datatype="FP64", data=(1, 2, 3), **more):
    return {"name": name, "shape": list(shape), "datatype": datatype, "data": data, **more}


def decode(made, body, content=INFER):
    return made.decode(body if isinstance(body, bytes) else json.dumps(body).encode(), content)


def refused(made, body, content=INFER):
    with pytest.raises(errors.RequestError) as caught:
        decode(made, body, content)
    return str(caught.value)


@pytest.mark.parametrize(
    "body", [{"records": [ROW]}, [ROW], ROW, {"parameters": {}, "records": [ROW]}], ids=["envelope", "list", "one", "keys-before"]
)
def test_records_come_in_three_forms(body):
    request = decode(FLIGHTS, body, RECORDS)
    assert request.batch == batches.Batch(1, {"air time": [1.5], "n": [2], "carrier": ["AA"]})


def test_a_null_is_a_missing_number_or_a_missing_optional_value():
    batch = decode(FLIGHTS, [{"air time": None, "n": None, "carrier": "x"}, {"air time": 3, "carrier": "y"}], RECORDS).batch
    assert batch.inputs == {"air time": [None, 3.0], "n": [None, None], "carrier": ["x", "y"]}


@pytest.mark.parametrize(
    ("body", "words"),
    [
        pytest.param([ROW, {"air time": 1, "n": 1}], "row 1: missing required column `carrier`", id="missing"),
        pytest.param([{**ROW, "carier": 1}], "row 0: unknown column `carier`. Did you mean `carrier`?", id="unknown"),
        pytest.param([ROW, {**ROW, "carrier": 3}], "column `carrier`, row 1: expected a string, got a whole number", id="type"),
        pytest.param([{**ROW, "carrier": None}], "column `carrier`, row 0: expected a string, got null", id="null"),
        pytest.param([{**ROW, "n": 1.5}], "column `n`, row 0: expected a whole number or null, got a number", id="fraction"),
        pytest.param(
            [{**ROW, "n": 2**70}], "column `n`, row 0: expected a whole number of at most 9223372036854775807", id="range"
        ),
        pytest.param([3], "row 0: expected an object, got a whole number", id="no-object"),
        pytest.param({"records": []}, "there are no records", id="none"),
        pytest.param({}, "row 0: missing required column `air time`", id="empty-object"),
        pytest.param(b"{", "not JSON", id="not-json"),
        pytest.param(b'{"air time": NaN}', "not JSON", id="nan-is-not-json"),
    ],
)
def test_a_record_that_does_not_fit_is_refused_by_column_and_row(body, words):
    assert words in refused(FLIGHTS, body, RECORDS)


@pytest.mark.parametrize("data", [[1, 2, 3, 4, 5, 6], [[1, 2, 3], [4, 5, 6]]], ids=["flat", "nested"])
def test_tensor_data_is_flat_or_nested_as_its_shape_says(data):
    batch = decode(MATRIX, {"inputs": [tensor(shape=[2, 3], data=data)]}).batch
    assert batch == batches.Batch(2, {"input": [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]}, {"input": (3,)})


def test_the_only_tensor_of_a_model_may_have_any_name_and_be_of_whole_numbers():
    assert decode(MATRIX, {"inputs": [tensor("x", datatype="INT32")]}).batch.rows == 1


@pytest.mark.parametrize(
    ("given", "words"),
    [
        pytest.param(tensor(data=[[1, 2], [3]]), "not nested as its shape", id="ragged"),
        pytest.param(tensor(data=[1, "a", 3]), "row 0, element [1]: expected a number or null, got a string", id="type-flat"),
        pytest.param(
            tensor(shape=[2, 3], data=[1, 2, 3, 4, "x", 6]), "row 1, element [1]: expected a number or null", id="type-second-row"
        ),
        pytest.param(tensor(data=[[1, "a", 3]]), "row 0, element [1]: expected a number or null, got a string", id="type-nested"),
        pytest.param(tensor(shape=[2, 3]), "shape [2, 3] needs 6 values, data has 3", id="count"),
        pytest.param(tensor(shape=[-1, 3]), "negative", id="negative"),
        pytest.param(tensor(shape=[2**62 + 2, 3]), "4611686018427387906 rows are too many for one request", id="overflow"),
        pytest.param(tensor(shape=[1, 4]), "expected shape [-1, 3], got [1, 4]", id="width"),
        pytest.param(tensor(shape=[3]), "expected shape [-1, 3], got [3]", id="rank"),
        pytest.param(tensor(shape=[]), "expected shape [-1, 3], got []", id="no-shape"),
        pytest.param(tensor(shape=[0, 3], data=[]), "has no rows", id="no-rows"),
        pytest.param(tensor(datatype="BYTES"), "expected datatype FP64, got 'BYTES'", id="datatype"),
        pytest.param({"name": "x", "shape": [1, 3], "datatype": "FP64"}, "has no data. Send `data`, or raw bytes", id="no-data"),
    ],
)
def test_a_tensor_that_does_not_fit_is_refused_by_row_and_element(given, words):
    assert words in refused(MATRIX, {"inputs": [given]})


def test_a_shape_whose_product_overflows_is_refused_for_what_it_claims():
    made = codec(C("input", "FP64", shape=(-1, -1)), kind="tensor")
    words = refused(made, {"inputs": [tensor(shape=[2**4, 2**60 + 2])]})
    assert "needs 18446744073709551648 values, data has 3" in words


def test_the_whole_range_of_uint64_is_taken_and_no_more():
    made = codec(C("x", "UINT64", shape=(-1,)), kind="tensor", outputs=(C("y", "UINT64"),))
    request = decode(made, {"inputs": [tensor("x", [2], "UINT64", [0, 2**64 - 1])]})
    assert request.batch.inputs == {"x": [0, 2**64 - 1]}
    assert json.loads(made.encode(request, {"y": [0, 2**64 - 1]}, ("e", "v1", "p"))[0])["outputs"][0]["data"] == [0, 2**64 - 1]
    assert "value 0: expected a whole number of at most 18446744073709551615" in refused(made, [2**64], RECORDS)
    with pytest.raises(errors.OutputInvalid) as caught:
        made.checked({"y": [2**64]}, 1)
    assert "beyond what UINT64 can hold" in caught.value.where


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (np.array([0.5, math.nan]), "not finite"),
        (np.array([0.5, math.inf], dtype="float32"), "not finite"),
        (np.array([True, False]), "got an array of bool"),
        (np.array([[0.5], [1.0]]), "expected shape [-1], got [2, 1]"),
        (np.array([0.5]), "1 rows for 2 asked"),
    ],
)
def test_arrays_are_held_to_the_contract_as_lists_are(values, words):
    with pytest.raises(errors.OutputInvalid) as caught:
        MATRIX.checked({"score": values}, 2)
    assert words in caught.value.where


def test_arrays_are_written_as_lists_are():
    outputs = (C("p", "double", required=False), C("shares", "FP32", shape=(-1, 2)))
    made = codec(C("a", "double"), outputs=outputs)
    values = made.checked({"p": np.array([0.5, math.nan]), "shares": np.array([[0.25, 1], [2, 3]], dtype="float32")}, 2)
    request = decode(made, {"inputs": [tensor("a", [2], data=[1, 2])]})
    told = json.loads(made.encode(request, values, ("e", "v1", "p"))[0])["outputs"]
    assert [(one["shape"], one["data"]) for one in told] == [([2], [0.5, None]), ([2, 2], [0.25, 1, 2, 3])]
    request = decode(made, {"inputs": [tensor("a", [2], data=[1, 2])], "parameters": {"binary_data_output": True}})
    body, size = made.encode(request, values, ("e", "v1", "p"))
    assert body[size + 16 :] == struct.pack("<4f", 0.25, 1, 2, 3)
    records = json.loads(made.encode(decode(made, [{"a": 1}, {"a": 2}], RECORDS), values, ("e", "v1", "p"))[0])
    assert records["predictions"][1] == {"p": None, "shares": [2, 3]}


@pytest.mark.parametrize(
    ("body", "words"),
    [
        pytest.param({"inputs": []}, "missing required input `input`", id="no-inputs"),
        pytest.param({"records": [[1]]}, "missing required field `inputs`", id="other-form"),
        pytest.param({"inputs": [tensor(shape="x")]}, "inputs[0].shape[0]: expected a whole number, got a string", id="envelope"),
        pytest.param(
            {"inputs": [tensor()], "outputs": [{"name": "z"}]}, "unknown output `z`. The model has: score.", id="output"
        ),
        pytest.param({"inputs": [tensor()], "outputs": [{"name": "score"}] * 2}, "asked for twice", id="output-twice"),
        pytest.param({"inputs": [tensor(), tensor()]}, "is there twice", id="input-twice"),
        pytest.param(b'{"inputs":[{"name":"i","shape":[1,3],"datatype":"FP64","data":' + b"[" * 99_999, "deeply", id="nesting"),
        pytest.param(b"\xff\xfe", "not JSON", id="not-text"),
    ],
)
def test_an_inference_request_that_is_none_is_refused(body, words):
    assert words in refused(MATRIX, body)


def test_columns_come_as_one_tensor_each_and_optional_ones_may_stay_away():
    sent = [tensor("carrier", [2, 1], "BYTES", [["a"], ["b"]]), tensor("air time", [2], "FP32", [1, None])]
    batch = decode(FLIGHTS, {"inputs": sent}).batch
    assert batch == batches.Batch(2, {"air time": [1.0, None], "n": [None, None], "carrier": ["a", "b"]})
    assert list(batch.inputs) == ["air time", "n", "carrier"]


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        pytest.param([tensor("air time", [1], data=[1])], "missing required column `carrier`", id="missing"),
        pytest.param([tensor("airtime", [1], data=[1])], "unknown column `airtime`. Did you mean `air time`?", id="unknown"),
        pytest.param(
            [tensor("air time", [1], data=[1]), tensor("carrier", [2], "BYTES", ["a", "b"])], "has 2 rows", id="rows-differ"
        ),
        pytest.param([tensor("n", [1], "FP64", [1])], "expected datatype INT64", id="number-for-whole"),
    ],
)
def test_column_tensors_that_do_not_fit_are_refused(sent, words):
    assert words in refused(FLIGHTS, {"inputs": sent})


@pytest.mark.parametrize(
    ("shape", "wrapped"), [([2], lambda value: value), ([2, 1], lambda value: value), ([2, 1], lambda value: [value])]
)
def test_one_tensor_a_column_is_the_same_in_any_order_and_nesting(shape, wrapped):
    made = codec(C("a", "double"), C("b", "double"), C("at", "datetime"))
    sent = [
        tensor("b", shape, "INT8", list(map(wrapped, [3, 4]))),
        tensor("at", shape, "BYTES", list(map(wrapped, ["2013-01-31", "2013-02-01"]))),
        tensor("a", shape, "FP64", list(map(wrapped, [1, None]))),
    ]
    request = decode(made, {"inputs": sent, "id": "7", "outputs": [{"name": "score"}]})
    assert (request.batch.inputs["a"], request.batch.inputs["b"]) == ([1.0, None], [3.0, 4.0])
    assert (request.id, request.wanted, request.batch.inputs["at"][1].month) == ("7", ("score",), 2)


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        ([tensor("a", [1], data=[1]), tensor("a", [1], data=[1])], "input `a` is there twice"),
        ([tensor("a", [1], data=[1]), tensor("b", [2], data=[1, 2])], "input `b` has 2 rows, those before it have 1"),
        ([tensor("a", [2], data=[1]), tensor("b", [1], data=[1])], "shape [2] needs 2 values, data has 1"),
        ([tensor("a", [1], "BOOL", data=[1]), tensor("b", [1], data=[1])], "expected datatype FP64, got 'BOOL'"),
        ([tensor("a", [1], data=[1]), tensor("b", [1], data=["x"])], "input `b`, row 0: expected a number or null"),
        ([tensor("a", [1], data=[1]), tensor("c", [1], data=[1])], "unknown column `c`"),
        ([tensor("a", [0], data=[]), tensor("b", [0], data=[])], "has no rows"),
        ([tensor("a", [-1], data=[1]), tensor("b", [-1], data=[1])], "negative"),
        ([tensor("a", [1], data=[1]), tensor("b", [1], data=[1], parameters={"shared_memory_region": "r"})], "not spoken here"),
    ],
)
def test_one_tensor_a_column_that_does_not_fit_is_refused(sent, words):
    assert words in refused(codec(C("a", "double"), C("b", "double")), {"inputs": sent})


def test_columns_that_are_all_numbers_also_come_as_one_tensor():
    made = codec(C("a", "double"), C("b", "long"), C("c", "float"))
    batch = decode(made, {"inputs": [tensor("x", [2, 3], data=[1, 2, 3, 4.5, 5, 6])]}).batch
    assert batch == batches.Batch(2, {"a": [1.0, 4.5], "b": [2, 5], "c": [3.0, 6.0]})
    assert type(batch.inputs["b"][0]) is int
    assert "column `b`, row 0: expected a whole number" in refused(made, {"inputs": [tensor("x", data=[1, 2.5, 3])]})


def test_times_are_read_from_iso_8601():
    made = codec(C("at", "datetime"))
    assert decode(made, [{"at": "2013-01-31T05:15:00"}], RECORDS).batch.inputs["at"][0].hour == 5
    assert "column `at`, row 0: expected an ISO 8601 time, got 'noon'" in refused(made, [{"at": "noon"}], RECORDS)


def test_a_single_precision_column_takes_no_number_beyond_it():
    assert "expected a number of at most" in refused(codec(C("x", "float")), [{"x": 1e39}], RECORDS)


def test_more_rows_than_a_reply_can_answer_are_refused():
    assert "too many for one request" in refused(MATRIX, [[1, 2, 3]] * 50_001, RECORDS)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        pytest.param({"score": [0.5, math.nan]}, "not finite", id="nan"),
        pytest.param({"score": [0.5, math.inf]}, "not finite", id="infinity"),
        pytest.param({"score": [0.5]}, "1 rows for 2 asked", id="count"),
        pytest.param({"score": [0.5, "x"]}, "expected a number, got a string", id="type"),
        pytest.param({"score": [0.5, None]}, "got nothing", id="none"),
        pytest.param({"score": [0.5, True]}, "got true or false", id="boolean"),
        pytest.param({"other": [1, 2]}, "`score` is missing", id="name"),
    ],
)
def test_an_answer_that_breaks_the_contract_is_no_answer(values, words):
    with pytest.raises(errors.OutputInvalid) as caught:
        MATRIX.checked(values, 2)
    assert words in caught.value.where
    assert "score" not in caught.value.message


def test_an_optional_output_may_be_nan_which_is_null_but_never_infinite():
    made = codec(C("a", "double"), outputs=(C("score", "double", required=False),))
    assert made.checked({"score": [1.0, math.nan]}, 2) == {"score": [1.0, None]}
    with pytest.raises(errors.OutputInvalid):
        made.checked({"score": [1.0, math.inf]}, 2)


def test_a_v2_answer_has_the_outputs_asked_for_flat_with_their_shapes():
    outputs = (C("label", "string"), C("shares", "FP64", shape=(-1, 2)))
    made = codec(C("input", "FP64", shape=(-1, 3)), kind="tensor", outputs=outputs)
    values = {"label": ["a", "b"], "shares": [[0.1, 0.9], [0.5, 0.5]]}
    request = decode(made, {"id": "7", "inputs": [tensor(shape=[2, 3], data=[0] * 6)], "outputs": [{"name": "shares"}]})
    answer = json.loads(made.encode(request, values, ("e", "v2", "pid"))[0])
    assert answer["outputs"] == [{"name": "shares", "shape": [2, 2], "datatype": "FP64", "data": [0.1, 0.9, 0.5, 0.5]}]
    assert (answer["id"], answer["model_version"], answer["parameters"]) == ("7", "v2", {"prediction_id": "pid"})


def test_an_answer_to_no_id_has_no_id():
    request = decode(MATRIX, {"inputs": [tensor()]})
    assert "id" not in json.loads(MATRIX.encode(request, {"score": [1.0]}, ("e", "v2", "pid"))[0])


def test_records_are_answered_by_the_value_or_by_an_object_of_several():
    request = decode(FLIGHTS, ROW, RECORDS)
    assert json.loads(FLIGHTS.encode(request, {"score": [0.5]}, ("e", "v1", "p"))[0])["predictions"] == [0.5]
    made = codec(C("a", "double"), outputs=(*SCORE, C("label", "string")))
    request = decode(made, {"a": 1}, RECORDS)
    answer = json.loads(made.encode(request, {"score": [0.5], "label": ["x"]}, ("e", "v1", "p"))[0])
    assert answer["predictions"] == [{"score": 0.5, "label": "x"}]


def test_the_answer_logged_for_probabilities_of_classes_is_the_likeliest_class():
    outputs = (C("probabilities", "FP64", shape=(-1, 3)),)
    made = codec(C("a", "double"), outputs=outputs, options={"classes": '["x","y","z"]'})
    assert made.answers({"probabilities": [[0.1, 0.7, 0.2], [0.8, 0.1, 0.1]]}) == ("y", "x")


def test_a_signature_without_outputs_or_with_an_unknown_type_cannot_be_served():
    with pytest.raises(errors.SignatureMissing):
        codec(C("a", "double"), outputs=())
    with pytest.raises(errors.SignatureMissing):
        codec(C("a", "binary"))


@pytest.mark.parametrize(
    ("profile", "answer", "place"),
    [
        (manifests.Profile(edges=(0.25, 0.5)), 0.1, 0),
        (manifests.Profile(edges=(0.25, 0.5)), 0.25, 1),
        (manifests.Profile(edges=(0.25, 0.5)), 0.9, 2),
        (manifests.Profile(edges=(0.25, 0.5)), None, bins.OTHER),
        (manifests.Profile(classes=("0", "1")), 1.0, 1),
        (manifests.Profile(classes=("cat", "dog")), "dog", 1),
        (manifests.Profile(classes=("cat", "dog")), "cow", bins.OTHER),
        (manifests.Profile(), 0.5, -1),
    ],
)
def test_the_profile_fixes_the_bin(profile, answer, place):
    assert bins.Bins(profile).of(answer) == place


def test_edges_part_the_values_evenly_and_are_never_equal():
    found = bins.edges([float(n) for n in range(160)] + [math.nan])
    assert len(found) == bins.MOST - 1
    assert found == tuple(sorted(set(found)))
    assert bins.edges([1.0] * 100) == ()
    assert bins.edges([]) == ()


def test_batches_are_joined_and_cut_in_order():
    parts = [decode(MATRIX, [[n, 0, 0]] * n, RECORDS).batch for n in (1, 2, 3)]
    whole = batches.joined(parts)
    assert (whole.rows, len(whole.inputs["input"])) == (6, 18)
    assert batches.cut({"score": list(range(6))}, (1, 2, 3)) == [{"score": [0]}, {"score": [1, 2]}, {"score": [3, 4, 5]}]
    assert parts[0].rows == 1
    assert len(parts[0].inputs["input"]) == 3


def test_metadata_says_which_columns_may_stay_away():
    described = msgspec.json.decode(FLIGHTS.describe(frames.Content.METADATA, "flight-delay", "v3"))
    assert described["versions"] == ["v3"]
    assert described["inputs"][1] == {"name": "n", "datatype": "INT64", "shape": [-1], "parameters": {"optional": True}}
