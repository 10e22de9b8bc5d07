"""What the release before wrote is understood, and what this one writes is understood by it: N talks to N-1.

`golden/release-before.json` holds its bytes, recorded from its own code; `Before...` are its shapes.
"""

import json
import pathlib

import msgspec
import pytest

from tidegate.core.vocabulary import marks, records, tables
from tidegate.dataplane.wire import frames, fronts, tablefile

GOLDEN = json.loads((pathlib.Path(__file__).parents[1] / "golden" / "release-before.json").read_text())
BYTES = {name: bytes.fromhex(raw) for name, raw in GOLDEN["frames"].items()}


class BeforeCall(msgspec.Struct, frozen=True, array_like=True):
    prediction_id: bytes
    endpoint: str
    version: str
    content: int
    budget_us: int


class BeforeReply(msgspec.Struct, frozen=True, array_like=True):
    status: int
    mark: int
    model_us: int
    rows: int
    batch_rows: int
    bin: int = -1
    answers: tuple[float | str | None, ...] = ()
    error: str = ""
    detail: str = ""


class BeforeAsked(msgspec.Struct, frozen=True, array_like=True):
    ask: str
    endpoint: str = ""
    version: str = ""
    fields: dict[bytes, bytes] = {}


class BeforeRoute(msgspec.Struct, frozen=True):
    endpoint: str
    environment: str
    stable: tables.Deployed
    weight: int = 0
    generation: int = 0


class BeforeTable(msgspec.Struct, frozen=True):
    generation: int
    parent: int
    routes: dict[str, BeforeRoute]
    protocol: int = 1


def only(raw: bytes) -> tuple[int, int, bytes, bytes]:
    (found,) = frames.Reader().feed(raw)
    return found


def test_its_frames_are_read_with_what_was_added_since_at_its_default():
    kind, number, head, body = only(BYTES["call"])
    call = msgspec.msgpack.decode(head, type=frames.Call)
    assert (kind, number, call.endpoint, call.budget_us) == (frames.Kind.CALL, 7, "odd", 2_000_000)
    assert (call.json_bytes, call.terms, body) == (-1, b"", b'{"records": [[1, 2]]}')
    kind, number, head, body = only(BYTES["reply"])
    reply = msgspec.msgpack.decode(head, type=frames.Reply)
    assert (kind, number, reply.status, reply.bin, reply.answers) == (frames.Kind.REPLY, 7, 200, 3, (0.25,))
    assert (reply.json_bytes, reply.breach, reply.worker_us) == (-1, "", 0)
    hello = msgspec.msgpack.decode(only(BYTES["hello"])[2], type=frames.Hello)
    assert hello.oldest <= frames.PROTOCOL
    assert hello.protocol >= frames.OLDEST


@pytest.mark.parametrize("name", BYTES)
def test_the_same_frame_is_still_written_so_that_it_reads_it(name):
    kind, number, head, body = only(BYTES[name])
    shapes = {frames.Kind.CALL: (frames.Call, BeforeCall), frames.Kind.REPLY: (frames.Reply, BeforeReply)}
    now, before = shapes.get(frames.Kind(kind), (None, None))
    if now is None:
        return
    written = frames.pack(frames.Kind(kind), number, msgspec.msgpack.decode(head, type=now), body)
    assert written[:2] == BYTES[name][:2]  # protocol and kind
    assert msgspec.msgpack.decode(only(written)[2], type=before) == msgspec.msgpack.decode(head, type=before)


def test_its_front_is_understood_and_its_gateway_understands_ours():
    before = BeforeAsked("grpc", "flights", "2", {b"authorization": b"x"})
    asked = msgspec.msgpack.decode(msgspec.msgpack.encode(before), type=fronts.Asked)
    assert (asked.endpoint, asked.version, asked.fields, asked.role) == ("flights", "2", {b"authorization": b"x"}, 0)
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(asked), type=BeforeAsked) == before


def test_its_table_is_read_and_one_of_this_release_is_read_by_it(tmp_path):
    path = tmp_path / "table.json"
    path.write_text(json.dumps(GOLDEN["table"]))
    table = tablefile.read(path)
    route = table.routes["flights"]
    assert (table.generation, route.weight, route.salt, route.limits.timeout_ms) == (7, 500, b"salt", 1500)
    assert (table.gateways, table.holders, route.asleep, route.terms.rules, route.guard) == (1, (), False, (), "rescue")
    assert table.override is not None
    written = tablefile.write(path, lambda now: msgspec.structs.replace(now, gateways=3, override=None))
    assert written.routes["flights"].generation == 7  # nothing that draws requests has changed
    before = msgspec.json.decode(path.read_bytes(), type=BeforeTable)
    assert (before.generation, before.parent, before.routes["flights"].weight) == (8, 7, 500)


def test_a_table_of_the_next_release_is_read_without_what_it_adds(tmp_path):
    path = tmp_path / "table.json"
    table = {**GOLDEN["table"], "protocol": tables.PROTOCOL + 1, "tides": [1, 2]}
    table["routes"] = {"flights": {**table["routes"]["flights"], "moon": {"phase": "full"}}}
    path.write_text(json.dumps(table))
    assert tablefile.read(path).routes["flights"].weight == 500


def test_its_records_are_read():
    found = msgspec.msgpack.decode(bytes.fromhex(GOLDEN["record"]), type=records.Prediction)
    assert (found.endpoint, found.mark, found.answers, found.worker_us) == ("flights", marks.Mark.OK, (0.25,), 0)
