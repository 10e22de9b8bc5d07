"""`durability: ack`: whatever is killed, nothing that was answered or accepted is missing from the log."""

import json
import threading
import time
import urllib.error
import urllib.request

import pytest

from tests.process import living
from tidegate.core.vocabulary import home, ids, records
from tidegate.dataplane.predlog import reader

RATE = 200
KILLS = 1
KINDS = ("gateway", "recorder", "worker", "control", "monitor", "keeper")


@pytest.fixture(scope="module")
def system(tmp_path_factory, models):
    with living.alive(tmp_path_factory.mktemp("acked"), models, "log: {durability: ack}") as found:
        yield found


class Outcomes(threading.Thread):
    """Posts ground truth for what was answered, and keeps of whom it was accepted."""

    def __init__(self, system: living.Living, traffic: living.Traffic) -> None:
        super().__init__(daemon=True)
        self._system, self._traffic, self._over = system, traffic, threading.Event()
        self.accepted: set[str] = set()

    def run(self) -> None:
        while not self._over.is_set():
            some = [one for one in list(self._traffic.ids) if one not in self.accepted][:50]
            try:
                if some and self._system.outcomes([{"id": one, "label": 1} for one in some]) == {"accepted": len(some)}:
                    self.accepted |= set(some)
            except (OSError, urllib.error.URLError, json.JSONDecodeError):
                pass  # nobody has said yes to these
            time.sleep(0.02)

    def end(self) -> None:
        self._over.set()
        self.join(30)


def logged(place: home.Home) -> tuple[set[str], set[str]]:
    """Ids of the predictions and of the outcomes in the log."""
    found: tuple[set[str], set[str]] = set(), set()
    for at, table in enumerate(("predictions", "outcomes")):
        ask = "SELECT DISTINCT id FROM read_parquet($files, union_by_name = true, hive_partitioning = false)"
        rows = reader.answer(ask, {}, {"files": reader.anew(place.log, table)}, lambda told: told.fetchall())
        found[at].update(row[0] for row in rows or [])
    for one in reader.unrecorded(place):
        found[isinstance(one, records.Outcome)].add(ids.text(one.id))
    return found


@pytest.mark.timeout(240)
def test_nothing_that_was_acknowledged_is_lost_in_kills_of_every_process(system):
    with living.Traffic(system.address, RATE, timeout=5.0) as traffic:
        posting = Outcomes(system, traffic)
        posting.start()
        for _ in range(KILLS):
            for kind in KINDS:
                name = (
                    system.instance("gateway") if kind == "gateway" else system.instance("worker") if kind == "worker" else kind
                )
                before = traffic.answered
                pid = system.kill(name)
                if kind == "keeper":
                    living.wait(lambda: system.pid("keeper") == 0, what="the keeper to be gone")
                    system.run("up", "-d", "--port", "0", "--api-port", "0")
                system.await_successor(name, pid, 45.0)
                living.wait(lambda before=before: traffic.answered > before + 20, what=f"answers after {kind}")
        living.wait(lambda: len(posting.accepted) > 100, what="outcomes to be accepted")
        posting.end()
    predictions, outcomes = logged(system.home)
    assert len(traffic.ids) > KILLS * len(KINDS) * 20
    assert set(traffic.ids) <= predictions
    assert posting.accepted <= outcomes
