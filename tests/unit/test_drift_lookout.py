"""What has moved by the lookout's word: windows, seasons, runs, and the alarms that come of them."""

import pathlib

import numpy as np
import pytest
from profiles_fixtures import MONDAY, Hours

from tidegate.core.stats import counting, seasons
from tidegate.core.vocabulary import alarms, home, monitoring, profiles, tables
from tidegate.observability.drift import lookout, moving

DAY, WEEK = seasons.DAY, seasons.WEEK
RNG = np.random.default_rng(3)
FRAMES = {
    "distance": counting.edged("distance", RNG.gamma(2.0, 300.0, size=1_000)),
    "carrier": profiles.Frame("carrier", classes=("AA", "DL", "UA")),
    "prediction": counting.edged("prediction", RNG.random(1_000)),
}
DAYS = [MONDAY + at * DAY for at in range(60)]


class World(Hours):
    """An endpoint with a day's rows at noon, more of them AA at weekends."""

    def __init__(self, root: pathlib.Path, **route: object) -> None:
        super().__init__(root, FRAMES, **route)
        self.rng = np.random.default_rng(4)
        self.lookout = lookout.Lookout(self.home)

    def day(
        self, begin: int, *, longer: float = 1.0, nulls: float = 0.0, version: int = 1, rows: int = 3_000, other: bool = False
    ) -> None:
        """`longer`: by what distances are multiplied. `other`: whether carriers are those of the other half of the week."""
        weekend = (begin - MONDAY) // DAY % 7 >= 5
        distance = np.where(self.rng.random(rows) < nulls, np.nan, longer * self.rng.gamma(2.0, 300.0, rows))
        shares = [0.8, 0.1, 0.1] if weekend != other else [0.3, 0.4, 0.3]
        carrier = self.rng.choice(["AA", "DL", "UA"], rows, p=shares).tolist()
        prediction = self.rng.random(rows) ** version
        self.put(begin + 12 * 3_600, {"distance": distance, "carrier": carrier, "prediction": prediction}, version)

    def look(self, begin: int) -> list[alarms.Alarm]:
        """What is said when the day has ended."""
        return self.lookout.look(begin + DAY + 1_000.0)


def test_same_days_of_the_week_are_quiet_and_what_stays_other_is_one_alarm_until_it_is_over(tmp_path: pathlib.Path) -> None:
    world = World(tmp_path, monitors=monitoring.Monitors(drift=monitoring.Drift(action="hold")))
    for day in DAYS[:45]:
        world.day(day)
        assert world.look(day) == []
    found = []
    for day in DAYS[45:49]:
        world.day(day, longer=1.4)
        found.append(world.look(day))
    assert [len(one) for one in found] == [0, 1, 1, 1]
    [alarm] = found[-1]
    assert (alarm.kind, alarm.endpoint, alarm.action, alarm.since) == ("drift", "flights", "hold", DAYS[45])
    assert alarm.words.startswith("1 of 3 columns has moved, distance most, against the same time of the four weeks before")
    assert alarm.moved[0].startswith("distance: mean ")
    assert " above): " in alarm.moved[0]
    assert "at least" in alarm.moved[0]
    assert alarm.next.startswith("tidegate drift flights --from 20")
    for day in DAYS[49:52]:
        world.day(day)
    assert world.look(DAYS[51]) == []


def test_after_a_kill_the_same_is_said(tmp_path: pathlib.Path) -> None:
    world = World(tmp_path)
    for day in DAYS[:40]:
        world.day(day, longer=1.4 if day >= DAYS[37] else 1.0)
        said = world.look(day) if day >= DAYS[35] else []
    assert said
    assert lookout.Lookout(world.home).look(DAYS[39] + DAY + 1_000.0) == said


@pytest.mark.parametrize("ahead", [DAY, 3 * DAY, 2 * WEEK])
def test_a_clock_that_stood_ahead_hides_no_day(tmp_path: pathlib.Path, ahead: int) -> None:
    """Days that had passed by a clock set forward come after all, once it is set back: they are looked at as any others."""
    world = World(tmp_path)
    for day in DAYS[:40]:
        world.day(day)
    assert world.look(DAYS[39]) == []
    world.lookout.look(DAYS[39] + DAY + 1_000.0 + ahead)
    assert world.look(DAYS[39]) == []
    for day in DAYS[40:43]:
        world.day(day, longer=1.4)
        said = world.look(day)
    assert [alarm.since for alarm in said] == [DAYS[40]]


