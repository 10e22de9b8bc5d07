"""From gRPC to frames and back, with grpcio's own client: every method, status, deadlines, cancelling, tokens, limits."""

import concurrent.futures
import json
import pathlib
import time

import grpc
import pytest

from tests.process import grpc_fixtures
from tests.process.gateway_fixtures import Rig, deployed, until
from tests.process.grpc_fixtures import message
from tidegate.core.vocabulary import marks, tables, tokens
from tidegate.dataplane.wire import protobuf

SECRET = "s3cret"


@pytest.fixture(scope="module")
def front():
    rig = Rig()
    made = None
    try:
        rig.route(deployed(1, rig.worker(1)), limits=tables.Limits(body=5 << 20))
        rig.start()
        made = grpc_fixtures.Front(rig)
        yield made
    finally:
        if made:
            made.close()
        rig.close()


def failed(call, *given, **more):
    """(status, details, trailing metadata) of a call that must fail."""
    with pytest.raises(grpc.RpcError) as raised:
        call(*given, **more)
    found = raised.value
    return found.code(), found.details(), dict(found.trailing_metadata() or ())


def fields(data):
    return {number: value for number, _, value in protobuf.fields(data)}


def test_the_raw_message_reaches_the_worker_and_its_bytes_come_back(front):
    sent = message(identity="mine")
    with front.client() as client:
        answer, trailing = client.infer(sent, metadata=[("x-request-id", "abc")])
    told = json.loads(answer)
    assert (told["did"], told["got"], told["content"]) == ("ok", len(sent), 8)
    assert trailing["tidegate-version"] == "v1"
    assert trailing["x-request-id"] == "abc"
    record = until(lambda: front.rig.records()[-1:], what="the record")[0]
    assert (record.content, record.input, record.request_id, record.mark) == ("grpc", sent, "abc", marks.Mark.OK)
    assert trailing["tidegate-prediction-id"].replace("-", "") == record.id.hex()


def test_health_and_metadata_are_messages_too(front):
    with front.client() as client:
        assert client.method("ServerLive")(b"") == b"\x08\x01"
        assert client.method("ServerReady")(b"") == b"\x08\x01"
        assert client.method("ModelReady")(protobuf.string(1, "flights")) == b"\x08\x01"
        server = protobuf.fields(client.method("ServerMetadata")(b""))
        assert [value for number, _, value in server if number == 3] == [
            b"binary_tensor_data",
            b"parameters",
            b"model_configuration",
        ]
        model = fields(client.method("ModelMetadata")(protobuf.string(1, "flights") + protobuf.string(2, "1")))
        assert (model[1], model[3]) == (b"flights", b"test")
        assert fields(fields(client.method("ModelConfig")(protobuf.string(1, "flights")))[1])[1] == b"flights"


@pytest.mark.parametrize(
    ("data", "code", "error"),
    [
        (message(model="nope"), grpc.StatusCode.NOT_FOUND, "endpoint-unknown"),
        (message(version="9"), grpc.StatusCode.NOT_FOUND, "version-unknown"),
        (message("reject"), grpc.StatusCode.INVALID_ARGUMENT, None),
        (message("error"), grpc.StatusCode.INTERNAL, None),
        (b"\x0a\xff", grpc.StatusCode.INVALID_ARGUMENT, "body-malformed"),
        (message(pad="x" * (5 << 20)), grpc.StatusCode.RESOURCE_EXHAUSTED, None),
    ],
)
def test_failures_have_grpcs_codes_and_ours(front, data, code, error):
    with front.client() as client:
        status, details, trailing = failed(client.infer, data)
        assert status is code
        assert details
        assert error is None or trailing["tidegate-error"] == error
        assert client.infer(message())[0]


def test_a_method_that_is_not_there_says_so(front):
    with front.client() as client:
        assert failed(client.method("RepositoryIndex"), b"")[0] is grpc.StatusCode.UNIMPLEMENTED
        assert failed(client.channel.unary_unary("/other.Service/ModelInfer"), b"")[0] is grpc.StatusCode.UNIMPLEMENTED


