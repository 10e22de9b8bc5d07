"""What processes say: which lines are of one kind, which kinds are news, and that nothing is told twice."""

import json

import pytest

from tidegate.core.vocabulary import home, instances
from tidegate.observability.monitors import logwatch, templates

START = 1_700_000_000.0


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("took 3.5 s of 10", "took 12 s of 7"),
        ("no bundle 3fa9c1 here", "no bundle 88ab02 here"),
        ("the column 'age' is missing", "the column 'pay' is missing"),
        ("cannot read /a/b/c.json", "cannot read /tmp/x/y"),
        ("prediction 01890a5d-ac96-774b-bcce-b302099a8057 failed", "prediction 01890a5d-ac96-774b-bcce-000000000000 failed"),
        ("w-iris-1-a2-0 ended", "w-iris-2-b7-1 ended"),
    ],
)
def test_what_differs_each_time_makes_no_other_kind(one, other):
    assert templates.masked(one) == templates.masked(other)


def test_other_words_are_another_kind():
    assert templates.masked("the disk is full") != templates.masked("the disk is gone")


def line(event, level="error", **more):
    return json.dumps({"at": "2023-11-14T22:13:20.000+00:00", "level": level, "logger": "x", "event": event, **more})


def test_only_complaints_have_a_kind():
    assert templates.read(line("ready", "info")) is None
    assert templates.read("a model's own print") is None
    assert templates.read("") is None
    assert templates.read("[1, 2") is None
    assert templates.read("ValueError: no such column").template.level == "error"
    assert templates.read(line("x", code="a")).template != templates.read(line("x", code="b")).template


class World:
    def __init__(self, place):
        self.place, self.now = place, START
        place.logs.mkdir()
        place.instances.mkdir()
        self.watch = logwatch.LogWatch(place)

    def say(self, *lines, name="recorder"):
        with (self.place.logs / f"{name}.log").open("a") as file:
            file.writelines(f"{one}\n" for one in lines)

    def look(self, seconds=10.0):
        self.now += seconds
        return self.watch.look(self.now)


@pytest.fixture
def world(tmp_path):
    return World(home.Home(tmp_path))


def test_what_was_there_before_it_is_watched_is_known(world):
    world.say(*[line("the disk is full")] * 3)
    assert world.look() == []
    world.say(line("the disk is full"))
    assert world.look() == []


def test_a_new_error_is_told_with_the_line_and_is_over_when_it_is_quiet(world):
    instances.Spec("w-iris-1", "worker", ("x",), "t", labels={"endpoint": "iris"}).write(world.place.instances)
    world.look()
    world.say(line("cannot predict", code="predict-failed", prediction_id="id-7"), name="w-iris-1")
    found = world.look()[0]
    assert (found.kind, found.endpoint, found.next, found.examples) == (
        "log_pattern",
        "iris",
        "tidegate logs w-iris-1",
        ("id-7",),
    )
    assert "cannot predict: predict-failed" in found.words
    assert found.moved[0] == "1 lines, never before"
    assert [one.key for one in world.look(800)] == [found.key]
    assert world.look(800) == []
    world.say(line("cannot predict", code="predict-failed"), name="w-iris-1")
    assert world.look() == []  # it is known now


@pytest.mark.parametrize("value", ["078-05-1120", "Ann O'Brien", 'Ann "the" O\'Brien', "Ann " * 100, "Ann " * 2_000])
@pytest.mark.parametrize("plain", [False, True])
def test_what_a_model_says_of_an_input_reaches_neither_alarm_nor_memory(world, value, plain):
    world.look()
    words = f"ValueError: unknown categories [{value!r}, {value!r}] in column 0"
    world.say(words if plain else line("the model failed a request", "warning", detail=words))
    world.say(*[line("the model failed a request", "warning", detail=words)] * 4)
    told = str(world.look()) + world.place.patterns.read_text()
    assert "unknown categories" in told
    assert "Ann" not in told
    assert "1120" not in told


def test_one_warning_is_no_news_and_five_are(world):
    world.look()
    world.say(*[line("slow", "warning")] * 4)
    assert world.look() == []
    world.say(line("slow", "warning"))
    assert len(world.look()) == 1


def test_a_known_kind_that_comes_far_more_often_is_told(world):
    world.say(line("a probe failed"))
    world.look()
    for _ in range(30):
        world.say(*[line("a probe failed")] * 6)  # six an hour
        assert world.look(3_600) == []
    world.say(*[line("a probe failed")] * 15)
    assert world.look() == []
    world.say(*[line("a probe failed")] * 40)
    found = world.look()
    assert "far more often" in found[0].words
    assert "usually 1.0 in ten minutes" in found[0].moved[0]


def test_another_monitor_goes_on_and_repeats_nothing(world):
    world.look()
    world.say(line("the disk is full"))
    first = world.look()
    world.watch = logwatch.LogWatch(world.place)
    assert world.look() == first
    world.look(2_000)
    world.look(40)  # saved
    world.watch = logwatch.LogWatch(world.place)
    assert world.look() == []
    world.say(line("the disk is full"))
    assert world.look() == []


def test_a_file_that_the_keeper_emptied_is_read_from_its_beginning(world):
    world.say(*[line("known")] * 50)
    world.look()
    (world.place.logs / "recorder.log").write_text(line("new after it was emptied") + "\n")
    assert [one.words.rpartition(": ")[2] for one in world.look()] == ["new after it was emptied"]


def test_half_a_line_waits_for_its_other_half(world):
    world.look()
    whole = line("torn")
    with (world.place.logs / "recorder.log").open("w") as file:
        file.write(whole[:20])
        file.flush()
        assert world.look() == []
        file.write(whole[20:] + "\n")
    assert len(world.look()) == 1


def test_a_flood_of_kinds_is_bounded(world):
    world.look()
    words = ["".join(chr(97 + (number // 26**place) % 26) for place in range(4)) for number in range(3_000)]
    world.say(*(line(f"trouble with {word}") for word in words))
    found = world.look()
    assert len(found) == logwatch.AT_MOST + 1
    assert "more things" in found[-1].words
    assert len(world.watch._known.kinds) <= logwatch.KINDS


def test_what_repeats_an_alarm_is_passed_over(world):
    world.look()
    world.say(line("alarm").replace('"x"', json.dumps(logwatch.OWN[0])))
    assert world.look() == []


def test_a_damaged_memory_begins_anew(world):
    (world.place.root / "log-patterns.json").write_text("{")
    world.watch = logwatch.LogWatch(world.place)
    assert world.look() == []
