"""A worker for tests of the gateway: speaks frames, has no model. What it does is in the body: {"do": ...}.

python gateway_worker.py ADDRESS TOKEN INSTANCE DIGEST VERSION [DEFAULT]

do: ok, error, invalid, breach (of the first rule asked for), reject, hang, die, slow (0.3 s), large (300 kB), binary (answers
with tensors), or nothing: DEFAULT (ok). Its answers say which batch they were in. In a CSV or a
protobuf message it is at the end.
"""

import asyncio
import json
import os
import pathlib
import sys

from tidegate.core.vocabulary import handling, marks
from tidegate.dataplane.wire import frames

MARKS = {"ok": marks.Mark.OK, "error": marks.Mark.ERROR, "invalid": marks.Mark.INVALID, "reject": marks.Mark.REJECTED}
MARKS |= {"breach": marks.Mark.INVALID}
STATUS = {"ok": 200, "error": 500, "invalid": 500, "reject": 400, "breach": 200}
CODES = {"ok": "", "error": "predict-failed", "invalid": "output-invalid", "reject": "input-invalid", "breach": ""}

ABOUT = (frames.Content.METADATA, frames.Content.CONFIG, frames.Content.OPENAPI)
OPENAPI = {
    "openapi": "3.1.0",
    "info": {"title": "flights <b>", "version": "v1"},
    "paths": {
        "/endpoints/flights/predict": {
            "post": {
                "summary": "Predict",
                "requestBody": {"content": {"application/json": {"example": {"it's": 1}}}},
                "responses": {"200": {"content": {"application/json": {"example": {"answer": 0.5}}}}},
            }
        }
    },
}


class Serving(asyncio.Protocol):
    def __init__(self, token, instance, digest, version, default):
        self.token, self.instance, self.digest, self.version, self.default = token, instance, digest, version, default
        self.reader, self.cancelled = frames.Reader(), set()
        self.batch, self.rows = 0, 1

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.batch += 1
        found = self.reader.feed(data)
        for kind, call, head, body in found:
            if kind == frames.Kind.HELLO:
                hello = frames.msgspec.msgpack.decode(head, type=frames.Hello)
                if hello.token != self.token:
                    self.transport.write(frames.pack(frames.Kind.REFUSED, 0, None))
                    self.transport.close()
                    return
                welcome = frames.Welcome(frames.PROTOCOL, self.instance, self.digest)
                self.transport.write(frames.pack(frames.Kind.WELCOME, 0, welcome))
            elif kind == frames.Kind.CANCEL:
                self.cancelled.add(call)
            elif kind == frames.Kind.CALL:
                self.call(call, frames.msgspec.msgpack.decode(head, type=frames.Call), body, len(found))

    def call(self, number, head, body, calls):
        if head.content in ABOUT:
            told = {"name": head.endpoint, "versions": [head.version], "platform": "test", "inputs": [], "outputs": []}
            if head.content == frames.Content.OPENAPI:
                told = OPENAPI
            self.answer(number, "ok", json.dumps(told).encode(), calls)
            return
        try:
            said = body if head.json_bytes < 0 else body[: head.json_bytes]
            if head.content in (frames.Content.CSV, frames.Content.GRPC):
                said = body[body.find(b'{"') :] if b'{"' in body else b""
            given = json.loads(said or b"{}")
        except ValueError:
            given = {"do": "reject"}
        do = given.get("do", self.default) if isinstance(given, dict) else self.default
        do = do.get(self.version, "ok") if isinstance(do, dict) else do
        terms = frames.msgspec.msgpack.decode(head.terms, type=handling.Terms) if head.terms else handling.PLAIN
        self.rows = given.get("rows", 1) if isinstance(given, dict) else 1
        if do == "die":
            os.kill(os.getpid(), 9)
        elif do == "slow":
            asyncio.get_running_loop().call_later(0.3, self.answer, number, "ok", b'{"slow": true}', calls)
        elif do == "large":
            self.answer(number, "ok", json.dumps({"pad": "x" * 300_000}).encode(), calls)
        elif do == "binary":
            self.answer(number, "ok", b'{"outputs":[]}' + bytes(8), calls, json_bytes=14)
        elif do != "hang":
            answer = {"did": do, "version": head.version, "calls": calls, "batch": self.batch, "got": len(body)}
            answer |= {"content": head.content, "json": head.json_bytes, "round": terms.round}
            breach = terms.rules[0].text if do == "breach" else ""
            self.answer(number, do, json.dumps(answer).encode(), calls, breach=breach)

    def answer(self, number, do, body, calls, json_bytes=-1, breach=""):
        if number in self.cancelled:
            return
        ok = do == "ok"
        told = (3, (0.5,)) if ok else (-1, ())
        reply = frames.Reply(STATUS[do], MARKS[do], 150, self.rows, calls, *told, CODES[do], "", json_bytes, breach)
        self.transport.write(frames.pack(frames.Kind.REPLY, number, reply, body))


async def main(address, *rest):
    default = rest[4] if len(rest) > 4 else "ok"
    loop = asyncio.get_running_loop()
    path = address.removeprefix("unix:")
    pathlib.Path(path).unlink(missing_ok=True)
    server = await loop.create_unix_server(lambda: Serving(*rest[:4], default), path)
    print("ready", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