def test_a_clock_set_back_an_hour_ends_nothing_and_begins_nothing(tmp_path: pathlib.Path) -> None:
    world = World(tmp_path)
    for day in DAYS[:43]:
        world.day(day, longer=1.4 if day >= DAYS[40] else 1.0)
        said = world.look(day) if day >= DAYS[39] else []
    assert [alarm.since for alarm in said] == [DAYS[40]]
    [before] = world.lookout.look(DAYS[42] + DAY + 1_000.0 - 3_600.0)
    assert (before.since, before.words) == (said[0].since, said[0].words), "as it was by the day before"
    assert world.look(DAYS[42]) == said


def test_a_shift_that_stays_is_open_until_what_it_is_held_against_has_moved_too(tmp_path: pathlib.Path) -> None:
    world = World(tmp_path)
    said = {}
    for at, day in enumerate(DAYS):
        world.day(day, longer=2.0 if at >= 30 else 1.0)
        if at in {29, 30, 31, 37, 44, 59}:
            said[at] = len(world.look(day))
    assert said == {29: 0, 30: 0, 31: 1, 37: 1, 44: 1, 59: 0}


def test_nulls_are_said_before_there_is_any_season(tmp_path: pathlib.Path) -> None:
    world = World(tmp_path)
    for day in DAYS[:4]:
        world.day(day)
        assert world.look(day) == []
    for day in DAYS[4:6]:
        world.day(day, nulls=0.2)
    [alarm] = world.look(DAYS[5])
    assert alarm.kind == alarms.Kind.QUALITY
    assert alarm.moved[0].startswith("distance: ")
    assert " % missing, was " in alarm.moved[0]


def test_windows_are_as_long_as_the_rows_ask_for(tmp_path: pathlib.Path) -> None:
    hours = Hours(tmp_path, FRAMES)
    watch = lookout.Lookout(hours.home)
    for hour in range(24 * 9):
        values = {"distance": RNG.gamma(2.0, 300.0, 500), "carrier": ["AA"] * 500, "prediction": RNG.random(500)}
        if hour >= 24 * 9 - 2:
            values["distance"] = np.where(RNG.random(500) < 0.3, np.nan, values["distance"])
        hours.put(MONDAY + hour * 3_600, values)
    [alarm] = watch.look(MONDAY + 9 * DAY + 200.0 + moving.WAIT)
    assert alarm.since == MONDAY + 9 * DAY - 2 * 3_600


def test_holidays_are_not_watched_and_nothing_is_held_against_them(tmp_path: pathlib.Path) -> None:
    names = tuple(np.datetime_as_string(np.datetime64(day, "s"))[:10] for day in DAYS[40:43])
    told = {"drift": monitoring.Drift(holidays=(names[0], names[1][5:], names[2]))}
    world = World(tmp_path, monitors=monitoring.Monitors(**told))
    for day in DAYS[:50]:
        world.day(day, longer=5.0 if DAYS[40] <= day < DAYS[43] else 1.0)
        assert day < DAYS[39] or world.look(day) == []


def test_a_promotion_begins_the_reference_of_predictions_anew_and_keeps_that_of_inputs(tmp_path: pathlib.Path) -> None:
    world = World(tmp_path)
    for day in DAYS[:30]:
        world.day(day)
    world.look(DAYS[29])
    world.route(stable=tables.Deployed(3, "e" * 64, "m"))
    for at, day in enumerate(DAYS[30:50]):
        world.day(day, version=3, longer=2.0 if day >= DAYS[48] else 1.0)
        said = world.look(day) if at < 3 or at > 16 else []
        assert not said or day >= DAYS[49]
    assert [line.partition(":")[0] for line in said[0].moved] == ["distance"]


