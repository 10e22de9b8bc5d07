"""Codecs of small signatures, as the tests of the models' room use them."""

import json

import pytest

from tidegate.core.vocabulary import errors, manifests
from tidegate.dataplane.models import signature
from tidegate.dataplane.wire import frames

C = manifests.Column
INFER, RECORDS, GRPC = frames.Content.INFER, frames.Content.RECORDS, frames.Content.GRPC
INVOCATIONS, CSV = frames.Content.INVOCATIONS, frames.Content.CSV
SCORE = (C("score", "double"),)
IDENTITY = ("e", "v2", "pid")


def codec(*inputs, kind="columns", outputs=SCORE, example=b"", **more):
    made = manifests.Manifest("m", "sklearn", "m", manifests.Signature(kind, inputs, outputs), (), **more)
    return signature.Codec(made, example)


FLIGHTS = codec(C("air time", "double"), C("n", "long", required=False), C("carrier", "string"))
NUMBERS = codec(C("a", "double"), C("b", "double"), C("c", "double"))
MATRIX = codec(C("input", "FP64", shape=(-1, 3)), kind="tensor")
ROW = {"air time": 1.5, "n": 2, "carrier": "AA"}


def tensor(name="input", shape=(1, 3), datatype="FP64", data=(1, 2, 3), **more):
    return {"name": name, "shape": list(shape), "datatype": datatype, "data": data, **more}


def decode(made, body, content=INFER, **more):
    return made.decode(body if isinstance(body, bytes) else json.dumps(body).encode(), content, **more)


def refused(made, body, content=INFER, **more):
    with pytest.raises(errors.RequestError) as caught:
        decode(made, body, content, **more)
    return str(caught.value)


def answered(made, request, values):
    return made.encode(request, values, IDENTITY)[0]
