"""Logged requests asked again of a real worker process: what differs, fails or kills it, and that nothing is left behind."""

import itertools
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator

import msgspec
import pytest
import worker_fixtures as fixtures

from tests.process import living
from tidegate.control.batch import replaying, verdicts, worker
from tidegate.core.vocabulary import errors, home, ids, records, tables
from tidegate.dataplane.predlog import segments

T0 = 1_700_000_000
CODE = '''
import os, time
import numpy as np

class Odd:
    """Sums its numbers; 10 off where the first is over 900. 666 raises, 444 kills the process, 333 hangs."""
    def predict(self, given):
        given = np.asarray(given)[:, :2].astype(float)
        if (given == 666).any():
            raise ValueError("no such carrier: 666")
        if (given == 444).any():
            os._exit(7)
        if (given == 333).any():
            time.sleep(3600)
        return given.sum(axis=1) + 10 * (given[:, 0] > 900)
'''


def place(tmp_path: pathlib.Path) -> home.Home:
    made = home.Home(tmp_path / "home")
    made.prepare()
    return made


def logged(made: home.Home, rows: list[tuple[float, float]], **more: object) -> list[records.Prediction]:
    """Each row a request that v1 answered with its sum, a second after the other."""
    found = []
    for number, (one, two) in enumerate(rows):
        ns = (T0 + number) * 10**9
        body = json.dumps(fixtures.infer([one, two])).encode()
        found.append(
            records.Prediction(
                1, "host", "b" * 32, number, ids.uuid7(ns // 10**6, number), "", "production", "odd", "", 0, 1, 1, "d",
                0, 0, False, b"", 0, 0, 200, 1, False, ns, 1, 1, 1, 1, -1, (one + two,), "infer", body, b"",
            )
        )  # fmt: skip
        found[-1] = msgspec.structs.replace(found[-1], **more)
    segments.Writer(made.segments, "host", "b" * 32).append(found)
    return found


def wanted(digest: str, **more: object) -> replaying.Wanted:
    subject = worker.Subject(digest, "odd", "v2")
    return replaying.Wanted(**({"endpoint": "odd", "stable": 1, "subject": subject, "span": (T0, T0 + 10**6)} | more))


def report(made: home.Home, digest: str, **more: object) -> replaying.Report:
    return replaying.Replay(made, wanted(digest, **more)).run(lambda *_: None)


@pytest.fixture(autouse=True)
def scratch(monkeypatch, tmp_path) -> Iterator[pathlib.Path]:
    """Where this test's replays have their scratch folders: a short path, since sockets are in there."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="r-"))
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    yield folder
    shutil.rmtree(folder)


def processes(scratch: pathlib.Path) -> set[int]:
    """Living workers of this test's replays."""
    found = set()
    for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if str(scratch).encode() in path.read_bytes():
                found.add(int(path.parts[2]))
        except OSError:
            continue
    return found


def test_thousands_of_requests_are_asked_and_what_differs_is_counted(tmp_path, scratch):
    made = place(tmp_path)
    logged(made, [(float(at % 1_000) + at / 1e4, 1.0) for at in range(4_000)])
    before = sorted(path.name for path in made.root.rglob("*"))
    seen = []
    found = replaying.Replay(made, wanted(fixtures.bundle(made, code=CODE))).run(lambda *told: seen.append(told))
    assert (found.asked, found.pairs.pairs, found.pairs.failed, found.deaths) == (4_000, 4_000, 0, 0)
    assert found.pairs.disagreed == sum(at % 1_000 + at / 1e4 > 900 for at in range(4_000))
    assert found.pairs.largest == 10.0
    assert found.verdict.result == verdicts.BEYOND
    assert found.rate > 100
    assert [count for count, _ in seen] == sorted(count for count, _ in seen)
    after = sorted(path.name for path in made.root.rglob("*") if "bundles" not in path.parts)
    assert set(after) <= set(before)
    assert not processes(scratch)
    assert not list(scratch.glob("tidegate-replay-*"))


def test_a_request_that_kills_it_or_hangs_it_is_found_and_its_neighbours_are_answered(tmp_path, scratch):
    made = place(tmp_path)
    rows = [(float(at), 1.0) for at in range(60)]
    rows[20], rows[40], rows[50] = (444.0, 1.0), (333.0, 1.0), (666.0, 1.0)
    logged(made, rows)
    digest = fixtures.bundle(made, code=CODE)
    questions = (
        worker.Question(at, ids.uuid7(T0 * 1000, at), worker.samples.Sample(1, json.dumps(fixtures.infer(list(row))).encode()))
        for at, row in enumerate(rows)
    )
    with worker.Worker(made, worker.Subject(digest, "odd", "v2"), silent=2.0) as asked:
        replies = {reply.number: reply for reply in asked.ask(questions)}
    assert set(replies) == set(range(60))
    assert {number: reply.trouble for number, reply in replies.items() if reply.head is None} == {
        20: worker.DIED,
        40: worker.HUNG.format(2.0),
    }
    assert [number for number, reply in replies.items() if reply.head is not None and reply.head.mark] == [50]
    assert 2 <= asked.deaths <= 6
    assert not processes(scratch)


def test_one_that_dies_of_everything_is_given_up(tmp_path, scratch):
    made = place(tmp_path)
    logged(made, [(444.0, float(at)) for at in range(40)])
    with pytest.raises(errors.InstanceLost, match="died 11 times"):
        report(made, fixtures.bundle(made, code=CODE))
    assert not processes(scratch)


def test_one_that_cannot_load_says_why(tmp_path, scratch):
    made = place(tmp_path)
    logged(made, [(1.0, 1.0)])
    broken = fixtures.bundle(made, code="class Odd:\n    def predict(self, given):\n        raise ValueError('not today')\n")
    with pytest.raises(errors.WarmupFailed, match="not today"):
        report(made, broken)
    assert not processes(scratch)


def test_failures_are_told_in_the_models_words_and_truth_says_who_was_right(tmp_path):
    made = place(tmp_path)
    found = logged(made, [(0.0, 0.2), (666.0, 0.0), (901.0, 0.0), (1.0, 0.0)])
    heard = [
        records.Outcome(1, "host", "c" * 32, number, found[at].id, 0, label, 1, 0, T0 * 10**9)
        for number, (at, label) in enumerate(((0, 0.2), (1, 666.0), (2, 911.0)))
    ]
    segments.Writer(made.segments, "host", "c" * 32).append(heard)
    rule = tables.Outcomes(kind="number", tolerance=0.01)
    told = report(made, fixtures.bundle(made, code=CODE), outcomes=rule, pairing=tables.Pairing(0.5))
    assert (told.pairs.pairs, told.pairs.disagreed, told.pairs.failed) == (4, 2, 1)
    assert told.errors == {"predict-failed: ValueError: no such carrier: 666": 1}
    assert (told.pairs.copy_only_wrong, told.pairs.served_only_wrong) == (1, 1)
    assert told.outcomes == replaying.Known(3, 1, 1)


def test_what_cannot_be_compared_is_counted_and_nothing_at_all_is_refused(tmp_path):
    made = place(tmp_path)
    logged(made, [(1.0, 1.0)] * 5)
    digest = fixtures.bundle(made, code=CODE)
    assert (report(made, digest).asked, report(made, digest).same_input) == (1, 4)
    assert report(made, digest, limit=2).asked <= 2
    for more in ({"span": (T0 - 9, T0 - 1)}, {"stable": 3}, {"endpoint": "other"}):
        with pytest.raises(errors.InputInvalid, match="no request"):
            report(made, digest, **more)
    bare = place(tmp_path / "bare")
    logged(bare, [(1.0, 1.0), (2.0, 1.0)], input=b"")
    with pytest.raises(errors.InputInvalid, match="without their inputs"):
        report(bare, fixtures.bundle(bare, code=CODE))


def test_at_the_speed_they_came_it_takes_as_long(tmp_path):
    made = place(tmp_path)
    logged(made, [(float(at), 1.0) for at in range(4)])
    began = time.monotonic()
    told = report(made, fixtures.bundle(made, code=CODE), speed=4.0)
    assert told.asked == 4
    assert told.seconds >= 0.7
    assert time.monotonic() - began >= 0.7


def test_a_real_endpoints_log_is_replayed_while_it_serves_and_when_it_is_down(tmp_path, models):
    with living.alive(tmp_path, models) as system:
        with living.Traffic(system.address, 600) as traffic:
            living.wait(lambda: traffic.answered >= 1_500, 60.0, what="traffic")
        assert traffic.failed == 0
        labels = tmp_path / "labels.csv"
        some = itertools.islice(traffic.ids.items(), 200)
        labels.write_text("id,label\n" + "".join(f"{identifier},{label}\n" for identifier, label in some))
        system.run("feedback", "--file", str(labels))
        same = json.loads(system.run("replay", living.ENDPOINT, "--candidate", "v1", "--json"))
        careless = json.loads(
            system.run("replay", living.ENDPOINT, "--candidate", system.model("no-negatives"), "--json", code=3)
        )
        system.run("replay", "--candidate", "v7", code=2)
        system.run("replay", "--candidate", "v1", "--speed", "fast", code=2)
    assert (same["verdict"]["result"], same["pairs"]["disagreed"]) == ("within", 0)
    assert same["pairs"]["pairs"] + same["same_input"] >= 1_500
    assert same["outcomes"]["labelled"] >= 190
    assert careless["verdict"]["result"] == "beyond"
    # It raises on a negative width, which is one request in seven.
    assert 0.08 < careless["pairs"]["failed"] / careless["pairs"]["pairs"] < 0.22
    assert careless["errors"]
    assert careless["candidate"] == "the candidate"
    text = system.run("replay", "--candidate", "v1")
    assert "requests/s" in text
    assert text.endswith("within the tolerance of 1 %.\n")
    few = system.run("replay", "--candidate", "v1", "--limit", "200", code=4)
    assert "200 requests asked" in few
    assert "not decided" in few
    redrawn = json.loads(system.run("calibrate", "--runs", "1", "--json"))
    assert redrawn["requests"] >= 1_500
    assert redrawn["bad"] == 0
    dead = next(one["at_once"] for one in redrawn["scenarios"] if one["name"] == "errors 100 %")
    assert (dead["seconds"]["share"], dead["by"]) == (1.0, {"errors": 1})
    assert "latency x3" in [one["name"] for one in redrawn["scenarios"]]


def test_a_candidate_that_differs_in_one_slice_only_is_caught_there(tmp_path):
    made = place(tmp_path)
    digest = fixtures.bundle(made, fixtures.COLUMNS, {"records": [{"a": 1.0, "b": 2, "note": "x"}]}, code=CODE)
    found = logged(made, [(float(901 if at % 10 == 3 else at / 7), 1.0) for at in range(1_500)], digest=digest, content="records")
    bodies = [{"a": one.answers[0] - 1, "b": 1, "note": f"n{at % 10}"} for at, one in enumerate(found)]
    shutil.rmtree(made.segments)
    made.segments.mkdir()
    again = [msgspec.structs.replace(one, input=json.dumps(body).encode()) for one, body in zip(found, bodies, strict=True)]
    segments.Writer(made.segments, "host", "b" * 32).append(again)
    told = report(made, digest, slices=("note",), bounds=verdicts.Bounds(tolerance=0.2))
    # Ten percent of all is within the tolerance; everything of one slice is not.
    assert told.verdict.result == verdicts.WITHIN
    assert told.beyond == ("note=n3",)
    assert told.slices["note=n3"].disagreed == told.slices["note=n3"].pairs > 0
    assert {one.disagreed for name, one in told.slices.items() if name != "note=n3"} == {0}


ENDLESS = """
import pathlib, sys, tempfile
from tidegate.control.batch import replaying, worker
from tidegate.core.vocabulary import home
tempfile.tempdir = sys.argv[3]
wanted = replaying.Wanted("odd", 1, worker.Subject(sys.argv[2], "odd", "v2"), (1_700_000_000, 1_800_000_000), speed=0.001)
replaying.Replay(home.Home(pathlib.Path(sys.argv[1])), wanted).run(lambda *_: None)
"""


def test_its_worker_ends_with_it_however_it_ends(tmp_path, scratch):
    made = place(tmp_path)
    logged(made, [(float(at), 1.0) for at in range(4)])
    digest = fixtures.bundle(made, code=CODE)
    child = subprocess.Popen([sys.executable, "-c", ENDLESS, str(made.root), digest, str(scratch)])
    ready = lambda: list(scratch.glob("tidegate-replay-*/*.sock"))  # noqa: E731
    living.wait(ready, what="its worker to listen")
    workers = processes(scratch) - {child.pid}
    assert workers
    child.kill()
    child.wait()
    living.wait(lambda: not workers & processes(scratch), what="its worker to end")
