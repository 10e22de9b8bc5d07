"""Between two whole looks a release is glanced at, and harm is looked at whole at once."""

import msgspec
import pytest

from tests.process import loop_plays
from tests.process.loop_plays import release
from tests.process.loop_world import Play, World
from tidegate.control.loop import progress
from tidegate.core.vocabulary import marks, releases, sums


@pytest.fixture
def begun(tmp_path) -> World:
    return World.finished(tmp_path / "begins", loop_plays.BEGINNINGS["one"])


def test_a_quiet_release_is_looked_at_once_a_second_and_a_harmful_one_at_once(begun, tmp_path):
    settings = loop_plays.of("canary") | {"stages": (releases.Stage("half", 5_000, 60.0), releases.Stage("all", 10_000))}
    with World.of(begun, tmp_path / "canary", Play(settings, (release(),))) as world:
        while not (newest := world.newest()).stage_since or not world.control._progress._left(newest):
            world.tick()
            assert world.now < 1_000_200.0
        asked = []

        def recent(name: str, since: int, failing: int = 0) -> sums.Inputs:
            asked.append(since)
            rows = tuple(one for one in world.sums_of(name) if one.tick >= since)
            told = [0] * marks.SLOTS
            told[marks.Mark.ERROR] = failing
            failed = sums.Counts(failing, tuple(told))
            last = msgspec.structs.replace(rows[-1], candidate=rows[-1].candidate + failed)
            return sums.Inputs((*rows[:-1], last), int(world.now) + 1)

        def judged(after: float, of=newest, failing: int = 0) -> set[str]:
            return world.control._progress.to_judge([of], world.now + after, lambda *given: recent(*given, failing=failing))

        assert judged(0.2) == set()
        assert asked
        assert judged(0.4, failing=200) == {newest.id}
        assert judged(progress.LOOK_SECONDS) == {newest.id}
        assert judged(-3_600.0) == {newest.id}, "a clock set back keeps nobody from being looked at"
        assert judged(0.2, of=msgspec.structs.replace(newest, stage=1)) == {newest.id}
