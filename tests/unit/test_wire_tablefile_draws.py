"""A route gets a new generation when who is drawn for what may have changed, and only then."""

import msgspec
import pytest

from tidegate.core.vocabulary import assignment, tables
from tidegate.dataplane.wire import tablefile

BEFORE = tables.Route("e", "p", tables.Deployed(1, "1" * 64, "m"), tables.Deployed(2, "2" * 64, "m"), 500, salt=b"s", release="r")


@pytest.mark.parametrize(
    ("changes", "another"),
    [
        ({"weight": 600}, True),
        ({"sticky": assignment.Sticky("header", "x-user")}, True),
        ({"cohort": assignment.Cohort(header="x-beta")}, True),
        ({"salt": b"t"}, True),
        ({"mirror": 100}, False),
        ({"candidate_owns": True}, False),
        ({"gap": True}, False),
        ({"pin": "allow"}, False),
        ({"slices": ("region",)}, False),
    ],
)
def test_a_change_of_the_draw_is_another_generation(tmp_path, changes, another):
    path = tmp_path / "table.json"

    def put(route):
        return lambda now: msgspec.structs.replace(now, routes={"e": route})

    first = tablefile.write(path, put(BEFORE)).routes["e"]
    second = tablefile.write(path, put(msgspec.structs.replace(BEFORE, **changes))).routes["e"]
    assert (first.generation, second.generation) == (1, 2 if another else 1)
    assert tablefile.read(path).routes["e"] == second
