"""A real worker process, spoken to over frames."""

import json
import struct

import msgspec
import pytest
import worker_fixtures as fixtures

from tidegate.core.vocabulary import handling, home, ids, marks
from tidegate.dataplane.wire import frames, protobuf

BINARY = {"name": "input", "shape": [1, 2], "datatype": "FP64"}
TERMS = handling.Terms(coerce=True, round=1, rules=(handling.Rule("score <= 11", "range", "score", high=11.0),))
INFER, RECORDS = frames.Content.INFER, frames.Content.RECORDS


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    made = home.Home(tmp_path_factory.mktemp("home"))
    made.prepare()
    return made


@pytest.fixture(scope="module")
def worker(place):
    started = fixtures.Worker(place, fixtures.bundle(place))
    started.until("ready")
    yield started
    started.close()


@pytest.fixture
def gateway(worker):
    connected = worker.gateway()
    connected.welcome()
    yield connected
    connected.sock.close()


def test_a_worker_is_ready_only_after_its_warm_up_and_says_what_it_costs(worker, place):
    said = worker.until("ready")
    assert said["token"] == worker.token
    assert said["address"] == f"unix:{worker.address}"
    assert said["rss"] > 1_000_000
    assert said["load_seconds"] > 0


def test_the_welcome_names_instance_and_digest(worker):
    welcome = worker.gateway().welcome()
    assert welcome.instance == "w-1"
    assert len(welcome.digest) == 64


def test_a_v2_request_is_answered_with_its_id_untouched_and_the_prediction_id_apart(gateway):
    gateway.send((7, fixtures.infer([1, 2], [3, 4], id="client's own"), INFER))
    reply, body = gateway.replies(1)[7]
    assert (reply.status, reply.mark, reply.rows, reply.answers, reply.bin) == (200, marks.Mark.OK, 2, (3.0, 7.0), 1)
    assert body == {
        "model_name": "odd",
        "model_version": "v1",
        "id": "client's own",
        "parameters": {"prediction_id": ids.text(ids.uuid7(1_700_000_000_000, 7))},
        "outputs": [{"name": "score", "shape": [2], "datatype": "FP64", "data": [3.0, 7.0]}],
    }


def test_records_are_answered_with_one_prediction_a_record(gateway):
    gateway.send((1, {"records": [[1, 2], [3, 4]]}, RECORDS))
    _, body = gateway.replies(1)[1]
    assert body == {"predictions": [3.0, 7.0], "prediction_id": ids.text(ids.uuid7(1_700_000_000_000, 1)), "version": "v1"}


def test_calls_that_come_together_are_one_batch_and_each_gets_its_own_rows(gateway):
    gateway.send(*[(n, fixtures.infer([n, 0], [n, 1]), INFER) for n in range(40)])
    replies = gateway.replies(40)
    assert all(reply.answers == (n, n + 1.0) for n, (reply, _) in replies.items())
    assert max(reply.batch_rows for reply, _ in replies.values()) > 2


def test_both_contents_share_a_batch(gateway):
    gateway.send((1, fixtures.infer([1, 2]), INFER), (2, [[3, 4]], RECORDS))
    replies = gateway.replies(2)
    assert replies[1][1]["outputs"][0]["data"] == [3.0]
    assert replies[2][1]["predictions"] == [7.0]


