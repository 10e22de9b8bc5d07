"""Every strategy on a whole system under load: not one request fails by it, but in recreate's gap, which is measured."""

import random
import time

import msgspec
import pytest

from tests.process import living, strategy_settings
from tidegate.core.decide import strategies
from tidegate.core.vocabulary import assignment, releases

RATE = 200


@pytest.fixture(scope="module")
def system(tmp_path_factory, models):
    with living.alive(tmp_path_factory.mktemp("strategies"), models, "replicas: 2\nlimits: {timeout: 5s}") as found:
        yield found


@pytest.fixture
def load(system):
    with living.Traffic(system.address, RATE) as traffic:
        yield traffic
    assert traffic.failed == 0, traffic.failures
    assert traffic.answered > RATE


def ended(system: living.Living, phase: str) -> dict:
    """The endpoint's release once it has ended, as it should."""
    release = living.wait(lambda: (found := system.endpoint()["release"])["ended"] and found, 60.0, f"phase {phase}")
    assert release["phase"] == phase, release["reason"]
    return release


def other(system: living.Living) -> str:
    """A model that is not the stable one."""
    return "v2" if "v2" not in system.endpoint()["stable"]["model"] else "v3"


@pytest.mark.parametrize("names", [("full",), ("canary",), ("rolling",), ("blue-green",)], ids="-".join)
def test_nobody_is_failed_by_it_and_the_candidate_serves_in_the_end(system, load, names):
    before = system.endpoint()["stable"]["name"]
    system.release(other(system), **strategy_settings.of(*names))
    release = ended(system, "succeeded")
    found = system.endpoint()
    assert found["stable"]["name"] == release["candidate"]["name"] != before
    assert found["stable"]["workers"] == 2


def test_a_shadow_is_seen_by_no_client_and_ends_on_stable_with_a_verdict(system, load):
    before = system.endpoint()["stable"]["name"]
    system.release(other(system), **strategy_settings.of("shadow"))
    release = ended(system, "concluded")
    assert (release["outcome"], system.endpoint()["stable"]["name"]) == ("shadowed", before)
    assert "pairs otherwise than stable" in release["reason"]
    assert release["verdict"]["harm"]["candidate_requests"] == 0


def test_a_shadow_goes_on_as_a_canary_and_then_to_everybody(system, load):
    system.release(other(system), **strategy_settings.of("shadow", "canary", "full"))
    release = ended(system, "succeeded")
    assert [one["name"] for one in release["stages"]][:3] == ["shadow 50%", "5%", "50%"]


def test_an_ab_test_without_a_difference_ends_on_stable_and_holds_nothing(system, load):
    before = system.endpoint()
    policy = {**strategy_settings.of("ab")["policy"], "metric": "revenue"}
    sticky = {"by": "cookie", "name": "tidegate"}
    system.release(other(system), **strategy_settings.of("ab", sticky=sticky, policy=policy))
    release = ended(system, "concluded")
    after = system.endpoint()
    assert (release["outcome"], after["stable"]["name"], after["holds"]) == (
        "no_difference",
        before["stable"]["name"],
        before["holds"],
    )


@pytest.mark.parametrize(("refunds", "phase", "held"), [(1.0, "succeeded", "within"), (1.5, "concluded", "beyond")])
def test_a_winner_by_its_metric_keeps_its_guard_or_loses_by_it(system, load, refunds, phase, held):
    before = system.endpoint()["stable"]["name"]
    guard = releases.Guard("refunds", more=True, margin=0.2, relative=True, text="refunds <= stable + 20%")
    policy = releases.Policy(memory=0.0, metric="revenue", covariate="last_month", guards=(guard,))
    plan = strategies.Plan(split=strategies.Split(5_000, seconds=0.5, horizon=40.0, units=20))
    system.release(other(system), **strategy_settings.of("ab", plan=plan, sticky=None, policy=msgspec.to_builtins(policy)))
    chance, posted = random.Random(5), set()
    while not system.endpoint()["release"]["ended"]:
        fresh = {name: version for name, version in list(load.served_by.items()) if name not in posted}
        posted |= fresh.keys()
        values = [one for name, version in fresh.items() for one in bought(name, version != before, refunds, chance)]
        if values:
            assert system.outcomes(values) == {"accepted": len(values)}
        time.sleep(0.1)
    release = ended(system, phase)
    verdict = release["verdict"]
    assert (verdict["decision"], verdict["guards"][0]["held"]) == ("candidate" if held == "within" else "stable", held)
    assert "adjusted by last_month" in verdict["effect"]["note"]
    assert "refunds" in verdict["sentence"]
    assert "refunds <= stable + 20%" in system.run("verdict")


def bought(name: str, candidate: bool, refunds: float, chance: random.Random) -> list[dict[str, object]]:
    """What one unit brings: more revenue with the candidate, refunds as they are told, and a month before that explains some."""
    month = chance.gauss(10.0, 2.0)
    told = {"last_month": month, "revenue": month + chance.gauss(2.0 * candidate, 1.0)}
    told["refunds"] = chance.gauss(refunds if candidate else 1.0, 0.2)
    return [{"id": name, "metric": metric, "value": value} for metric, value in told.items()]


def test_a_cohort_has_the_candidate_before_anybody_else_and_nobody_in_it_is_said(system, load):
    cohort = assignment.Cohort(header="x-internal", values=("yes",), said="x-internal: yes")
    plan = strategy_settings.PLAN
    told = strategy_settings.of("canary", plan=type(plan)(plan.ramp, cohort=True))
    system.release(other(system), **told, cohort={"header": cohort.header, "values": ["yes"], "said": cohort.said})
    waits = living.wait(lambda: (found := system.endpoint()["release"]["waiting"]) and found["on"] == "traffic" and found)
    assert "nobody of the cohort (x-internal: yes) has asked so far" in waits["sentence"]
    with system.api as asked:
        asked.verb(living.ENDPOINT, "abort", reason="seen")
    assert ended(system, "aborted")["outcome"] == "aborted"


def test_recreate_measures_how_long_nobody_answers_and_requests_that_can_wait_are_served(system):
    with living.Traffic(system.address, 50) as traffic:
        system.release(other(system), **strategy_settings.of("recreate"))
        release = ended(system, "succeeded")
    assert 0.0 < release["gap_seconds"] < 30.0
    assert f"nobody answered for {release['gap_seconds']:.1f} s" in str(
        [event["reason"] for event in system.api.events(endpoint=living.ENDPOINT)]
    )
    assert traffic.slowest > 0.5  # whose time allowed it has waited for the candidate
    assert set(traffic.statuses) <= {200, 503, 504}
