"""Bodies that nobody honest sends, by what is hostile about them, made by a `random.Random`: a seed repeats a run."""

import functools
import gzip
import json
import random
import zlib
from collections.abc import Callable
from typing import NamedTuple

INT_MAX = 2**31 - 1
HEADER = "inference-header-content-length"


class Sent(NamedTuple):
    """A body, and the headers that say what it is."""

    body: bytes
    headers: tuple[str, ...] = ()
    path: str = "/v2/models/matrix/infer"


Maker = Callable[[random.Random], Sent]


def tensor(**changes: object) -> dict:
    return {"name": "x", "shape": [1, 3], "datatype": "FP32", "data": [1, 2, 3], **changes}


def infer(*tensors: dict, **more: object) -> Sent:
    return Sent(json.dumps({"inputs": list(tensors), **more}).encode())


def shapes(chance: random.Random) -> Sent:
    """Products that overflow, negative and absent sizes, more dimensions than anybody has, sizes that are none."""
    odd = chance.choice(
        [
            [2**4, 2**60 + 2], [2**32, 2**32], [2**62, 4], [-1, 3], [1, -3], [0, 3], [], [3], [1, 3, 1], [1] * 5_000,
            [2**63, 3], [-(2**63), 3], [2**64, 3], [10**400, 3], [1.5, 3], ["1", 3], [None, 3], [[1], 3], [True, 3], None, "1,3",
        ]
    )  # fmt: skip
    return infer(tensor(shape=odd))


def nesting(chance: random.Random) -> Sent:
    """Lists in lists, objects in objects, up to where parsers run out of stack."""
    depth = chance.choice([101, 1_000, 5_000, 100_000])
    opening, closing = chance.choice([(b"[", b"]"), (b'{"a":', b"}")])
    deep = opening * depth + (b"1" if opening != b"[" else b"") + closing * depth * chance.choice([1, 0])
    where = chance.choice([b'{"inputs":%b}', b'{"inputs":[{"name":"x","shape":[1,3],"datatype":"FP32","data":%b}]}', b"%b"])
    return Sent(where % deep, path=chance.choice(["/v2/models/matrix/infer", "/endpoints/fare/predict", "/outcomes"]))


def names(chance: random.Random) -> Sent:
    """Names that are there twice, that are not the model's, or that are none."""
    return chance.choice(
        [
            infer(tensor(), tensor()),
            infer(tensor(), outputs=[{"name": "total"}, {"name": "total"}]),
            infer(tensor(), outputs=[{"name": "nothing"}] * 1_000),
            infer(tensor(name="y" * 100_000), tensor()),
            infer(tensor(name=None)),
            infer(tensor(name="\ud800")),
            infer(tensor(name="\0")),
            infer(),
            Sent(b'{"inputs":[],"inputs":[],"inputs":{}}'),
            Sent(b'{"distance":1,"distance":2,"stops":1}', path="/endpoints/fare/predict"),
            Sent(json.dumps({"columns": ["distance"] * 2, "data": [[1, 2]]}).encode(), path="/endpoints/fare/invocations"),
        ]
    )


def numbers(chance: random.Random) -> Sent:
    """What is no number, or no number of the type, or far too much of one."""
    said = chance.choice(
        [
            "1e999", "-1e999", "NaN", "Infinity", "1e-999", "0x10", "01", "+1", "1_000", ".5", "9" * 5_000, "1." + "0" * 5_000,
            "3.5e38", "-0", "true", "null", '"1"', "[]", "{}", '"\\ud800"', "1e", "--1",
        ]
    )  # fmt: skip
    if chance.random() < 0.5:
        return Sent(b'{"inputs":[{"name":"x","shape":[1,3],"datatype":"FP32","data":[1,2,%b]}]}' % said.encode())
    return Sent(b'{"distance":1.0,"stops":%b}' % said.encode(), path="/endpoints/fare/predict")


def texts(chance: random.Random) -> Sent:
    """Bytes that are no UTF-8, NULs, half surrogates, byte order marks, other encodings."""
    good = b'{"distance":1.0,"stops":1,"kind":"%b"}'
    odd = chance.choice(
        [b"\xff\xfe", b"\xc0\x80", b"\xed\xa0\x80", b"\0", b"\\u0000", b"\\ud800", b"\xf5\x80\x80\x80", b"\x1b[2J"]
    )
    raw = chance.choice([good % odd, b"\xef\xbb\xbf" + good % b"", b"\xff\xfe" + (good % b"").decode().encode("utf-16-le"), odd])
    return Sent(raw, path=chance.choice(["/endpoints/fare/predict", "/endpoints/fare/invocations", "/outcomes", "/invocations"]))


def outcomes(chance: random.Random) -> Sent:
    """Ground truth for nothing: ids that are none, rows and versions that nobody has, labels that are none."""
    real = "01890a5d-ac96-7b2e-8b1a-0123456789ab"
    identifier = chance.choice(
        [real + "/" + "9" * 5_000, real + "/-1", real + "/x", "", "\0", "x" * 100_000, real[:-1], f"{{{real}}}/1/2"]
    )
    odd = {"id": chance.choice([identifier, real + "/\u0663", 1, None])}
    if chance.random() < 0.5:
        odd = {
            "id": real,
            "label": chance.choice([[], {}, "x" * 100_000, "\ud800"]),
            "label_version": chance.choice([0, -1, 2**70, "1"]),
        }
    elif chance.random() < 0.5:
        odd["label"] = 1
    elif chance.random() < 0.5:
        odd = {
            "key": chance.choice(["ann", "", "x" * 10_000, [], 2**70, "\0"]),
            "endpoint": chance.choice(["fare", "nowhere", "", "../fare"]),
            "time": chance.choice([0, -1, 1e400, 2**70, "now", "2026-02-30", "9999-12-31T23:59:60Z", "", [], True]),
            "label": 1,
        }
    raw = json.dumps({"outcomes": chance.choice([[odd], [odd] * 30, {}, None, 1, [1], [[odd]]])}).encode()
    return Sent(raw if chance.random() < 0.8 else raw.replace(b"id", b"\xff"), path="/outcomes")


