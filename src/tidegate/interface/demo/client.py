"""A light HTTP client for making traffic: a few keep-alive connections, no task and no allocation to speak of per request.

`tidegate send` and the demo use it. It counts by itself what failed, independently of any counter of the server's: an
answer other than 2xx, a connection lost with a request on it, no answer in time. It never sends a request twice, so a
failure is a failure. Connections that are lost are opened again, for as long as it takes, while requests wait.
"""

import asyncio
import collections
import contextlib
import dataclasses
import ssl
import time
import typing
import urllib.parse
from collections.abc import Callable

import httptools

from tidegate.core.vocabulary import errors

_SWEEP_SECONDS = 0.1
_RETRY_SECONDS = (0.02, 0.05, 0.1, 0.2, 0.5)
_PATIENCE_SECONDS = 5.0


class Answer(typing.NamedTuple):
    """What came back. `status` is 0 when nothing did; `trouble` then says why."""

    status: int
    headers: dict[bytes, bytes]
    """By lower-case name."""
    body: bytes
    seconds: float
    trouble: str = ""

    @property
    def ok(self) -> bool:
        """Whether the request was answered as asked."""
        return 200 <= self.status < 300

    def header(self, name: str) -> str:
        """A header as text; empty when it is not there."""
        return self.headers.get(name.encode(), b"").decode("latin-1")


Done = Callable[[Answer], None]


@dataclasses.dataclass(slots=True)
class Counts:
    """What the client knows of its own requests."""

    sent: int = 0
    answered: int = 0
    """Of those sent: answered with 2xx."""
    failed: int = 0
    """Everything else; `reasons` says what: an HTTP status, `lost` (connection), `timeout`, `unsent`, `closed`."""
    reasons: collections.Counter[str] = dataclasses.field(default_factory=collections.Counter)

    @property
    def pending(self) -> int:
        """Sent or waiting for a connection, with no answer yet."""
        return self.sent - self.answered - self.failed


@dataclasses.dataclass(slots=True, eq=False)
class _Request:
    raw: bytes
    done: Done
    deadline: float
    began: float