def test_a_version_made_by_other_settings_alone_is_held_against_what_its_model_had_predicted_before(
    tmp_path: pathlib.Path,
) -> None:
    world = World(tmp_path)
    for day in DAYS[:30]:
        world.day(day)
    assert world.look(DAYS[29]) == []
    world.route(stable=tables.Deployed(2, "d" * 64, "m"))
    for day in DAYS[30:34]:
        world.put(day + 12 * 3_600, {"prediction": world.rng.random(3_000) ** (3.0 if day >= DAYS[31] else 1.0)}, version=2)
        said = world.look(day)
    assert [line.partition(":")[0] for line in said[0].moved] == ["prediction"]
    assert lookout.Lookout(world.home).look(DAYS[33] + DAY + 1_000.0) == said


def test_windows_with_few_rows_say_nothing_and_a_run_of_which_nothing_comes_is_over(tmp_path: pathlib.Path) -> None:
    world = World(tmp_path)
    for day in DAYS[:40]:
        world.day(day, longer=1.4 if day >= DAYS[37] else 1.0)
    assert world.look(DAYS[39])
    for day in DAYS[40:44]:
        world.day(day, rows=1)
        assert world.look(day)
    assert world.look(DAYS[47]) == []


def test_where_nothing_is_routed_or_logged_nothing_is_wrong(tmp_path: pathlib.Path) -> None:
    place = home.Home(tmp_path)
    place.prepare()
    assert lookout.Lookout(place).look(1e9) == []
    world = World(tmp_path / "other")
    assert world.look(MONDAY) == []


def test_of_a_thousand_columns_the_first_are_named(tmp_path: pathlib.Path) -> None:
    frames = {f"x{at}": profiles.Frame(f"x{at}", edges=(0.0, 1.0, 2.0)) for at in range(1_000)}
    hours = Hours(tmp_path, frames, monitors=monitoring.Monitors(quality=monitoring.Quality(window_seconds=DAY)))
    for at, day in enumerate(DAYS[:5]):
        hours.put(day, {name: [None if at > 2 else 0.5] * 500 for name in frames})
    [alarm] = lookout.Lookout(hours.home).look(DAYS[4] + DAY + 1_000.0)
    assert len(alarm.moved) == lookout.LINES + 1
    assert alarm.moved[-1] == "and 990 more"


@pytest.mark.parametrize("value", [1e308, -1e308, "x", None])
def test_columns_of_impossible_values_raise_an_alarm_and_no_error(tmp_path: pathlib.Path, value: object) -> None:
    world = World(tmp_path)
    for day in DAYS[:20]:
        world.day(day)
    for day in DAYS[20:23]:
        world.put(day, {"distance": [value] * 600, "carrier": [value] * 600, "prediction": world.rng.random(600)})
    assert any(line.startswith("distance") for line in world.look(DAYS[22])[0].moved)


def test_columns_that_come_and_go_with_versions_are_no_alarm(tmp_path: pathlib.Path) -> None:
    world = World(tmp_path)
    for at, day in enumerate(DAYS[:40]):
        world.day(day)
        if at % 2:
            world.put(day + 3_600, {"carrier": ["AA"] * 3}, version=2)
        assert at < 35 or world.look(day) == []


def trained(rng: np.random.Generator, rows: int = 5_000) -> dict[str, object]:
    return {
        "distance": rng.gamma(2.0, 300.0, rows),
        "carrier": rng.choice(["AA", "DL", "UA"], rows, p=[3.1 / 7, 2.2 / 7, 1.7 / 7]).tolist(),
        "prediction": rng.random(rows),
    }


def test_whole_weeks_are_held_against_what_came_with_the_model(tmp_path: pathlib.Path) -> None:
    world = World(tmp_path)
    world.baseline(trained(world.rng), {"distance": 1.9, "carrier": 0.1})
    for at, day in enumerate(DAYS):
        world.day(day, longer=1.0 + max(0, at - 20) * 0.02)
        assert at not in {20, 27} or world.look(day) == []
    [alarm] = world.look(DAYS[-1])  # it goes so slowly that against the weeks before nothing moves
    assert alarm.subject == "training"
    assert "against the data that came with the model" in alarm.words
    assert alarm.next.endswith("--against training")


