"""Which fallback applies, by the first row of whatever was sent."""

import json

import pytest

from tidegate.core.spec import conditions
from tidegate.core.vocabulary import tables
from tidegate.dataplane.gateway import fallbacks
from tidegate.dataplane.wire import frames

ROW = {"distance": 1200, "carrier": "AA", "vip": True}
OTHER = {"distance": 1, "carrier": "UA", "vip": False}
V2 = {"inputs": [{"name": name, "shape": [1, 1], "datatype": "x", "data": [[value]]} for name, value in ROW.items()]}


@pytest.mark.parametrize(
    ("content", "sent"),
    [
        (frames.Content.RECORDS, {"records": [ROW, OTHER]}),
        (frames.Content.RECORDS, [ROW, OTHER]),
        (frames.Content.RECORDS, ROW),
        (frames.Content.INFER, V2),
        (frames.Content.INVOCATIONS, {"dataframe_split": {"columns": list(ROW), "data": [list(ROW.values()), [1, "x", False]]}}),
        (frames.Content.INVOCATIONS, {"dataframe_records": [ROW]}),
        (frames.Content.INVOCATIONS, {"instances": [ROW]}),
        (frames.Content.INVOCATIONS, {"inputs": {name: [value] for name, value in ROW.items()}}),
        (frames.Content.CSV, "distance,carrier,vip\n1200,AA,true\n1,UA,false\n"),
    ],
)
def test_the_first_row_is_found_in_every_form(content, sent):
    body = sent.encode() if isinstance(sent, str) else json.dumps(sent).encode()
    assert fallbacks.first(content, body) == ROW


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"5",
        b"[]",
        b"[5]",
        b"\xff\xfe",
        b'{"records": 5}',
        b'{"inputs": [5, {"name": 3}]}',
        b'{"dataframe_split": {"columns": 3}}',
        b'{"dataframe_split": {"columns": ["a"], "data": [3]}}',
        b'{"inputs":[{"name":"x","data":' + b"[" * 500,
    ],
)
def test_of_what_cannot_be_read_no_condition_holds(body):
    rule = tables.Fallback("1", (conditions.parse("distance == 1"),))
    assert fallbacks.chosen([rule], frames.Content.INFER, body) is None
    assert fallbacks.chosen([rule, tables.Fallback("2")], frames.Content.INFER, body) == b"2"


@pytest.mark.parametrize(
    ("text", "true"),
    [
        ("distance > 1000", True),
        ("distance > 1200", False),
        ("distance >= 1200", True),
        ("distance != 1200", False),
        ("carrier == AA", True),
        ("carrier < B", True),
        ("carrier > 5", False),
        ("carrier != 5", True),
        ("vip == true", True),
        ("vip == 1", False),
        ("vip > 0", False),
        ("origin == null", True),
        ("origin != null", False),
        ("origin < 5", False),
        ("distance != null", True),
    ],
)
def test_a_condition_compares_like_with_like(text, true):
    assert fallbacks.holds(conditions.parse(text), ROW) is true


def test_the_first_rule_whose_conditions_all_hold_is_taken():
    rules = [
        tables.Fallback('"far and UA"', (conditions.parse("distance > 1000"), conditions.parse("carrier == UA"))),
        tables.Fallback('"far"', (conditions.parse("distance > 1000"),)),
        tables.Fallback('"vip"', (conditions.parse("vip == true"),)),
    ]
    assert fallbacks.chosen(rules, frames.Content.RECORDS, json.dumps(ROW).encode()) == b'"far"'
    assert fallbacks.chosen(rules, frames.Content.RECORDS, json.dumps(OTHER).encode()) is None
