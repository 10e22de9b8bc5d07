"""Frames that no gateway, worker or front of ours sends, for the sockets that they share. A seed repeats a run."""

import functools
import random
import struct

import msgspec

from tests.unit import protocol_messages
from tidegate.core.vocabulary import ids
from tidegate.dataplane.wire import frames

LARGEST = 2**32 - 1


def header(protocol=frames.PROTOCOL, kind=frames.Kind.CALL, call=1, head=0, body=0) -> bytes:
    """A frame's first 24 bytes, whatever follows."""
    return frames.HEADER.pack(protocol, kind, 0, 0, call, head, body)


def strangers(chance: random.Random, hello: bytes) -> bytes:
    """What somebody says who has not been greeted; `hello` is a good greeting."""
    greeting = bytearray(hello)
    greeting[chance.randrange(len(greeting))] ^= 1 << chance.randrange(8)
    return chance.choice(
        [
            b"", b"\0" * 64, b"\xff" * 64, b"GET / HTTP/1.1\r\n\r\n" + bytes(30), chance.randbytes(chance.randrange(200)),
            bytes(greeting), hello[: chance.randrange(len(hello))], header(kind=chance.randrange(256)), header(head=3) + b"abc",
            header(kind=frames.Kind.HELLO, head=frames.HEAD_MAX + 1), header(kind=frames.Kind.HELLO, body=LARGEST),
            header(kind=frames.Kind.HELLO, head=frames.HEAD_MAX, body=frames.BODY_MAX) + bytes(1_000_000),
            header(kind=frames.Kind.HELLO, head=1) + b"\xc0", header(kind=frames.Kind.HELLO, head=2) + b"\x91\x01",
            header(protocol=0), header(protocol=255, kind=frames.Kind.HELLO), header(kind=frames.Kind.DRAIN) * 100,
        ]
    )  # fmt: skip


def calls(chance: random.Random, good: bytes) -> bytes:
    """What somebody who has been greeted must not say; `good` is a CALL as it should be. It may well be answered."""
    broken = bytearray(good)
    for _ in range(chance.choice([1, 1, 2, 8])):
        broken[chance.randrange(len(broken))] = chance.randrange(256)
    return chance.choice([bytes(broken), good[: chance.randrange(len(good))], _odd(chance), _odd(chance), _call(chance)])


def _odd(chance: random.Random) -> bytes:
    """Frames with heads that are none, kinds that are not a caller's, lengths that lie."""
    kind = chance.choice([*frames.Kind, 0, 99, 255])
    head = chance.choice(
        [b"", b"\xc0", b"\x90", b"\xff" * 40, msgspec.msgpack.encode([None] * 9), b"\xdd\xff\xff\xff\xff", b"\x81\xa1a"]
    )
    body = chance.choice([b"", b"{}", chance.randbytes(30)])
    return chance.choice(
        [
            header(kind=kind, head=len(head), body=len(body)) + head + body,
            header(kind=kind, head=len(head) + 5, body=len(body)) + head + body,
            header(kind=kind, call=2**64 - 1),
            header(kind=frames.Kind.CANCEL, call=chance.randrange(10)) * 50,
            header(head=frames.HEAD_MAX + 1), header(body=frames.BODY_MAX + 1), header(body=frames.BODY_MAX) + bytes(100_000),
        ]
    )  # fmt: skip


def _call(chance: random.Random) -> bytes:
    """A CALL that is well formed and means nothing, or nothing good."""
    identifier = chance.choice([ids.uuid7(1, 1), b"", b"short", bytes(100)])
    content = chance.choice([*frames.Content, 0, -1, 99, 2**40])
    budget = chance.choice([0, 1, 5_000_000, -1, -(2**63), 2**63])
    json_bytes = chance.choice([-1, 0, 1, 10, 2**31, -5, 2**63 - 1])
    terms = chance.choice([b"", b"\xc0", b"\xff" * 20, msgspec.msgpack.encode({"round": "x"}), msgspec.msgpack.encode([True, 2])])
    head = frames.Call(identifier, chance.choice(["odd", "", "\0" * 50]), "v1", content, budget, json_bytes, terms)
    good = b'{"records": [[1, 2]]}'
    body = chance.choice([b"", good, b'{"inputs": []}', chance.randbytes(40), protobufs(chance)])
    return frames.pack(frames.Kind.CALL, chance.randrange(1 << 20), head, body)


@functools.cache
def _request(raw: bool) -> bytes:
    made = protocol_messages.message("ModelInferRequest")(model_name="matrix", id="i")
    made.parameters["p"].int64_param = 5
    tensor = made.inputs.add(name="x", datatype="FP32", shape=[1, 3])
    if raw:
        made.raw_input_contents.append(struct.pack("<3f", 1, 2, 3))
    else:
        tensor.contents.fp32_contents.extend([1, 2, 3])
    made.outputs.add(name="total")
    return bytes(made.SerializeToString())


def protobufs(chance: random.Random) -> bytes:
    """A ModelInferRequest, cut off or with bytes changed; now and then a good one."""
    good = bytearray(_request(raw=chance.random() < 0.5))
    for _ in range(chance.choice([0, 1, 1, 2, 6])):
        good[chance.randrange(len(good))] = chance.randrange(256)
    end = chance.choice([len(good), chance.randrange(len(good))])
    return bytes(good[:end]) + chance.choice([b"", b"", b"\xff" * 11, chance.randbytes(8)])


def replies(chance: random.Random, good: bytes) -> bytes:
    """What a worker must not say to a gateway; `good` is a REPLY as it should be."""
    broken = bytearray(good)
    for _ in range(chance.choice([1, 2, 8])):
        broken[chance.randrange(len(broken))] = chance.randrange(256)
    return chance.choice([bytes(broken), good[: chance.randrange(len(good))], _odd(chance), good * 3, chance.randbytes(100)])
