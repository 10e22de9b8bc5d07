"""A group of calls through one model call, with a clock that the test holds."""

import json
import struct

import msgspec
import pytest

from tidegate.core.vocabulary import errors, handling, ids, manifests, marks
from tidegate.dataplane.models import signature
from tidegate.dataplane.wire import frames
from tidegate.dataplane.worker import answering, calls

C = manifests.Column
SIGNATURE = manifests.Signature("tensor", (C("input", "FP64", shape=(-1, -1)),), (C("score", "double"),))
TEXT = manifests.Signature("tensor", SIGNATURE.inputs, (C("label", "string"),))
SECOND = 1_000_000_000


class Peer:
    """Keeps what is sent."""

    def __init__(self):
        self.frames = frames.Reader()
        self.replies = {}

    def send(self, data):
        for kind, call, head, body in self.frames.feed(data):
            assert kind == frames.Kind.REPLY
            self.replies[call] = (msgspec.msgpack.decode(head, type=frames.Reply), body)


class Sum:
    """A model that sums rows, counts its calls, raises on 666, and takes a second a call on the test's clock."""

    def __init__(self):
        self.codec = signature.Codec(manifests.Manifest("m", "sklearn", "m", SIGNATURE, ()))
        self.sizes = []
        self.now = 0

    def clock(self):
        return self.now

    def predict(self, batch):
        self.sizes.append(batch.rows)
        self.now += SECOND
        values = batch.inputs["input"]
        if 666 in values:
            raise ValueError("666")
        width = batch.tails["input"][0]
        return {"score": [sum(values[row * width : (row + 1) * width]) for row in range(batch.rows)]}


@pytest.fixture
def model():
    return Sum()


@pytest.fixture
def peer():
    return Peer()


def _answer(model, peer, bodies, deadlines=None, turns=1):
    backlog = calls.Backlog()
    for number, body in enumerate(bodies):
        # Rows, or (content, body, what else the call says).
        content, raw, more = body if isinstance(body, tuple) else (frames.Content.RECORDS, json.dumps(body).encode(), {})
        head = frames.Call(ids.uuid7(1, number), "e", "v1", content, 0, **more)
        deadline = deadlines[number] if deadlines else float("inf")
        backlog.add(calls.Pending(peer, number, head, raw, deadline, arrived_ns=1_000))
    answerer = answering.Answerer(model, model.clock)
    for _ in range(turns):
        answerer.turn(backlog)
    return {number: reply for number, (reply, _) in peer.replies.items()}, backlog


def test_one_turn_is_one_call_of_the_model(model, peer):
    replies, _ = _answer(model, peer, [[[1, 2]], [[3, 4], [5, 6]], [[7, 8]]])
    assert model.sizes == [4]
    assert [reply.answers for reply in replies.values()] == [(3.0,), (7.0, 11.0), (15.0,)]
    assert {(reply.model_us, reply.batch_rows) for reply in replies.values()} == {(1_000_000, 4)}


def test_other_shapes_wait_for_their_own_turn(model, peer):
    replies, backlog = _answer(model, peer, [[[1, 2]], [[1, 2, 3]], [[3, 4]]])
    assert sorted(replies) == [0, 2]
    assert len(backlog) == 1
    replies, _ = _answer(model, peer, [[[1, 2]], [[1, 2, 3]], [[3, 4]]], turns=2)
    assert sorted(replies) == [0, 1, 2]


def test_a_batch_has_at_most_so_many_rows_but_always_a_request(model, peer):
    big = [[1, 2]] * (answering.MOST_ROWS - 1)
    _answer(model, peer, [big, [[1, 2]] * 2, [[3, 4]]], turns=2)
    assert model.sizes == [answering.MOST_ROWS, 2]


def test_a_failed_batch_is_retried_one_by_one_once(model, peer):
    replies, _ = _answer(model, peer, [[[1, 2]], [[666, 0]], [[3, 4]]])
    assert model.sizes == [3, 1, 1, 1]
    assert [replies[number].mark for number in range(3)] == [marks.Mark.OK, marks.Mark.ERROR, marks.Mark.OK]
    assert replies[1].detail == "ValueError: 666"


def test_who_runs_out_of_time_through_a_batch_mate_is_collateral(model, peer):
    replies, _ = _answer(model, peer, [[[1, 2]], [[666, 0]], [[3, 4]]], deadlines=[9 * SECOND, 9 * SECOND, 2 * SECOND])
    assert replies[2].mark == marks.Mark.COLLATERAL
    assert replies[2].error == errors.DeadlinePassed.code


def test_who_is_late_before_the_model_is_asked_is_a_timeout(model, peer):
    replies, _ = _answer(model, peer, [[[1, 2]], [[3, 4]]], deadlines=[-1, 9 * SECOND])
    assert [replies[number].mark for number in range(2)] == [marks.Mark.TIMEOUT, marks.Mark.OK]
    assert model.sizes == [1]


def test_a_reply_head_never_outgrows_its_limit(model, peer):
    model.codec.answers = lambda values: ("é" * 200,) * len(values["score"])
    replies, _ = _answer(model, peer, [[[1, 2]] * 5_000])
    assert 0 < len(replies[0].answers) < 5_000
    assert replies[0].rows == 5_000