def test_every_form_shares_a_batch_and_is_answered_in_its_own(gateway):
    head = json.dumps(
        {"inputs": [{**BINARY, "parameters": {"binary_data_size": 16}}], "parameters": {"binary_data_output": True}}
    )
    message = protobuf.string(1, "x") + protobuf.string(2, "FP64") + protobuf.packed(3, [1, 2])
    sent = [
        (1, INFER, head.encode() + struct.pack("<2d", 1, 2), {"json_bytes": len(head)}),
        (2, frames.Content.GRPC, protobuf.counted(5, message) + protobuf.counted(7, struct.pack("<2d", 3, 4)), {}),
        (3, frames.Content.INVOCATIONS, b'{"inputs":[["5",6.25]]}', {"terms": msgspec.msgpack.encode(TERMS)}),
        (4, frames.Content.CSV, b"a,b\n7,8\n", {}),
    ]
    packed = []
    for call, content, body, more in sent:
        head = frames.Call(ids.uuid7(1_700_000_000_000, call), "odd", "v1", content, 5_000_000, **more)
        packed.append(frames.pack(frames.Kind.CALL, call, head, body))
    gateway.sock.sendall(b"".join(packed))
    found = {}
    while len(found) < len(sent):
        _, call, head, body = gateway.frame()
        found[call] = (msgspec.msgpack.decode(head, type=frames.Reply), body)
    assert [found[call][0].answers for call in range(1, 5)] == [(3.0,), (7.0,), (11.25,), (15.0,)]
    assert [found[call][0].mark for call in range(1, 5)] == [marks.Mark.OK, marks.Mark.OK, marks.Mark.INVALID, marks.Mark.OK]
    assert {reply.batch_rows for reply, _ in found.values()} == {4}
    assert all(reply.worker_us > 0 for reply, _ in found.values())
    assert found[1][1][found[1][0].json_bytes :] == struct.pack("<d", 3)
    assert (6, protobuf.LENGTH, struct.pack("<d", 7)) in list(protobuf.fields(found[2][1]))
    assert (found[3][1], found[3][0].breach) == (b'{"predictions":[11.2]}', "score <= 11")
    assert found[4][1] == b'{"predictions":[15.0]}'


def test_a_poisonous_request_fails_alone(gateway, worker):
    gateway.send(*[(n, fixtures.infer([666 if n == 3 else n, 0]), INFER) for n in range(8)])
    replies = gateway.replies(8)
    poisoned, body = replies.pop(3)
    assert (poisoned.status, poisoned.mark, poisoned.error) == (500, marks.Mark.ERROR, "predict-failed")
    assert poisoned.detail == "ValueError: no such carrier: 666"
    assert "666" not in body["error"]
    assert body["prediction_id"] == ids.text(ids.uuid7(1_700_000_000_000, 3))
    assert all(reply.mark == marks.Mark.OK and reply.answers == (n,) for n, (reply, _) in replies.items())
    assert "no such carrier: 666" in worker.words()


def test_nan_is_no_answer_and_spoils_only_its_own_request(gateway):
    gateway.send(*[(n, fixtures.infer([777 if n == 2 else n, 0]), INFER) for n in range(4)])
    replies = gateway.replies(4)
    spoiled, body = replies.pop(2)
    assert (spoiled.status, spoiled.mark, spoiled.error) == (500, marks.Mark.INVALID, "output-invalid")
    assert "not finite" in spoiled.detail
    assert body["code"] == "output-invalid"
    assert all(reply.mark == marks.Mark.OK for reply, _ in replies.values())


def test_a_wrong_count_of_rows_is_never_split_among_the_batch(gateway):
    gateway.send(*[(n, fixtures.infer([555 if n == 1 else n, 0]), INFER) for n in range(4)])
    replies = gateway.replies(4)
    assert replies[1][0].mark == marks.Mark.INVALID
    assert "2 rows for 1 asked" in replies[1][0].detail
    assert all(replies[n][0].answers == (n,) for n in (0, 2, 3))


def test_a_model_that_ends_the_process_only_fails_its_request(gateway):
    gateway.send((1, fixtures.infer([444, 0]), INFER), (2, fixtures.infer([1, 0]), INFER))
    replies = gateway.replies(2)
    assert replies[1][0].mark == marks.Mark.ERROR
    assert replies[2][0].mark == marks.Mark.OK


@pytest.mark.parametrize(
    ("body", "content", "words"),
    [
        pytest.param({"records": [[1]]}, RECORDS, "row 0: expected 2 values, got 1", id="wrong-width"),
        pytest.param(fixtures.infer([1, 2, 3]), INFER, "expected shape [-1, 2], got [1, 3]", id="wrong-shape"),
        pytest.param(b"{nonsense", INFER, "not JSON", id="not-json"),
    ],
)
def test_what_does_not_fit_the_signature_is_rejected_before_the_model(gateway, body, content, words):
    gateway.send((1, body, content), (2, fixtures.infer([1, 2]), INFER))
    replies = gateway.replies(2)
    reply, answer = replies[1]
    assert (reply.status, reply.mark) == (400, marks.Mark.REJECTED)
    assert words in answer["error"]
    assert replies[2][0].mark == marks.Mark.OK


