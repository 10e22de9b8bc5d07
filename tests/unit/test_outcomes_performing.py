"""A version that has become worse is an alarm, by its outcomes; one that probably has, an estimate; and chance is neither."""

import pathlib
import tempfile

import msgspec
import numpy as np
import predlog_fixtures as given
import pytest
import test_outcomes_performance as made
from pairs_fixtures import Mirrored, served

from tidegate.core.vocabulary import alarms, home, monitoring, tables
from tidegate.dataplane.predlog import labelled
from tidegate.observability.outcomes import performing

DAY, NOW = made.DAY, made.NOW


def route(kind: str = "probability", action: str = "notify") -> tables.Route:
    watched = monitoring.Monitors(performance=monitoring.Performance(action))
    return tables.Route(
        "e", "production", tables.Deployed(1, "d" * 64, "m"), outcomes=tables.Outcomes(kind=kind), monitors=watched
    )


def flow(
    rng: np.random.Generator, wrong: float, worse: float, *, days: int = 60, a_day: int = 300, since: int = 40
) -> labelled.Rows:
    """Probabilities of which a share is wrong, another from a day on; labels come within hours."""
    at = NOW - days * DAY + np.sort(rng.uniform(0, days, days * a_day)) * DAY
    share = np.where(at >= NOW - (days - since) * DAY, worse, wrong)
    truth = rng.random(at.size) < 0.5
    right = rng.random(at.size) >= share
    score = np.where(truth == right, 0.5 + rng.random(at.size) / 2, rng.random(at.size) / 2)
    return made.rows(at, score, truth.astype(float), rng.exponential(0.1, at.size) * DAY)


def judged(rows: labelled.Rows, kind: str = "probability", **given: str) -> list[alarms.Alarm]:
    asked = route(kind, **given)
    with tempfile.TemporaryDirectory() as folder:
        return list(performing.judged(asked, rows, NOW, performing.Kept(home.Home(pathlib.Path(folder)), asked)))


def test_a_worse_version_is_found_with_what_moved_since_when_and_who_shows_it() -> None:
    rows = flow(np.random.default_rng(0), 0.1, 0.2)
    (alarm,) = judged(rows, action="rollback")
    assert (alarm.kind, alarm.endpoint, alarm.subject, alarm.action) == ("performance", "e", "v1", "rollback")
    assert NOW - 20 * DAY <= alarm.since < NOW - 16 * DAY
    assert "v1 has become worse: accuracy was 0.9" in alarm.words
    assert any(line.startswith("accuracy: 0.9") and "-> 0.7" in line for line in alarm.moved)
    assert len(alarm.examples) == performing.EXAMPLES
    place = {name.decode(): at for at, name in enumerate(rows.id)}
    for one in alarm.examples:
        assert (float(rows.answer[place[one]]) >= 0.5) != (rows.label[place[one]] == 1.0)
    assert alarm.next.startswith("tidegate performance e --since 20")


def test_how_good_it_was_at_first_stays_known_when_that_is_deleted(tmp_path: pathlib.Path) -> None:
    """A slow decline would slide by, if what is left of the log were the reference."""
    rows, asked = flow(np.random.default_rng(8), 0.1, 0.2), route()
    kept = performing.Kept(home.Home(tmp_path), asked)
    early = rows.of(rows.at < NOW - 30 * DAY)
    assert list(performing.judged(asked, early, NOW - 30 * DAY, kept)) == []
    late = rows.of(rows.at > NOW - 19 * DAY)
    assert judged(late) == []
    (alarm,) = performing.judged(asked, late, NOW, kept)
    assert "accuracy was 0.9" in alarm.words
    same = msgspec.structs.replace(asked, stable=msgspec.structs.replace(asked.stable, ordinal=2))  # by other settings alone
    (alarm,) = performing.judged(same, late, NOW, performing.Kept(home.Home(tmp_path), same))
    assert alarm.subject == "v2"
    other = msgspec.structs.replace(asked, stable=tables.Deployed(2, "e" * 64, "m"))
    assert list(performing.judged(other, late, NOW, performing.Kept(home.Home(tmp_path), other))) == []
    (tmp_path / "references" / "e.json").write_bytes(b"{")
    assert list(performing.judged(asked, late, NOW, kept)) == []


def test_another_kind_of_answers_has_a_beginning_of_its_own(tmp_path: pathlib.Path) -> None:
    """The labels of the first weeks may all be 0 or 1, and later ones not: `auto` then takes the answers for something else."""
    rows, asked = flow(np.random.default_rng(8), 0.1, 0.1), route("auto")
    kept = performing.Kept(home.Home(tmp_path), asked)
    assert list(performing.judged(asked, rows, NOW, kept)) == []
    answer = 10 + rows.answer.astype(float)
    off = np.random.default_rng(9).normal(0, np.where(rows.at < NOW - 20 * DAY, 0.1, 0.5))
    far = msgspec.structs.replace(rows, answer=answer, label=np.where(rows.labelled, answer + off, np.nan))
    (alarm,) = performing.judged(asked, far, NOW, kept)
    assert "mean error was 0.08" in alarm.words


