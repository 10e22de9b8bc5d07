"""What the recorder knows of the routing table: found once a table, however often it looks and however many endpoints sleep."""

import msgspec
import predlog_fixtures as given

from tidegate.core.vocabulary import keeping, tables
from tidegate.dataplane.wire import tablefile
from tidegate.observability.reading import rules


def test_what_is_asked_at_every_look_is_found_again_only_for_another_table(tmp_path):
    place = given.place(tmp_path)
    known = rules.Rules(place.table)
    known.refresh()
    before = (known.timeouts(), known.silent(), known.releases())
    assert before == ({"flight-delay": 2.0}, (), {"r1"})
    known.refresh()
    assert all(one is other for one, other in zip(before, (known.timeouts(), known.silent(), known.releases()), strict=True))

    def changed(table: tables.Table) -> tables.Table:
        route = table.routes["flight-delay"]
        other = msgspec.structs.replace(route, endpoint="other", release="r2", log=keeping.Keeping(redact=("ssn",)))
        limits = msgspec.structs.replace(route.limits, timeout_ms=2_500)
        return msgspec.structs.replace(
            table, routes={"flight-delay": msgspec.structs.replace(route, limits=limits), "other": other}
        )

    tablefile.write(place.table, changed)
    known.refresh()
    assert known.timeouts() == {"flight-delay": 2.5, "other": 2.0}
    assert (known.silent(), known.releases()) == (("other",), {"r1", "r2"})
