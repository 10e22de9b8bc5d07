"""What hostile and clumsy clients send is answered or ended, and the gateway goes on serving everybody else."""

import json
import socket
import time

import pytest
from gateway_fixtures import Rig, deployed, until

from tidegate.core.vocabulary import tables

BODY_MAX = 100_000


@pytest.fixture(scope="module")
def rig():
    limits = {"head_seconds": 0.6, "body_seconds": 0.6, "idle_seconds": 1.5, "linger_seconds": 0.3, "stalled_seconds": 1.0}
    rig = Rig({f"limits.{name}": str(value) for name, value in limits.items()})
    try:
        rig.route(deployed(1, rig.worker(1)), limits=tables.Limits(body=BODY_MAX))
        yield rig.start()
        with rig.client() as client:
            assert client.predict().status == 200, "the gateway is not live any more"
        assert "could not be" not in rig.log()
    finally:
        rig.close()


def infer(body: bytes, *headers: str, framing: str = "") -> bytes:
    lines = ["POST /v2/models/flights/infer HTTP/1.1", "host: x", framing or f"content-length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def chunked(*chunks: bytes) -> bytes:
    return b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in (*chunks, b""))


def ends(client, raw: bytes, seconds: float = 8.0) -> int:
    """Send without reading until the gateway ends the connection; how many bytes it took. Fails when it never does."""
    client.socket.setblocking(False)
    sent, end = 0, time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            sent += client.socket.send(raw[sent % len(raw) :])
        except BlockingIOError:
            time.sleep(0.02)
        except ConnectionError:
            return sent
    raise AssertionError(f"the connection was still open after {sent} bytes")


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"garbage\r\n\r\n", 405),
        (b"BREW /v2 HTTP/1.1\r\n\r\n", 405),
        (b"GET /v2 HTTP/3.7\r\n\r\n", 400),
        (b"GET /v2 HTTP/1.1\r\nbroken header\r\n\r\n", 400),
        (b"GET /v2 HTTP/1.1\r\nhost : x\r\n\r\n", 400),
        (b"GET /v2 HTTP/1.1\r\na: b\r\n folded\r\n\r\n", 400),
        (b"GET /v2\xff HTTP/1.1\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 9, 405),
        (infer(b"abc", "transfer-encoding: chunked"), 400),
        (infer(b"abc", "content-length: 3"), 400),
        (infer(b"", framing="content-length: -1"), 400),
        (infer(b"", framing="content-length: 2147483648"), 413),
        (infer(b"", framing="content-length: 99999999999999999999999999"), 400),
        (infer(b"zz\r\nabc\r\n0\r\n\r\n", framing="transfer-encoding: chunked"), 400),
        (infer(b"fffffffffffffffff\r\n", framing="transfer-encoding: chunked"), 400),
        (b"CONNECT a:80 HTTP/1.1\r\nhost: a\r\n\r\n", 405),
        (infer(b"{}", "expect: 200-ok"), 400),
        (b"GET /v2 HTTP/1.1\r\n" + b"a: b\r\n" * 200 + b"\r\n", 400),
        (b"GET /v2 HTTP/1.1\r\na: " + b"b" * 40_000 + b"\r\n\r\n", 400),
        (b"GET /" + b"v" * 600_000 + b" HTTP/1.1\r\n\r\n", 400),
    ],
    ids=lambda value: str(value)[:40] if isinstance(value, bytes) else "",
)
def test_what_is_not_http_is_answered_with_a_json_error_and_the_connection_ends(rig, raw, status):
    with rig.client() as client:
        client.send(raw)
        answer = client.read()
        assert (answer.status, answer.headers["connection"]) == (status, "close")
        assert set(answer.json) == {"error", "code"}
        assert client.read() is None


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "TRACE", "GET", "HEAD"])
def test_a_method_that_a_path_does_not_take_is_refused_and_the_connection_goes_on(rig, method):
    with rig.client() as client:
        answer = client.request(method, "/v2/models/flights/infer", b"{}")
        assert (answer.status, answer.headers["allow"]) == (405, "POST, OPTIONS")
        assert client.request("POST", "/v2").status == 405
        assert client.predict().status == 200


