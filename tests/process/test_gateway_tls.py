"""TLS: predictions by it, renewal without a restart, and every bound on clients holding as it does without."""

import contextlib
import os
import socket
import ssl
import subprocess
import sys
import time

import pytest

from tests.process import tls_fixtures
from tests.process.gateway_fixtures import Rig, deployed, until
from tidegate.core.vocabulary import tables

LABELS = {
    "limits.head_seconds": "1.5",
    "limits.body_seconds": "0.4",
    "limits.stalled_seconds": "0.4",
    "limits.linger_seconds": "0.2",
    "limits.connections": "8",
}


class Secured(Rig):
    """A rig whose gateway speaks TLS."""

    def __init__(self, folder, labels=LABELS):
        self.folder = folder
        self.chain, self.key = tls_fixtures.issue(folder)
        super().__init__({**labels, "tls.cert": str(self.chain), "tls.key": str(self.key)})
        self.context = tls_fixtures.trusting(self.chain)

    def client(self, receives=0):
        return tls_fixtures.TlsClient(self.port, self.context, receives)


@contextlib.contextmanager
def secured(folder, **route):
    made = Secured(folder)
    try:
        made.route(deployed(1, made.worker(1)), **route)
        yield made.start()
    finally:
        made.close()


@pytest.fixture(scope="module")
def rig(tmp_path_factory):
    with secured(tmp_path_factory.mktemp("tls"), limits=tables.Limits(body=65_536)) as made:
        yield made


def test_predictions_are_answered_over_one_connection(rig):
    with rig.client() as client:
        assert client.socket.version() in ("TLSv1.2", "TLSv1.3")
        assert client.socket.selected_alpn_protocol() == "http/1.1"
        for _ in range(3):
            assert client.predict().status == 200
        assert len(client.predict({"do": "large"}).body) > 300_000
        page = client.request("GET", "/endpoints/flights").body.decode()
        assert f"https://127.0.0.1:{rig.port}/" in page


def test_a_request_that_comes_in_one_piece_with_the_handshake_is_answered(rig):
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    talk = rig.context.wrap_bio(incoming, outgoing, server_hostname="localhost")
    with socket.create_connection(("127.0.0.1", rig.port), 10) as plain:
        while True:
            try:
                talk.do_handshake()
                break
            except ssl.SSLWantReadError:
                plain.sendall(outgoing.read())
                incoming.write(plain.recv(65_536))
        talk.write(b"POST /v2/models/flights/infer HTTP/1.1\r\nhost: t\r\ncontent-length: 2\r\n\r\n{}")
        plain.sendall(outgoing.read())  # the client's last word of the handshake, and its request
        found = b""
        while b"did" not in found:
            incoming.write(plain.recv(65_536))
            with contextlib.suppress(ssl.SSLWantReadError):
                found += talk.read(65_536)
    assert found.startswith(b"HTTP/1.1 200")


def test_who_speaks_no_tls_or_an_old_one_is_sent_away_and_others_are_served(rig):
    with socket.create_connection(("127.0.0.1", rig.port), 10) as plain:
        plain.sendall(b"GET /v2 HTTP/1.1\r\nhost: t\r\n\r\n")
        with contextlib.suppress(ConnectionResetError):
            while plain.recv(4_096):
                pass
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
    old.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
    with socket.create_connection(("127.0.0.1", rig.port), 10) as plain, pytest.raises((ssl.SSLError, ConnectionError)):
        old.wrap_socket(plain, server_hostname="localhost")
    with rig.client() as client:
        assert client.predict().status == 200


def test_handshakes_that_never_end_count_as_connections_and_are_ended(rig):
    silent = []

    def full():  # a client of the test before may still be leaving, and then one of the first eight is sent away
        silent.append(socket.create_connection(("127.0.0.1", rig.port), 10))
        return rig.state["connections"] == 8

    until(full, what="the silent to be counted")
    with socket.create_connection(("127.0.0.1", rig.port), 10) as one_more, contextlib.suppress(ConnectionResetError):
        assert one_more.recv(10) == b""
    began = time.monotonic()
    for one in silent:
        with contextlib.suppress(ConnectionResetError):
            assert one.recv(10) == b""
        one.close()
    assert time.monotonic() - began < 5
    with rig.client() as client:
        assert client.predict().status == 200


