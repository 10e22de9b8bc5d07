"""Points in time as programs write them, and what is wrong with those that are none."""

import json
import re

import pytest

from tidegate.core.vocabulary import errors, instants
from tidegate.dataplane.gateway import outcomes
from tidegate.dataplane.predlog import posts

WRONG = {
    "0001-01-01": "lies before 1970",
    -1.0: "lies before 1970",
    "9999-01-01": "lies after 2262",
    9.9e10: "lies after 2262",
    1e19: "is neither ISO 8601 nor a Unix time",
    "yesterday": "is neither ISO 8601 nor a Unix time",
}


@pytest.mark.parametrize("value", ["1970-01-01", "2262-04-11T23:47:16Z", 1_772_380_000, 1_772_380_000_000, "1772380000.5"])
def test_what_columns_can_hold_is_taken(value):
    assert 0 <= (instants.parse(value) or 0) <= instants.LAST_NS


@pytest.mark.parametrize(("value", "why"), WRONG.items())
def test_what_is_wrong_with_a_time_is_said_in_files_and_by_the_gateway(value, why):
    assert instants.parse(value) is None
    given = {"key": "ada", "endpoint": "flights", "time": value, "label": 1}
    with pytest.raises(errors.OutcomeInvalid) as of_file:
        posts.entry(given, "truth.csv:2")
    with pytest.raises(errors.OutcomeInvalid) as of_post:
        outcomes.parse(json.dumps({"outcomes": [given]}).encode())
    for refused in (of_file, of_post):
        assert re.search(rf"the time \S+ {why}", str(refused.value))


@pytest.mark.parametrize("value", [None, ""])
def test_a_key_without_a_time_is_another_matter(value):
    given = {"key": "ada", "endpoint": "flights", "time": value, "label": 1}
    with pytest.raises(errors.OutcomeInvalid, match="a key has a metric and a value, or a time and a label"):
        posts.entry(given, "truth.csv:2")
    with pytest.raises(errors.OutcomeInvalid, match="a key without a time may have had many"):
        outcomes.parse(json.dumps({"outcomes": [given]}).encode())
