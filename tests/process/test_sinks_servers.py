"""Kafka's protocol, NATS JetStream and S3's API: real servers, cut off and back, pass the suite that every sink passes."""

import pathlib
from collections.abc import Iterator

import pytest

from tests.process import sink_servers
from tidegate.dataplane.sinks import checks, kafka

KINDS = {
    "kafka": (sink_servers.broker, sink_servers.OfTopic),
    "jetstream": (sink_servers.jetstream, sink_servers.OfStream),
    "s3": (sink_servers.objects, sink_servers.OfBucket),
}
pytestmark = pytest.mark.timeout(120)


@pytest.fixture(scope="module", params=KINDS)
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, object]]:
    start, _ = KINDS[request.param]
    folder: pathlib.Path = tmp_path_factory.mktemp(request.param)
    with start(folder) as found:
        yield request.param, found


@pytest.mark.parametrize("check", checks.ALL, ids=lambda check: check.__name__)
def test_a_server_keeps_what_sinks_promise(check: checks.Check, server: tuple[str, object], monkeypatch) -> None:
    monkeypatch.setattr(kafka, "TIMEOUT_SECONDS", 3.0)
    name, found = server
    bench = KINDS[name][1](found)
    try:
        check(bench)
    finally:
        bench.subject.close()


def test_messages_of_kafka_have_the_id_as_their_key_and_say_which_row_they_are(tmp_path: pathlib.Path) -> None:
    with sink_servers.broker(tmp_path) as server:
        bench = sink_servers.OfTopic(server)
        bench.subject.deliver(checks.parcel(0, 2))
        bench.subject.close()
        told = [(one.key().decode(), dict(one.headers())[kafka.ROW].decode()) for one in bench.messages()]
    assert told == [(f"018e0000-0000-7000-8000-{number:012d}", f"{'b' * 32}-{number}") for number in range(2)]


def test_a_stream_that_sees_a_repeat_keeps_it_once(tmp_path: pathlib.Path) -> None:
    with sink_servers.jetstream(tmp_path) as server:
        bench = sink_servers.OfStream(server)
        for _ in range(2):
            bench.subject.deliver(checks.parcel(0, 3))
        bench.subject.close()
        assert len(bench.received()) == 3
