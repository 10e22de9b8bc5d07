"""One request across processes: its records and the lines that name it."""

import json

import predlog_fixtures as given
import pytest

from tidegate.core.vocabulary import arms, errors, ids, marks
from tidegate.dataplane.predlog import catalogue, parquet
from tidegate.interface.cli import sightings


def line(event, **more):
    return json.dumps({"at": "2030-01-01T00:00:00.000+00:00", "level": "warning", "instance": "w-1", "event": event} | more)


@pytest.fixture
def place(tmp_path):
    made = given.place(tmp_path)
    one = given.prediction(0, request_id="order-7", mark=int(marks.Mark.ERROR), error="predict-failed: no")
    copy = given.prediction(1, id=one.id, role=int(arms.Role.SHADOW))
    other = given.prediction(2, at=1.0, request_id="order-8")
    with catalogue.Catalogue(made.log) as known:
        known.begin()
        known.add(parquet.write(made.log, "a", [one, other]))
        known.commit()
    given.writer(made).append([copy])
    shown = ids.text(one.id)
    (made.logs / "w-1.log").write_text(
        "\n".join((line("it failed", prediction_id=shown), line("another", prediction_id=ids.text(other.id)), line("none")))
        + "\n"
    )
    (made.logs / "w-1.log.1").write_text(line("before", request_id="order-7") + "\n" + line("order-7 is said", note="x") + "\n")
    return made


def events(place, found):
    return [(one["instance"], one["event"]) for one in sightings.lines(place, found)]


def test_a_prediction_is_found_in_the_log_and_in_every_processs_lines(place):
    shown = ids.text(given.prediction(0).id)
    found = sightings.predictions(place, shown, "")
    assert [one.role for one in found] == [arms.Role.LIVE, arms.Role.SHADOW]
    boot = f"boot {given.BOOT[:8]}"
    assert events(place, found) == [(boot, "prediction"), (boot, "prediction"), ("w-1", "it failed"), ("w-1", "before")]
    told = sightings.lines(place, found)[0]
    assert (told["level"], told["mark"], told["error"], told["release"]) == ("warning", "error", "predict-failed: no", "r1")


def test_the_clients_own_request_id_leads_there_too(place):
    assert [ids.text(one.id) for one in sightings.predictions(place, "", "order-8")] == [ids.text(given.prediction(2, at=1.0).id)]
    found = sightings.predictions(place, "", "order-7")
    assert ("w-1", "it failed") in events(place, found)


def test_what_is_in_no_log_is_an_error(place):
    for asked in (("", "order-9"), ("none", ""), (ids.text(given.identifier(77)), "")):
        with pytest.raises(errors.PredictionUnknown):
            sightings.predictions(place, *asked)
