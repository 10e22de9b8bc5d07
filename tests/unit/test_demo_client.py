"""The traffic client against a stand-in server on a free port: what it counts is what happened."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable

import pytest
import uvloop

from tidegate.core.vocabulary import errors
from tidegate.interface.demo import client

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
OK = b"HTTP/1.1 200 OK\r\nTidegate-Prediction-Id: p-1\r\ntidegate-version: v2\r\ncontent-length: 2\r\n\r\n{}"


async def read_request(reader: asyncio.StreamReader) -> tuple[str, bytes]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    length = int(next(line.partition(":")[2] for line in head.split("\r\n") if line.lower().startswith("content-length")))
    return head, await reader.readexactly(length)


def answering(*replies: bytes) -> Handler:
    """A server that answers with these, over and over."""
    turn = iter(range(1 << 30))

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                await read_request(reader)
                writer.write(replies[next(turn) % len(replies)])
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    return serve


def against(handler: Handler, use: Callable[[client.Client], Awaitable[None]], **options: float) -> client.Counts:
    async def run() -> client.Counts:
        server = await asyncio.start_server(handler, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with client.Client(f"http://127.0.0.1:{port}", connections=2, **options) as one:  # type: ignore[arg-type]
            await use(one)
        server.close()
        while len(asyncio.all_tasks()) > 1:
            await asyncio.sleep(0)
        return one.counts

    return uvloop.run(run())


def test_an_answer_has_its_status_headers_by_lower_case_name_and_body() -> None:
    async def use(one: client.Client) -> None:
        answer = await one.send("/endpoints/e/predict", json.dumps({"a": 1}).encode())
        assert (answer.ok, answer.status, answer.body) == (True, 200, b"{}")
        assert (answer.header("tidegate-prediction-id"), answer.header("tidegate-version")) == ("p-1", "v2")
        assert answer.header("tidegate-rescued") == ""

    assert against(answering(OK), use).answered == 1


def test_more_requests_than_connections_are_all_answered_over_the_same_few_connections() -> None:
    opened = 0

    async def counting(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal opened
        opened += 1
        await answering(OK)(reader, writer)

    async def use(one: client.Client) -> None:
        answers = await asyncio.gather(*(one.send("/x", b"{}") for _ in range(200)))
        assert all(answer.ok for answer in answers)
        assert one.counts.pending == 0

    counts = against(counting, use)
    assert (counts.sent, counts.answered, counts.failed, opened) == (200, 200, 0, 2)


def test_an_answer_other_than_2xx_is_a_failure_counted_under_its_status() -> None:
    busy = b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\ncontent-length: 0\r\n\r\n"

    async def use(one: client.Client) -> None:
        await asyncio.gather(*(one.send("/x", b"{}") for _ in range(10)))

    counts = against(answering(OK, busy), use)
    assert (counts.answered, counts.failed, dict(counts.reasons)) == (5, 5, {"503": 5})


def test_a_connection_lost_with_a_request_on_it_is_one_failure_and_is_opened_again() -> None:
    calls = 0

    async def dying(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal calls
        await read_request(reader)
        calls += 1
        if calls > 2:
            writer.write(OK)
            await answering(OK)(reader, writer)
        writer.close()

    async def use(one: client.Client) -> None:
        answers = await asyncio.gather(*(one.send("/x", b"{}") for _ in range(20)))
        assert sorted({answer.trouble for answer in answers}) == ["", "lost"]

    counts = against(dying, use)
    assert (counts.sent, counts.answered, dict(counts.reasons)) == (20, 18, {"lost": 2})


def test_an_answer_that_does_not_come_is_a_timeout_and_what_found_no_connection_was_never_sent() -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async def use(one: client.Client) -> None:
        began = time.perf_counter()
        answers = await asyncio.gather(*(one.send("/x", b"{}") for _ in range(4)))
        assert time.perf_counter() - began < 2
        assert {answer.trouble for answer in answers} == {"timeout", "unsent"}

    assert against(silent, use, timeout=0.15).reasons == {"timeout": 2, "unsent": 2}


def test_requests_wait_while_the_server_restarts_and_are_answered_then() -> None:
    async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(OK)
        writer.close()

    async def run() -> client.Counts:
        server = await asyncio.start_server(once, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with client.Client(f"http://127.0.0.1:{port}", connections=1) as one:
            await one.send("/x")
            server.close()
            while one._live:
                await asyncio.sleep(0)
            waiting = [asyncio.ensure_future(one.send("/x")) for _ in range(5)]
            await asyncio.sleep(0)
            server = await asyncio.start_server(answering(OK), "127.0.0.1", port)
            assert all(answer.ok for answer in await asyncio.gather(*waiting))
        server.close()
        return one.counts

    counts = asyncio.run(run())
    assert (counts.answered, counts.failed) == (6, 0)


def test_closing_counts_what_has_no_answer_as_failed() -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async def use(one: client.Client) -> None:
        for _ in range(3):
            one.submit(one.request("/x"), lambda _: None)

    assert against(silent, use).reasons == {"closed": 3}


def test_bytes_that_are_no_http_are_a_failure() -> None:
    async def use(one: client.Client) -> None:
        assert (await one.send("/x")).trouble == "malformed"

    assert against(answering(b"!!!\r\n\r\n"), use).failed == 1


def test_a_mistake_in_what_takes_the_answer_is_not_hidden_as_a_failure_of_the_server() -> None:
    seen: list[object] = []

    def wrong(_: client.Answer) -> None:
        raise LookupError

    async def use(one: client.Client) -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: seen.append(context.get("exception")))
        one.submit(one.request("/x"), wrong)
        while not seen:
            await asyncio.sleep(0)

    assert against(answering(OK), use).answered == 1
    assert isinstance(seen[0], LookupError)


def test_an_address_that_is_none_is_refused() -> None:
    with pytest.raises(errors.SpecInvalid, match="http://HOST:PORT"):
        client.Client("localhost:8080")
