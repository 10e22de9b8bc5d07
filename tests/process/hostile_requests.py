"""Requests that nobody honest sends: heads, framing, chunks, pipelines, halves; and those of `hostile_bodies`."""

import random
from collections.abc import Callable
from typing import NamedTuple

from tests.process import hostile_bodies

REFUSED = frozenset({400, 404, 405, 413, 415})
LIVE = b"GET /v2/health/live HTTP/1.1\r\nhost: x\r\n\r\n"
GOOD = b'{"inputs":[{"name":"x","shape":[1,3],"datatype":"FP32","data":[1,2,3]}]}'


class Attack(NamedTuple):
    """What one connection sends."""

    name: str
    parts: tuple[bytes, ...]
    """Written one after the other."""
    allowed: frozenset[int] = REFUSED
    """Statuses that its answers may have."""
    answers: int = 1
    """How many are to come, at most; 0: the connection is left as it is for a while."""
    ends: bool = True
    """Whether the gateway has to end the connection behind the last answer."""


Maker = Callable[[random.Random], Attack]


def post(body: bytes, *headers: str, path: str = "/v2/models/matrix/infer", framing: str | None = None) -> bytes:
    """A whole request."""
    lines = [f"POST {path} HTTP/1.1", "host: x", framing if framing is not None else f"content-length: {len(body)}", *headers]
    return "\r\n".join(line for line in lines if line).encode("latin-1") + b"\r\n\r\n" + body


def bodies(chance: random.Random) -> Attack:
    """A sound request with a hostile body: refused, or answered where it turns out to be none, and the connection goes on."""
    make = chance.choice(hostile_bodies.MAKERS)
    sent = make(chance)
    raw = post(sent.body, *sent.headers, path=sent.path)
    return Attack(f"body {make.__name__}", (raw,), REFUSED | {200}, ends=False)


def heads(chance: random.Random) -> Attack:
    """Request lines and headers that are none."""
    raw = chance.choice(
        [
            b"garbage\r\n\r\n", b"GET\r\n\r\n", b"GET /v2 HTTP/3.7\r\n\r\n",
            b"GET /v2 HTTP/1.1\r\nbroken header\r\n\r\n", b"GET /v2 HTTP/1.1\r\n: empty\r\n\r\n", b"get /v2 HTTP/1.1\r\n\r\n",
            b"GET /v2 HTTP/1.1\r\na : b\r\n\r\n", b"GET /v2 HTTP/1.1\r\na: b\r\n folded\r\n\r\n", b"GET /v2\xff HTTP/1.1\r\n\r\n",
            b"GET /v2 HTTP/1.1\r\na: \0\r\n\r\n", b"GET /\0 HTTP/1.1\r\n\r\n", b"GET /v2 HTTP/1.1\r\n\0: a\r\n\r\n",
            b"GET /v2 HTTP/1.1\r\na: b\rc\r\n\r\n", b"\0" * 100, b"\r\n" * 50 + b"\0", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + chance.randbytes(60), chance.randbytes(200) + b"\r\n\r\n",
            b"GET /v2 HTTP/1.1\r\n" + b"a: b\r\n" * 200 + b"\r\n", b"GET /v2 HTTP/1.1\r\na: " + b"b" * 40_000 + b"\r\n\r\n",
            b"GET /" + b"v" * 100_000 + b" HTTP/1.1\r\n\r\n", b"GET /v2 HTTP/1.1\r\n" + b"a" * 40_000 + b": b\r\n\r\n",
            b"CONNECT x:1 HTTP/1.1\r\nhost: x\r\n\r\n", b"POST /v2 HTTP/1.1\r\nexpect: magic\r\ncontent-length: 2\r\n\r\n{}",
        ]
    )  # fmt: skip
    return Attack("head", (raw,))


def framing(chance: random.Random) -> Attack:
    """Lengths that contradict each other: what follows is another request to one reader, and a body to the other."""
    chunks = b"0\r\n\r\n" + LIVE
    te = "transfer-encoding: chunked"
    raw = chance.choice(
        [
            post(chunks, te), post(chunks, te, framing=f"content-length: {len(chunks)}"),
            post(chunks, "content-length: 6", framing=te),
            post(b"{}" + LIVE, "content-length: 40", framing="content-length: 2"), post(GOOD, f"content-length: {len(GOOD)}"),
            post(b"{}" + LIVE, framing="content-length: 2, 40"), post(b"{}" + LIVE, framing="content-length: +2"),
            post(b"{}" + LIVE, framing="content-length: " + "0" * 5_000 + "2"),
            post(b"{}" + LIVE, framing="content-length: -1"), post(b"{}" + LIVE, framing="content-length: 0x2"),
            post(b"{}" + LIVE, framing="content-length: 2 2"), post(b"{}" + LIVE, framing="content-length: 9" + "9" * 30),
            post(b"{}" + LIVE, framing="content-length:"), post(chunks, framing="transfer-encoding: xchunked"),
            post(chunks, framing="transfer-encoding: chunked, identity"), post(chunks, framing="transfer-encoding: identity"),
            post(chunks, te, framing="transfer-encoding: identity"), post(chunks, framing="transfer-encoding: gzip, chunked"),
            post(chunks, framing="transfer-encoding: ,chunked"), post(chunks, te).replace(b"HTTP/1.1", b"HTTP/1.0", 1),
            post(chunks, framing="transfer-encoding : chunked"),
            post(chunks, framing="transfer-encoding:\x0bchunked"), post(chunks, framing="transfer-encoding:\r\n chunked"),
            post(b"", framing="content-length: 5000000000"), post(b"", framing=f"content-length: {2**31}"),
            post(chunks, framing="x: y\ntransfer-encoding: chunked"),
            b"POST /v2 HTTP/1.1\nhost: x\ncontent-length: 2\n\n{}" + LIVE,
            post(b"{}" + LIVE, framing="content-length: 2\rx: y"),
        ]
    )  # fmt: skip
    return Attack("framing", (raw,))