def test_a_bomb_costs_nothing(front):
    before = resident(front.process.pid)
    with front.client() as client:
        for _ in range(3):
            bomb = b"\0" * (64 << 20)
            assert failed(client.infer, bomb, compression=grpc.Compression.Gzip)[0] is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert json.loads(client.infer(message(pad="x" * 100_000), compression=grpc.Compression.Gzip)[0])["did"] == "ok"
    assert resident(front.process.pid) - before < 40 << 20


def resident(pid):
    return int(pathlib.Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4_096


def test_the_clients_deadline_is_the_requests(front):
    with front.client() as client:
        began = time.monotonic()
        assert failed(client.infer, message("hang"), timeout=0.3)[0] is grpc.StatusCode.DEADLINE_EXCEEDED
        assert failed(client.infer, message("hang"), metadata=[("tidegate-timeout-ms", "200")])[0] is (
            grpc.StatusCode.DEADLINE_EXCEEDED
        )
        assert time.monotonic() - began < 2.0, "the second would take 2 s by the endpoint's own limit"
        assert failed(client.infer, message(), metadata=[("tidegate-timeout-ms", "soon")])[0] is grpc.StatusCode.INVALID_ARGUMENT


def test_a_cancelled_call_is_cancelled_in_the_gateway(front):
    known = len(front.rig.records())
    with front.client() as client:
        call = client.method("ModelInfer").future(message("hang"), timeout=10)
        time.sleep(0.2)  # nothing tells when it has arrived; sooner it is cancelled before it began, and leaves no record
        call.cancel()
        record = until(lambda: front.rig.records()[known:], what="the record")[0]
    assert (record.mark, record.status) == (marks.Mark.CANCELLED, 499)


def test_many_calls_at_once_find_their_own_answers(front):
    with front.client() as client, concurrent.futures.ThreadPoolExecutor(16) as pool:
        sent = [message(pad="x" * size) for size in range(400)]
        found = list(pool.map(lambda data: json.loads(client.infer(data)[0])["got"], sent))
    assert found == [len(data) for data in sent]


def test_what_is_rescued_or_a_fallback_says_so():
    rig = Rig()
    front = None
    try:
        good, bad = deployed(1, rig.worker(1)), deployed(2, rig.worker(2, default="error"))
        rig.route(good, bad, weight=10_000)
        rig.start()
        front = grpc_fixtures.Front(rig)
        with front.client() as client:
            _, trailing = client.infer(message())
            assert (trailing["tidegate-rescued"], trailing["tidegate-version"]) == ("true", "v1")
            rig.route(bad, kept=(good,), fallback_version="previous", fallback='{"a": 1}')
            answer, trailing = client.infer(message())
            assert (trailing["tidegate-fallback"], json.loads(answer)["version"]) == ("version", "v1")
            rig.kill("flights-v1-0")
            rig.kill("flights-v2-0")

            def fallen():
                answer, trailing = client.infer(message(identity="me"))
                return trailing.get("tidegate-fallback") and answer

            found = fields(until(fallen, what="the fallback"))
            assert (found[1], found[3]) == (b"flights", b"me")
            output = fields(found[5])
            assert (output[1], output[2], fields(output[5])[8]) == (b"fallback", b"BYTES", b'{"a": 1}')
    finally:
        if front:
            front.close()
        rig.close()


def test_tokens_are_asked_for_as_by_http():
    rig = Rig()
    front = None
    try:
        digest = tokens.digest(SECRET.encode())
        rig.route(deployed(1, rig.worker(1)), tokens=(digest,))
        rig.start()
        front = grpc_fixtures.Front(rig)
        with front.client() as client:
            assert failed(client.infer, message())[0] is grpc.StatusCode.UNAUTHENTICATED
            assert failed(client.infer, message(), metadata=[("authorization", "Bearer x")])[0] is (
                grpc.StatusCode.UNAUTHENTICATED
            )
            assert client.infer(message(), metadata=[("authorization", f"Bearer {SECRET}")])[0]
    finally:
        if front:
            front.close()
        rig.close()
