"""File systems of both kinds, and a webhook, pass the suite that every sink passes (Kafka, NATS and S3 in tests/process)."""

import pathlib
import threading
from collections.abc import Iterator
from http import server

import fsspec
import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tidegate.core.vocabulary import errors
from tidegate.dataplane.sinks import checks, opening, sink, webhook


def rows_of(table: pa.Table, folder: str) -> list[checks.Row]:
    """Rows of a Parquet file, as messages have them."""
    name = "predictions" if "/predictions/" in folder else "outcomes"
    return [msgspec.json.decode(one.body) for one in sink.Parcel(name, "", "", "", table).messages()]


class OnDisk:
    """file://, which Arrow has."""

    def __init__(self, folder: pathlib.Path) -> None:
        self._folder = folder / "lake"
        self._folder.mkdir()
        self.subject = self.again()

    def again(self) -> sink.Sink:
        return opening.opened(self._folder.as_uri())

    def received(self) -> list[checks.Row]:
        paths = sorted(self._folder.rglob("*.parquet"))
        return [row for path in paths for row in rows_of(pq.read_table(path, partitioning=None), str(path))]

    def down(self) -> None:
        self._folder.rename(self._folder.with_name("moved"))
        self._folder.write_text("a file where a folder must be")

    def up(self) -> None:
        self._folder.unlink()
        self._folder.with_name("moved").rename(self._folder)


class InMemory:
    """memory://, which fsspec has."""

    def __init__(self, folder: pathlib.Path) -> None:
        self._root = f"/{folder.name}"
        self._system = fsspec.filesystem("memory")
        self.subject = self.again()

    def again(self) -> sink.Sink:
        return opening.opened(f"memory:/{self._root}")

    def received(self) -> list[checks.Row]:
        paths = sorted(self._system.glob(f"{self._root}/**/*.parquet"))
        return [row for path in paths for row in rows_of(pq.read_table(self._system.open(path)), path)]

    def down(self) -> None:
        self._kept = self._system.store
        type(self._system).store = Refusing()

    def up(self) -> None:
        type(self._system).store = self._kept


class Refusing(dict):
    """A store that takes nothing."""

    def __setitem__(self, name: str, value: object) -> None:
        raise OSError("no")


class Posted:
    """A webhook: a real server in this process, which checks signatures as its users would."""

    KEY = b"secret"

    def __init__(self, _: pathlib.Path) -> None:
        self.bodies: list[bytes] = []
        self.names: list[str] = []
        self.status = 200
        bench = self

        class Handler(server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                signed = self.headers[webhook.SIGNATURE]
                unix = int(signed.partition(",")[0].removeprefix("t="))
                good = signed == webhook.signature(Posted.KEY, body, unix)
                if good and bench.status == 200:
                    bench.bodies.append(body)
                    bench.names.append(self.headers[webhook.PARCEL])
                self.send_response(bench.status if good else 401)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        self.address = f"http://127.0.0.1:{self._server.server_address[1]}/log?token=hidden"
        self.subject = self.again()

    def again(self) -> sink.Sink:
        return opening.opened(self.address, self.KEY.decode())

    def received(self) -> list[checks.Row]:
        return [msgspec.json.decode(line) for body in self.bodies for line in body.splitlines()]

    def down(self) -> None:
        self.status = 503

    def up(self) -> None:
        self.status = 200

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture(params=[OnDisk, InMemory, Posted], ids=lambda kind: kind.__name__)
def bench(request: pytest.FixtureRequest, tmp_path: pathlib.Path) -> Iterator[checks.Bench]:
    made = request.param(tmp_path)
    yield made
    made.subject.close()
    if isinstance(made, Posted):
        made.close()


@pytest.mark.parametrize("check", checks.ALL, ids=lambda check: check.__name__)
def test_a_sink_keeps_what_sinks_promise(check: checks.Check, bench: checks.Bench) -> None:
    check(bench)


def test_files_of_two_hosts_lie_side_by_side_as_the_log_does(tmp_path: pathlib.Path) -> None:
    made = OnDisk(tmp_path)
    one = checks.parcel(0, 2)
    made.subject.deliver(one)
    made.subject.deliver(msgspec.structs.replace(checks.parcel(2, 2), name="other-2-000000000001"))
    made.subject.deliver(one)
    folder = tmp_path / "lake" / "predictions" / f"endpoint={checks.ENDPOINT}" / f"day={checks.DAY}"
    assert sorted(path.name for path in folder.iterdir()) == ["host-1-000000000000.parquet", "other-2-000000000001.parquet"]


def test_a_parcel_that_is_posted_again_has_its_name_again(tmp_path: pathlib.Path) -> None:
    made = Posted(tmp_path)
    try:
        for _ in range(2):
            made.subject.deliver(checks.parcel(0, 1))
        assert made.names == ["host-1-000000000000"] * 2
        with pytest.raises(errors.SinkUnavailable, match="it answers 401"):
            opening.opened(made.address, "another key").deliver(checks.parcel(0, 1))
    finally:
        made.close()


@pytest.mark.parametrize("address", ["", "nonsense", "no-such-system://place", "kafka://host:1", "nats://host:1/a.b", "https://"])
def test_an_address_that_means_nothing_is_refused_without_repeating_it(address: str) -> None:
    with pytest.raises(errors.SinkInvalid) as refused:
        opening.opened(address)
    assert not address or address not in str(refused.value)
