"""The forms that requests and answers may have: compressed, with binary tensors, as MLflow and SageMaker ask, for web pages."""

import gzip
import json
import zlib

import pytest

from tests.process.gateway_fixtures import Rig, deployed
from tidegate.core.vocabulary import tables
from tidegate.dataplane.wire import frames, tablefile

PAGE = "https://shop.example"
KB = 1024


@pytest.fixture(scope="module")
def rig():
    made = Rig()
    try:
        limits = tables.Limits(body=64 * KB)
        made.route(deployed(1, made.worker(1)), limits=limits, origins=(PAGE,))
        yield made.start()
    finally:
        made.close()


def deflated(body):
    made = zlib.compressobj(wbits=-15)
    return made.compress(body) + made.flush()


@pytest.mark.parametrize(
    ("name", "encode"), [("gzip", gzip.compress), ("deflate", zlib.compress), ("deflate", deflated), ("X-GZIP", gzip.compress)]
)
def test_compressed_bodies_reach_the_worker_and_the_log_decompressed(rig, name, encode):
    body = json.dumps({"pad": "a" * 5_000}).encode()
    with rig.client() as client:
        answer = client.predict(encode(body), headers=[f"content-encoding: {name}"])
    assert (answer.status, answer.json["got"]) == (200, len(body))
    assert rig.records()[-1].input == body


def test_gzip_files_in_a_row_are_one_body(rig):
    with rig.client() as client:
        sent = gzip.compress(b'{"a"') + gzip.compress(b"") + gzip.compress(b": 1}")
        assert client.predict(sent, headers=["content-encoding: gzip"]).json["got"] == 8


@pytest.mark.parametrize(
    ("name", "body", "status"),
    [
        ("gzip", gzip.compress(b"\0" * (64 * KB + 1)), 413),
        ("gzip", gzip.compress(b"\0" * (200 << 20), 9)[: 60 * KB], 413),
        ("deflate", zlib.compress(b" " * (64 * KB + 1)), 413),
        ("gzip", gzip.compress(b"\0" * 40 * KB) * 2, 413),
        ("gzip", gzip.compress(b"") * 65, 400),
        ("gzip", gzip.compress(b"{}")[:-3], 400),
        ("gzip", b"{}", 400),
        ("gzip", b"", 400),
        ("deflate", zlib.compress(b"{}") + b"more", 400),
        ("deflate", b"\x78\x9c", 400),
        ("br", b"{}", 415),
        ("gzip, gzip", b"{}", 415),
    ],
    ids=[
        "too large",
        "a bomb",
        "deflate too large",
        "two files",
        "many empty files",
        "cut short",
        "no gzip",
        "empty",
        "more behind",
        "deflate cut short",
        "unknown",
        "twice",
    ],
)
def test_what_cannot_or_may_not_be_decompressed_is_refused_and_the_connection_goes_on(rig, name, body, status):
    with rig.client() as client:
        assert client.predict(body, headers=[f"content-encoding: {name}"]).status == status
        assert client.predict().status == 200


def test_outcomes_may_be_compressed_too(rig):
    with rig.client() as client:
        made = client.predict().headers["tidegate-prediction-id"]
        body = gzip.compress(json.dumps({"outcomes": [{"id": made, "label": 1}]}).encode())
        assert client.request("POST", "/outcomes", body, ["content-encoding: gzip"]).json == {"accepted": 1}


@pytest.mark.parametrize(
    ("accepted", "encoding"),
    [
        ("gzip, deflate, br", "gzip"),
        ("deflate", "deflate"),
        ("gzip;q=0.1, deflate;q=0.9", "deflate"),
        ("*", "gzip"),
        ("gzip;q=0, *;q=0", None),
        ("br, identity", None),
        ("gzip;q=nonsense", None),
    ],
)
def test_large_answers_are_compressed_for_who_asks(rig, accepted, encoding):
    with rig.client() as client:
        answer = client.predict({"do": "large"}, headers=[f"accept-encoding: {accepted}"])
        assert answer.headers.get("content-encoding") == encoding
        undo = {None: bytes, "gzip": gzip.decompress, "deflate": zlib.decompress}[encoding]
        assert len(json.loads(undo(answer.body))["pad"]) == 300_000
        assert "content-encoding" not in client.predict(headers=[f"accept-encoding: {accepted}"]).headers


