"""Frames come out as they went in, however the bytes are cut on the way."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tidegate.core.vocabulary import errors
from tidegate.dataplane.wire import frames

FRAME = st.tuples(st.sampled_from(frames.Kind), st.integers(0, 2**64 - 1), st.binary(max_size=80))


@settings(max_examples=100, deadline=None)
@given(st.lists(FRAME, max_size=12), st.lists(st.integers(1, 90), min_size=1, max_size=60))
def test_frames_survive_any_cutting(sent, cuts):
    head = frames.Welcome(1, "w", "d")
    stream = b"".join(frames.pack(kind, call, head if call % 2 else None, body) for kind, call, body in sent)
    reader, found, at = frames.Reader(), [], 0
    while at < len(stream):
        size = cuts[len(found) % len(cuts)]
        found += reader.feed(stream[at : at + size])
        at += size
    assert [(kind, call, body) for kind, call, _, body in found] == sent
    assert all(bool(told) == call % 2 for _, call, told, _ in found)


@pytest.mark.parametrize(
    "header", [(0, 4, 0, 0, 1, 0, 0), (1, 4, 0, 0, 1, frames.HEAD_MAX + 1, 0), (1, 4, 0, 0, 1, 0, 2**32 - 1)]
)
def test_an_impossible_header_is_refused_at_once(header):
    with pytest.raises(errors.FrameMalformed):
        frames.Reader().feed(frames.HEADER.pack(*header))
