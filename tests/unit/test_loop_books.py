"""Books against the plain reading of the same files: the same counts at every look, whatever was closed, folded or killed."""

import collections
import random

import pytest

from tidegate.control.loop import books
from tidegate.core.vocabulary import sums, tables
from tidegate.dataplane.wire import sums as files

BEGAN = 1_700_000_000.0


def route(release: str, generation: int, weight: int) -> tables.Route:
    version = tables.Deployed(1, "a" * 64, "m")
    return tables.Route("flights", "production", version, version, weight, evidence=True, release=release, generation=generation)


def by_minute(found: tuple[sums.Sum, ...], until: int) -> dict[tuple[int, int, int], tuple[sums.Counts, sums.Counts]]:
    """Counts by (minute, generation, weight) of what lies wholly before a minute, whatever its rows were."""
    told: dict[tuple[int, int, int], list[sums.Counts]] = {}
    for one in found:
        minute = one.tick // 60 * 60
        if minute + 60 <= until:
            both = told.setdefault((minute, one.generation, one.weight), [sums.Counts(), sums.Counts()])
            both[0], both[1] = both[0] + one.stable, both[1] + one.candidate
    return {key: (both[0], both[1]) for key, both in told.items()}


def totals(found: tuple[sums.Sum, ...]) -> tuple[int, int]:
    """(requests opened, requests with their mark) of both arms."""
    arms = [arm for one in found for arm in (one.stable, one.candidate)]
    return sum(arm.opened for arm in arms), sum(arm.closed for arm in arms)


class World:
    """Two gateways' files, written by chance."""

    def __init__(self, folder, seed: int) -> None:
        self.chance = random.Random(seed)
        self.folder, self.now = folder, BEGAN
        self.writers = {name: files.Writer(folder / f"{name}.sums", name * 32, BEGAN) for name in "ab"}
        self.living = {name * 32 for name in self.writers}
        self.pending: collections.deque[files.Cell] = collections.deque()
        self.routes = [route("r1", 3, 500), route("r1", 4, 2_500), route("r2", 5, 100)]

    def second(self) -> None:
        self.now += self.chance.choice([0.4, 1.0, 1.0, 3.0, 45.0])
        for name, writer in self.writers.items():
            writer.beat(self.now)
            for _ in range(self.chance.randrange(4) if name * 32 in self.living else 0):
                self.pending.append(writer.lane(self.chance.choice(self.routes), self.chance.randrange(2)).opened())
        while len(self.pending) > self.chance.randrange(6):
            self.pending.popleft().closed(self.chance.choice([0, 0, 1, 2]), 300, 3, rescued=False)
        for writer in self.writers.values():
            writer.beat(self.now)

    def plainly(self) -> tuple[dict[str, tuple[sums.Sum, ...]], int]:
        boots = files.read_all(self.folder)
        dead = {boot.incarnation for boot in boots} - self.living
        return files.merge(boots, dead), files.closed_before(boots, dead)


@pytest.mark.parametrize("seed", range(2))
def test_the_books_hold_what_the_files_hold(tmp_path, seed: int):
    world, kept = World(tmp_path, seed), books.Books(tmp_path)
    for number in range(240):
        world.second()
        if number == 160:
            world.living.discard("b" * 32)  # killed, with what it had in hand
            world.pending.clear()
        if number % 12 and world.chance.random() < 0.9:
            continue
        kept.look({"r1", "r2"}, world.living)
        plain, closed_before = world.plainly()
        assert kept.closed_before == closed_before
        for release in ("r1", "r2"):
            found, expected = kept.of(release), plain.get(release, ())
            assert by_minute(found, closed_before) == by_minute(expected, closed_before)
            assert totals(found) == totals(expected)
            since = closed_before // 60 * 60
            assert kept.of(release, since) == tuple(one for one in found if one.tick >= since), "no second of the minute before"
            assert all(one.tick + one.span <= closed_before or one.span == 1 for one in found), "what is open stays apart"
    assert len(kept.of("r1")) <= len(plain["r1"])


def test_books_that_are_begun_late_hold_the_same(tmp_path):
    world, early = World(tmp_path, 11), books.Books(tmp_path)
    for _ in range(150):
        world.second()
        early.look({"r1", "r2"}, world.living)
    late = books.Books(tmp_path)
    late.look({"r1", "r2"}, world.living)
    early.look({"r1", "r2"}, world.living)
    assert late.of("r1") == early.of("r1")


def test_a_damaged_file_is_left_out(tmp_path):
    world, kept = World(tmp_path, 1), books.Books(tmp_path)
    for _ in range(20):
        world.second()
    plain, closed_before = world.plainly()
    (tmp_path / "damaged.sums").write_bytes(b"TGSUMS and then nothing")
    kept.look({"r1"}, world.living)
    assert kept.closed_before == closed_before
    assert sum(one.candidate.opened for one in kept.of("r1")) == sum(one.candidate.opened for one in plain["r1"])