class Client:
    """Use as `async with Client("http://127.0.0.1:8080") as client: answer = await client.send("/outcomes", body)`."""

    def __init__(self, address: str, connections: int = 32, timeout: float = 10.0, trust: ssl.SSLContext | None = None) -> None:
        """`address` is http://host:port, or https:// with whom to `trust`; `timeout` seconds run from handing a request in,
        waiting for a connection included.
        """
        parts = urllib.parse.urlsplit(address)
        if parts.scheme != ("https" if trust else "http") or not parts.hostname:
            raise errors.SpecInvalid(f"{address!r} is no address to send to.", cure="Write http://HOST:PORT.")
        self._trust = trust
        self.address, self.timeout, self.counts = address, timeout, Counts()
        self.host, self.port = parts.hostname, parts.port or (443 if trust else 80)
        self._connections = connections
        self._live: set[_Connection] = set()
        self._idle: collections.deque[_Connection] = collections.deque()
        self._waiting: collections.deque[_Request] = collections.deque()
        self._slots: list[asyncio.Task[None]] = []
        self._heads: dict[tuple[str, str], bytes] = {}
        self._sweeper: asyncio.TimerHandle | None = None
        self._first = asyncio.Event()

    async def __aenter__(self) -> "Client":
        """Open the connections. Raises NotRunning when nothing listens there for five seconds."""
        self._slots = [asyncio.ensure_future(self._keep_open()) for _ in range(self._connections)]
        self._sweep()
        try:
            await asyncio.wait_for(self._first.wait(), _PATIENCE_SECONDS)
        except TimeoutError as nobody:
            await self.__aexit__()
            raise errors.NotRunning(f"nothing listens at {self.address}.", cure="Start it with `tidegate up`.") from nobody
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close the connections; what has no answer yet counts as failed."""
        if self._sweeper:
            self._sweeper.cancel()
        for slot in self._slots:
            slot.cancel()
        await asyncio.gather(*self._slots, return_exceptions=True)
        while self._waiting:
            self._finish(self._waiting.popleft(), "closed")
        live = tuple(self._live)
        for connection in live:
            connection.fail("closed")
        await asyncio.gather(*(connection.gone for connection in live))

    def request(self, path: str, body: bytes = b"", *, method: str = "POST", headers: str = "") -> bytes:
        """One request as bytes; `headers` are further lines, each ending in CRLF."""
        head = self._heads.get((method, path))
        if head is None:
            first = f"{method} {path} HTTP/1.1\r\nhost: {self.host}:{self.port}\r\n"
            head = self._heads[(method, path)] = f"{first}content-type: application/json\r\n".encode("latin-1")
        return b"%b%bcontent-length: %d\r\n\r\n%b" % (head, headers.encode("latin-1"), len(body), body)

    def submit(self, raw: bytes, done: Done) -> None:
        """Send `raw` (of `request`) on the next free connection; `done` is called once, in this loop, with the answer."""
        now = time.perf_counter()
        self.counts.sent += 1
        waiting = _Request(raw, done, now + self.timeout, now)
        if self._idle and not self._waiting:
            self._idle.popleft().start(waiting)
        else:
            self._waiting.append(waiting)

    async def send(self, path: str, body: bytes = b"", *, method: str = "POST", headers: str = "") -> Answer:
        """Send one request and wait for its answer; trouble is an answer with status 0, never an exception."""
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()

        def done(answer: Answer) -> None:
            if not future.done():
                future.set_result(answer)

        self.submit(self.request(path, body, method=method, headers=headers), done)
        return await future

    def opened(self, connection: "_Connection") -> None:
        """A connection is there: put it to work."""
        self._live.add(connection)
        self._first.set()
        self.free(connection)

    def free(self, connection: "_Connection") -> None:
        """A connection has nothing to do: give it the oldest request that waits."""
        if self._waiting:
            connection.start(self._waiting.popleft())
        else:
            self._idle.append(connection)

    def lost(self, connection: "_Connection") -> None:
        """A connection is gone."""
        self._live.discard(connection)
        with contextlib.suppress(ValueError):
            self._idle.remove(connection)

    def answered(self, request: _Request, answer: Answer) -> None:
        """Count an answer and hand it over."""
        if answer.ok:
            self.counts.answered += 1
        else:
            self.counts.failed += 1
            self.counts.reasons[answer.trouble or str(answer.status)] += 1
        request.done(answer)

    def _finish(self, request: _Request, trouble: str) -> None:
        self.answered(request, Answer(0, {}, b"", time.perf_counter() - request.began, trouble))

    def _sweep(self) -> None:
        """Give up on what is past its deadline: one timer for all, since every request has the same time."""
        now = time.perf_counter()
        while self._waiting and self._waiting[0].deadline < now:
            self._finish(self._waiting.popleft(), "unsent")
        for connection in tuple(self._live):
            if connection.current is not None and connection.current.deadline < now:
                connection.fail("timeout")
        self._sweeper = asyncio.get_running_loop().call_later(_SWEEP_SECONDS, self._sweep)

    async def _keep_open(self) -> None:
        """Keep one connection open, opening it again whenever it is lost."""
        loop, tries = asyncio.get_running_loop(), 0
        while True:
            try:
                _, connection = await loop.create_connection(lambda: _Connection(self), self.host, self.port, ssl=self._trust)
            except OSError:
                await asyncio.sleep(_RETRY_SECONDS[min(tries, len(_RETRY_SECONDS) - 1)])
                tries += 1
                continue
            tries = 0
            await asyncio.shield(connection.gone)


class _Connection(asyncio.Protocol):
    """One keep-alive connection with at most one request on it."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._headers: dict[bytes, bytes] = {}
        self._body: list[bytes] = []
        self._whole = self._again = False
        self.current: _Request | None = None
        self.gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def start(self, request: _Request) -> None:
        """Put a request on the wire."""
        self.current = request
        assert self._transport is not None
        self._transport.write(request.raw)

    def fail(self, trouble: str) -> None:
        """Give the current request up; the connection cannot be used any more, for its answer may still come."""
        request, self.current = self.current, None
        if self._transport is not None:
            self._transport.abort()
        self._client.lost(self)
        if request is not None:
            self._client.answered(request, Answer(0, {}, b"", time.perf_counter() - request.began, trouble))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the loop."""
        self._transport = typing.cast("asyncio.Transport", transport)
        self._client.opened(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        """Called by the loop: a request without an answer is a failure."""
        self.fail("lost")
        if not self.gone.done():
            self.gone.set_result(None)

    def data_received(self, received: bytes) -> None:
        """Called by the loop."""
        try:
            self._parser.feed_data(received)
        except httptools.HttpParserError:
            self.fail("malformed")
            return
        if self._whole:
            self._whole = False
            self._answered()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Called by the parser."""
        self._headers[name.lower()] = value

    def on_body(self, part: bytes) -> None:
        """Called by the parser."""
        self._body.append(part)

    def on_message_complete(self) -> None:
        """Called by the parser: the answer is whole. It is handed over outside of the parser, which hides exceptions."""
        self._whole, self._again = True, self._parser.should_keep_alive()

    def _answered(self) -> None:
        request, self.current = self.current, None
        headers, self._headers = self._headers, {}
        body, self._body = b"".join(self._body), []
        if request is None:
            self.fail("malformed")
            return
        answer = Answer(self._parser.get_status_code(), headers, body, time.perf_counter() - request.began)
        if self._again:
            self._client.free(self)
        else:
            self.fail("closed")
        self._client.answered(request, answer)
