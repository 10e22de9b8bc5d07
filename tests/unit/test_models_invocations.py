"""MLflow's scoring bodies, JSON and CSV, and what is taken for a value in strict and in coercing endpoints."""

import json

import pytest

from tests.unit import codecs
from tests.unit.codecs import CSV, FLIGHTS, INVOCATIONS, MATRIX, NUMBERS, RECORDS, ROW, C, codec, decode, refused
from tidegate.dataplane.models import batches

TWO = {"air time": [1.5, None], "n": [2, None], "carrier": ["AA", "B"]}
ROWS = [ROW, {"air time": None, "carrier": "B"}]
TENSORS = codec(C("x", "FP32", shape=(-1, 2)), C("y", "INT8", shape=(-1,)), kind="tensor")


@pytest.mark.parametrize(
    "body",
    [
        {"dataframe_records": ROWS},
        {"instances": ROWS},
        {"inputs": ROWS},
        {"inputs": {"carrier": ["AA", "B"], "n": [2, None], "air time": [1.5, None]}},
        {"inputs": {"carrier": ["AA", "B"], "air time": [1.5, None], "n": [2, None]}, "params": {"t": 1}},
        {"instances": [[1.5, 2, "AA"], [None, None, "B"]]},
        {"dataframe_split": {"columns": ["n", "carrier", "air time"], "data": [[2, "AA", 1.5], [None, "B", None]]}},
        {"dataframe_split": {"data": [[1.5, 2, "AA"], [None, None, "B"]], "index": [0, 1]}, "params": None},
    ],
)
def test_the_forms_of_a_table_are_one_batch(body):
    assert decode(FLIGHTS, body, INVOCATIONS).batch == batches.Batch(2, TWO)


@pytest.mark.parametrize(
    "body",
    [
        {"inputs": [[1, 2, 3], [4, 5, 6]]},
        {"instances": [[1, 2, 3], [4, 5, 6]]},
        {"inputs": {"input": [[1, 2, 3], [4, 5, 6]]}},
        {"dataframe_split": {"columns": ["0", "1", "2"], "index": [0, 1], "data": [[1, 2, 3], [4, 5, 6]]}},
    ],
)
def test_the_forms_of_a_tensor_are_one_batch(body):
    assert decode(MATRIX, body, INVOCATIONS).batch == batches.Batch(2, {"input": [1.0, 2, 3, 4, 5, 6]}, {"input": (3,)})


@pytest.mark.parametrize(
    "body", [{"inputs": {"x": [[1, 2]], "y": [3]}}, {"instances": [{"x": [1, 2], "y": 3}]}, {"inputs": [{"y": 3, "x": [1, 2]}]}]
)
def test_several_tensors_come_by_name(body):
    assert decode(TENSORS, body, INVOCATIONS).batch == batches.Batch(1, {"x": [1.0, 2.0], "y": [3]}, {"x": (2,), "y": ()})


@pytest.mark.parametrize(
    ("made", "body", "words"),
    [
        (FLIGHTS, {}, "none of its forms is there. Send one of dataframe_split"),
        (FLIGHTS, [ROW], "not a scoring request: expected an object, got a list"),
        (FLIGHTS, {"inputs": ROWS, "instances": ROWS}, "instances and inputs are there at once"),
        (FLIGHTS, {"dataframe_records": []}, "dataframe_records has no rows"),
        (FLIGHTS, {"dataframe_records": 3}, "dataframe_records: expected a list, got a whole number"),
        (
            FLIGHTS,
            {"dataframe_records": [ROW, {**ROW, "n": "2"}]},
            "column `n`, row 1: expected a whole number or null, got a string",
        ),
        (FLIGHTS, {"dataframe_records": [{**ROW, "late": 1}]}, "row 0: unknown column `late`"),
        (FLIGHTS, {"dataframe_split": {"columns": ["n"]}}, "dataframe_split: object missing required field `data`"),
        (FLIGHTS, {"dataframe_split": {"columns": ["n", "late"], "data": []}}, "unknown column `late`"),
        (FLIGHTS, {"dataframe_split": {"columns": ["n", "n"], "data": []}}, "a column is there twice"),
        (FLIGHTS, {"dataframe_split": {"columns": ["n"], "data": [[1]]}}, "missing required column `air time`, `carrier`"),
        (FLIGHTS, {"dataframe_split": {"data": [[1.5, 2, "AA"], [1.5, 2, 3]]}}, "column `carrier`, row 1: expected a string"),
        (FLIGHTS, {"dataframe_split": {"data": [[1.5, 2]]}}, "row 0: expected"),
        (FLIGHTS, {"dataframe_split": {"data": []}}, "there are no rows"),
        (FLIGHTS, {"inputs": {"carrier": ["a"], "air time": [1, 2]}}, "different numbers of rows: [1, 2]"),
        (FLIGHTS, {"inputs": {"carrier": [], "air time": []}}, "there are no rows"),
        (FLIGHTS, {"inputs": {"carrier": ["a", 1], "air time": [1, 2]}}, "column `carrier`, row 1: expected a string"),
        (FLIGHTS, {"inputs": {"carrier": "a", "air time": [1]}}, "column `carrier`: expected a list, got a string"),
        (MATRIX, {"inputs": [[1, 2], [3]]}, "row 0: expected 3 values, got 2"),
        (MATRIX, {"dataframe_records": [{"a": 1}]}, "takes a tensor, not named columns"),
        (MATRIX, {"instances": [[1, 2, "x"]]}, "row 0, element [2]: expected a number or null, got a string"),
    ],
)
def test_a_scoring_request_that_does_not_fit_is_refused(made, body, words):
    assert words in refused(made, body, INVOCATIONS)


