"""What is sent over what an endpoint goes by, before control hears of it."""

import msgspec
import pytest

from tidegate.control.store import endpoints
from tidegate.core.decide import strategies
from tidegate.core.spec import bounds, file
from tidegate.core.spec import settings as specification
from tidegate.core.vocabulary import assignment, errors, releases
from tidegate.interface.api import asked, making


def row(**given: object) -> endpoints.Endpoint:
    settings = specification.Settings("delay", "mlflow://delay@live", probation=strategies.holdback())
    return endpoints.Endpoint("production", "delay", specification.plain(settings) | given)


def merged(before: endpoints.Endpoint | None, **sent: object) -> specification.Settings:
    return making.merged(before, "delay", asked.Release(settings=sent))


def test_a_strategy_by_its_name_brings_its_stages_and_what_it_leaves_room_for():
    alone = merged(row(), strategy="recreate")
    assert (alone.stages, alone.keep, alone.probation) == (strategies.recreate(strategies.Plan()), 0, strategies.level())
    again = merged(row(**specification.plain(alone)), strategy="canary")
    assert (again.stages, again.keep, again.probation) == (strategies.canary(strategies.Plan()), 2, strategies.holdback())
    assert merged(row(**specification.plain(alone)), strategy="canary", keep=1).keep == 1
    assert merged(row(keep=3), strategy="rolling", replicas=2).keep == 3


def test_a_test_sticks_by_a_cookie_as_in_a_file_unless_it_sticks_by_something():
    policy = {"metric": "revenue"}
    assert merged(row(), strategy="ab", policy=policy).sticky == assignment.Sticky("cookie", "tidegate")
    after = row(**specification.plain(merged(row(), strategy="ab", policy=policy)))
    assert merged(after, strategy="canary").sticky is None
    assert merged(after, strategy="canary", sticky={"by": "cookie", "name": "tidegate"}).sticky is not None
    told = {"by": "header", "name": "x-user"}
    assert merged(row(sticky=told), strategy="ab", policy=policy).sticky == assignment.Sticky("header", "x-user")


@pytest.mark.parametrize(
    ("before", "sent", "words"),
    [
        ({"downtime": "never"}, {"strategy": "recreate"}, "leaves the endpoint without a worker"),
        ({}, {"strategy": "recreate", "keep": 1}, "no previous version can stay up"),
        ({"rehearse_seconds": 6_000.0}, {"strategy": "recreate"}, "two versions up at once"),
        ({"group": "shop"}, {"strategy": "shadow"}, "cannot wait for the others"),
        ({}, {"stages": [{"name": "all", "weight": 10_000}]}, "nobody is left to compare with"),
        ({}, {"stages": [{"name": "half", "weight": 5_000}, {"name": "less", "weight": 100}]}, "Stages have to go up"),
        ({}, {"strategy": "ab"}, "a test without a metric decides nothing"),
        ({}, {"strategy": "ab", "policy": {"metric": "right"}}, "never known without outcomes"),
        ({}, {"strategy": "ab", "policy": {"metric": "x", "limits": [1.0, 0.0]}}, "from 1 to 0 is no range"),
        ({}, {"strategy": "ab", "policy": {"metric": "x", "limits": [0.0, 1e300]}}, "is no range"),
        ({}, {"strategy": "ab", "policy": {"metric": "x", "covariate": "x"}}, "cannot be its own past"),
        (
            {},
            {"strategy": "ab", "policy": {"metric": "x", "guards": [{"metric": "y", "more": True, "margin": 0.0}]}},
            "a guard on y leaves no room",
        ),
        ({}, {"replicas": 0}, "`replicas` is 0"),
        ({}, {"replicas": "abc"}, "Expected `int`, got `str`"),
        ({}, {"strategy": "rolling", "replicas": [1]}, "Expected `int`, got `array`"),
        ({}, {"policy": {"alpha": 0.0}}, "`policy.alpha` is 0.0. It goes from"),
        ({}, {"policy": {"alpha_promote": 5}}, "`policy.alpha_promote` is 5"),
        ({}, {"policy": {"harm_budget": -5}}, "harm_budget"),
        ({}, {"policy": {"on_unsure": "foo"}}, "It is one of pause, extend"),
        ({}, {"access": "foo"}, "It is one of open, token"),
        ({}, {"approval": {"count": 0}}, "`approval.count` is 0"),
        ({}, {"approval": {"within_seconds": 1e308}}, "within_seconds"),
        ({}, {"probation": {"name": "x", "weight": 99_999}}, "cannot be routed"),
        ({}, {"fallback_version": "v999999999999999999999"}, "Write `previous`"),
        ({}, {"fallback_version": "v²"}, "Write `previous`"),
        ({}, {"stages": [{"name": "", "weight": 500}]}, "no name"),
        ({}, {"stages": [{"name": "\x1b[31m", "weight": 500}]}, "no name"),
        ({}, {"stages": [{"name": "long", "weight": 500, "max_seconds": 1e308}]}, "never end"),
        ({}, {"stages": [{"name": "many", "weight": 500, "min_requests": 10**12}]}, "never end"),
        (
            {},
            {"stages": [{"name": "none", "weight": 500, "replicas": {"candidate": -3, "stable": -3, "meanwhile": -1}}]},
            "nobody to answer",
        ),
        ({}, {"strategy": "blue"}, "there is no strategy 'blue'"),
        ({}, {"endpoint": "other"}, "delay is released"),
        ({}, {"colour": "red"}, "there is no setting 'colour'"),
    ],
)
def test_what_a_file_could_not_say_is_refused_here_too(before: dict[str, object], sent: dict[str, object], words: str):
    with pytest.raises(errors.SpecInvalid, match=words):
        merged(row(**before), **sent)


def test_what_a_file_has_no_more_is_gone():
    full = specification.Settings(
        "delay",
        "mlflow://delay@live",
        sticky=assignment.Sticky("header", "x-user"),
        cohort=assignment.Cohort("x-in"),
        approval=releases.Approval(("ana",), 1),
        probation=strategies.holdback(),
    )
    plain = specification.Settings("delay", "mlflow://delay@live")
    before = endpoints.Endpoint("production", "delay", specification.plain(full))
    assert merged(before, **specification.plain(plain)) == plain
    assert merged(before, sticky=None) == msgspec.structs.replace(full, sticky=None)


def test_a_new_endpoint_needs_a_model():
    with pytest.raises(errors.SpecInvalid, match="no model was named"):
        merged(None)


def test_whatever_a_file_may_say_is_within_the_bounds():
    for extra in (
        "",
        "replicas: 256\nkeep: 16",
        "limits: {timeout: 1ms, queue: 1, batch: 65536}",
        "scale_to_zero: 366d",
        "round: 3",
    ):
        bounds.check(file.resolve(file.load(f"endpoint: e\nmodel: m\n{extra}")))
