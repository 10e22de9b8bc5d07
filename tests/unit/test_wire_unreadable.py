"""What a frame's head may say, and what a stranger may have set aside."""

import msgspec
import pytest

from tidegate.core.vocabulary import errors
from tidegate.dataplane.wire import frames

GOOD = [200, 0, 150, 1, 1]


def told(*values):
    return msgspec.msgpack.decode(msgspec.msgpack.encode(list(values)), type=frames.Reply)


def test_a_reply_that_could_not_be_counted_or_answered_is_unreadable():
    assert told(*GOOD).mark == 0
    assert told(200, 15, 0, 0, 0).mark == 15, "marks of later versions have their counters already"
    for wrong in (
        [99, *GOOD[1:]],
        [600, *GOOD[1:]],
        [200, 16, 1, 1, 1],
        [200, -1, 1, 1, 1],
        [200, 0, -1, 1, 1],
        [200, 0, 1, -1, 1],
    ):
        with pytest.raises(frames.UNREADABLE):
            told(*wrong)


@pytest.mark.parametrize("head", [b"\x94\x01\x01\xa1\xff\xa0", b"\x91" * 20_000, b"\xc0", b""])
def test_whatever_a_head_is_it_is_unreadable_and_no_surprise(head):
    with pytest.raises(frames.UNREADABLE):
        msgspec.msgpack.decode(head, type=frames.Hello)


def test_who_is_not_known_yet_may_announce_no_body():
    reader = frames.Reader(body_max=0)
    hello = frames.pack(frames.Kind.HELLO, 0, frames.Hello(1, 1, "t", "i"))
    assert len(reader.feed(hello)) == 1
    with pytest.raises(errors.FrameMalformed):
        reader.feed(frames.HEADER.pack(frames.PROTOCOL, frames.Kind.HELLO, 0, 0, 0, 1, 1))
    reader = frames.Reader(body_max=0)
    reader.body_max = frames.BODY_MAX
    assert len(reader.feed(frames.pack(frames.Kind.CALL, 1, None, b"{}"))) == 1
