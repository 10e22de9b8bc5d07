"""What an endpoint asks of an answer: rules, its own check, rounding."""

import json
import math
import struct

import msgspec
import pytest

from tests.unit import codecs
from tests.unit.codecs import MATRIX, NUMBERS, C, codec, decode
from tidegate.core.vocabulary import errors, handling, manifests
from tidegate.dataplane.models import checking, signature, terms

SEVERAL = codec(C("a", "double"), outputs=(C("score", "double", required=False), C("label", "string"), C("n", "long")))
R = handling.Rule


CHECKS = """
def sound(inputs, outputs):
    rows = zip(*inputs.values(), strict=True) if "a" in inputs else inputs["input"]
    return all(score <= sum(row) for score, row in zip(outputs["score"], rows, strict=True))

def meddling(inputs, outputs):
    outputs["score"][0] = 99.0
    next(iter(inputs.values()))[0] = None
    return True
"""


def packed(**more):
    return msgspec.msgpack.encode(handling.Terms(**more))


def breach(made, values, body=({"a": 1.0},), **more):
    request = decode(made, list(body), codecs.RECORDS)
    return made.terms.of(packed(**more)).breach(request.batch, values)[0]


@pytest.mark.parametrize(
    ("rule", "good", "bad"),
    [
        (R("finite", "finite"), {}, {"score": [None]}),
        (R("score >= 0", "range", "score", low=0.0), {"score": [0.0]}, {"score": [-0.1]}),
        (R("0..1", "range", "score", 0.0, 1.0), {"score": [1.0]}, {"score": [1.1]}),
        (R("n <= 9", "range", "n", high=9.0), {"n": [9]}, {"n": [10]}),
        (R("all >= 0", "range", low=0.0), {"label": ["-1"]}, {"n": [-1]}),
        (R("label", "classes", "label", classes=("yes", "no")), {"label": ["no"]}, {"label": ["maybe"]}),
        (R("n", "classes", "n", classes=("1", "2")), {"n": [2]}, {"n": [3]}),
        (R("any", "classes", classes=("yes", "5")), {}, {"label": ["no"]}),
    ],
)
def test_the_first_rule_that_an_answer_breaks_is_named(rule, good, bad):
    given = {"score": [0.5], "label": ["yes"], "n": [5]}
    rules = (rule, R("never", "range", "n", high=-1.0))
    assert breach(SEVERAL, {**given, **good}, rules=(rule,)) == ""
    assert breach(SEVERAL, {**given, **bad}, rules=rules) == rule.text


def test_rules_look_into_every_value_of_a_tensor():
    made = codec(C("a", "double"), outputs=(C("shares", "FP64", shape=(-1, 2)),))
    rules = (R("shares", "range", "shares", 0.0, 1.0),)
    assert breach(made, {"shares": [[0.5, 0.5]]}, rules=rules) == ""
    assert breach(made, {"shares": [[0.5, 1.5]]}, rules=rules) == "shares"


def test_what_cannot_be_held_is_never_fulfilled():
    assert breach(SEVERAL, {"score": [1.0]}, rules=(R("x", "range", "absent", 0.0),)) == "x"
    assert breach(SEVERAL, {"score": [1.0], "n": [1], "label": [""]}, rules=(R("x", "of a later kind"),)) == "x"


@pytest.mark.parametrize(("function", "score", "found"), [("sound", 6.0, ""), ("sound", 6.5, terms.CHECK), ("meddling", 6.0, "")])
@pytest.mark.parametrize(
    ("made", "body"), [(NUMBERS, [{"a": 1, "b": 2, "c": 3}]), (MATRIX, [[1, 2, 3]])], ids=["columns", "tensor"]
)
def test_an_endpoints_own_check_sees_one_requests_rows_and_changes_none(tmp_path, made, body, function, score, found):
    path = tmp_path / checking.file("own")
    path.parent.mkdir()
    path.write_text(CHECKS)
    manifest = msgspec.structs.replace(made.manifest, files=(manifests.Blob(checking.file("own"), "", 0),))
    checked, answer = signature.Codec(manifest, folder=tmp_path), {"score": [score]}
    assert breach(checked, answer, body, check=f"own:{function}") == found
    assert answer == {"score": [score]}


def test_clients_see_rounded_numbers_in_json_and_in_bytes_and_the_log_exact_ones():
    made = codec(
        C("a", "double"), outputs=(C("score", "double", required=False), C("shares", "FP32", shape=(-1, 2)), C("n", "long"))
    )
    values = {"score": [0.123456, None], "shares": [[0.126, 1.0], [2.5, 1e-9]], "n": [7, 8]}
    shown = made.terms.of(packed(round=2)).shown(values)
    assert shown == {"score": [0.12, None], "shares": [[0.13, 1.0], [2.5, 0.0]], "n": [7, 8]}
    assert made.answers(values) == (0.123456, None)
    assert values["score"][0] == 0.123456
    body = {"inputs": [codecs.tensor("a", [2], data=[1, 2])], "parameters": {"binary_data_output": True}}
    body["outputs"] = [{"name": "score"}, {"name": "n", "parameters": {"binary_data": False}}]
    answer, size = made.encode(decode(made, body), shown, codecs.IDENTITY)
    first, second = struct.unpack("<2d", answer[size:])
    assert (first, math.isnan(second)) == (0.12, True)
    assert json.loads(answer[:size])["outputs"][1]["data"] == [7, 8]


def test_terms_are_read_once_and_plain_ones_ask_for_nothing():
    raw = packed(round=3, coerce=True)
    assert NUMBERS.terms.of(raw) is NUMBERS.terms.of(bytes(raw))
    assert NUMBERS.terms.of(b"").plain
    assert NUMBERS.terms.of(packed(coerce=True)).plain
    with pytest.raises(errors.FrameMalformed):
        NUMBERS.terms.of(b"\xc1")
