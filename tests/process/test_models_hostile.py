"""Whatever a body holds, decoding it ends soon: in a request that a model can be asked, or in an error that has words for it."""

import functools
import json
import random
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.process import hostile_bodies, hostile_frames
from tidegate.core.vocabulary import errors, manifests
from tidegate.dataplane.models import batches, signature
from tidegate.dataplane.wire import frames

C = manifests.Column
SIGNATURES = {
    "numbers": manifests.Signature("columns", (C("a", "double"), C("b", "double")), (C("y", "double"),)),
    "mixed": manifests.Signature(
        "columns",
        (
            C("distance", "double"),
            C("stops", "long"),
            C("kind", "string", required=False),
            C("at", "datetime", required=False),
            C("is", "boolean", required=False),
            C("plan", "string", required=False, categories=("a", "b")),
        ),
        (C("y", "double"),),
    ),
    "tensor": manifests.Signature("tensor", (C("x", "FP32", shape=(-1, 3)),), (C("total", "FP64", shape=(-1,)),)),
    "open": manifests.Signature("tensor", (C("x", "INT64", shape=(-1, -1, 2)),), (C("y", "FP64", shape=(-1,)),)),
    "several": manifests.Signature(
        "tensor", (C("x", "FP16", shape=(-1, 2)), C("t", "BYTES", shape=(-1,))), (C("y", "FP64", shape=(-1,)),)
    ),
}
SECONDS = 2.0
"""Far longer than any of these may take."""
NAMES = ("a", "b", "x", "t", "distance", "stops", "kind", "at", "is", "plan", "y", "")


@functools.cache
def codec(kind: str) -> signature.Codec:
    return signature.Codec(manifests.Manifest("m", "sklearn", "m", SIGNATURES[kind], ()))


def tried(kind: str, body: bytes, content: int, json_bytes: int = -1) -> None:
    """Decode it, strictly and not; what comes out has to hold together."""
    for coerce in (False, True):
        begun = time.monotonic()
        try:
            request = codec(kind).decode(body, content, json_bytes, coerce)
            whole(kind, request.batch)
        except errors.RequestError:
            pass  # refused, with words
        assert time.monotonic() - begun < SECONDS


def whole(kind: str, batch: batches.Batch) -> None:
    assert batch.rows > 0
    for name, values in batch.inputs.items():
        width = 1
        for size in batch.tails.get(name, ()):
            width *= size
        assert len(values) == batch.rows * width, name
    assert set(batch.inputs) in ({batches.BLOCK}, {one.name for one in SIGNATURES[kind].inputs})


SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**65), 2**65),
    st.floats(),
    st.text(max_size=5),
    st.sampled_from(["1", "2.5", "true", "a", "2013-01-31T05:15:00", "inf", "nan", 10**400, 0, 1, 2]),
)
ANYTHING = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4), max_leaves=12
)
TENSOR = st.fixed_dictionaries(
    {
        "name": st.sampled_from(NAMES),
        "shape": st.lists(st.sampled_from([-1, 0, 1, 2, 3, 4, 2**31, 2**62]), max_size=4),
        "datatype": st.sampled_from(["FP32", "FP64", "FP16", "BF16", "INT64", "UINT8", "UINT64", "BOOL", "BYTES", "", "OBJECT"]),
    },
    optional={"data": ANYTHING, "parameters": st.dictionaries(st.sampled_from(["binary_data_size", "x"]), SCALARS, max_size=2)},
)
BODIES = st.one_of(
    ANYTHING,
    st.fixed_dictionaries(
        {"inputs": st.lists(TENSOR, max_size=3)},
        optional={
            "outputs": st.lists(st.fixed_dictionaries({"name": st.sampled_from(["y", "total", "z"])}), max_size=2),
            "parameters": st.dictionaries(st.sampled_from(["binary_data_output", "x"]), SCALARS, max_size=2),
            "id": SCALARS,
        },
    ),
    st.dictionaries(st.sampled_from(["records", "instances", "inputs", "dataframe_records"]), ANYTHING, min_size=1, max_size=2),
    st.fixed_dictionaries(
        {
            "dataframe_split": st.fixed_dictionaries(
                {"data": ANYTHING}, optional={"columns": st.lists(st.sampled_from(NAMES), max_size=6)}
            )
        }
    ),
)
CONTENTS = st.sampled_from([frames.Content.INFER, frames.Content.RECORDS, frames.Content.INVOCATIONS])
KINDS = st.sampled_from(sorted(SIGNATURES))


@settings(max_examples=600, deadline=None)
@given(KINDS, CONTENTS, BODIES)
def test_json_of_any_kind(kind, content, body):
    tried(kind, json.dumps(body).encode(), content)


@settings(max_examples=300, deadline=None)
@given(KINDS, CONTENTS, st.binary(max_size=60), st.integers(-1, 70))
def test_bytes_of_any_kind(kind, content, body, json_bytes):
    tried(kind, body, content, json_bytes if content == frames.Content.INFER else -1)


@settings(max_examples=300, deadline=None)
@given(KINDS, TENSOR, st.binary(max_size=40), st.integers(-2, 2))
def test_tensors_with_bytes_behind_them(kind, tensor, raw, off):
    tensor = {**tensor, "parameters": {"binary_data_size": len(raw)}}
    tensor.pop("data", None)
    said = json.dumps({"inputs": [tensor]}).encode()
    tried(kind, said + raw, frames.Content.INFER, len(said) + off)


@settings(max_examples=300, deadline=None)
@given(KINDS, st.lists(st.sampled_from([*NAMES, ",", ",", "\n", "\n", '"', "1", "2.5", "NaN", "\r", "é", "\0"]), max_size=30))
def test_sheets_of_any_kind(kind, pieces):
    tried(kind, "".join(pieces).encode(), frames.Content.CSV)


@settings(max_examples=300, deadline=None)
@given(KINDS, st.randoms(use_true_random=False))
def test_messages_of_any_kind(kind, chance):
    tried(kind, hostile_frames.protobufs(chance), frames.Content.GRPC)


@pytest.mark.parametrize("make", hostile_bodies.MAKERS, ids=lambda make: make.__name__)
def test_what_attackers_send(make):
    chance = random.Random(5)
    for _ in range(60):
        sent = make(chance)
        for kind in SIGNATURES:
            for content in (
                frames.Content.INFER,
                frames.Content.RECORDS,
                frames.Content.INVOCATIONS,
                frames.Content.CSV,
                frames.Content.GRPC,
            ):
                tried(kind, sent.body, content)
