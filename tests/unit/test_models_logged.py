"""Inputs of many logged requests read at once are what each is by itself."""

import json

from tests.unit.codecs import C, codec
from tidegate.dataplane.models import batches, logged
from tidegate.dataplane.wire import frames, samples

FLIGHTS = codec(C("carrier", "string"), C("late", "double"), C("n", "long", required=False))
KNOWN = codec(C("carrier", "string", categories=("AA", "B")))


def records(*rows: dict[str, object]) -> samples.Sample:
    return samples.Sample(int(frames.Content.RECORDS), json.dumps({"records": rows}).encode())


def test_requests_in_any_form_are_joined_and_what_is_none_is_left_out():
    infer = {
        "inputs": [
            {"name": "carrier", "datatype": "BYTES", "shape": [2], "data": ["C", "D"]},
            {"name": "late", "datatype": "FP64", "shape": [2], "data": [3.0, None]},
        ]
    }
    read = logged.read(
        FLIGHTS,
        [
            records({"carrier": "A", "late": 1, "n": 7}, {"carrier": "B", "late": None}),
            None,
            samples.Sample(int(frames.Content.INFER), json.dumps(infer).encode()),
            samples.Sample(int(frames.Content.RECORDS), b"{"),
            samples.Sample(int(frames.Content.RECORDS), b'{"records": []}'),
            samples.Sample(int(frames.Content.RECORDS), b"[" * 100_000),
            samples.Sample(int(frames.Content.CSV), b"carrier,late\nE,5\n"),
            records({"carrier": "F", "late": "6"}),
        ],
    )
    assert (read.of, read.rows) == ([0, 7, 2, 6], [2, 1, 2, 1])
    assert read.columns == {
        "carrier": ["A", "B", "F", "C", "D", "E"],
        "late": [1.0, None, 6.0, 3.0, None, 5.0],
        "n": [7, None, None, None, None, None],
    }
    assert read.each(["carrier", "region"]) == {
        0: {"carrier": ["A", "B"]},
        7: {"carrier": ["F"]},
        2: {"carrier": ["C", "D"]},
        6: {"carrier": ["E"]},
    }


def test_one_that_breaks_the_contract_costs_the_others_nothing():
    read = logged.read(
        KNOWN, [records({"carrier": "AA"}), records({"carrier": "AA"}, {"carrier": "Z"}), records({"carrier": "B"})]
    )
    assert (read.of, read.columns) == ([0, 2], {"carrier": ["AA", "B"]})
    infinite = logged.read(FLIGHTS, [records({"carrier": "A", "late": "inf"}), records({"carrier": "A", "late": 1.0})])
    assert infinite.of == [1]


def test_a_request_of_too_many_rows_is_none_and_a_block_is_taken_apart():
    numbers = codec(C("a", "double"), C("b", "double"))
    row = {"a": 1.0, "b": 2.0}
    read = logged.read(numbers, [records(*[row] * (batches.MOST_ROWS + 1)), records(row, {"a": 3.0, "b": 4.0})])
    assert (read.of, read.columns) == ([1], {"a": [1.0, 3.0], "b": [2.0, 4.0]})


def test_a_model_of_tensors_has_no_columns():
    tensor = codec(C("x", "FP32", shape=(-1, 2)), kind="tensor")
    assert logged.read(tensor, [samples.Sample(int(frames.Content.RECORDS), b"[[1, 2]]")]) == logged.Inputs()