def test_as_many_as_are_allowed_fit_in(rig):
    clients = [rig.client() for _ in range(8)]
    assert {client.predict().status for client in clients} == {200}
    for client in clients:
        client.close()
    until(lambda: rig.state["connections"] == 0)


def test_bounds_hold_and_the_refused_see_why(rig):
    with rig.client() as client:
        client.send(b"POST /v2/models/flights/infer HTTP/1.1\r\nhost: t\r\ncontent-length: 65537\r\n\r\n" + b"x" * 65_537)
        assert (client.read().status, client.read()) == (413, None)
    with rig.client() as client:
        client.send(b"GET /v2 HTTP/1.1\r\n" + b"a: b\r\n" * 101 + b"\r\n")
        assert (client.read().status, client.read()) == (400, None)
    with rig.client() as client:
        client.send(b"GET /v2 HTTP/1.1\r\nhost:")
        assert (client.read().status, client.read()) == (408, None)
    with rig.client() as client:
        client.send(b"POST /v2/models/flights/infer HTTP/1.1\r\nhost: t\r\ncontent-length: 9\r\n\r\n{")
        assert (client.read().status, client.read()) == (408, None)


def test_a_client_that_does_not_read_is_cut_off(rig):
    client = rig.client(receives=4_096)
    body = b'{"do": "large"}'
    one = b"POST /v2/models/flights/infer HTTP/1.1\r\nhost: t\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body)
    client.send(one * 30)
    until(lambda: rig.state["connections"] == 0, what="the client to be cut off")
    client.close()


def test_a_renewed_certificate_is_shown_without_a_restart(rig, tmp_path):
    chain, key = tls_fixtures.issue(tmp_path)
    with rig.client() as before:
        first = before.serial
        tls_fixtures.put(rig.key, key.read_bytes())  # the chain is not there yet: the two do not fit
        until(lambda: "cannot be used" in (rig.root / "gateway.log").read_text(), what="the gateway to look")
        with rig.client() as meanwhile:
            assert (meanwhile.serial, meanwhile.predict().status) == (first, 200)
        rig.context = tls_fixtures.trusting(chain, rig.chain)
        tls_fixtures.put(rig.chain, chain.read_bytes())

        def renewed():
            with rig.client() as after:
                return after.serial != first and after.predict().status == 200

        until(renewed, what="the new certificate")
        assert before.predict().status == 200


def test_what_is_under_way_is_answered_before_it_ends(tmp_path):
    with secured(tmp_path) as rig, rig.client() as busy, rig.client(), socket.create_connection(("127.0.0.1", rig.port)):
        busy.send(b'POST /v2/models/flights/infer HTTP/1.1\r\nhost: t\r\ncontent-length: 14\r\n\r\n{"do": "slow"}')
        until(lambda: rig.state["connections"] == 3)
        time.sleep(0.1)  # the request is on its way: nothing tells when it has come
        assert rig.stop() == 0
        assert busy.read().json == {"slow": True}


def test_a_certificate_that_cannot_be_used_keeps_the_gateway_from_starting(tmp_path):
    rig = Secured(tmp_path)
    try:
        rig.key.write_text("no key")
        environment = {**os.environ, "TIDEGATE_FDS": f"http={rig.listener.fileno()}"}
        argv = [sys.executable, "-m", "tidegate.dataplane.gateway", str(rig.root), "gateway-0"]
        given = {"env": environment, "pass_fds": (rig.listener.fileno(),), "capture_output": True, "text": True}
        ended = subprocess.run(argv, **given, timeout=30, check=False)
        assert (ended.returncode, "certificate cannot be used" in ended.stderr) == (1, True)
        assert "Traceback" not in ended.stderr
    finally:
        rig.close()
