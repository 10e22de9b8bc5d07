"""Ground truth by key and time goes where somebody who looked through all predictions would send it, or is put aside."""

import sqlite3

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from tests.unit import predlog_fixtures as made
from tidegate.core.vocabulary import assignment, tables
from tidegate.observability.joining import entities, quarantine

KEYS = st.sampled_from(["ann", "ben"])
TIMES = st.integers(0, 12)
RULE = tables.Outcomes(lookback_seconds=5.0)


@given(st.lists(st.tuples(KEYS, TIMES, st.integers(1, 2)), max_size=12), KEYS, TIMES)
def test_it_is_the_nearest_before_within_the_lookback_and_never_a_guess(asked, key, at) -> None:
    predictions = [
        made.prediction(number, float(when), key_hash=assignment.digest(who.encode()), rows=rows, answers=(0.5,) * rows)
        for number, (who, when, rows) in enumerate(asked)
    ]
    known = entities.Entities(sqlite3.connect(":memory:"), None)
    known.take(predictions, lambda _: RULE)
    told = msgspec.structs.replace(
        made.outcome(99, made.prediction(99), 1.0, 20.0),
        endpoint="flight-delay",
        key_hash=assignment.digest(key.encode()),
        at_ns=(made.T0 + at) * 10**9,
    )
    found = known.match(told, RULE)
    near = [(when, number, rows) for number, (who, when, rows) in enumerate(asked) if who == key and at - 5 <= when <= at]
    last = [one for one in near if one[0] == max(near)[0]]
    if not near:
        assert found == quarantine.UNMATCHED
    elif len(last) > 1 or last[0][2] > 1:
        assert found == quarantine.AMBIGUOUS
    else:
        assert (found.id, found.row, found.key_hash) == (predictions[last[0][1]].id, 0, b"")
