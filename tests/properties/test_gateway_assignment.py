"""Units stay on their arm: through ramps, restarts and on every gateway; and as many are drawn as the weight says."""

import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tidegate.core.vocabulary import arms, assignment, tables
from tidegate.dataplane.gateway import router, units

STABLE, CANDIDATE = (tables.Deployed(number, str(number) * 64, f"m/{number}") for number in (1, 2))
KEYS = st.binary(min_size=1, max_size=400)
SALTS = st.binary(min_size=0, max_size=16)
STICKY = assignment.Sticky("header", "x-user")


def drawn(weight, salt=b"salt", **changes):
    """A router of a gateway that has just started."""
    return router.Router(
        tables.Route("flights", "production", STABLE, CANDIDATE, weight, sticky=STICKY, salt=salt, evidence=True, **changes)
    )


@settings(max_examples=200, deadline=None)
@given(st.lists(KEYS, min_size=1, max_size=20), SALTS, st.lists(st.integers(0, arms.BUCKETS), min_size=2, max_size=8))
def test_a_ramp_keeps_every_key_it_had_on_every_gateway(keys, salt, weights):
    before: set[bytes] = set()
    for weight in sorted(weights):
        one, other = drawn(weight, salt), drawn(weight, salt, generation=9, stage=3)
        now = {key for key in keys if one.draw(units.drawn_by(key)).arm}
        assert now == {key for key in keys if other.draw(units.drawn_by(key)).arm}
        assert before <= now
        before = now


@settings(max_examples=200, deadline=None)
@given(KEYS, SALTS, st.integers(0, arms.BUCKETS), st.integers(0, arms.BUCKETS))
def test_a_member_of_the_cohort_stays_one_whatever_the_weight(key, salt, weight, share):
    digest = assignment.digest(key)
    by_key = drawn(weight, salt, cohort=assignment.Cohort(keys=(assignment.hashed(key),)))
    assert by_key.belongs({}, digest)
    assert not by_key.belongs({}, assignment.digest(key + b"x"))
    assert not by_key.belongs({}, b"")
    by_share, larger = (drawn(weight, salt, cohort=assignment.Cohort(share=given)) for given in (share, arms.BUCKETS))
    assert by_share.belongs({}, digest) <= larger.belongs({}, digest) == True  # noqa: E712 - a chain of comparisons
    assert by_share.belongs({}, digest) == drawn(0, salt, cohort=assignment.Cohort(share=share)).belongs({}, digest)
    member = by_share.member
    assert member is not None
    assert (member.arm, member.weight, member.evidence, member.role) == (1, arms.BUCKETS, False, arms.Role.LIVE)


CHANCE = random.Random(11)
SALTED = [CHANCE.randbytes(16) for _ in range(8)]
PEOPLE = [b"user-%d" % number for number in range(10_000)]


def within(share: int, rho: float, number: int, deviations: float) -> bool:
    """Whether so many of `number` are what chance gives; 5 deviations are passed once in 1.7 million."""
    return abs(share - rho * number) <= deviations * math.sqrt(rho * (1 - rho) * number) + 0.5


@pytest.mark.parametrize("weight", [10, 100, 1_000, 5_000])
def test_as_many_keys_are_drawn_as_the_weight_says(weight):
    rho = weight / arms.BUCKETS
    found = []
    for salt in SALTED:
        one = drawn(weight, salt)
        found.append(sum(one.draw(key).arm for key in PEOPLE))
    assert all(within(share, rho, len(PEOPLE), 5) for share in found), found
    assert within(sum(found), rho, len(PEOPLE) * len(SALTED), 4), found
    assert len(set(found)) > 1, "another release draws others"


def test_what_is_asked_of_one_unit_says_nothing_about_the_rest():
    cohort = assignment.Cohort(share=2_000)
    one = drawn(3_000, b"s", cohort=cohort, mirror=4_000)
    told = [(one.draw(key).arm, one.belongs({}, assignment.digest(key)), one.mirrored(key)) for key in PEOPLE]
    for index, rho in ((1, 0.2), (2, 0.4)):
        for arm in arms.Arm:
            group = [row[index] for row in told if row[0] == arm]
            assert within(sum(group), rho, len(group), 4)
    both = sum(row[1] and row[2] for row in told)
    assert within(both, 0.08, len(told), 4)


@pytest.mark.parametrize(
    ("cohort", "fields", "belongs"),
    [
        (assignment.Cohort(header="x-beta"), {b"x-beta": b"anything"}, True),
        (assignment.Cohort(header="X-Beta"), {b"x-beta": b""}, True),
        (assignment.Cohort(header="x-beta"), {}, False),
        (assignment.Cohort(header="x-beta", values=("yes", "ja")), {b"x-beta": b" ja "}, True),
        (assignment.Cohort(header="x-beta", values=("yes",)), {b"x-beta": b"no"}, False),
        (assignment.Cohort(values=("yes",)), {b"": b"yes"}, False),
        (assignment.Cohort(), {b"x-beta": b"yes"}, False),
    ],
)
def test_a_cohort_by_header(cohort, fields, belongs):
    assert drawn(0, cohort=cohort).belongs(fields, b"") is belongs


def test_without_a_candidate_nobody_belongs_to_a_cohort():
    alone = router.Router(tables.Route("e", "p", STABLE, cohort=assignment.Cohort(header="x-beta")))
    assert not alone.belongs({b"x-beta": b"1"}, b"")
    assert alone.owner is alone.stable
