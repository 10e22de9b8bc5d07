"""A real gateway process on a port of its own, workers that speak frames without a model, and a plain HTTP client."""

import contextlib
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

from tidegate.core.vocabulary import home, instances, tables
from tidegate.core.vocabulary import sums as words
from tidegate.dataplane.predlog import segments
from tidegate.dataplane.wire import sums, tablefile

WORKER = pathlib.Path(__file__).with_name("gateway_worker.py")


def until(true, seconds=10.0, what=""):
    """Wait for a condition; what it returned."""
    end = time.monotonic() + seconds
    while not (found := true()):
        assert time.monotonic() < end, f"waited {seconds} s for {what or true}"
        time.sleep(0.005)
    return found


class Answer:
    """One HTTP response."""

    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self):
        return json.loads(self.body)


class Client:
    """A connection that can send anything and read responses."""

    def __init__(self, port, receives=0):
        """`receives`: bytes the system may take for this client that it does not read."""
        self.socket = socket.socket()
        if receives:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receives)
        self.socket.settimeout(10.0)
        self.socket.connect(("127.0.0.1", port))
        self.file = self.socket.makefile("rb")

    def send(self, raw):
        self.socket.sendall(raw)

    def read(self, head_only=False):
        """The next response; None when the connection has ended."""
        line = self.file.readline()
        if not line:
            return None
        headers = {}
        while (one := self.file.readline()) not in (b"\r\n", b""):
            name, _, value = one.decode().partition(":")
            headers[name.lower()] = value.strip()
        status = int(line.split()[1])
        body = b"" if head_only else self.file.read(int(headers.get("content-length", 0)))
        return Answer(status, headers, body)

    def request(self, method, path, body=b"", headers=()):
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        lines = [f"{method} {path} HTTP/1.1", "host: test", f"content-length: {len(raw)}", *headers]
        self.send("\r\n".join(lines).encode() + b"\r\n\r\n" + raw)
        return self.read(head_only=method == "HEAD")

    def predict(self, body=b"{}", endpoint="flights", headers=(), version=""):
        part = f"/versions/{version}" if version else ""
        return self.request("POST", f"/v2/models/{endpoint}{part}/infer", body, headers)

    def close(self):
        self.file.close()
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Rig:
    """A home, its gateway, and workers by instance name."""

    def __init__(self, labels=None, folder=None):
        """`folder`: where the home is made; else with everything temporary."""
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="gw", dir=folder))
        self.home = home.Home(self.root)
        self.home.prepare()
        self.labels = labels or {}
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self.port = self.listener.getsockname()[1]
        self.workers, self.gateway = {}, None
        self.spec = instances.Spec("gateway-0", "gateway", (), token="t" * 32, labels=self.labels)
        self.spec.write(self.home.instances)

    def worker(self, version=1, default="ok", ordinal=0):
        """Start a worker; its place in the table."""
        name = f"flights-v{version}-{ordinal}"
        given = tables.Worker(name, f"unix:{self.root}/{name}.sock", f"token-{name}")
        argv = [sys.executable, str(WORKER), given.address, given.token, name, digest(version), f"v{version}", default]
        self.workers[name] = process = subprocess.Popen(argv, stdout=subprocess.PIPE)
        assert process.stdout.readline() == b"ready\n"
        return given

    def kill(self, name, number=signal.SIGKILL):
        process = self.workers.pop(name)
        process.send_signal(number)
        process.wait()
        process.stdout.close()

    def start(self):
        """Start the gateway and wait until it serves."""
        environment = {**os.environ, "TIDEGATE_FDS": f"http={self.listener.fileno()}"}
        with (self.root / "gateway.log").open("ab") as log:
            argv = [sys.executable, "-m", "tidegate.dataplane.gateway", str(self.root), "gateway-0"]
            self.gateway = subprocess.Popen(argv, env=environment, pass_fds=(self.listener.fileno(),), stderr=log)
        pid = self.gateway.pid
        until(lambda: self.state.get("state") == "ready" and self.state["pid"] == pid, what="the gateway")
        return self

    @property
    def state(self):
        return instances.read_state(self.home.instances, "gateway-0")

    def route(self, stable, candidate=None, **changes):
        """Put a route for `flights` in the table and wait until the gateway obeys it."""
        weight, holders, gateways = changes.pop("weight", 0), changes.pop("holders", ()), changes.pop("gateways", 1)
        given = tables.Route(
            "flights", "production", stable, candidate, weight, evidence=bool(weight), release="r1", salt=b"s", **changes
        )
        table = tablefile.write(
            self.home.table,
            lambda now: tables.msgspec.structs.replace(
                now, routes={**now.routes, "flights": given}, holders=holders, gateways=gateways
            ),
        )
        if self.gateway is not None:
            until(lambda: self.state.get("generation") == table.generation, what="the table")
        return table

    def client(self, receives=0):
        return Client(self.port, receives)

    def stop(self):
        """SIGTERM; the exit code."""
        self.gateway.send_signal(signal.SIGTERM)
        return self.gateway.wait(15)

    def records(self):
        """Every record of the log, boot by boot."""
        found = []
        for paths in segments.listing(self.home.segments).values():
            for _, path in paths:
                found += [record for _, record in segments.read(path)]
        return found

    def boots(self):
        return sums.read_all(self.home.sums)

    def counts(self, dead=()):
        """(stable, candidate) counts of release r1, all ticks added up."""
        found = sums.merge(self.boots(), dead).get("r1", ())
        stable = candidate = words.Counts()
        for one in found:
            stable, candidate = stable + one.stable, candidate + one.candidate
        return stable, candidate

    def log(self):
        return (self.root / "gateway.log").read_text()

    def close(self):
        for process in (*self.workers.values(), *([self.gateway] if self.gateway else [])):
            process.kill()
            process.wait()
            if process.stdout:
                process.stdout.close()
        self.listener.close()
        for place in (self.root, self.home.run):
            with contextlib.suppress(OSError):
                shutil.rmtree(place)


def digest(version):
    return f"{version:064x}"


def deployed(version, *workers):
    return tables.Deployed(version, digest(version), f"mlflow://flights/{version}", tuple(workers))


class Load:
    """Clients that ask as fast as they are answered, until the end of the block; counted on this side."""

    def __init__(self, rig, clients=6, body=b"{}"):
        self.rig, self.body = rig, body
        self.answers, self.failures, self._ending = [], [], threading.Event()
        self._threads = [threading.Thread(target=self._ask) for _ in range(clients)]

    def _ask(self):
        client = self.rig.client()
        while not self._ending.is_set():
            try:
                answer = client.predict(self.body)
                (self.answers if answer.status == 200 else self.failures).append(answer)
                if answer.headers.get("connection") == "close":
                    client.close()
                    client = self.rig.client()
            except (OSError, AttributeError, ValueError) as failed:
                self.failures.append(failed)
                client = self.rig.client()
        client.close()

    def more(self, number=100):
        """Wait until so many more have been answered or failed."""
        begun = len(self.answers) + len(self.failures)
        until(lambda: len(self.answers) + len(self.failures) >= begun + number, what="answers")

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        self.more(50)
        return self

    def __exit__(self, *_):
        self._ending.set()
        for thread in self._threads:
            thread.join()
