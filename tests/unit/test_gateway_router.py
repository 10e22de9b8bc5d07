"""Arms are drawn with exactly the probability that is recorded, and a ramp keeps whom it had."""

import math
import random

import pytest

from tidegate.core.vocabulary import arms, errors, ids, tables
from tidegate.dataplane.gateway import router

STABLE, CANDIDATE, KEPT = (tables.Deployed(number, str(number) * 64, f"m/{number}") for number in (2, 3, 1))
CHANCE = random.Random(7)
UNITS = [ids.uuid7(1_700_000_000_000 + number, CHANCE.getrandbits(74)) for number in range(20_000)]


def route(weight: int, **changes):
    return tables.Route("flights", "production", STABLE, CANDIDATE, weight, salt=b"salt", kept=(KEPT,), evidence=True, **changes)


@pytest.mark.parametrize("weight", [10, 100, 1_000, 5_000])
def test_the_share_of_the_candidate_is_its_weight_within_sampling_error(weight):
    drawn = router.Router(route(weight))
    share = sum(drawn.draw(unit).arm for unit in UNITS) / len(UNITS)
    rho = weight / arms.BUCKETS
    assert abs(share - rho) < 4 * math.sqrt(rho * (1 - rho) / len(UNITS))


def test_a_ramp_keeps_the_units_it_had():
    before: set[bytes] = set()
    for weight in (0, 10, 500, 2_500, 5_000, arms.BUCKETS):
        drawn = router.Router(route(weight))
        now = {unit for unit in UNITS[:4_000] if drawn.draw(unit).arm}
        assert before <= now
        before = now
    assert len(before) == 4_000


def test_a_unit_is_drawn_by_its_bucket():
    given = route(2_500)
    drawn = router.Router(given)
    for unit in UNITS[:500]:
        assert drawn.draw(unit).arm == (arms.bucket(given.endpoint, given.salt, unit) < 2_500)


def test_another_salt_draws_others():
    first = [router.Router(route(5_000)).draw(unit).arm for unit in UNITS[:1_000]]
    salted = tables.msgspec.structs.replace(route(5_000), salt=b"other")
    second = [router.Router(salted).draw(unit).arm for unit in UNITS[:1_000]]
    assert 350 < sum(one == other for one, other in zip(first, second, strict=True)) < 650


def test_a_draw_carries_what_it_was_drawn_with():
    drawn = router.Router(route(arms.BUCKETS)).draw(UNITS[0])
    assert drawn == router.Draw(arms.Arm.CANDIDATE, CANDIDATE, arms.BUCKETS, evidence=True, role=arms.Role.LIVE)


def test_without_a_candidate_everything_is_stable_whatever_the_weight():
    alone = tables.Route("flights", "production", STABLE, None, 5_000)
    assert {router.Router(alone).draw(unit).arm for unit in UNITS[:200]} == {arms.Arm.STABLE}


@pytest.mark.parametrize("name", ["2", "v2"])
def test_the_stable_version_may_be_named_always_and_is_never_evidence(name):
    drawn = router.Router(route(500)).pinned(name)
    assert (drawn.version, drawn.arm, drawn.role, drawn.evidence) == (STABLE, arms.Arm.STABLE, arms.Role.PINNED, False)


def test_other_versions_may_be_named_only_where_pins_are_allowed():
    with pytest.raises(errors.PinRefused):
        router.Router(route(500)).pinned("v3")
    open_to_pins = router.Router(route(500, pin="allow"))
    assert open_to_pins.pinned("v3").version is CANDIDATE
    assert open_to_pins.pinned("1").version is KEPT


def test_an_unknown_version_is_unknown_even_where_pins_are_refused():
    for name in ("v9", "02", "latest", ""):
        with pytest.raises(errors.VersionUnknown):
            router.Router(route(500)).pinned(name)


def test_who_owns_the_endpoint_may_be_named_always():
    held_back = router.Router(route(9_900, candidate_owns=True))
    assert held_back.owner is held_back.candidate
    assert held_back.pinned("v3").version is CANDIDATE
    with pytest.raises(errors.PinRefused):
        held_back.pinned("v2")
    assert router.Router(route(9_900)).owner.version is STABLE


def test_a_request_of_our_own_may_name_any_version():
    drawn = router.Router(route(0)).pinned("v3", freely=True, role=arms.Role.SMOKE)
    assert (drawn.version, drawn.role, drawn.evidence, drawn.weight) == (CANDIDATE, arms.Role.SMOKE, False, 0)
