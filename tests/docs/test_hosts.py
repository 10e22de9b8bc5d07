"""What docs/hosts.md says to type brings the logs of two hosts together, and nothing twice."""

import json
import os
import pathlib
import re
import subprocess
import sys

from tests.unit import predlog_fixtures as fixtures
from tidegate.core.vocabulary import home, ids
from tidegate.dataplane.predlog import segments

PAGE = (pathlib.Path(__file__).parents[2] / "docs" / "hosts.md").read_text()


def run(place: home.Home, source: pathlib.Path, *more: str) -> str:
    found = re.search(r"^tidegate (gather) (/\S+) --home (\S+)$", PAGE, re.MULTILINE)
    assert found is not None
    argv = [sys.executable, "-m", "tidegate.interface.cli.main", "gather", str(source), "--home", str(place.root), *more]
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout


def test_its_command_gathers_two_hosts_and_shows_the_gap_of_one(tmp_path: pathlib.Path) -> None:
    place = home.Home(tmp_path / "log")
    for number, (host, boot) in enumerate((("one", "a"), ("two", "c"))):
        folder = tmp_path / "serving" / host / "segments"
        folder.mkdir(parents=True)
        writer = segments.Writer(folder, host, boot * 32)
        for sequence in (0, 1, 2 + number):
            chance = ids.uuid7(1_700_000_000_000 + sequence, number)
            writer.append([fixtures.prediction(sequence, id=chance, host=host, incarnation=boot * 32)])
        writer.lose(2 * number)
        writer.close()
        for path in folder.iterdir():
            os.utime(path, (1, 1))
    said = run(place, tmp_path / "serving")
    assert "2 segments of 2 hosts brought" in said
    assert "one: 3 records, 0 lost" in said
    assert "two: 3 records, 3 lost" in said
    again = json.loads(run(place, tmp_path / "serving", "--json"))
    assert (again["gathered"]["brought"], again["gathered"]["known"]) == (0, 2)
    assert (again["recorded"]["recorded"], again["recorded"]["lost"]) == (6, 3)