def chunks(chance: random.Random) -> Attack:
    """Chunks with sizes that are none, without their ends, with endless extensions and trailers, or foolishly small."""
    te = "transfer-encoding: chunked"
    kind = chance.random()
    if kind < 0.2:
        small = b"".join(b"1;x\r\n%c\r\n" % byte for byte in GOOD)
        long = b"%x;%b\r\n%b\r\n" % (len(GOOD), b"x" * chance.choice([1, 1_000, 400_000]), GOOD)
        raw = post(chance.choice([small, long]) + b"0\r\nt: v\r\n\r\n", framing=te)
        return Attack("foolish chunks", (raw,), frozenset({200}), ends=False)
    if kind < 0.3:
        raw = chance.choice(
            [
                b"7fffffff\r\n" + b"x" * 100_000,
                b"f" * 16 + b"\r\n",
                b"2;" + b"x" * 400_000,
                b"0\r\n" + b"t: v\r\n" * 50,
                b"2\r\n{",
            ]
        )
        return Attack("endless chunks", (post(raw, framing=te),), answers=0)
    raw = chance.choice(
        [
            b"zz\r\nabc\r\n0\r\n\r\n", b"f" * 17 + b"\r\n", b"-1\r\nabc\r\n", b"3\r\nabcX\r\n0\r\n\r\n",
            b" 3\r\nabc\r\n0\r\n\r\n",
            b"3 \r\nabc\r\n0\r\n\r\n", b"0x3\r\nabc\r\n0\r\n\r\n", b"3\nabc\n0\n\n", b"\r\n\r\n", b"3;\0\r\nabc\r\n0\r\n\r\n",
            b"2\r\n{}\r\n0\r\n" + b"t: v\r\n" * 200 + b"\r\n", b"2\r\n{}\r\n0\r\nt: " + b"v" * 40_000 + b"\r\n\r\n",
            b"2\r\n{}\r\n0\r\nbroken\r\n\r\n", b"1_0\r\n",
        ]
    )  # fmt: skip
    return Attack("chunks", (post(raw, framing=te),))


def pipelines(chance: random.Random) -> Attack:
    """Good requests with a bad one among them: what comes before it is answered, what comes behind it is not."""
    before = chance.randrange(40)
    wrong = chance.choice([heads, framing])(chance).parts[0]
    raw = (LIVE if chance.random() < 0.5 else post(GOOD)) * before + wrong + LIVE * 20
    parts = (raw,) if chance.random() < 0.5 else tuple(_torn(raw, chance))
    return Attack("pipeline", parts, REFUSED | {200}, answers=before + 1)


def halves(chance: random.Random) -> Attack:
    """A request that stops on its way: slow heads, slow bodies, connections that are only there."""
    whole = chance.choice([post(GOOD), LIVE, post(b"3\r\nabc\r\n0\r\n\r\n", framing="transfer-encoding: chunked")])
    return Attack("half", tuple(_torn(whole[: chance.randrange(len(whole))], chance)), REFUSED | {408}, answers=0)


def mutations(chance: random.Random) -> Attack:
    """A good request with some of its bytes changed, doubled or taken away. The client then closes its side."""
    raw = bytearray(chance.choice([post(GOOD), LIVE + post(GOOD), post(GOOD, "x-request-id: a", "tidegate-timeout-ms: 500")]))
    for _ in range(chance.choice([1, 1, 2, 4, 16])):
        at = chance.randrange(len(raw))
        raw[at : at + chance.choice([0, 1, 1, 3])] = chance.randbytes(chance.choice([0, 1, 1, 4]))
    return Attack("mutation", tuple(_torn(bytes(raw), chance)), REFUSED | {200, 408}, answers=-1)


def _torn(raw: bytes, chance: random.Random) -> list[bytes]:
    places = sorted(chance.randrange(len(raw) + 1) for _ in range(chance.choice([0, 0, 1, 3])))
    return [raw[begin:end] for begin, end in zip([0, *places], [*places, len(raw)], strict=True)]


MAKERS: tuple[Maker, ...] = (bodies, bodies, bodies, heads, framing, chunks, pipelines, halves, mutations)


def attacks(seed: int):
    """Without end; the same for the same seed."""
    chance = random.Random(seed)
    while True:
        yield chance.choice(MAKERS)(chance)
