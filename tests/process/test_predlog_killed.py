"""Real processes: a writer that is killed or out of disk, and a recorder that is killed again and again."""

import itertools
import json
import pathlib
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable

import msgspec
import pyarrow.parquet as pq

from tidegate.core.vocabulary import home, ids, instances, losses, records, sums, tables
from tidegate.dataplane.predlog import catalogue, reader, segments

BOOT = "a" * 32
RECORDER = """
import pathlib, sys
from tidegate.core.vocabulary import home
from tidegate.observability.recording import process
sys.exit(process.run(home.Home(pathlib.Path(sys.argv[1])), "recorder"))
"""
RECORD = """
import pathlib, resource, sys
from tidegate.core.vocabulary import errors, ids, records
from tidegate.dataplane.predlog import segments
def outcome(sequence, label="x" * 100):
    return records.Outcome(1, "host", "a" * 32, sequence, ids.uuid7(sequence, sequence), 0, label, 1, 0, 0)
writer = segments.Writer(pathlib.Path(sys.argv[1]), "host", "a" * 32, 20_000)
"""
ENDLESS = (
    RECORD
    + """
while True:
    writer.append([outcome(writer.sequence + at) for at in range(7)])
    print(writer.sequence, flush=True)
"""
)
FULL = (
    RECORD
    + """
soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (5_000, hard))
refused = 0
while not refused:
    try:
        writer.append([outcome(writer.sequence + at) for at in range(9)])
    except errors.LogUnavailable:
        refused = writer.sequence
try:
    writer.append([outcome(writer.sequence)])
    sys.exit("a full disk took a record")
except errors.LogUnavailable:
    pass
print(refused, flush=True)
sys.stdin.readline()
resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
writer.append([outcome(writer.sequence)])
print(writer.sequence, flush=True)
"""
)