def test_a_call_whose_time_is_up_is_not_begun(gateway):
    slow = gateway.packed(1, fixtures.infer([333, 0]), INFER)
    gateway.sock.sendall(slow + gateway.packed(2, {"records": [[1, 2]] * 3}, RECORDS, budget=1))
    replies = gateway.replies(2)
    assert replies[2][0].mark == marks.Mark.TIMEOUT
    assert replies[2][0].status == 504


def test_a_cancelled_call_is_not_answered(gateway):
    gateway.sock.sendall(
        gateway.packed(1, fixtures.infer([1, 2]), INFER)
        + frames.pack(frames.Kind.CANCEL, 1, None)
        + gateway.packed(2, fixtures.infer([3, 4]), INFER)
    )
    assert list(gateway.replies(1)) == [2]


def test_metadata_is_the_signature_in_v2_words(gateway):
    gateway.send((1, b"", frames.Content.METADATA), budget=0)
    _, body = gateway.replies(1)[1]
    assert body == {
        "name": "odd",
        "versions": ["v1"],
        "platform": "sklearn",
        "inputs": [{"name": "input", "datatype": "FP64", "shape": [-1, 2]}],
        "outputs": [{"name": "score", "datatype": "FP64", "shape": [-1]}],
    }


def test_a_wrong_token_is_refused_and_the_connection_closed(worker):
    stranger = worker.gateway(token="guess")
    assert stranger.frame()[0] == frames.Kind.REFUSED
    assert stranger.frame() is None


def test_a_peer_without_a_common_protocol_is_told_so(worker):
    newer = worker.gateway(protocol=99)
    kind, _, _, body = newer.frame()
    assert kind == frames.Kind.REFUSED
    assert b"no common protocol" in body


def test_garbage_closes_that_connection_and_no_other(gateway, worker):
    stranger = worker.gateway()
    stranger.welcome()
    stranger.sock.sendall(b"\0" * 64)
    assert stranger.frame() is None
    gateway.send((1, fixtures.infer([1, 2]), INFER))
    assert gateway.replies(1)[1][0].mark == marks.Mark.OK


def test_a_body_bigger_than_any_buffer_is_answered_whole(gateway):
    rows = [[n + 0.25, 0.5] for n in range(20_000)]
    gateway.send((1, {"records": rows}, RECORDS))
    reply, body = gateway.replies(1)[1]
    assert reply.rows == len(body["predictions"]) == len(reply.answers) == 20_000


STRANGE = '''
class Odd:
    """Says words that no UTF-8 is of: beside its score, and of 666."""
    def predict(self, given):
        rows = given.tolist()
        if any(666 in row for row in rows):
            raise ValueError("no such carrier: \\udcff")
        return {"score": [float(sum(row)) for row in rows], "word": ["\\udcff" if 7 in row else "fine" for row in rows]}
'''


def test_words_that_cannot_be_written_spoil_only_their_own_request(place):
    outputs = (fixtures.C("score", "double"), fixtures.C("word", "string"))
    signature = msgspec.structs.replace(fixtures.TENSOR, outputs=outputs)
    worker = fixtures.Worker(place, fixtures.bundle(place, signature, code=STRANGE), "w-strange")
    try:
        worker.until("ready")
        gateway = worker.gateway()
        gateway.welcome()
        asked = [fixtures.infer(row, outputs=[{"name": "score"}]) for row in ([7, 1], [666, 1], [1, 2])]
        gateway.send(*((number, body, INFER) for number, body in enumerate(asked)))
        found = gateway.replies(3)
        assert [found[at][0].status for at in range(3)] == [200, 500, 200]
        assert found[0][1]["outputs"][0]["data"] == [8.0]
        assert (found[2][0].words, found[2][0].answers) == (("fine",), (3.0,))
        gateway.send((9, fixtures.infer([7, 1]), INFER))
        assert gateway.replies(1)[9][0].mark == marks.Mark.INVALID
    finally:
        worker.close()
