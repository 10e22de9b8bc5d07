"""Whether a request is traced: W3C Trace Context as the standard has it, the share that is wanted; and files that are bounded."""

import contextvars
import threading

import msgspec
import pytest

from tidegate.core.vocabulary import monitoring
from tidegate.dataplane.gateway import tracing
from tidegate.dataplane.models import tracing as inside
from tidegate.dataplane.wire import frames, spans

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
GOOD = f"00-{TRACE}-{SPAN}-01".encode()
FOLLOW = monitoring.Traces(follow=True)


def begun(parent=b"", state=b"", wanted=FOLLOW):
    fields = {name: value for name, value in ((b"traceparent", parent), (b"tracestate", state)) if value}
    return tracing.begun(fields, wanted)


def test_a_sampled_parent_is_followed():
    found = begun(GOOD, b"a=1,b=2")
    assert (found.id.hex(), found.parent.hex(), found.state, found.remote) == (TRACE, SPAN, "a=1,b=2", True)
    assert found.context == found.id + found.span + b"a=1,b=2"


@pytest.mark.parametrize(
    "parent",
    [
        f"00-{TRACE}-{SPAN}-00",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-01-more",
        f"00-{TRACE[:-1]}-{SPAN}-01",
        f"0-{TRACE}-{SPAN}-01",
        "x" * 10_000,
        "",
        "\xff",
    ],
)
def test_what_is_not_sampled_or_no_parent_is_not(parent):
    assert begun(parent.encode("latin-1")) is None


def test_a_later_version_of_the_standard_is_understood_as_far_as_it_goes():
    assert begun(f"cc-{TRACE}-{SPAN}-01-what-ever".encode()).id.hex() == TRACE


@pytest.mark.parametrize("state", [b"a" * 513, b"\xff=1"])
def test_a_state_that_may_not_be_passed_on_is_left_out(state):
    assert begun(GOOD, state).state == ""


def test_chance_decides_where_no_flag_does():
    tenth = monitoring.Traces(sample=0.1)
    share = sum(begun(wanted=tenth) is not None for _ in range(20_000)) / 20_000
    assert 0.08 < share < 0.12
    assert sum(begun(GOOD, wanted=tenth) is not None for _ in range(2_000)) < 400  # a client cannot ask for more
    always = monitoring.Traces(sample=1.0, follow=True)
    assert begun(f"00-{TRACE}-{SPAN}-00".encode(), wanted=always) is None
    assert begun(wanted=always).parent == b""
    assert not monitoring.Traces().on


def test_ids_are_the_requests_own():
    made = [begun(wanted=monitoring.Traces(sample=1.0)) for _ in range(100)]
    assert len({one.id for one in made} | {one.span for one in made}) == 200


def traced(number=0):
    span = spans.Span("predict iris", bytes([number % 256]) * 8, b"", 1, 2, {"tidegate.endpoint": "iris"})
    return spans.Traced(b"t" * 16, "", remote=False, spans=[span])


def test_what_is_written_is_read_again(tmp_path):
    writer = spans.Writer(tmp_path / "spans", "a" * 32)
    writer.flush()
    assert not (tmp_path / "spans").exists()
    writer.add(traced())
    writer.flush()
    writer.add(traced(1))
    writer.flush()
    found = spans.waiting(tmp_path / "spans")
    assert [spans.read(path) for path in found] == [[traced()], [traced(1)]]


def test_nothing_grows_without_end_where_nobody_takes_them_away(tmp_path):
    writer = spans.Writer(tmp_path, "a" * 32)
    for number in range(spans.MOST_FILES + 10):
        writer.add(traced(number))
        writer.flush()
    assert len(spans.waiting(tmp_path)) == spans.MOST_FILES
    assert writer.dropped == 10
    for number in range(spans.MOST_TRACES + 5):
        writer.add(traced(number))
    assert writer.dropped == 15


def test_a_reply_has_room_for_so_many_spans():
    many = tuple(spans.Span(str(number), b"i" * 8, b"p" * 8, 1, 2) for number in range(300))
    trace = begun(GOOD)
    reply = frames.Reply(200, 0, 1, 1, 1, traced=many)
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(reply), type=frames.Reply).traced == many
    trace.add(reply)
    trace.add(reply)
    assert len(trace.spans) == spans.MOST_SPANS


def test_inside_a_model_nothing_happens_without_a_trace():
    with inside.span("look up"):
        assert inside.headers() == {}


def test_spans_inside_a_model_are_nested_and_tell_others_whose_they_are():
    collector = inside.Collector(bytes.fromhex(TRACE + SPAN) + b"a=1")
    with inside.within(collector):
        with inside.span("outer", n=1, of={1}):
            told = inside.headers()
            with pytest.raises(KeyError), inside.span("inner"):
                raise KeyError("no")
        first = threading.Thread(target=lambda: seen.append(inside.headers()))
        second = threading.Thread(target=contextvars.copy_context().run, args=(lambda: seen.append(inside.headers()),))
        seen = []
        for thread in (first, second):
            thread.start()
            thread.join()
    inner, outer = collector.spans
    assert (inner.name, inner.parent, inner.error) == ("inner", outer.id, "KeyError")
    assert (outer.parent, outer.attributes) == (collector.own, {"n": 1, "of": "{1}"})
    assert told == {"traceparent": f"00-{TRACE}-{outer.id.hex()}-01", "tracestate": "a=1"}
    assert seen[0] == {}
    assert seen[1]["traceparent"] == f"00-{TRACE}-{collector.own.hex()}-01"
    assert inside.headers() == {}