def cut(chance: random.Random) -> Sent:
    """A good body that ends too early, goes on too long, or has bytes changed."""
    good = bytearray(infer(tensor()).body)
    for _ in range(chance.choice([1, 1, 2, 5])):
        good[chance.randrange(len(good))] = chance.randrange(256)
    end = chance.choice([chance.randrange(len(good)), len(good)])
    return Sent(bytes(good[:end]) + chance.choice([b"", b"", b"}", b"\0", b" {}"]))


def lengths(chance: random.Random) -> Sent:
    """Lengths of the JSON part and of tensors that do not fit what is there."""
    size = chance.choice([12, 11, 13, 0, -1, 2**31, 2**63, "12", 1.5, None, True])
    said = json.dumps({"inputs": [{"name": "x", "shape": [1, 3], "datatype": "FP32", "parameters": {"binary_data_size": size}}]})
    end = len(said)
    told = chance.choice([end, end - 1, end + 1, end + 12, 0, -1, INT_MAX, INT_MAX + 1, 2**64, "", "+5", "0x10", f"{end}, {end}"])
    return Sent(said.encode() + bytes(chance.choice([12, 0, 11, 13])), (f"{HEADER}: {told}",))


def raw_bytes(chance: random.Random) -> Sent:
    """Raw tensors whose values are none: texts cut off, infinity, bytes for nothing."""
    kind = chance.choice(["BYTES", "BOOL", "FP32", "FP16", "INT64"])
    data = chance.choice([b"", b"\xff" * 12, b"\xff\xff\xff\x7f", b"\x01\0\0\0", b"\0\0\x80\x7f" * 3, chance.randbytes(12)])
    given = {"name": "x", "shape": [1, 3], "datatype": kind, "parameters": {"binary_data_size": len(data)}}
    said = json.dumps({"inputs": [given]}).encode()
    return Sent(said + data, (f"{HEADER}: {len(said)}",))


@functools.cache
def _unfolding() -> tuple[tuple[str, bytes], ...]:
    good = infer(tensor()).body
    bomb = gzip.compress(bytes(8 << 20), 1)
    return (
        ("gzip", bomb), ("gzip", bomb * 3), ("deflate", zlib.compress(bytes(8 << 20))), ("gzip", gzip.compress(bomb)),
        ("gzip", gzip.compress(good)[:-4]), ("gzip", gzip.compress(good) + b"more"), ("gzip", good), ("deflate", b"\x78\x9c"),
        ("gzip", gzip.compress(b"") * 1_000), ("br", good), ("gzip, gzip", good), ("\x7f", good), ("deflate", good[::-1]),
    )  # fmt: skip


def compressed(chance: random.Random) -> Sent:
    """Bodies that unfold without end, in many pieces, only in part, or not at all."""
    encoding, body = chance.choice(_unfolding())
    return Sent(body, (f"content-encoding: {encoding}",))


def sheets(chance: random.Random) -> Sent:
    """CSV: quotes that do not close, rows of other lengths, huge cells, no rows, binary, charsets."""
    body = chance.choice(
        [
            b"", b"\n" * 1_000, b"distance,stops\n1", b'distance,stops\n"1,2', b"distance,stops\n1,2,3", b"a" * 200_000 + b"\n1",
            b"distance,stops\n" + b"9" * 200_000 + b",1", b"\0,\0\n\0,\0", b"distance,distance\n1,2", b"distance,stops\n=1+1,2",
            b"distance,stops\n\xff,1", b"," * 50_000 + b"\n" + b"," * 50_000, b"distance,stops\r1,2\r",
        ]
    )  # fmt: skip
    charset = chance.choice(["", "; charset=utf-16", "; charset=rot13", "; charset=idna", '; charset="utf-8', ";;;="])
    return Sent(body, (f"content-type: text/csv{charset}",), "/endpoints/fare/invocations")


def forms(chance: random.Random) -> Sent:
    """Bodies of another form than the path takes, and keys that mean something elsewhere."""
    body = chance.choice(
        [
            {"dataframe_split": {"columns": [], "data": []}}, {"dataframe_split": {"columns": ["x"] * 3, "data": [[1]]}},
            {"instances": []}, {"inputs": {}}, {"inputs": {"distance": [], "stops": [1]}}, {"instances": 1, "inputs": 1},
            {"dataframe_records": [1, {}, []]}, {"records": [[1, 2, 3]]}, {"records": {}}, {"records": None}, [], [[]], 1, None,
            {"inputs": [tensor(parameters={"shared_memory_region": "/etc/passwd"})]}, {"inputs": [tensor(parameters=[])]},
            {"inputs": [tensor(datatype="OBJECT")]}, {"inputs": [tensor(data="AAAA")]}, {"outcomes": [{"id": 1}]},
        ]
    )  # fmt: skip
    path = chance.choice(
        ["/endpoints/fare/invocations", "/endpoints/fare/predict", "/v2/models/fare/infer", "/outcomes", "/invocations"]
    )
    return Sent(json.dumps(body).encode(), path=path)


MAKERS: tuple[Maker, ...] = (
    shapes, nesting, names, numbers, texts, outcomes, cut, lengths, raw_bytes, compressed, sheets, forms,
)  # fmt: skip
