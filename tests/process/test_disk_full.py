"""A real disk that is full, under real processes: what is not logged is counted, nothing is damaged, and it goes on by itself."""

import os
import pathlib
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import pyarrow.parquet as pq
import pytest
from gateway_fixtures import Load, Rig, deployed, until

from tidegate.core.vocabulary import alarms, home, instances, records, room
from tidegate.dataplane.predlog import catalogue
from tidegate.observability.monitors import integrity, speaking
from tidegate.observability.recording import recorder

SIZE_MIB = 64
LEFT = 600 << 10
"""Less than what is kept free of such a disk, and enough for a table, a state, an alarm and what the catalogue's log holds."""
RECORDER = (
    "import pathlib, sys; from tidegate.core.vocabulary import home; from tidegate.observability.recording import process;"
    " sys.exit(process.run(home.Home(pathlib.Path(sys.argv[1])), 'recorder'))"
)
pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or not sys.platform.startswith("linux"), reason="a small disk is mounted for it, as root"
)


class Disk:
    """A disk of a few megabytes, in memory."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder
        self._filler = folder / "filler"

    def fill(self, left: int) -> None:
        """Fill it up to so many bytes."""
        with self._filler.open("ab", buffering=0) as file:
            while (more := self._free() - left) > 0:
                try:
                    file.write(bytes(min(more, 1 << 16)))
                except OSError:
                    return

    def empty(self) -> None:
        self._filler.unlink()

    def _free(self) -> int:
        told = os.statvfs(self.folder)
        return told.f_bfree * told.f_frsize


@pytest.fixture
def disk(tmp_path: pathlib.Path) -> Iterator[Disk]:
    folder = tmp_path / "disk"
    folder.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={SIZE_MIB}m", "none", str(folder)], check=False, capture_output=True, text=True
    )
    if done.returncode:
        pytest.skip(f"no disk can be mounted here: {done.stderr}")
    try:
        yield Disk(folder)
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture
def rig(disk: Disk) -> Iterator[Rig]:
    made = Rig(folder=disk.folder)
    try:
        yield made
    finally:
        made.close()


def recorded(place: home.Home) -> dict[str, object]:
    """What a recorder says once it has read and recorded all there is, the sequences in Parquet included."""
    at_work = recorder.Recorder(place, time.time())
    while at_work.step(time.time()):
        continue
    at_work.flush(time.time())
    facts = at_work.facts(time.time())
    at_work.close()
    with catalogue.Catalogue(place.log, readonly=True) as known:
        paths = [place.log / file.path for file in known.files()]
    facts["sequences"] = sorted(
        number
        for path in paths
        for number in pq.read_table(path, columns=["sequence"], partitioning=None)["sequence"].to_pylist()
    )
    return facts


def said(rig: Rig) -> dict[str, object]:
    return instances.read_state(rig.home.instances, "recorder")


def test_under_interval_requests_go_on_what_is_not_logged_is_counted_and_told_and_a_table_can_still_be_written(
    rig: Rig, disk: Disk
) -> None:
    rig.route(deployed(1, rig.worker(1)))
    rig.start()
    with rig.client() as client:
        assert [client.predict().status for _ in range(20)] == [200] * 20
        disk.fill(LEFT)
        until(lambda: rig.state["unkept"], what="the gateway to see it")
        assert [client.predict().status for _ in range(30)] == [200] * 30
        until(lambda: rig.state["dropped"] == 30, what="what was not logged to be told")
        [told] = integrity.Integrity(rig.home).look(1.0)
        assert (told.kind, told.severity, told.subject) == (alarms.Kind.LOG_SHED, "critical", "gateway-0")
        assert "30 so far" in told.words
        speaking.Voice(rig.home.alarms, "log").say(1.0, [told])
        rig.route(deployed(1, rig.worker(1, ordinal=1)))
        disk.empty()
        until(lambda: not rig.state["unkept"], what="the gateway to see that there is room")
        assert [client.predict().status for _ in range(10)] == [200] * 10
    assert integrity.Integrity(rig.home).look(2.0) == []
    assert rig.stop() == 0
    facts = recorded(rig.home)
    assert {name: facts[name] for name in ("recorded", "lost", "corrupt", "repeated")} == {
        "recorded": 30,
        "lost": 30,
        "corrupt": 0,
        "repeated": 0,
    }


@pytest.mark.parametrize("killed", [False, True])
def test_what_a_gateway_could_not_log_before_its_end_is_counted_after_it(rig: Rig, disk: Disk, killed: bool) -> None:
    rig.route(deployed(1, rig.worker(1)))
    rig.start()
    with rig.client() as client:
        assert [client.predict().status for _ in range(5)] == [200] * 5
        disk.fill(LEFT)
        until(lambda: rig.state["unkept"], what="the gateway to see it")
        disk.fill(0)
        assert [client.predict().status for _ in range(12)] == [200] * 12
    if killed:
        rig.gateway.kill()
        rig.gateway.wait()
    else:
        assert rig.stop() == 0
    disk.empty()
    facts = recorded(rig.home)
    assert {name: facts[name] for name in ("recorded", "lost", "corrupt")} == {"recorded": 5, "lost": 12, "corrupt": 0}


def test_under_ack_requests_are_refused_until_there_is_room_and_what_was_answered_is_logged(rig: Rig, disk: Disk) -> None:
    rig.route(deployed(1, rig.worker(1)), durability="ack")
    rig.start()
    with rig.client() as client:
        assert [client.predict().status for _ in range(5)] == [200] * 5
        disk.fill(LEFT)
        until(lambda: rig.state["unkept"], what="the gateway to see it")
        refused = [client.predict() for _ in range(7)]
        assert {(one.status, one.headers["retry-after"]) for one in refused} == {(503, "1")}
        assert "log-unavailable" in refused[0].body.decode()
        posted = client.request("POST", "/outcomes", {"outcomes": [{"id": "0" * 8 + "-0000-7000-8000-" + "0" * 12, "label": 1}]})
        assert posted.status == 503
        disk.empty()
        until(lambda: client.predict().status == 200, what="room")
        answered = 5 + 1 + sum(client.predict().status == 200 for _ in range(5))
    rig.stop()
    facts = recorded(rig.home)
    assert (facts["recorded"], facts["lost"], facts["corrupt"]) == (answered, 0, 0)


@pytest.mark.parametrize("durability", ["interval", "ack"])
def test_a_disk_that_fills_to_its_last_byte_under_load_damages_nothing(rig: Rig, disk: Disk, durability: str) -> None:
    rig.route(deployed(1, rig.worker(1)), durability=durability)
    rig.start()
    with Load(rig, clients=3, body=b'{"n": "' + b"x" * 5_000 + b'"}') as load:
        for _ in range(3):
            disk.fill(0)
            load.more(100)
            disk.empty()
            until(lambda: not rig.state["unkept"], what="the gateway to see that there is room")
            load.more(20)  # what was dropped is told by the numbers of what comes after it
    rig.stop()
    facts = recorded(rig.home)
    assert facts["corrupt"] == 0
    kept = [one.sequence for one in rig.records() if isinstance(one, records.Prediction)]
    assert facts["sequences"] == sorted(kept)
    if durability == "interval":
        assert not load.failures
        assert facts["lost"] == rig.state["dropped"]
        assert len(kept) + rig.state["dropped"] >= len(load.answers)
    else:
        assert facts["lost"] == 0
        assert {one.status for one in load.failures} <= {503}
        assert len(kept) >= len(load.answers)


def test_a_recorder_on_a_full_disk_waits_says_so_and_records_all_once_there_is_room(rig: Rig, disk: Disk) -> None:
    rig.route(deployed(1, rig.worker(1)))
    rig.start()
    child = subprocess.Popen([sys.executable, "-c", RECORDER, str(rig.root)], stderr=subprocess.PIPE)
    try:
        with rig.client() as client:
            client.predict()
            until(lambda: said(rig).get("recorded") == 1, what="the recorder to be at work")
            child.send_signal(signal.SIGSTOP)
            for _ in range(49):
                client.predict()
        rig.stop()
        disk.fill(LEFT)
        assert room.short(rig.home.log, recorder.LEFT_SHARE)
        child.send_signal(signal.SIGCONT)
        until(lambda: "trouble" in said(rig), what="the recorder to say so")
        [told] = integrity.Integrity(rig.home).look(1.0)
        assert (told.kind, told.subject) == (alarms.Kind.LOG_SHED, "recorder")
        disk.empty()
        until(lambda: said(rig).get("recorded") == 50, what="all to be recorded")
        child.send_signal(signal.SIGTERM)
        assert child.wait(20) == 0
    finally:
        child.kill()
        child.communicate()
    facts = recorded(rig.home)
    assert (facts["sequences"], facts["lost"], facts["corrupt"]) == (list(range(50)), 0, 0)
