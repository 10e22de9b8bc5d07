"""Log lines: whose they are, their order, and how they read."""

import json

import pytest

from tidegate.core.vocabulary import errors, home, instances
from tidegate.interface.cli import logbook


def line(at, event, **more):
    return json.dumps({"at": f"2026-01-01T00:00:{at:02d}.000+00:00", "level": "info", "instance": "x", "event": event} | more)


@pytest.fixture
def place(tmp_path):
    found = home.Home(tmp_path)
    found.logs.mkdir()
    found.instances.mkdir()
    for name in ("control", "gateway-0", "w-flight-delay-1-0-ab12", "w-flight-delay-2-0-cd34", "w-other-1-0-ef56"):
        (found.logs / f"{name}.log").write_text("")
    labels = {"endpoint": "flight-delay-long-name", "ordinal": "2"}
    instances.Spec("w-flight-delay-2-0-cd34", "worker", ("x",), "t", labels=labels).write(found.instances)
    return found


def names(place, wanted):
    return [path.stem for path in logbook.files(place, wanted)]


def test_a_process_an_endpoint_or_a_version_has_its_files(place):
    assert len(names(place, "")) == 5
    assert names(place, "control") == ["control"]
    assert names(place, "flight-delay") == ["w-flight-delay-1-0-ab12"]
    assert names(place, "flight-delay-long-name/v2") == ["w-flight-delay-2-0-cd34"]
    assert names(place, "other/1") == ["w-other-1-0-ef56"]
    with pytest.raises(errors.EndpointUnknown, match="nobody"):
        names(place, "nobody/v1")


def test_lines_of_several_files_come_in_the_order_of_their_times(place):
    (place.logs / "control.log").write_text(f"{line(1, 'a')}\n{line(4, 'd')}\n")
    (place.logs / "gateway-0.log").write_text(f"{line(2, 'b')}\nTraceback of sorts\n{line(5, 'e')}\n{line(6, 'half')[:20]}")
    found, offsets = logbook.merged([place.logs / "control.log", place.logs / "gateway-0.log"], 4)
    assert [one["event"] for one in found] == ["b", "Traceback of sorts", "d", "e"]
    with (place.logs / "gateway-0.log").open("a") as file:
        file.write(f"{line(6, 'half')[20:]}\n")
    fresh, _ = logbook.more(place.logs / "gateway-0.log", offsets[place.logs / "gateway-0.log"])
    assert [json.loads(one)["event"] for one in fresh] == ["half"]


def test_a_file_that_was_emptied_is_read_from_its_start(place):
    path = place.logs / "control.log"
    path.write_text(line(1, "new") + "\n")
    assert logbook.more(path, 10_000)[0] == [line(1, "new")]


def test_a_line_reads_as_time_process_level_event_and_facts():
    fields = logbook.parse(line(1, "it broke", level="error", code="disk-full", why="no room", stack="one\ntwo"), "control")
    first, *stack = logbook.shown(fields)
    assert first.endswith('x              ERROR it broke code=disk-full why="no room"')
    assert stack == ["    one", "    two"]