def test_what_matters_to_the_model_comes_first(tmp_path: pathlib.Path) -> None:
    world = World(tmp_path)
    world.baseline(trained(world.rng), {"distance": 0.05, "carrier": 1.95})
    for at, day in enumerate(DAYS[:40]):
        world.day(day, longer=2.0 if at >= 38 else 1.0, other=at >= 38)
    alarm = next(one for one in world.look(DAYS[39]) if not one.subject)
    assert [line.partition(":")[0] for line in alarm.moved] == ["carrier", "distance"]
    assert "ranked by how much each matters to the model" in alarm.words


def test_a_baseline_that_cannot_be_read_is_none(tmp_path: pathlib.Path) -> None:
    world = World(tmp_path)
    world.baseline(trained(world.rng), {})
    (world.home.bundles / ("d" * 64) / "baseline.json").write_text("{")
    for day in DAYS[:10]:
        world.day(day)
    assert world.look(DAYS[9]) == []


def lasting_days(world: World, days: list[int], moved: float = 0.0) -> list[alarms.Alarm]:
    """What is said when these days are over, on which a share of the carriers is DL that was not."""
    for day in days:
        carrier = world.rng.choice(["AA", "DL", "UA"], 4_000, p=[0.5 - moved, 0.3 + moved, 0.2]).tolist()
        world.put(day + 12 * 3_600, {"carrier": carrier})
    return world.look(days[-1])


def little(root: pathlib.Path, **drifts: object) -> World:
    """A world whose model came with 60,000 rows."""
    world = World(root, monitors=monitoring.Monitors(drift=monitoring.Drift(**drifts)))
    world.baseline({"carrier": world.rng.choice(["AA", "DL", "UA"], 60_000, p=[0.5, 0.3, 0.2]).tolist()}, {})
    return world


def test_what_moves_little_but_for_good_is_told_once_it_has_lasted_and_acts_on_nothing(tmp_path: pathlib.Path) -> None:
    world = little(tmp_path, action="hold")
    assert lasting_days(world, DAYS[:40]) == []
    assert lasting_days(world, DAYS[40:54], 0.04) == []  # in two weeks of the four it is as it was
    [alarm] = lasting_days(world, [MONDAY + at * DAY for at in range(54, 80)], 0.04)
    assert (alarm.kind, alarm.subject, alarm.severity, alarm.action) == ("drift", "lasting", "warning", "notify")
    assert alarm.words.startswith("Small but lasting, for four weeks: 1 of 3 columns has moved, carrier most")
    assert "3.9 % of its values are others, at least 2" in alarm.moved[0]
    assert "--against training" in alarm.next
    assert lookout.Lookout(world.home).look(MONDAY + 80 * DAY + 1_000.0) == [alarm]


def test_what_was_so_in_the_first_four_weeks_of_a_version_is_no_news_a_year_later_either(tmp_path: pathlib.Path) -> None:
    world = little(tmp_path)
    days = [MONDAY + at * DAY for at in range(180)]
    assert [lasting_days(world, days[at : at + 45], 0.04) for at in range(0, 180, 45)] == [[]] * 4
    assert lookout.Lookout(world.home).look(days[-1] + DAY + 1_000.0) == []
    assert lasting_days(world, [days[-1] + at * DAY for at in range(1, 28)], 0.08)[0].subject == "lasting"


def test_it_is_not_looked_for_where_the_file_says_so_and_holidays_are_left_out(tmp_path: pathlib.Path) -> None:
    days = [MONDAY + at * DAY for at in range(60)]
    quiet = little(tmp_path / "off", lasting=0.0)
    assert [lasting_days(quiet, days[:30]), lasting_days(quiet, days[30:], 0.04)] == [[], []]
    world = little(tmp_path / "on", holidays=("2023-10-24",))
    assert [lasting_days(world, days[:30]), lasting_days(world, days[30:], 0.04)[0].subject] == [[], "lasting"]


def test_what_the_week_has_told_is_not_told_again(tmp_path: pathlib.Path) -> None:
    world = little(tmp_path)
    lasting_days(world, DAYS[:30])
    said = lasting_days(world, DAYS[30:], 0.25)
    assert [one.subject for one in said if one.subject] == ["training"]