def test_a_body_over_the_limit_is_refused_before_it_is_sent(rig):
    with rig.client() as client:
        client.send(infer(b"", framing=f"content-length: {BODY_MAX + 1}"))
        assert (client.read().status, client.read()) == (413, None)


def test_a_chunked_body_over_the_limit_is_refused_while_it_streams(rig):
    with rig.client() as client:
        client.send(infer(b"", framing="transfer-encoding: chunked"))
        for _ in range(60):
            client.send(b"800\r\n" + b"x" * 0x800 + b"\r\n")
        assert client.read().json["code"] == "body-too-large"


def test_a_client_that_goes_on_sending_still_sees_why_it_was_refused(rig):
    with rig.client() as client:
        client.send(infer(b"x" * 4_000_000))
        assert client.read().status == 413


def test_a_chunked_body_is_read_whole_with_its_trailers(rig):
    with rig.client() as client:
        body = json.dumps({"x": "y" * 5_000}).encode()
        stream = chunked(*(body[at : at + 700] for at in range(0, len(body), 700)))
        client.send(infer(stream[:-2] + b"trailer: x\r\nx-request-id: no\r\n\r\n", framing="transfer-encoding: chunked"))
        answer = client.read()
        assert (answer.status, answer.json["got"]) == (200, len(body))
        assert "x-request-id" not in answer.headers
        assert client.predict().status == 200


def test_endless_chunk_extensions_are_ended(rig):
    with rig.client() as client:
        client.send(infer(b"1;", framing="transfer-encoding: chunked"))
        assert ends(client, b"x" * 65_536)


def test_a_request_that_trickles_in_is_understood(rig):
    with rig.client() as client:
        for byte in infer(b'{"do": "ok"}', "x-request-id: slow-1"):
            client.send(bytes([byte]))
        answer = client.read()
        assert (answer.status, answer.headers["x-request-id"]) == (200, "slow-1")


def test_pipelined_requests_are_answered_in_their_order(rig):
    with rig.client() as client:
        bodies = [b'{"do": "slow"}', b"{}", b'{"do": "error"}', b"{}"]
        client.send(b"".join(infer(body) for body in bodies) + b"GET /v2/health/live HTTP/1.1\r\n\r\n" + infer(b"{}"))
        assert [client.read().status for _ in range(6)] == [200, 200, 500, 200, 200, 200]
        first = client.predict(b'{"do": "slow"}')
        assert first.json == {"slow": True}


def test_hundreds_of_pipelined_requests_are_all_answered(rig):
    with rig.client() as client:
        client.send(infer(b"{}", "x-request-id: p") * 500)
        assert {client.read().status for _ in range(500)} == {200}


def test_what_follows_a_request_that_closes_is_ignored(rig):
    with rig.client() as client:
        client.send(infer(b"{}", "connection: close") + infer(b"{}"))
        assert client.read().headers["connection"] == "close"
        assert client.read() is None


def test_an_error_behind_a_good_request_is_answered_behind_it(rig):
    with rig.client() as client:
        client.send(infer(b'{"do": "slow"}') + b"garbage\r\n\r\n")
        assert [client.read().status, client.read().status, client.read()] == [200, 405, None]


def test_http_1_0_closes_unless_it_is_kept_alive(rig):
    with rig.client() as client:
        client.send(b"GET /v2 HTTP/1.0\r\nconnection: keep-alive\r\n\r\n")
        assert client.read().headers["connection"] == "keep-alive"
        client.send(b"GET /v2 HTTP/1.0\r\n\r\n")
        assert client.read().headers["connection"] == "close"
        assert client.read() is None


def test_expect_100_is_answered_before_the_body_and_refused_before_it(rig):
    with rig.client() as client:
        client.send(infer(b"", "expect: 100-continue", framing="content-length: 2"))
        assert client.read().status == 100
        client.send(b"{}")
        assert client.read().status == 200
        client.send(infer(b"", "expect: 100-continue", framing=f"content-length: {BODY_MAX + 1}"))
        assert client.read().status == 413