def test_answers_that_are_compressed_in_a_thread_leave_in_order(rig):
    with rig.client() as client:
        head = "POST /v2/models/flights/infer HTTP/1.1\r\nhost: t\r\naccept-encoding: gzip\r\ncontent-length: %d\r\n\r\n%s"
        bodies = ['{"do": "large"}', '{"do": "ok"}', '{"do": "large"}']
        client.send("".join(head % (len(body), body) for body in bodies).encode())
        found = [client.read() for _ in bodies]
        assert [answer.headers.get("content-encoding") for answer in found] == ["gzip", None, "gzip"]


def test_binary_tensors_are_told_by_their_header_alone(rig):
    body = b'{"inputs":[]}' + bytes(range(32))
    with rig.client() as client:
        plain = client.predict(body, headers=["inference-header-content-length: 13"])
        assert (plain.status, plain.json["json"], plain.json["got"]) == (200, 13, 45)
        record = rig.records()[-1]
        assert (record.content, record.json_bytes, record.input) == ("binary", 13, body)
        assert client.predict(bytes(16), headers=["Inference-Header-Content-Length: 0"]).json["json"] == 0
        packed = client.predict(gzip.compress(body), headers=["inference-header-content-length: 13", "content-encoding: gzip"])
        assert (packed.json["json"], packed.json["got"]) == (13, 45)
        assert client.predict(b"{}", headers=["content-type: application/octet-stream"]).json["json"] == -1


def test_an_answer_with_binary_tensors_says_where_they_begin(rig):
    with rig.client() as client:
        answer = client.predict({"do": "binary"})
    assert (answer.headers["inference-header-content-length"], answer.headers["content-type"]) == (
        "14",
        "application/octet-stream",
    )
    assert (answer.body, answer.headers["tidegate-version"]) == (b'{"outputs":[]}' + bytes(8), "v1")


@pytest.mark.parametrize("length", ["-1", "3", "x", "1e3", "99999999999999999999", "+1", ""])
def test_a_length_that_cannot_be_is_refused(rig, length):
    with rig.client() as client:
        answer = client.predict(b"{}", headers=[f"inference-header-content-length: {length}"])
        assert (answer.status, answer.json["code"]) == (400, "header-invalid")
        assert client.predict().status == 200


@pytest.mark.parametrize("path", ["/invocations", "/endpoints/flights/invocations"])
def test_mlflows_path_goes_by_the_content_type(rig, path):
    with rig.client() as client:

        def content(kind, body=b"{}"):
            answer = client.request("POST", path, body, [f"content-type: {kind}"])
            return answer.json.get("content", answer.json.get("code"))

        assert client.request("POST", path, b"{}").json["content"] == frames.Content.INVOCATIONS
        assert content("application/json; charset=utf-8") == frames.Content.INVOCATIONS
        assert content("text/csv", b"a\n1") == frames.Content.CSV
        assert content("Text/CSV; charset=UTF-8", b"a\n1") == frames.Content.CSV
        assert content("text/plain") == "media-refused"
        assert content("text/csv; charset=klingon", b"a\n1") == "media-refused"
        assert content("text/csv; charset=us-ascii", "ä".encode()) == "body-malformed"
        latin = client.request("POST", path, "ä\n1".encode("latin-1"), ["content-type: text/csv; charset=iso-8859-1"])
        assert latin.json["got"] == 4


def test_sagemakers_binary_type_says_where_the_json_ends(rig):
    kind = "application/vnd.sagemaker-triton.binary+json;json-header-size"
    with rig.client() as client:
        answer = client.request("POST", "/invocations", b'{"do": "binary"}' + bytes(4), [f"content-type: {kind}=16"])
        assert (answer.status, answer.headers["content-type"]) == (200, f"{kind}=14")
        assert client.request("POST", "/invocations", b"{}", [f"content-type: {kind}=3"]).status == 400
        assert client.request("POST", "/invocations", b"{}", [f"content-type: {kind.partition(';')[0]}"]).status == 400


