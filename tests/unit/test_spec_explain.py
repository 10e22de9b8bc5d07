"""`explain`: which predictions are explained afterwards."""

import pytest

from tidegate.core.spec import explained, file
from tidegate.core.vocabulary import errors


def resolved(*lines: str):
    return file.resolve(file.load("\n".join(["endpoint: delay", "model: mlflow://delay@candidate", *lines])))


@pytest.mark.parametrize(
    ("written", "share"), [("always", 1.0), ("on_demand", 0.0), ("sample 1%", 0.01), ("sample  0.5 %", 0.005)]
)
def test_it_is_a_share_of_predictions_and_is_shown_as_it_is_written(written: str, share: float):
    found = resolved(f"explain: {written}")
    assert found.monitors.explained == share
    told = dict(explained.rows(found))
    assert told["explain"] == " ".join(written.split()).replace(" %", "%")


def test_nothing_is_explained_unless_it_is_asked_for():
    assert resolved().monitors.explained == 0.0


@pytest.mark.parametrize(
    "written", ["sometimes", "sample", "sample 0%", "sample 100%", "sample 1", "1%", "0.5", "true", "[always]"]
)
def test_anything_else_is_refused_with_the_line(written: str):
    with pytest.raises(errors.SpecInvalid) as caught:
        resolved(f"explain: {written}")
    assert caught.value.where.startswith("tidegate.yaml:3")
    assert caught.value.cure


@pytest.mark.parametrize("log", ["{inputs: none}", "{redact: [ssn]}"])
def test_without_requests_as_they_came_nothing_could_be_explained(log: str):
    with pytest.raises(errors.SpecInvalid, match="no request as it came"):
        resolved("explain: always", f"log: {log}")
    resolved("explain: on_demand", f"log: {log}")
    resolved("explain: sample 1%", "log: {inputs: sample 10%}")