def python(program: str, *given: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", program, *given], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def until(true: Callable[[], object], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not come true in time"
        time.sleep(0.02)


def everything(folder: pathlib.Path) -> list[int]:
    return [
        record.sequence for files in segments.listing(folder).values() for _, path in files for _, record in segments.read(path)
    ]


def test_what_a_killed_writer_appended_is_there_whole_and_in_order(tmp_path: pathlib.Path) -> None:
    child = python(ENDLESS, str(tmp_path))
    assert child.stdout is not None
    told = [int(line) for line in itertools.islice(child.stdout, 60)]
    child.kill()
    told += [int(line) for line in child.stdout.read().split()]
    child.communicate()
    found = everything(tmp_path)
    assert found == list(range(len(found)))
    assert len(found) >= told[-1]
    assert len(segments.listing(tmp_path)[BOOT]) > 1
    assert not any(segments.in_use(path) for _, path in segments.listing(tmp_path)[BOOT])


def test_a_disk_that_is_full_leaves_whole_records_and_takes_more_once_there_is_room(tmp_path: pathlib.Path) -> None:
    child = python(FULL, str(tmp_path))
    assert child.stdout is not None
    refused = int(child.stdout.readline())
    path = tmp_path / segments.name(BOOT, 0)
    assert everything(tmp_path) == list(range(refused))
    assert [after for after, _ in segments.read(path)][-1] == path.stat().st_size
    told, trouble = child.communicate("\n")
    assert child.returncode == 0, trouble
    assert everything(tmp_path) == list(range(int(told)))
    assert int(told) == refused + 1


def place(root: pathlib.Path) -> home.Home:
    made = home.Home(root)
    made.prepare()
    rule = tables.Outcomes("probability", within_seconds=0.5)
    route = tables.Route("e", "production", tables.Deployed(1, "d", "m"), release="r1", outcomes=rule)
    made.table.write_bytes(msgspec.json.encode(tables.Table(1, 0, {"e": route})))
    return made


def pair(sequence: int) -> list[segments.Record]:
    """A prediction of now and its outcome; every fourth is the candidate's, and wrong."""
    now = time.time_ns()
    candidate = sequence % 8 == 0
    one = records.Prediction(
        1, "host", BOOT, sequence, ids.uuid7(now // 10**6, sequence), "", "production", "e", "r1", 0, 5, 1, "d", int(candidate),
        500, True, b"", 0, 0, 200, 1, False, now, 1, 1, 1, 1, -1, (0.9,), "records", b"{}", b"{}",
    )  # fmt: skip
    return [one, records.Outcome(1, "host", BOOT, sequence + 1, one.id, 0, float(not candidate), 1, 0, now + 10**6)]


def stored(made: home.Home) -> list[int]:
    with catalogue.Catalogue(made.log, readonly=True) as known:
        paths = [made.log / file.path for file in known.files()]
    assert sorted(paths) == sorted(made.log.rglob("*.parquet"))
    return sorted(number for path in paths for number in pq.read_table(path, partitioning=None)["sequence"].to_pylist())


def said(made: home.Home, pid: int) -> dict[str, object]:
    state = instances.read_state(made.instances, "recorder")
    return state if state.get("pid") == pid else {}


def test_a_recorder_killed_again_and_again_loses_nothing_and_repeats_nothing(tmp_path: pathlib.Path) -> None:
    made = place(tmp_path)
    writer = segments.Writer(made.segments, "host", BOOT, rotate_bytes=40_000)
    chance = random.Random(3)
    written: list[segments.Record] = []

    def append(seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            batch = [one for at in range(5) for one in pair(writer.sequence + 2 * at)]
            writer.append(batch)
            written.extend(batch)
            time.sleep(0.01)

    for _ in range(4):
        child = python(RECORDER, str(tmp_path))
        until(lambda child=child: said(made, child.pid).get("state") == "ready")  # type: ignore[misc]
        append(chance.uniform(0.0, 2.2))
        child.send_signal(signal.SIGKILL)
        child.communicate()
        assert reader.find(made, written[-1].id) is not None
    child = python(RECORDER, str(tmp_path))
    append(0.2)
    until(lambda: said(made, child.pid).get("recorded") == writer.sequence)
    candidates = len(written) // 8 + bool(len(written) % 8)

    def labels() -> sums.Labels:
        return msgspec.json.decode((made.labels / "e.json").read_bytes(), type=dict[str, sums.Labels])["r1"]

    until(lambda: sum(one.candidate + one.stable for one in labels().sums) == len(written) // 2)
    child.terminate()
    _, trouble = child.communicate()
    assert child.returncode == 0, trouble
    state = instances.read_state(made.instances, "recorder")
    assert state["state"] == "done"
    assert stored(made) == list(range(writer.sequence))
    told = labels()
    assert told.joined == len(written) // 2
    assert sum(one.candidate_wrong for one in told.sums) == told.wrong == candidates
    assert sum(one.stable_labelled + one.candidate_labelled for one in told.sums) == told.joined
    assert sum(one.stable_wrong for one in told.sums) == 0
    for loss, arm, count in ((0.9**2, "candidate_loss", candidates), ((1.0 - 0.9) ** 2, "stable_loss", told.joined - candidates)):
        near = {losses.fair(loss, chance) for chance in (0.0, 0.999)}
        assert sum(sum(dict(getattr(one, arm)).values()) for one in told.sums) == count
        assert {bucket for one in told.sums for bucket, _ in getattr(one, arm)} <= near


def mirrored(sequence: int) -> list[segments.Record]:
    """A request of now, its copy, its outcome and a posted value; every other copy differs, and only the copy is wrong then."""
    one, told = pair(sequence)
    assert isinstance(one, records.Prediction)
    assert isinstance(told, records.Outcome)
    one = msgspec.structs.replace(one, input=b"%d" % sequence)
    copy = msgspec.structs.replace(one, role=1, arm=1 - one.arm, evidence=False, input=b"", answers=(0.9 - sequence % 2,))
    truth = msgspec.structs.replace(told, label=1.0)
    return [one, copy, truth, msgspec.structs.replace(told, metric="revenue", label=2.0)]


def test_a_recorder_killed_again_and_again_pairs_every_copy_once_from_two_gateways(tmp_path: pathlib.Path) -> None:
    made = place(tmp_path)
    writers = [segments.Writer(made.segments, "host", boot * 32, rotate_bytes=40_000) for boot in "ac"]
    chance, count = random.Random(5), itertools.count()

    def append(seconds: float) -> int:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            number = next(count)
            for at, one in enumerate(mirrored(number)):
                writer = writers[(number + at) % 2]
                writer.append([msgspec.structs.replace(one, incarnation=writer.incarnation, sequence=writer.sequence)])
            time.sleep(0.002)
        return number

    for _ in range(4):
        child = python(RECORDER, str(tmp_path))
        until(lambda child=child: said(made, child.pid).get("state") == "ready")  # type: ignore[misc]
        append(chance.uniform(0.2, 2.4))
        child.send_signal(signal.SIGKILL)
        child.communicate()
    child = python(RECORDER, str(tmp_path))
    total = append(0.2) + 1

    def paired() -> sums.PairSum:
        found = msgspec.json.decode((made.pairs / "e.json").read_bytes(), type=dict[str, sums.Pairs])["r1"]
        return found.all if not found.unmatched else sums.PairSum()

    until(lambda: said(made, child.pid).get("recorded") == sum(writer.sequence for writer in writers))
    until(lambda: paired().pairs >= total)
    child.terminate()
    _, trouble = child.communicate()
    assert child.returncode == 0, trouble
    assert paired() == sums.PairSum("", total, total // 2, 0, 1.0, copy_only_wrong=total // 2)
    labels = msgspec.json.decode((made.labels / "e.json").read_bytes(), type=dict[str, sums.Labels])["r1"]
    posted = [one for one in labels.values if one.metric == "revenue"]
    assert sum(one.candidate.count + one.stable.count for one in posted) == total
    assert sum(one.candidate.total + one.stable.total for one in posted) == 2.0 * total


def test_a_second_recorder_of_the_same_name_is_refused_and_a_told_one_records_all_before_it_ends(tmp_path: pathlib.Path) -> None:
    made = place(tmp_path)
    first = python(RECORDER, str(tmp_path))
    until(lambda: said(made, first.pid).get("state") == "ready")
    second = python(RECORDER, str(tmp_path))
    _, complaint = second.communicate()
    assert second.returncode == 1
    assert json.loads(complaint.splitlines()[-1])["code"] == "already-running"
    segments.Writer(made.segments, "host", BOOT).append(pair(0))
    first.terminate()
    first.communicate()
    assert first.returncode == 0
    assert stored(made) == [0, 1]


def test_a_recorder_whose_disk_refuses_says_so_and_goes_on_when_there_is_room(tmp_path: pathlib.Path) -> None:
    made = place(tmp_path)
    blocked = made.log / "predictions"
    blocked.write_text("a file where a folder must be")
    writer = segments.Writer(made.segments, "host", BOOT)
    writer.append(pair(0))
    child = python(RECORDER, str(tmp_path))
    until(lambda: "trouble" in said(made, child.pid))
    blocked.unlink()
    until(lambda: said(made, child.pid).get("recorded") == 2)
    child.terminate()
    child.communicate()
    assert child.returncode == 0
    assert stored(made) == [0, 1]
