"""What the recorder keeps of answered requests for warming up on."""

import msgspec
import predlog_fixtures as given

from tidegate.core.vocabulary import marks
from tidegate.dataplane.wire import frames, samples
from tidegate.observability.recording import keepsakes


def one(body: bytes, **changes):
    return msgspec.structs.replace(given.prediction(0), input=body, **changes)


def kept(tmp_path, endpoint="flight-delay") -> list[bytes]:
    return [sample.body for sample in samples.read(tmp_path, endpoint)]


def test_only_live_requests_that_were_answered_well_and_are_not_large(tmp_path):
    book = keepsakes.Keepsakes(tmp_path)
    good, again = one(b"good"), one(b"good")
    large, logless = one(b"x" * (keepsakes.LARGEST + 1)), one(b"")
    failed, mirrored = one(b"failed", mark=int(marks.Mark.ERROR)), one(b"mirrored", role=1)
    book.note([good, again, large, logless, failed, mirrored, one(b"new", content="flatbuffers")])
    book.publish(100.0, ())
    assert samples.read(tmp_path, "flight-delay") == (samples.Sample(int(frames.Content.RECORDS), b"good"),)


def test_binary_bodies_are_kept_with_the_length_of_their_json(tmp_path):
    book = keepsakes.Keepsakes(tmp_path)
    book.note([one(b"{}\x00\x01", content="binary", json_bytes=2)])
    book.publish(100.0, ())
    assert samples.read(tmp_path, "flight-delay") == (samples.Sample(int(frames.Content.INFER), b"{}\x00\x01", 2),)


def test_the_newest_stay_within_count_and_bytes(tmp_path):
    book = keepsakes.Keepsakes(tmp_path)
    book.note([one(b"%d" % number) for number in range(100)])
    book.publish(100.0, ())
    assert kept(tmp_path) == [b"%d" % number for number in range(36, 100)]
    book.note([one(bytes([number]) * keepsakes.LARGEST) for number in range(20)])
    book.publish(200.0, ())
    assert [body[0] for body in kept(tmp_path)] == list(range(4, 20))


def test_a_successor_goes_on_with_them_and_they_are_written_seldom(tmp_path):
    first = keepsakes.Keepsakes(tmp_path)
    first.note([one(b"a")])
    first.publish(100.0, ())
    first.note([one(b"b")])
    first.publish(101.0, ())
    assert kept(tmp_path) == [b"a"]
    second = keepsakes.Keepsakes(tmp_path)
    second.note([one(b"c")])
    second.publish(110.0, ())
    assert kept(tmp_path) == [b"a", b"c"]


def test_an_endpoint_that_logs_no_inputs_loses_what_there_was(tmp_path):
    book = keepsakes.Keepsakes(tmp_path)
    book.note([one(b"a"), one(b"b", endpoint="another")])
    book.publish(100.0, ())
    book.note([one(b"c")])
    book.publish(110.0, ["flight-delay"])
    assert (kept(tmp_path), kept(tmp_path, "another")) == ([], [b"b"])
