"""Explanations computed afterwards: of the predictions that are meant, in bounded portions, by real processes, counted."""

import json

import living
import msgspec
import pytest
from sklearn import linear_model

from tests.process import explaining_fixtures as fitted
from tests.unit import predlog_fixtures as given
from tidegate.control.batch import afterwards, explaining
from tidegate.control.loop import trace
from tidegate.core.vocabulary import explanations, home, ids, keeping, monitoring, records, tables
from tidegate.dataplane.predlog import explained

MODEL = linear_model.LinearRegression().fit(fitted.X, fitted.Y)
LAG = 10.0


def place(tmp_path, share: float, **more: object) -> home.Home:
    made = given.place(tmp_path / "home")
    route = tables.Route(
        "flight-delay", "production", tables.Deployed(1, "d" * 64, "m"), monitors=monitoring.Monitors(explained=share), **more
    )
    made.table.write_bytes(msgspec.json.encode(tables.Table(1, 0, {"flight-delay": route})))
    return made


def logged(made: home.Home, digest: str, count: int, **more: object) -> list[records.Prediction]:
    """A request a second."""
    found = []
    for at in range(count):
        body = json.dumps({"records": [fitted.row(at % 200)]}).encode()
        said = float(MODEL.predict(fitted.X[at % 200 : at % 200 + 1])[0])
        found.append(given.prediction(at, at=float(at), **({"digest": digest, "input": body, "answers": (said,)} | more)))
    given.writer(made).append(found)
    return found


def kept(made: home.Home, told: list[records.Prediction]) -> list[records.Prediction]:
    return [one for one in told if explained.find(made.explanations, one.id)]


def test_all_are_explained_once_they_are_due_and_trace_and_explain_tell_them(tmp_path, monkeypatch):
    made = place(tmp_path, 1.0)
    digest = fitted.bundled(made.bundles, MODEL).manifest.digest
    watch = afterwards.Afterwards(made, lag=LAG)
    watch.look(given.T0 + 0.5 * LAG)  # what was before its beginning is not caught up with
    told = logged(made, digest, 30)
    watch.look(given.T0 + 20.0 + LAG)
    assert kept(made, told) == told[:21]
    progress = afterwards.read(made)["flight-delay"]
    assert (progress.explained, progress.skipped, progress.failed, progress.behind) == (21, 0, {}, 0.0)
    found = trace.trace(made, None, ids.text(told[3].id))
    assert [(one.agreement, one.explained.score) for one in found.explained] == [
        (explanations.EXACTLY, pytest.approx(told[3].answers[0]))
    ]
    monkeypatch.setattr(explaining.recomputing, "run", None)  # what is kept is told without any process
    assert explaining.explain(made, None, ids.text(told[3].id)) == found.explained[0]


def test_a_sample_is_drawn_by_the_ids_themselves(tmp_path):
    made = place(tmp_path, 0.2)
    digest = fitted.bundled(made.bundles, MODEL).manifest.digest
    watch = afterwards.Afterwards(made, lag=LAG)
    watch.look(given.T0 + 0.5 * LAG)
    told = logged(made, digest, 60)
    watch.look(given.T0 + 60.0 + LAG)
    chosen = [one for one in told if keeping.chance(one.id) < 0.2]
    assert 0 < len(chosen) < 30
    assert kept(made, told) == chosen


def test_it_falls_behind_by_portions_and_skips_what_is_too_old(tmp_path, monkeypatch):
    monkeypatch.setattr(afterwards, "MOST", 5)
    made = place(tmp_path, 1.0)
    digest = fitted.bundled(made.bundles, MODEL).manifest.digest
    watch = afterwards.Afterwards(made, lag=LAG, behind=20.0)
    watch.look(given.T0 + 0.5 * LAG)
    told = logged(made, digest, 40)
    watch.look(given.T0 + 12.0 + LAG)
    assert len(kept(made, told)) == 5
    assert afterwards.read(made)["flight-delay"].behind == pytest.approx(12.0 - 5.0)
    # A new process goes on where the one before was; what it cannot reach any more is counted.
    afterwards.Afterwards(made, lag=LAG, behind=20.0).look(given.T0 + 39.0 + LAG)
    progress = afterwards.read(made)["flight-delay"]
    assert (progress.explained, progress.skipped) == (10, 14)
    assert kept(made, told) == told[:5] + told[19:24]


def test_what_cannot_be_explained_is_counted_with_the_reason_and_holds_nobody_up(tmp_path):
    made = place(tmp_path, 1.0)
    digest = fitted.bundled(made.bundles, MODEL).manifest.digest
    watch = afterwards.Afterwards(made, lag=LAG)
    watch.look(given.T0 + 0.5 * LAG)
    good = logged(made, digest, 3)
    body = json.dumps({"records": [fitted.row(at) for at in range(8)]}).encode()
    more = [
        given.prediction(10, at=4.0, digest=digest, input=b""),
        given.prediction(11, at=5.0, digest="e" * 64),
        given.prediction(12, at=6.0, digest=digest, input=body, rows=8, answers=tuple(MODEL.predict(fitted.X[:8]).tolist())),
    ]
    given.writer(made, boot="c" * 32).append([msgspec.structs.replace(one, incarnation="c" * 32) for one in more])
    watch.look(given.T0 + 20.0 + LAG)
    progress = afterwards.read(made)["flight-delay"]
    assert (progress.explained, progress.skipped) == (3 + afterwards.ROWS, 8 - afterwards.ROWS)
    assert sorted(progress.failed.values()) == [1, 1]
    assert any("not in the log" in why for why in progress.failed)
    assert any("is not here" in why for why in progress.failed)
    assert kept(made, good) == good
    assert len(explained.find(made.explanations, more[2].id)) == afterwards.ROWS


