"""`tidegate up` with gRPC and TLS, as a whole; and what it refuses to open to other machines."""

import json
import os
import signal
import ssl
import subprocess
import sys
import urllib.error
import urllib.request

import grpc
import pytest

from tests.process import living, tls_fixtures
from tidegate.core.vocabulary import instances
from tidegate.dataplane.wire import grpcmessages, protobuf
from tidegate.interface.api import addresses

PROGRAM = [sys.executable, "-m", "tidegate.interface.cli.main"]


@pytest.fixture(scope="module")
def up(tmp_path_factory, models):
    """Up with TLS and gRPC, open to other machines, the iris endpoint served to who has a token."""
    folder = tmp_path_factory.mktemp("fronts")
    chain, key = tls_fixtures.issue(folder)
    made = living.Living(folder, models, "access: token")
    options = (
        "--host",
        "0.0.0.0",
        "--port",
        "0",
        "--api-port",
        "0",
        "--grpc-port",
        "0",
        "--tls-cert",
        chain.name,
        "--tls-key",
        key.name,
    )
    made.options = options
    try:
        made.run("up", "-d", *options)
        living.wait(lambda: made.endpoint()["stable"], what="v1 to own the endpoint")
        yield made
    finally:
        made.down()


def tensor(name, *values):
    contents = protobuf.counted(5, protobuf.packed_floats(7, values, "d"))
    said = protobuf.string(1, name) + protobuf.string(2, "FP64") + protobuf.packed(3, [len(values), 1])
    return protobuf.counted(5, said + contents)


def predict(place):
    """A ModelInfer of the real model; (fields of the answer, trailing metadata)."""
    there = addresses.read(place)
    chain = ssl.get_server_certificate(tuple(there["grpc"].rsplit(":", 1))).encode()
    sent = protobuf.string(1, living.ENDPOINT) + protobuf.string(3, "mine")
    sent += b"".join(tensor(name, 5.0) for name in living.COLUMNS)
    with grpc.secure_channel(there["grpc"], grpc.ssl_channel_credentials(chain)) as channel:
        method = channel.unary_unary(f"/{grpcmessages.SERVICE}/ModelInfer")
        metadata = [("authorization", f"Bearer {place.token.read_text().strip()}")]
        answer, call = method.with_call(sent, timeout=20, wait_for_ready=True, metadata=metadata)
        return {number: value for number, _, value in protobuf.fields(answer)}, dict(call.trailing_metadata())


def test_a_model_answers_over_grpc_and_over_https(up):
    there = addresses.read(up.home)
    assert there["http"].startswith("https://")
    answer, trailing = predict(up.home)
    assert (answer[1], answer[3], trailing["tidegate-version"]) == (b"iris", b"mine", "v1")
    url = f"{there['http']}/v2/models/iris/ready"
    with urllib.request.urlopen(url, context=addresses.trust(up.home)) as ready:
        assert json.loads(ready.read())["ready"] is True
    with pytest.raises(OSError, match="CERTIFICATE_VERIFY_FAILED"):
        urllib.request.urlopen(url, context=ssl.create_default_context())
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"{there['http']}/invocations", b"[]", context=addresses.trust(up.home))
    assert refused.value.code == 401


def test_our_own_commands_trust_the_certificate_that_we_show(up):
    told = json.loads(up.run("send", "--rate", "50", "--for", "1s", "--json"))
    assert (told["failed"], told["answered"] > 10) == (0, True)
    _, trailing = predict(up.home)
    assert json.loads(up.run("feedback", trailing["tidegate-prediction-id"], "1", "--json")) == {"accepted": 1}


def test_a_killed_front_comes_back_at_its_port_and_a_killed_keepers_successor_keeps_it(up):
    before = addresses.read(up.home)
    pid = up.kill("grpc-0")
    up.await_successor("grpc-0", pid)
    assert predict(up.home)[0][1] == b"iris"
    front = up.pid("grpc-0")
    os.kill(instances.holder(up.home.instances, "keeper"), signal.SIGKILL)
    living.wait(lambda: not instances.holder(up.home.instances, "keeper"), what="the keeper's end")
    up.run("up", "-d", *up.options)
    after = addresses.read(up.home)
    assert (after["http"], after["grpc"]) == (before["http"], before["grpc"])
    assert up.pid("grpc-0") == front  # nothing that clients are connected to was ended
    assert predict(up.home)[0][1] == b"iris"


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--host", "0.0.0.0"), 2, "exposure-refused"),
        (("--host", "256.0.0.1"), 1, "no host to listen at"),
        (("--tls-cert", "here.pem"), 1, "TLS needs a certificate and its key"),
        (("--tls-cert", "tidegate.yaml", "--tls-key", "tidegate.yaml"), 1, "the certificate cannot be used"),
    ],
)
def test_what_may_not_or_cannot_be_opened_is_said_before_anything_starts(tmp_path, models, words, code, said):
    made = living.Living(tmp_path, models)
    argv = [*PROGRAM, "up", "-d", "--port", "0", "--api-port", "0", *words]  # the endpoint asks for no token
    done = subprocess.run(argv, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, said in done.stderr) == (code, True), done.stderr
    assert not instances.holder(made.home.instances, "keeper")