def test_with_several_endpoints_only_the_path_that_names_one_works():
    rig = Rig()
    try:
        rig.route(deployed(1, rig.worker(1)))
        rig.start()
        tablefile.write(
            rig.home.table,
            lambda now: tables.msgspec.structs.replace(
                now, routes={**now.routes, "more": tables.msgspec.structs.replace(now.routes["flights"], endpoint="more")}
            ),
        )
        with rig.client() as client:
            while (answer := client.request("POST", "/invocations", b"{}")).status == 200:
                pass
            assert (answer.status, "/endpoints/NAME/invocations" in answer.json["error"]) == (404, True)
            assert client.request("POST", "/endpoints/more/invocations", b"{}").status == 200
    finally:
        rig.close()


def test_probes_are_answered_as_mlflow_and_sagemaker_ask_them(rig):
    with rig.client() as client:
        assert [client.request("GET", path).status for path in ("/ping", "/health", "/version")] == [200] * 3
        head = client.request("HEAD", "/ping")
        assert (head.status, head.body, head.headers["content-length"]) == (200, b"", "26")
        assert client.request("GET", "/version").headers["content-type"].startswith("text/plain")


def test_what_a_path_takes_is_told(rig):
    with rig.client() as client:
        for path, allowed in (("/v2", "GET, HEAD, OPTIONS"), ("/v2/models/flights/infer", "POST, OPTIONS")):
            answer = client.request("OPTIONS", path)
            assert (answer.status, answer.headers["allow"], answer.body) == (200, allowed, b"")
        assert client.request("OPTIONS", "*").status == 200
        assert client.request("OPTIONS", "/nope").status == 404


def test_pages_of_listed_origins_may_read_answers_and_others_may_not(rig):
    path = "/v2/models/flights/infer"
    with rig.client() as client:
        mine = client.predict(headers=[f"origin: {PAGE}"])
        assert (mine.status, mine.headers["access-control-allow-origin"], mine.headers["vary"]) == (200, PAGE, "origin")
        assert "tidegate-prediction-id" in mine.headers["access-control-expose-headers"]
        assert "access-control-allow-origin" not in client.predict(headers=["origin: https://evil.example"]).headers
        assert "access-control-allow-origin" not in client.predict().headers
        failed = client.predict(b"[", headers=[f"origin: {PAGE}"])
        assert (failed.status, failed.headers["access-control-allow-origin"]) == (400, PAGE)
        first = client.request("OPTIONS", path, b"", [f"origin: {PAGE}", "access-control-request-method: POST"])
        assert first.status == 200
        assert (first.headers["access-control-allow-origin"], first.headers["access-control-max-age"]) == (PAGE, "600")
        assert "authorization" in first.headers["access-control-allow-headers"]
        other = client.request("OPTIONS", path, b"", ["origin: https://evil.example", "access-control-request-method: POST"])
        assert not [name for name in other.headers if name.startswith("access-control")]


def test_an_endpoint_has_a_document_and_a_page_that_loads_nothing(rig):
    with rig.client() as client:
        assert client.request("GET", "/endpoints/flights/openapi.json").json["openapi"] == "3.1.0"
        assert client.request("GET", "/v2/models/flights/config").json["name"] == "flights"
        page = client.request("GET", "/endpoints/flights")
        assert (page.status, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
        assert "default-src 'none'" in page.headers["content-security-policy"]
        text = page.body.decode()
        assert "flights &lt;b&gt;" in text
        assert "<b>flights" not in text
        assert f"curl -X POST http://127.0.0.1:{rig.port}/endpoints/flights/predict" in text
        assert not [word for word in ("src=", "@import", "url(", "<script", "<link") if word in text]
        assert client.request("GET", "/endpoints/nope").status == 404
