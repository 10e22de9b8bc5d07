"""A recorder, monitor or shipper that says nothing any more is told of, and one that is not to be there is not."""

import pathlib

import pytest

from tidegate.control.loop import silence
from tidegate.core.vocabulary import alarms, home, instances

SPEC = instances.Spec("recorder", "recorder", ("true",), "t")


@pytest.fixture
def place(tmp_path: pathlib.Path) -> home.Home:
    found = home.Home(tmp_path)
    found.instances.mkdir(parents=True)
    SPEC.write(found.instances)
    return found


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_one_that_hangs_is_told_of_until_it_says_something(place: home.Home) -> None:
    clock = Clock()
    heard = silence.Silence(place, clock)
    claim = instances.claim(place.instances, SPEC.name)
    claim.say("ready")
    assert list(heard.wrong(1_000.0)) == []
    clock.now = silence.SILENT_SECONDS - 1
    assert list(heard.wrong(1_119.0)) == []
    clock.now = silence.SILENT_SECONDS
    (found,) = heard.wrong(1_120.0)
    assert (found.key, found.since) == ((alarms.Kind.SILENT_PROCESS, "", "recorder"), 1_000.0)
    assert "no outcome is joined" in found.words
    assert f"`kill -9 {instances.holder(place.instances, SPEC.name)}`" in found.words
    assert found.next == "tidegate logs recorder"
    claim.say("ready")
    assert list(heard.wrong(1_121.0)) == []
    claim.release()


def test_one_that_does_not_come_up_is_told_of_and_one_that_was_taken_away_is_not(place: home.Home) -> None:
    clock = Clock()
    heard = silence.Silence(place, clock)
    assert list(heard.wrong(0.0)) == []
    clock.now = 500.0
    (found,) = heard.wrong(500.0)
    assert found.words.endswith("It does not come up.")
    (place.instances / "recorder.json").unlink()
    assert list(heard.wrong(501.0)) == []
    SPEC.write(place.instances)
    assert list(heard.wrong(502.0)) == [], "it has just been put in place"