def test_chance_a_small_drop_and_an_improvement_are_no_alarm() -> None:
    for seed in range(6):
        assert judged(flow(np.random.default_rng(seed), 0.1, 0.1)) == []
        assert judged(flow(np.random.default_rng(seed), 0.1, 0.11)) == []
        assert judged(flow(np.random.default_rng(seed), 0.2, 0.1)) == []


def test_it_is_over_when_the_last_days_are_as_good_as_before() -> None:
    rng = np.random.default_rng(1)
    worse, better = flow(rng, 0.1, 0.25, days=60, since=30), flow(rng, 0.1, 0.1, days=60)
    later = better.of(better.at > NOW - 10 * DAY)
    first = worse.of(worse.at <= NOW - 10 * DAY)
    names = [
        field.name for field in msgspec.structs.fields(labelled.Rows) if field.name not in ("sampled", "classes", "probabilities")
    ]
    both = labelled.Rows(**{name: np.concatenate([getattr(one, name) for one in (first, later)]) for name in names})
    assert judged(worse)
    assert judged(both) == []


def test_days_that_are_bad_together_are_one_observation_each() -> None:
    """Every fifth day is bad: rows taken for single bets would raise an alarm again and again."""
    rng = np.random.default_rng(2)
    for seed in range(4):
        at = NOW - 120 * DAY + np.sort(np.random.default_rng(seed).uniform(0, 120, 24_000)) * DAY
        bad = np.random.default_rng(seed + 50).random(121)[((at - at[0]) // DAY).astype(int)] < 0.2
        truth = rng.random(at.size) < 0.5
        right = rng.random(at.size) >= np.where(bad, 0.5, 0.05)
        rows = made.rows(at, np.where(truth == right, 0.9, 0.1), truth.astype(float), np.full(at.size, 0.01 * DAY))
        assert judged(rows) == []
    worse = flow(rng, 0.1, 0.1)
    assert judged(worse) == []


def test_numbers_are_held_against_how_far_off_they_were() -> None:
    rng = np.random.default_rng(3)
    at = NOW - 60 * DAY + np.sort(rng.uniform(0, 60, 15_000)) * DAY
    off = rng.normal(0, np.where(at > NOW - 20 * DAY, 3.0, 2.0))
    truth = rng.normal(50, 10, at.size)
    (alarm,) = judged(made.rows(at, truth + off, truth, np.full(at.size, 0.01 * DAY)), "number")
    assert "mean error was 1." in alarm.words
    steady = made.rows(at, truth + rng.normal(0, 2, at.size), truth, np.full(at.size, 0.01 * DAY))
    assert judged(steady, "number") == []


def far_labels(rng: np.random.Generator, hard: float) -> labelled.Rows:
    """Labels come after thirty days; the inputs of the last days are harder."""
    at = NOW - 80 * DAY + np.sort(rng.uniform(0, 80, 24_000)) * DAY
    spread = np.where(at > NOW - DAY, hard, 0.3)
    chance = rng.beta(spread, spread)
    return made.rows(at, chance, (rng.random(at.size) < chance).astype(float), np.full(at.size, 30.0 * DAY))


def test_harder_inputs_are_an_estimate_that_only_tells() -> None:
    (alarm,) = judged(far_labels(np.random.default_rng(4), 2.0), action="rollback")
    assert (alarm.kind, alarm.action) == ("estimate", "notify")
    assert alarm.words.startswith("an estimate, without outcomes:")
    assert alarm.moved[0].startswith("estimated accuracy: 0.8")
    assert alarm.next.startswith("tidegate label e ")
    assert judged(far_labels(np.random.default_rng(5), 0.3)) == []


def test_too_little_says_nothing() -> None:
    rng = np.random.default_rng(6)
    assert judged(flow(rng, 0.1, 0.9, days=10, since=5)) == [], "its first two weeks are not over"
    assert judged(flow(rng, 0.1, 0.9, a_day=5, days=30, since=20)) == []
    assert judged(made.rows(*(np.array([NOW - DAY]),) * 4)) == []


@pytest.mark.parametrize("labels", [0, 1])
def test_the_watch_reads_the_log_of_every_route(tmp_path: pathlib.Path, labels: int) -> None:
    log = Mirrored(tmp_path, mirror=0)
    one = served(1, 1.0)
    log.put(one, *(given.outcome(0, one, 1.0, 2.0) for _ in range(labels)))
    log.look(10.0)
    watch = performing.Performing(log.home)
    assert (watch.name, watch.every) == ("performance", 600.0)
    assert list(watch.look(given.T0 + 100.0)) == []


def test_a_clock_that_leaps_ahead_is_believed_at_the_second_look(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Until then young predictions would count as mature, by those of them alone whose outcomes came early."""
    watch = performing.Performing(home.Home(tmp_path))
    looked: list[float] = []
    monkeypatch.setattr(watch, "_worse", lambda now: looked.append(now) or ())
    for at in (NOW, NOW + 600.0, NOW + DAY, NOW + 1_800.0, NOW + 40 * DAY, NOW + 40 * DAY + 600.0):
        watch.look(at)
    assert looked == [NOW, NOW + 600.0, NOW + 1_800.0, NOW + 40 * DAY + 600.0]
