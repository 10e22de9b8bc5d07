"""Segments of other hosts are brought here once each and in order; repeats are dropped, gaps told by host."""

import os
import pathlib

import fsspec
import msgspec
import predlog_fixtures as given
import pytest

from tidegate.core.vocabulary import errors, home, records
from tidegate.dataplane.predlog import catalogue, reader, segments
from tidegate.observability.recording import gathering, process

OLD = given.T0 + 10_000.0
"""When nobody has written for long."""


class Host:
    """Another machine's gateway, whose segments are in a folder of their own."""

    def __init__(self, root: pathlib.Path, name: str, boot: str) -> None:
        self.folder, self.name, self.boot = root / name, name, boot * 32
        self.folder.mkdir(parents=True)
        self.writer = segments.Writer(self.folder, name, self.boot, rotate_bytes=500)

    def serve(self, count: int) -> None:
        for _ in range(count):
            number = self.writer.sequence
            one = given.prediction(number, number / 100, host=self.name, incarnation=self.boot)
            self.writer.append(
                [msgspec.structs.replace(one, id=given.identifier(number + ord(self.boot[0]) * 1_000, number / 100))]
            )
        for path in self.paths:
            os.utime(path, (given.T0, given.T0))

    def lose(self, count: int) -> None:
        self.writer.lose(count)
        os.utime(self.page, (given.T0, given.T0))

    @property
    def page(self) -> pathlib.Path:
        return self.folder / f"{self.boot}.end"

    @property
    def paths(self) -> list[pathlib.Path]:
        return sorted(self.folder.glob("*.seg"))


def gathered(place: home.Home, source: pathlib.Path | str, at: float = OLD, settled: float = 600.0) -> gathering.Gathered:
    return gathering.gather(place, str(source), at, settled)


def stored(place: home.Home) -> dict[str, list[int]]:
    """Sequences in Parquet by host."""
    found: dict[str, list[int]] = {}
    with catalogue.Catalogue(place.log, readonly=True) as known:
        files = [str(place.log / file.path) for file in known.files("predictions")]
    rows = reader.answer(
        "SELECT host, sequence FROM read_parquet($files)", {}, {"files": lambda: files}, lambda told: told.fetchall()
    )
    for host, sequence in rows or []:
        found.setdefault(host, []).append(sequence)
    return {host: sorted(numbers) for host, numbers in found.items()}


@pytest.fixture
def place(tmp_path: pathlib.Path) -> home.Home:
    return given.place(tmp_path / "here")


def test_two_hosts_become_one_log_and_what_comes_again_is_known(place: home.Home, tmp_path: pathlib.Path) -> None:
    one, two = Host(tmp_path / "there", "one", "a"), Host(tmp_path / "there", "two", "c")
    one.serve(5)
    two.serve(3)
    told = gathered(place, tmp_path / "there")
    assert (told.brought, told.waiting, told.refused) == (len(one.paths) + len(two.paths), 0, {})
    assert told.hosts == {"one": len(one.paths), "two": len(two.paths)}
    facts = process.catch_up(place)
    assert stored(place) == {"one": [0, 1, 2, 3, 4], "two": [0, 1, 2]}
    assert facts["hosts"] == {"one": {"recorded": 5, "lost": 0, "repeated": 0}, "two": {"recorded": 3, "lost": 0, "repeated": 0}}
    for path in place.segments.glob("*.seg"):
        path.unlink()  # as an hour later
    again = gathered(place, tmp_path / "there")
    assert (again.brought, again.known) == (0, told.brought)
    assert reader.find(place, given.identifier(ord("c") * 1_000)) is not None


def test_a_segment_that_is_written_waits_and_one_that_grows_after_all_is_read_once_more(
    place: home.Home, tmp_path: pathlib.Path
) -> None:
    host = Host(tmp_path / "there", "one", "a")
    host.writer.rotate_bytes = 1 << 20
    host.serve(3)
    assert gathered(place, tmp_path / "there", given.T0 + 5.0).waiting == 1
    assert gathered(place, tmp_path / "there").brought == 1
    process.catch_up(place)
    host.serve(2)
    assert gathered(place, tmp_path / "there").brought == 1
    facts = process.catch_up(place)
    assert stored(place) == {"one": [0, 1, 2, 3, 4]}
    assert (facts["lost"], facts["repeated"]) == (0, 3)


def test_a_whole_delivery_that_comes_twice_counts_once(place: home.Home, tmp_path: pathlib.Path) -> None:
    host = Host(tmp_path / "there", "one", "a")
    host.serve(4)
    gathered(place, tmp_path / "there")
    process.catch_up(place)
    for path in (*place.segments.glob("*.seg"), place.log / "gathered.json"):
        path.unlink()
    with catalogue.Catalogue(place.log) as known:
        known.begin()
        for boot, number in known.progress().places:
            known.forget(boot, number)
        known.commit()
    assert gathered(place, tmp_path / "there").brought == len(host.paths)
    facts = process.catch_up(place)
    assert stored(place) == {"one": [0, 1, 2, 3]}
    assert (facts["lost"], facts["repeated"]) == (0, 4)