def test_a_rescued_request_is_explained_by_the_version_that_the_table_lists(tmp_path):
    made = place(tmp_path, 1.0)
    good = fitted.bundled(made.bundles, MODEL).manifest.digest
    route = tables.Route("flight-delay", "production", tables.Deployed(1, good, "m"), monitors=monitoring.Monitors(explained=1.0))
    made.table.write_bytes(msgspec.json.encode(tables.Table(1, 0, {"flight-delay": route})))
    watch = afterwards.Afterwards(made, lag=LAG)
    watch.look(given.T0 + 0.5 * LAG)
    output = json.dumps({"predictions": [float(MODEL.predict(fitted.X[:1])[0])]}).encode()
    more = {"version": 2, "digest": "e" * 64, "rescued": True, "answers": (), "error": "timeout", "output": output}
    body = json.dumps({"records": [fitted.row(0)]}).encode()
    told = [given.prediction(at, at=float(at), input=body, answered_by=by, **more) for at, by in enumerate((1, 7))]
    given.writer(made).append(told)
    watch.look(given.T0 + 3.0 + LAG)
    (found,) = explained.find(made.explanations, told[0].id)
    assert (found.version, found.digest) == ("v1", good)
    assert found.agreement in (explanations.EXACTLY, explanations.WITHIN)
    assert list(afterwards.read(made)["flight-delay"].failed.values()) == [1]


def test_what_is_erased_while_it_is_explained_is_not_kept(tmp_path, monkeypatch):
    made = place(tmp_path, 1.0)
    digest = fitted.bundled(made.bundles, MODEL).manifest.digest
    watch = afterwards.Afterwards(made, lag=LAG)
    watch.look(given.T0 + 0.5 * LAG)
    told = logged(made, digest, 3)
    run = explaining.recomputing.run

    def erased_meanwhile(*asked):
        answered = run(*asked)
        for path in made.segments.glob("*.seg"):
            path.unlink()
        return answered

    monkeypatch.setattr(explaining.recomputing, "run", erased_meanwhile)
    watch.look(given.T0 + 3.0 + LAG)
    assert kept(made, told) == []
    assert not list(made.explanations.rglob("*.parquet"))
    assert afterwards.read(made)["flight-delay"].explained == 0


def test_no_value_of_a_veiled_column_is_kept(tmp_path):
    one = explanations.Contribution("income", 31_000.0, -0.1, 0.0, 45_000.0, 0.5)
    whole = explanations.Explained("the answer", 0.4, 0.5, (one,), "m", True, 20)
    told = explanations.Explanation("id", 0, "p", "e", "v1", "d", 0.4, 0.4, explanations.EXACTLY, whole, "b", 0.0)
    (part,) = afterwards._veiled(told, frozenset({"income"})).explained.contributions
    assert (part.value, part.typical, part.contribution) == (afterwards.HIDDEN, afterwards.HIDDEN, -0.1)
    assert afterwards._veiled(told, frozenset()) == told


def test_in_a_living_system_a_prediction_is_explained_without_being_asked(tmp_path, models):
    with living.alive(tmp_path, models, "explain: always\n") as system:
        with living.Traffic(system.address, 20) as traffic:
            living.wait(lambda: traffic.answered >= 20, 60.0, what="traffic")
        assert traffic.failed == 0
        identifier = next(iter(traffic.ids))
        found = lambda: json.loads(system.run("trace", identifier, "--json"))["explained"]  # noqa: E731
        (told,) = living.wait(found, 90.0, what="the explanation")
        assert told["agreement"] in (explanations.EXACTLY, explanations.WITHIN)
        assert "explained   row 0" in system.run("trace", identifier)
        assert json.loads(system.run("explain", identifier, "--json"))["at"] == told["at"]
        assert json.loads(system.run("explain", identifier, "--json", "--again"))["at"] > told["at"]
        assert "explained" in system.run("explain")


def test_a_clock_that_was_ahead_stops_nothing(tmp_path):
    made = place(tmp_path, 1.0)
    digest = fitted.bundled(made.bundles, MODEL).manifest.digest
    watch = afterwards.Afterwards(made, lag=LAG)
    for at in (0.0, 365 * 86_400.0, 0.5 * LAG):
        watch.look(given.T0 + at)
    told = logged(made, digest, 5)
    watch.look(given.T0 + 20.0 + LAG)
    assert kept(made, told) == told
