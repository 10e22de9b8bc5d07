"""An endpoint's page shows what its document says and loads nothing; a poor document makes a poor page, not a fault."""

import json

import pytest

from tidegate.dataplane.gateway import page

ANSWER = {"200": {"content": {"application/json": {"example": {"p": [0.5]}}}}}
DOCUMENT = {
    "info": {"title": "flight", "description": "Delays & <more>", "version": "v3"},
    "paths": {
        "/v2/health/ready": {"get": {"summary": "Ready"}},
        "/endpoints/flight/predict": {
            "post": {
                "summary": "Predict",
                "requestBody": {"content": {"application/json": {"schema": {}, "example": {"a": "it's"}}}},
                "responses": ANSWER,
            }
        },
    },
    "components": {
        "schemas": {
            "Record": {
                "properties": {
                    "distance": {"type": "number", "minimum": 0},
                    "<carrier>": {"type": ["string", "null"], "enum": ["AA"]},
                },
                "required": ["distance"],
            },
        }
    },
}


def shown(document, **more):
    lines, made = page.Page("flight", "http://127.0.0.1:8080", **{"needs_token": False, **more}).show(
        json.dumps(document).encode()
    )
    assert b"default-src 'none'" in lines
    return made.decode()


def test_the_page_has_the_columns_the_call_and_the_answer():
    text = shown(DOCUMENT)
    assert "curl -X POST http://127.0.0.1:8080/endpoints/flight/predict" in text
    assert "-d &#x27;{&quot;a&quot;:&quot;it&#x27;\\&#x27;&#x27;s&quot;}&#x27;" in text
    assert "<code>distance</code></td><td>number, minimum 0</td><td>required" in text
    assert "<code>&lt;carrier&gt;</code></td><td>string or null" in text
    assert "Delays &amp; &lt;more&gt; v3" in text
    assert text.index("/predict</code>") < text.index("/v2/health/ready</code>")
    assert "$TOKEN" not in text
    assert "$TOKEN" in shown(DOCUMENT, needs_token=True)


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"info": 3, "paths": []},
        {"paths": {"/x": {"post": {"requestBody": {"$ref": "#/nowhere"}}, "parameters": []}}},
        {"paths": {"/x": {"post": {"requestBody": {"$ref": "#/paths/~1x/post/requestBody"}}}}},
    ],
)
def test_a_document_with_less_makes_a_page_with_less(document):
    assert "<h1>" in shown(document)