def test_a_missing_segment_is_waited_for_and_then_its_records_are_lost_and_told_by_host(
    place: home.Home, tmp_path: pathlib.Path
) -> None:
    host, other = Host(tmp_path / "there", "one", "a"), Host(tmp_path / "there", "two", "c")
    host.serve(6)
    other.serve(1)
    first, second, *_ = host.paths
    missing = sum(isinstance(record, records.Prediction) for _, record in segments.read(second))
    second.unlink()
    told = gathered(place, tmp_path / "there", given.T0 + 1_000.0)
    assert (told.brought, told.waiting) == (2, len(host.paths) - 1)
    assert gathered(place, tmp_path / "there").waiting == 0
    facts = process.catch_up(place)
    assert facts["hosts"]["one"] == {"recorded": 6 - missing, "lost": missing, "repeated": 0}  # type: ignore[index]
    assert facts["lost"] == missing
    assert first.exists()


def test_what_a_host_lost_at_its_very_end_comes_too_and_is_counted_once(place: home.Home, tmp_path: pathlib.Path) -> None:
    one, two = Host(tmp_path / "there", "one", "a"), Host(tmp_path / "there", "two", "c")
    one.serve(4)
    two.serve(1)
    one.lose(3)
    assert gathered(place, tmp_path / "there", given.T0 + 5.0).ends == 0, "its segments are not all here"
    told = gathered(place, tmp_path / "there")
    assert (told.ends, told.brought) == (1, 2), "nothing is said of a boot that lost nothing; of one, segments were ended before"
    facts = process.catch_up(place)
    assert facts["hosts"]["one"] == {"recorded": 4, "lost": 3, "repeated": 0}  # type: ignore[index]
    assert facts["hosts"]["two"] == {"recorded": 1, "lost": 0, "repeated": 0}  # type: ignore[index]
    (place.log / "gathered.json").unlink()  # a delivery that comes again
    assert gathered(place, tmp_path / "there").ends == 1
    assert process.catch_up(place)["lost"] == 3
    one.lose(2)
    assert gathered(place, tmp_path / "there").ends == 1
    assert process.catch_up(place)["lost"] == 5
    assert gathered(place, tmp_path / "there").ends == 0
    one.serve(2)  # it was quiet and not over: what it serves from here on is lost to nobody
    gathered(place, tmp_path / "there")
    facts = process.catch_up(place)
    assert (facts["recorded"], facts["lost"]) == (4 + 1 + 2, 5)


def test_of_a_boot_whose_segments_are_gone_only_what_its_page_says_is_lost(place: home.Home, tmp_path: pathlib.Path) -> None:
    host = Host(tmp_path / "there", "one", "a")
    host.serve(4)
    host.lose(1)
    host.serve(2)
    host.lose(3)
    host.lose(2)
    for path in host.paths:
        path.unlink()
    assert gathered(place, tmp_path / "there").ends == 1
    assert process.catch_up(place)["lost"] == 5


def test_what_is_no_segment_is_refused_with_the_reason_and_only_told_once(place: home.Home, tmp_path: pathlib.Path) -> None:
    host = Host(tmp_path / "there", "one", "a")
    host.serve(1)
    (tmp_path / "there" / segments.name("d" * 32, 0)).write_bytes(b"nonsense" * 9)
    host.paths[0].rename(tmp_path / "there" / segments.name("e" * 32, 0))
    (tmp_path / "there" / "notes.txt").write_text("no segment, and no matter")
    for path in (tmp_path / "there").glob("*.seg"):
        os.utime(path, (given.T0, given.T0))
    told = gathered(place, tmp_path / "there")
    assert told.brought == 0
    assert sorted(told.refused.values()) == [
        "This is not a segment of a prediction log.",
        "its head does not say what its name says.",
    ]
    assert list(place.segments.iterdir()) == []
    assert gathered(place, tmp_path / "there").refused == {}


def test_a_place_can_be_any_file_system(place: home.Home, tmp_path: pathlib.Path) -> None:
    host = Host(tmp_path / "there", "one", "a")
    host.serve(2)
    system = fsspec.filesystem("memory")
    for path in host.paths:
        system.pipe(f"/{tmp_path.name}/one/{path.name}", path.read_bytes())
    assert gathered(place, f"memory://{tmp_path.name}", settled=0.0).brought == len(host.paths)
    process.catch_up(place)
    assert stored(place) == {"one": [0, 1]}
    with pytest.raises(errors.SinkUnavailable):
        gathered(place, tmp_path / "nowhere")
    with pytest.raises(errors.SinkInvalid):
        gathered(place, "no-such-system://x")
