"""A gateway that other machines can reach answers nobody without a token, whatever the table says."""

import json
import socket

import grpc
import pytest

from tests.process import grpc_fixtures
from tests.process.gateway_fixtures import Rig, deployed
from tests.process.grpc_fixtures import message
from tidegate.core.vocabulary import tables, tokens
from tidegate.dataplane.wire import tablefile

SECRET = "s3cret"
SENT = f"authorization: Bearer {SECRET}"


class Exposed(Rig):
    """A rig whose gateway listens everywhere."""

    def __init__(self):
        super().__init__()
        self.listener.close()
        self.listener = socket.create_server(("0.0.0.0", 0), backlog=64)
        self.port = self.listener.getsockname()[1]


@pytest.fixture(scope="module")
def rig():
    made = Exposed()
    try:
        made.route(deployed(1, made.worker(1)))
        yield made.start()
    finally:
        made.close()


def guard(rig, name, *secrets):
    """Put an endpoint NAME beside the open one that asks for these tokens."""
    digests = tuple(tokens.digest(secret.encode()) for secret in secrets)
    known = tuple(tokens.Token(one, digest, ("predict",)) for one, digest in zip(secrets, digests, strict=True))

    def change(now):
        route = tables.msgspec.structs.replace(now.routes["flights"], endpoint=name, tokens=digests)
        return tables.msgspec.structs.replace(now, routes={**now.routes, name: route}, holders=known)

    return tablefile.write(rig.home.table, change)


def test_an_open_endpoint_is_refused_by_every_path_and_one_with_tokens_is_served(rig):
    guard(rig, "guarded", SECRET)
    with rig.client() as client:
        for path in ("/v2/models/flights/infer", "/endpoints/flights/predict", "/endpoints/flights/invocations"):
            refused = client.request("POST", path, b"{}", [SENT])
            assert (refused.status, refused.json["code"]) == (403, "exposure-refused")
        while (answer := client.predict(endpoint="guarded", headers=[SENT])).status == 404:
            pass
        assert answer.status == 200
        assert client.predict(endpoint="guarded").status == 401
        assert client.request("GET", "/ping").status == 200


def test_the_grpc_front_says_whether_it_is_exposed_and_the_gateway_goes_by_that():
    rig = Rig()
    fronts = []
    try:
        rig.route(deployed(1, rig.worker(1)))
        rig.start()
        fronts = [grpc_fixtures.Front(rig, "grpc-0", host="0.0.0.0"), grpc_fixtures.Front(rig, "grpc-1")]
        with fronts[0].client() as far, fronts[1].client() as near:
            assert json.loads(near.infer(message())[0])["did"] == "ok"
            with pytest.raises(grpc.RpcError) as refused:
                far.infer(message())
            assert refused.value.code() is grpc.StatusCode.PERMISSION_DENIED
    finally:
        for front in fronts:
            front.close()
        rig.close()
