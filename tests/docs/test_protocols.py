"""The examples of the page about protocols, run: each request is decoded, answered by what the page's model says, and encoded."""

import json
import re

import pytest

from tests.docs import tables
from tests.unit import codecs
from tidegate.core.vocabulary import errors
from tidegate.dataplane.wire import answers

PAGE = (tables.DOCS / "protocols.md").read_text()
EXAMPLES = re.findall(r"```(json|csv) (predict|infer|invocations) ?(.*)\n([^`]*)```\n```json (\d+) ?(.*)\n((?s:.*?))\n```", PAGE)
MODEL = codecs.codec(
    codecs.C("distance", "double"),
    codecs.C("carrier", "string"),
    codecs.C("stops", "integer", required=False),
    outputs=(codecs.C("probability", "double"),),
)
PREDICTION = "0190b8a6-6f1c-7a30-9a4b-3d1c5e7f9a10"
FORMS = {"predict": codecs.RECORDS, "infer": codecs.INFER, "invocations": codecs.INVOCATIONS}


def respond(kind, form, raw, body):
    """(status, what is JSON of the answer, what is not)."""
    head = body.strip().encode() if kind == "json" else body.encode()
    size = len(head) if raw else -1
    try:
        request = MODEL.decode(head + raw, codecs.CSV if kind == "csv" else FORMS[form], size)
    except errors.TidegateError as wrong:
        return wrong.status, answers.failure(wrong, PREDICTION), b""
    values = {"probability": [0.25, 0.75]}
    answer, size = MODEL.encode(request, values, ("flight", "v3", PREDICTION))
    return 200, answer[:size] if size >= 0 else answer, answer[size:] if size >= 0 else b""


def test_the_page_has_examples_of_every_form():
    assert {(kind, form) for kind, form, *_ in EXAMPLES} == {("json", form) for form in FORMS} | {("csv", "invocations")}


@pytest.mark.parametrize(("kind", "form", "raw", "body", "status", "behind", "answer"), EXAMPLES)
def test_an_example_is_answered_as_the_page_says(kind, form, raw, body, status, behind, answer):
    found = respond(kind, form, bytes.fromhex(raw), body)
    assert (found[0], json.loads(found[1]), found[2].hex()) == (int(status), json.loads(answer), behind)
