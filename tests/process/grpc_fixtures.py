"""A gRPC front process beside a rig's gateway, and a client that sends and takes bytes."""

import json
import os
import pathlib
import socket
import subprocess
import sys

import grpc

from tests.process.gateway_fixtures import Rig, until
from tidegate.core.vocabulary import instances
from tidegate.dataplane.wire import grpcmessages, protobuf


def message(do="", model="flights", version="", identity="", **more):
    """A ModelInferRequest, with what a test's worker is to do in a field that nobody knows."""
    said = json.dumps({"do": do, **more} if do else more).encode()
    known = protobuf.string(1, model) + protobuf.string(2, version) + protobuf.string(3, identity)
    return known + protobuf.counted(100, said)


class Front:
    """The process. `port` is held by a socket of ours that does not listen, as the keeper does it."""

    def __init__(self, rig: Rig, name: str = "grpc-0", host: str = "127.0.0.1", **labels: str) -> None:
        self.rig, self.name = rig, name
        self.held = socket.socket()
        self.held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        self.held.bind((host, 0))
        self.port = self.held.getsockname()[1]
        instances.Spec(name, "grpc", (), "f" * 32, labels=labels).write(rig.home.instances)
        self.start()

    def start(self) -> None:
        environment = {**os.environ, "TIDEGATE_FDS": f"grpc={self.held.fileno()}"}
        argv = [sys.executable, "-m", "tidegate.dataplane.grpcfront", str(self.rig.root), self.name]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(argv, env=environment, pass_fds=(self.held.fileno(),), stderr=log)
        until(lambda: self.state.get("pid") == self.process.pid and self.state.get("gateways"), what="the front")

    @property
    def log(self) -> pathlib.Path:
        return self.rig.root / f"{self.name}.log"

    @property
    def state(self) -> dict:
        return instances.read_state(self.rig.home.instances, self.name)

    def client(self, credentials=None, **options) -> "Client":
        return Client(self.port, credentials, options)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        self.held.close()


class Client:
    """A channel of grpcio's, without generated code."""

    def __init__(self, port, credentials, options):
        settings = [("grpc.max_receive_message_length", -1), ("grpc.use_local_subchannel_pool", 1), *options.items()]
        where = f"127.0.0.1:{port}"
        self.channel = (
            grpc.secure_channel(where, credentials, settings) if credentials else grpc.insecure_channel(where, settings)
        )

    def method(self, name):
        return self.channel.unary_unary(f"/{grpcmessages.SERVICE}/{name}")

    def infer(self, data, timeout=10.0, metadata=(), **more):
        """(the answer, trailing metadata)."""
        answer, call = self.method("ModelInfer").with_call(data, timeout=timeout, metadata=metadata, **more)
        return answer, dict(call.trailing_metadata())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.channel.close()