def test_a_reply_says_what_all_outputs_say_whichever_are_asked_for_and_of_as_many_rows_as_there_is_room_for(peer):
    wide = manifests.Signature("tensor", SIGNATURE.inputs, (C("label", "string"), C("p", "FP64", shape=(-1, 40))))
    made = Sum()
    made.codec = signature.Codec(manifests.Manifest("m", "sklearn", "m", wide, ()))
    row = [place / 1_024 for place in range(40)]
    made.predict = lambda batch: {"label": ["a"] * batch.rows, "p": [row] * batch.rows}
    tensor = b'{"inputs":[{"name":"x","shape":[1,2],"datatype":"FP64","data":[1,2]}],"outputs":[{"name":"label"}]}'
    sent = [(frames.Content.INFER, tensor, {}), (frames.Content.RECORDS, b"[[1, 2]]", _terms(round=1))]
    replies, _ = _answer(made, peer, sent)
    assert [struct.unpack("<40d", replies[number].numbers) for number in range(2)] == [tuple(row)] * 2
    replies, _ = _answer(made, Peer(), [[[1, 2]] * 5_000])
    assert len(replies[0].answers) == replies[0].rows == 5_000
    assert 2_000 < len(replies[0].numbers) / 320 < 5_000
    assert len(replies[0].numbers) % 320 == 0


def test_a_failing_model_does_not_fill_the_log(model, peer, caplog):
    _answer(model, peer, [[[666, n]] for n in range(40)])
    assert sum("failed a request" in record.message for record in caplog.records) == 6


def _terms(**more):
    return {"terms": msgspec.msgpack.encode(handling.Terms(**more))}


def test_forms_terms_and_outputs_asked_for_keep_no_two_requests_apart(model, peer):
    tensor = b'{"inputs":[{"name":"x","shape":[1,2],"datatype":"FP64","data":[1.25,2]}],"parameters":{"binary_data_output":true}}'
    rule = handling.Rule("score <= 3", "range", "score", high=3.0)
    sent = [
        (frames.Content.INFER, tensor, {}),
        (frames.Content.RECORDS, b"[[1.25, 2]]", _terms(round=1)),
        (frames.Content.INVOCATIONS, b'{"inputs": [["1.25", 2]]}', _terms(coerce=True, rules=(rule,))),
        (frames.Content.CSV, b"a,b\n1.25,2\n", {}),
        (frames.Content.RECORDS, b'[["1.25", 2]]', {}),
    ]
    replies, _ = _answer(model, peer, sent)
    assert model.sizes == [4]
    assert [replies[number].mark for number in range(5)] == [marks.Mark.OK] * 2 + [
        marks.Mark.INVALID,
        marks.Mark.OK,
        marks.Mark.REJECTED,
    ]
    assert {replies[number].answers for number in range(4)} == {(3.25,)}
    assert (replies[2].breach, replies[2].status, replies[2].detail) == ("score <= 3", 200, "output `score` is 3.25")
    bodies = [peer.replies[number][1] for number in range(4)]
    assert bodies[0][replies[0].json_bytes :] == struct.pack("<d", 3.25)
    assert json.loads(bodies[1])["predictions"] == [3.2]
    assert bodies[2] == bodies[3] == b'{"predictions":[3.25]}'


def test_a_reply_says_how_long_the_worker_had_the_call(model, peer):
    replies, _ = _answer(model, peer, [[[1, 2]], "no rows"])
    assert replies[0].worker_us == (SECOND - 1_000) // 1_000


@pytest.mark.parametrize("content", [frames.Content.METADATA, frames.Content.CONFIG, frames.Content.OPENAPI])
def test_the_model_tells_of_itself_between_calls(model, peer, content):
    replies, _ = _answer(model, peer, [(content, b"", {})])
    assert (replies[0].status, replies[0].mark, model.sizes) == (200, marks.Mark.OK, [])
    assert json.loads(peer.replies[0][1])


def test_a_body_that_there_are_no_words_for_fails_alone(model, peer):
    decode = model.codec.decode
    model.codec.decode = lambda body, *more: decode(body, *more) if body != b'"fault"' else 1 / 0
    replies, _ = _answer(model, peer, [[[1, 2]], "fault", (99, b"", {}), (frames.Content.RECORDS, b"[[1]]", {"terms": b"\xc1"})])
    assert [replies[number].mark for number in range(4)] == [marks.Mark.OK] + [marks.Mark.ERROR] * 3
    assert [replies[number].status for number in range(1, 4)] == [500] * 3


def test_an_answer_that_cannot_be_written_is_invalid(model, peer):
    model.codec = signature.Codec(manifests.Manifest("m", "sklearn", "m", TEXT, ()))
    model.predict = lambda batch: {"label": ["\ud800", "fine"]}
    replies, _ = _answer(model, peer, [[[1, 2]], [[3, 4]]])
    assert [replies[number].mark for number in range(2)] == [marks.Mark.INVALID, marks.Mark.OK]


def test_a_discreet_endpoints_inputs_are_in_no_words(model, peer, caplog):
    discreet = {"terms": msgspec.msgpack.encode(handling.Terms(discreet=True))}
    body = (frames.Content.RECORDS, json.dumps([[1, 2], [666, 0]]).encode(), discreet)
    replies, _ = _answer(model, peer, [body, body])
    assert {(reply.error, reply.detail) for reply in replies.values()} == {("predict-failed", "ValueError")}
    assert "666" not in caplog.text
    assert not any(one.exc_info for one in caplog.records)
    replies, _ = _answer(model, peer, [[[666, 0]]])
    assert replies[0].detail == "ValueError: 666"
