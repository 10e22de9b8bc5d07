"""A gateway killed at any instant has lost no count that it had made before."""

import os
import signal
import subprocess
import sys

from tidegate.dataplane.wire import sumrows, sums

COUNTING = """
import pathlib, sys, time
from tidegate.core.vocabulary import tables
from tidegate.dataplane.wire import sums
route = tables.Route("e", "p", tables.Deployed(1, "d", "m"), release="r1")
boot, now = sums.Writer(pathlib.Path(sys.argv[1]), "a" * 32, 1_700_000_000.0), 1_700_000_000.0
lane, count = boot.lane(route, 0), 0
while True:
    lane.opened().closed(0, 5, 1, rescued=False)
    count += 1
    if count % 3 == 0:
        now += 1
        boot.beat(now)
    sys.stdout.write(f"{count}\\n")
"""


def test_a_kill_in_the_middle_of_counting_and_folding_loses_nothing(tmp_path):
    for turn, lines in enumerate((1_000, 4_001, 9_999)):
        path = tmp_path / f"{turn}.sums"
        process = subprocess.Popen([sys.executable, "-c", COUNTING, str(path)], stdout=subprocess.PIPE, text=True)
        told = 0
        for _ in range(lines):
            told = int(process.stdout.readline())
        os.kill(process.pid, signal.SIGKILL)
        rest = process.stdout.read().splitlines()
        told = max([told, *(int(line) for line in rest[:-1])])
        process.wait()
        boot = sums.read(path)
        opened = sum(row.values[sumrows.OPENED] for row in boot.rows)
        assert opened >= told
        assert sum(row.pending for row in boot.rows) <= 1
        merged = sums.merge([boot], {"a" * 32})["r1"]
        assert sum(one.stable.closed for one in merged) == opened
        assert sums.merge([sums.read(path)], {"a" * 32})["r1"] == merged