def test_an_offered_upgrade_is_not_taken_and_its_body_is_read(rig):
    for body in (b'{"do": "ok"}', b""):
        with rig.client() as client:
            client.send(infer(body, "connection: Upgrade, HTTP2-Settings", "upgrade: h2c"))
            answer = client.read()
            assert (answer.status, answer.json["got"]) == (200, len(body))


@pytest.mark.parametrize("sent", [b"POST /v2/mod", infer(b"", framing="content-length: 50") + b"abc"])
def test_a_request_that_does_not_come_to_its_end_in_time_is_refused(rig, sent):
    with rig.client() as client:
        client.send(sent)
        assert client.read().json["code"] == "request-slow"
        assert client.read() is None


def test_a_quiet_connection_is_closed_after_its_time_and_not_before(rig):
    with rig.client() as client:
        assert client.predict().status == 200
        began = time.monotonic()
        assert client.read() is None
        assert 1.0 < time.monotonic() - began < 4.0


def test_half_a_request_and_then_silence_or_an_end_costs_nothing(rig):
    for sent in (b"", b"POST", infer(b"", framing="content-length: 9")):
        client = rig.client()
        client.send(sent)
        client.socket.shutdown(socket.SHUT_WR)
        assert client.read() is None
        client.close()


def test_a_client_that_does_not_read_is_not_read_from_and_then_ended(rig):
    with rig.client(receives=4_096) as client:
        assert 0 < ends(client, infer(b'{"x": "%b"}' % (b"y" * 3_000))) < 100_000_000


def test_ids_are_echoed_or_refused(rig):
    with rig.client() as client:
        assert client.predict(headers=["X-Request-Id: " + "a" * 128]).headers["x-request-id"] == "a" * 128
        refused = client.predict(headers=["x-request-id: " + "a" * 129])
        assert (refused.status, refused.json["code"], "x-request-id" in refused.headers) == (400, "header-invalid", False)
        assert client.predict(headers=["tidegate-timeout-ms: soon"]).status == 400


def test_unknown_things_are_named(rig):
    with rig.client() as client:
        for path, code in (("/v2/models/nope/infer", "endpoint-unknown"), ("/nope", "path-unknown")):
            answer = client.request("POST", path, b"{}")
            assert (answer.status, answer.json["code"]) == (404, code)
        assert client.request("GET", "/v2/models/nope").status == 404
        assert client.request("GET", "/v2/models/nope/ready").status == 404
        assert client.predict(version="v7").json["code"] == "version-unknown"


def test_the_protocols_get_requests_are_answered(rig):
    with rig.client() as client:
        assert client.request("GET", "/v2").json["name"] == "tidegate"
        assert client.request("GET", "/v2").json["extensions"] == ["binary_tensor_data", "parameters", "model_configuration"]
        assert client.request("GET", "/v2/health/live").json["live"] is True
        assert client.request("GET", "/v2/health/ready").json == {"live": True, "ready": True}
        assert client.request("GET", "/v2/models").json == {"models": [{"name": "flights", "versions": ["v1"]}]}
        for path in ("/v2/models/flights", "/v2/models/flights/versions/1", "/v2/models/flights/versions/v1"):
            for _ in range(2):
                assert client.request("GET", path).json["platform"] == "test"
        assert client.request("GET", "/v2/models/flights/ready").json == {"name": "flights", "ready": True}


def test_more_connections_than_allowed_are_refused_and_room_is_made_again():
    rig = Rig({"limits.connections": "3"})
    try:
        rig.route(deployed(1, rig.worker(1)))
        rig.start()
        clients = [rig.client() for _ in range(3)]
        assert {client.predict().status for client in clients} == {200}
        with rig.client() as one_more:
            answer = one_more.read()
            assert (answer.status, answer.headers["retry-after"], one_more.read()) == (503, "1", None)
        clients.pop().close()
        until(lambda: rig.state["connections"] == 2)
        with rig.client() as fits:
            assert fits.predict().status == 200
        for client in clients:
            client.close()
    finally:
        rig.close()