def test_answers_are_as_mlflow_gives_them():
    made = codec(C("a", "double"), outputs=(*codecs.SCORE, C("label", "string")))
    request = decode(made, {"inputs": {"a": [1, 2]}}, INVOCATIONS)
    values = {"score": [0.5, 0.25], "label": ["x", "y"]}
    rows = [{"score": 0.5, "label": "x"}, {"score": 0.25, "label": "y"}]
    assert json.loads(codecs.answered(made, request, values)) == {"predictions": rows}
    assert codecs.answered(FLIGHTS, request, {"score": [0.5, 0.25]}) == b'{"predictions":[0.5,0.25]}'


def test_a_csv_is_typed_by_the_signature():
    body = b'\xef\xbb\xbf,carrier,n,air time\r\n0,"A, A",2,1.5\r\n1,NA,,\r\n2,"say ""x""",3.0,NaN\r\n'
    batch = FLIGHTS.decode(body, CSV).batch
    assert batch.inputs["carrier"] == ["A, A", "NA", 'say "x"']
    assert batch.inputs["n"] == [2, None, 3]
    assert batch.inputs["air time"] == [1.5, None, None]
    assert NUMBERS.decode(b"c,b,a\n3,2,1\n", CSV).batch == batches.Batch(
        1, {batches.BLOCK: [1.0, 2.0, 3.0]}, {batches.BLOCK: (3,)}
    )
    assert MATRIX.decode(b"x,y,z\n1,2,3\n4,5,6\n", CSV).batch.inputs == {"input": [1.0, 2, 3, 4, 5, 6]}
    flags = codec(C("on", "boolean"), C("at", "datetime"))
    assert flags.decode(b"on,at\nTrue,2013-01-31\nfalse,2013-02-01 06:00\n", CSV).batch.inputs["on"] == [True, False]


@pytest.mark.parametrize(
    ("made", "body", "words"),
    [
        (FLIGHTS, b"", "there are no rows"),
        (FLIGHTS, b"carrier,air time\n", "there are no rows"),
        (FLIGHTS, b"carrier,air time\nAA\n", "row 0: 1 values for 2 names"),
        (FLIGHTS, b"carrier,carrier\nAA,BB\n", "a name is there twice"),
        (FLIGHTS, b"carrier,late\nAA,1\n", "unknown column `late`"),
        (FLIGHTS, b"carrier\nAA\n", "missing required column `air time`"),
        (FLIGHTS, b"carrier,air time\nAA,1\nBB,x\n", "column `air time`, row 1: expected a number or null, got a string"),
        (FLIGHTS, b"carrier,air time\n,1\n", "column `carrier`, row 0: expected a string, got null"),
        (FLIGHTS, b"carrier,air time\nAA,inf\n", "column `air time`, row 0: expected a number, got infinity"),
        (FLIGHTS, b"carrier,air time,n\nAA,1,2.5\n", "column `n`, row 0: expected a whole number"),
        (FLIGHTS, b'carrier,air time\n"AA,1\n', "not CSV"),
        (FLIGHTS, b"carrier,air time\n\xff,1\n", "not UTF-8"),
        (MATRIX, b"a,b\n1,2\n", "expected 3 values a row, got 2"),
        (TENSORS, b"a,b\n1,2\n", "a CSV is for models of columns"),
    ],
)
def test_a_csv_that_does_not_fit_is_refused(made, body, words):
    assert words in refused(made, body, CSV)


LOOSE = codec(C("x", "double"), C("n", "integer"), C("on", "boolean"), C("s", "string"))


@pytest.mark.parametrize(
    ("content", "body"),
    [
        (RECORDS, [{"x": "1.5", "n": 3.0, "on": 1, "s": "3"}]),
        (INVOCATIONS, {"dataframe_split": {"columns": ["x", "n", "on", "s"], "data": [["1.5", "3", "true", "3"]]}}),
        (INVOCATIONS, {"inputs": {"x": ["1.5"], "n": [3.0], "on": [True], "s": ["3"]}}),
        (
            codecs.INFER,
            {
                "inputs": [
                    codecs.tensor("x", [1], "BYTES", ["1.5"]),
                    codecs.tensor("n", [1], "FP64", [3.0]),
                    codecs.tensor("on", [1], "INT8", [1]),
                    codecs.tensor("s", [1], "BYTES", ["3"]),
                ]
            },
        ),
    ],
)
def test_an_endpoint_may_take_what_is_near_enough(content, body):
    refused(LOOSE, body, content)
    assert decode(LOOSE, body, content, coerce=True).batch.inputs == {"x": [1.5], "n": [3], "on": [True], "s": ["3"]}


@pytest.mark.parametrize("wrong", [{"x": "inf"}, {"x": "one"}, {"n": 3.5}, {"on": 2}, {"s": 3}, {"s": None}])
def test_but_not_what_is_not(wrong):
    row = {"x": 1, "n": 1, "on": True, "s": "a", **wrong}
    assert f"column `{next(iter(wrong))}`, row 0: expected" in refused(LOOSE, [row], RECORDS, coerce=True)


def test_values_outside_declared_categories_are_refused_in_every_form():
    made = codec(C("carrier", "string", categories=("AA", "UA")), C("gate", "long", required=False, categories=("1", "2")))
    assert decode(made, [{"carrier": "UA", "gate": None}], RECORDS).batch.rows == 1
    words = refused(made, [{"carrier": "AA"}, {"carrier": "XX"}], RECORDS)
    assert "column `carrier`, row 1: 'XX' is no category of this model. The model knows: AA, UA." in words
    assert "column `gate`, row 0: 3 is no category" in refused(made, b"carrier,gate\nAA,3\n", CSV)
    body = {"inputs": [codecs.tensor("carrier", [1], "BYTES", ["x"])]}
    assert "is no category" in refused(made, body)
