"""A rollback without control: what is written into the routing table, and when it is refused."""

import msgspec
import pytest

from tidegate.core.vocabulary import errors, home, instances, tables
from tidegate.dataplane.wire import tablefile
from tidegate.interface.cli import override


def deployed(ordinal, workers=True):
    given = (tables.Worker(f"w-delay-{ordinal}-0", f"unix:/w{ordinal}", "t"),) if workers else ()
    return tables.Deployed(ordinal, f"{ordinal}" * 64, f"mlflow://delay/{ordinal}", given)


@pytest.fixture
def place(tmp_path):
    found = home.Home(tmp_path / "home")
    found.instances.mkdir(parents=True)
    return found


@pytest.fixture
def alive(place):
    """Makes instances alive and ready, with the facts given."""
    claims = []

    def make(name, **facts):
        claim = instances.Claim(place.instances, name, "t")
        claim.say("ready", **facts)
        instances.write_json(place.instances / f"{name}.json", {})
        claims.append(claim)

    yield make
    for claim in claims:
        claim.release()


def write(place, **route):
    base = tables.Route("delay", "production", deployed(2), release="r1", evidence=True, kept=(deployed(1),))
    full = msgspec.structs.replace(base, **route)
    return tablefile.write(place.table, lambda table: msgspec.structs.replace(table, routes={"delay": full}))


def back(place, to=None):
    return override.roll_back(place, "delay", to, actor="ann", reason="it is wrong")


def test_a_release_under_way_loses_its_candidate_and_stable_keeps_all(place):
    write(place, candidate=deployed(3), weight=2500)
    done = back(place)
    route = tablefile.read(place.table).routes["delay"]
    assert (done.before, done.now) == ("v3", "v2")
    assert (route.stable.ordinal, route.candidate, route.weight, route.evidence) == (2, None, 0, False)
    assert [one.name for one in route.kept] == ["v1"]


def test_the_table_is_signed_and_names_the_bundle_to_hold(place):
    before = write(place, candidate=deployed(3), weight=2500)
    back(place)
    table = tablefile.read(place.table)
    assert (table.parent, table.generation) == (before.generation, before.generation + 1)
    assert (table.override.actor, table.override.reason, table.override.endpoint) == ("ann", "it is wrong", "delay")
    assert table.override.held_digest == "3" * 64
    assert table.override.at > 0


def test_without_a_release_the_version_kept_warm_takes_over(place, alive):
    write(place)
    alive("w-delay-1-0")
    done = back(place)
    route = tablefile.read(place.table).routes["delay"]
    assert (done.before, done.now, route.stable.ordinal, route.kept) == ("v2", "v1", 1, ())


def test_a_second_signature_keeps_the_first_that_control_has_not_seen(place, alive):
    write(place, candidate=deployed(3), weight=2500)
    alive("w-delay-1-0")
    back(place)
    back(place)
    table = tablefile.read(place.table)
    assert (table.override.held_digest, table.override.before.held_digest) == ("2" * 64, "3" * 64)


def test_a_version_whose_worker_is_dead_gets_no_traffic(place):
    before = write(place)
    with pytest.raises(errors.NothingToRollBack):
        back(place)
    assert tablefile.read(place.table) == before


def test_a_later_version_that_is_kept_was_left_by_a_rollback_and_is_not_gone_back_to_unasked(place, alive):
    write(place, stable=deployed(1), kept=(deployed(2),))
    alive("w-delay-2-0")
    with pytest.raises(errors.NothingToRollBack):
        back(place)
    assert back(place, to=2).now == "v2"


def test_in_a_probation_the_version_before_takes_all_back_and_owns_the_endpoint(place):
    write(place, candidate=deployed(3), weight=9_900, candidate_owns=True)
    with pytest.raises(errors.AlreadyStable, match="v3"):
        back(place, to=3)
    assert back(place).now == "v2"
    route = tablefile.read(place.table).routes["delay"]
    assert (route.stable.ordinal, route.candidate, route.candidate_owns) == (2, None, False)


def test_versions_that_are_not_there_are_named(place):
    write(place)
    with pytest.raises(errors.NothingToRollBack, match="v7"):
        back(place, to=7)
    with pytest.raises(errors.AlreadyStable):
        back(place, to=2)
    with pytest.raises(errors.EndpointUnknown, match="nobody"):
        override.roll_back(place, "nobody", None, actor="ann", reason="")


def test_gateways_confirm_by_the_generation_they_obey(place, alive, monkeypatch):
    monkeypatch.setattr(override, "CONFIRM_SECONDS", 0.0)
    before = write(place, candidate=deployed(3), weight=2500)
    alive("gateway-0", generation=before.generation + 1)
    alive("gateway-1", generation=before.generation)
    instances.write_json(place.instances / "gateway-2.json", {})
    done = back(place)
    assert (done.confirmed, done.silent) == (("gateway-0",), ("gateway-1",))


def test_a_version_that_was_stopped_for_the_candidate_is_not_given_traffic(place):
    before = write(place, stable=deployed(2, workers=False), candidate=deployed(3), weight=10_000, candidate_owns=True)
    with pytest.raises(errors.NothingToRollBack, match="v2 was stopped for v3"):
        back(place)
    assert tablefile.read(place.table) == before
