"""Whether both versions fit into memory, before anything is started: numbers, and the strategy that would fit."""

import pytest

from tidegate.core.decide import strategies
from tidegate.delivery.gates import memory, room

MB = 10**6
CANARY = strategies.canary(strategies.Plan())
RECREATE = strategies.recreate(strategies.Plan())


def rolling(replicas, surge=1, unavailable=0):
    return strategies.rolling(strategies.Plan(rolling=strategies.Rolling(replicas, surge, unavailable)))


def left(size):
    return memory.Free(size * MB, "on this machine")


@pytest.mark.parametrize(
    ("stages", "replicas", "there", "expected"),
    [
        pytest.param(CANARY, 3, 3, 3, id="both-whole"),
        pytest.param((), 3, 3, 3, id="all-at-once"),
        pytest.param(RECREATE, 3, 3, 0, id="one-after-the-other"),
        pytest.param(RECREATE, 4, 3, 1, id="one-after-the-other-and-one-more"),
        pytest.param(rolling(4), 4, 4, 1, id="rolling"),
        pytest.param(rolling(4, surge=2), 4, 4, 2, id="rolling-by-two"),
        pytest.param(rolling(4, surge=0, unavailable=1), 4, 4, 0, id="rolling-within-what-there-is"),
        pytest.param((*rolling(4), *strategies.full(strategies.Plan())), 4, 4, 1, id="rolling-then-full"),
    ],
)
def test_the_most_crowded_stage_counts(stages, replicas, there, expected):
    assert room.more(stages, replicas, there) == expected


def test_what_fits_says_the_numbers():
    found = room.fits(CANARY, 2, room.Running((300 * MB, 310 * MB)), left(700))
    assert found.passed
    assert found.compared
    assert (
        "2 more workers would start beside stable's 2; like those they take 310 MB each, 620 MB together, and 700 MB are free"
        in found.words
    )


def test_what_does_not_names_the_strategies_that_would_fit():
    found = room.fits(CANARY, 2, room.Running((300 * MB, 310 * MB)), left(400))
    assert (found.passed, found.code) == (False, "memory-short")
    assert "620 MB together, and only 400 MB are free" in found.words
    assert "rolling" in found.words
    assert "recreate" in found.words
    tight = room.fits(CANARY, 2, room.Running((300 * MB, 310 * MB)), left(300))
    assert "rolling" not in tight.words
    assert "recreate" in tight.words


def test_where_nothing_fits_it_says_so():
    found = room.fits(RECREATE, 5, room.Running((300 * MB, 300 * MB)), left(100))
    assert not found.passed
    assert "No strategy would fit" in found.words


@pytest.mark.parametrize(
    ("running", "free"), [(room.Running(), left(10)), (room.Running((0, 0)), left(10)), (room.Running((MB, MB)), None)]
)
def test_what_cannot_be_known_stands_in_nobodys_way_and_is_said(running, free):
    found = room.fits(CANARY, 2, running, free)
    assert found.passed
    assert not found.compared


@pytest.fixture
def machine(tmp_path):
    (tmp_path / "meminfo").write_text("MemTotal: 8000 kB\nMemFree: 10 kB\nMemAvailable:    4096 kB\n")
    (tmp_path / "own").write_text("0::/a/b\n")
    (tmp_path / "cg" / "a" / "b").mkdir(parents=True)
    return tmp_path


def free(machine):
    return memory.free(machine / "meminfo", machine / "own", machine / "cg")


def test_the_machines_memory_is_what_the_kernel_calls_available(machine):
    assert free(machine) == (4096 << 10, "on this machine")


def test_the_tightest_group_on_the_way_up_counts_and_cached_files_do_not(machine):
    group = machine / "cg" / "a"
    (group / "memory.max").write_text("3000000\n")
    (group / "memory.current").write_text("2500000\n")
    (group / "memory.stat").write_text("anon 2000000\ninactive_file 400000\n")
    (group / "b" / "memory.max").write_text("max\n")
    (group / "b" / "memory.current").write_text("1\n")
    assert free(machine) == (900_000, "in this control group")


def test_version_1_groups_are_read_too_and_their_no_limit_is_none(machine):
    (machine / "own").write_text("5:cpu,memory:/a\n0::/\n")
    group = machine / "cg" / "memory" / "a"
    group.mkdir(parents=True)
    (group / "memory.limit_in_bytes").write_text("9223372036854771712\n")
    (group / "memory.usage_in_bytes").write_text("5\n")
    assert free(machine).where == "on this machine"
    (group / "memory.limit_in_bytes").write_text("1005\n")
    assert free(machine) == (1000, "in this control group")


def test_where_nothing_can_be_told_there_is_no_number(tmp_path):
    assert memory.free(tmp_path / "none", tmp_path / "none", tmp_path) is None
