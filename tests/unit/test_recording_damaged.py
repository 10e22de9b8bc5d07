"""Files of the home that are no longer what was written: whoever reads them goes on without, and loses no record."""

import pathlib

import predlog_fixtures as given
import pytest
from recording_fixtures import Log

from tidegate.control.batch import afterwards
from tidegate.control.loop import checks
from tidegate.core.vocabulary import home
from tidegate.dataplane.predlog import shipped
from tidegate.dataplane.wire import ends
from tidegate.delivery.runtimes import runtimes
from tidegate.delivery.training import basis
from tidegate.observability.metrics import drifted, totals
from tidegate.observability.monitors import logwatch, speaking
from tidegate.observability.outcomes import labelling

DAMAGED = [b"", b"\0" * 512, b'{"endpoint": "\xff\xfe"}', b'{"wanted": {"\xc3(": 1}}', b"[1, 2", b'{"at": 1e999}']
HEAD = ends._HEAD


@pytest.mark.parametrize("raw", DAMAGED)
def test_a_file_that_no_json_is_in_is_read_as_none(tmp_path: pathlib.Path, raw: bytes) -> None:
    place = home.Home(tmp_path)

    def damaged(path: pathlib.Path) -> pathlib.Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(raw)
        return path

    damaged(place.drifted)
    assert drifted.read(place) == {}
    damaged(place.bundles / "d" / "baseline.json")
    assert basis.said(place, "d") == ""
    damaged(place.checks / "r.json")
    assert checks.read(place, "r") is None
    damaged(place.explanations / afterwards.STATE)
    assert afterwards.read(place) == {}
    damaged(place.runtimes / "one" / runtimes.MARKER)
    assert runtimes.found(place) == []
    damaged(place.log / "shipped" / "0123.json")
    assert shipped.positions(place.log) == []
    for read in (totals._read, lambda folder: logwatch._read(folder / totals.TOTALS)):
        assert read(damaged(tmp_path / totals.TOTALS).parent) is not None
    assert speaking._read(damaged(tmp_path / "said.json")) is None
    damaged(labelling._folder(place, "flight-delay") / "1.json")
    assert labelling.tasks(place, "flight-delay") == []


@pytest.mark.parametrize(
    "page",
    [
        bytes(ends.SIZE),
        b"\xff" * ends.SIZE,
        HEAD.pack(ends.MAGIC, 2**64 - 1, b"host", 0).ljust(ends.SIZE, b"\0"),
        HEAD.pack(ends.MAGIC, 2**63, b"\xff" * 64, 0).ljust(ends.SIZE, b"\xff"),
        HEAD.pack(ends.MAGIC, 9, b"host", 0),
    ],
    ids=["zeros", "ones", "past all numbers", "past what a database holds", "cut"],
)
def test_a_page_that_is_damaged_stops_no_record_and_counts_no_loss(tmp_path: pathlib.Path, page: bytes) -> None:
    log = Log(tmp_path)
    (log.home.segments / f"{'c' * 32}{ends.ENDING}").write_bytes(page)
    log.put(given.prediction(1))
    log.look(1.0)
    assert (log.fact("recorded"), log.fact("lost")) == (1, 0)
    assert log.recorder.follower.over(2e10) == [log.home.segments / f"{'c' * 32}{ends.ENDING}"], "it goes like any other"
