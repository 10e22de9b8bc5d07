"""From clients' requests to what control reads: a gateway mirrors and takes outcomes, a recorder makes pairs and sums of it."""

import time

import msgspec
from gateway_fixtures import deployed, until

from tidegate.core.vocabulary import arms, assignment, sums, tables
from tidegate.observability.recording import recorder

ALL, HALF = 10_000, 5_000


def recorded(rig, folder, kind):
    """What the recorder writes of the release once it has read all there is."""
    at_work = recorder.Recorder(rig.home, time.time())
    while at_work.step(time.time()):
        continue
    at_work.publish(time.time())
    at_work.flush(time.time())
    at_work.close()
    return msgspec.json.decode((folder / "flights.json").read_bytes(), type=dict[str, kind])["r1"]


def test_mirrored_requests_become_pairs(rig):
    rig.route(deployed(1, rig.worker(1)), deployed(2, rig.worker(2)), mirror=ALL)
    rig.start()
    with rig.client() as client:
        answers = [client.predict({"n": number}) for number in range(10)]
        answers += [client.predict({"n": 100 + number, "do": "error"}) for number in range(5)]
        again = [client.predict({"n": 1}) for _ in range(3)]
    assert [answer.status for answer in (*answers, *again)] == [200] * 10 + [500] * 5 + [200] * 3
    until(lambda: sum(one.role == arms.Role.SHADOW for one in rig.records()) == 18, what="the copies' records")
    pairs = recorded(rig, rig.home.pairs, sums.Pairs)
    # What failed for the client is no pair; three inputs had come before within the minute, unless it has just turned.
    assert 10 <= pairs.all.pairs <= 13
    assert (pairs.all.disagreed, pairs.all.failed, pairs.unmatched) == (0, 0, 0)


def test_posted_values_reach_the_arm_that_the_key_was_drawn_for(rig):
    sticky = assignment.Sticky("header", "user")
    rule = tables.Outcomes(within_seconds=0.1)
    versions = deployed(1, rig.worker(1)), deployed(2, rig.worker(2))
    rig.route(*versions, weight=HALF, sticky=sticky, outcomes=rule)
    rig.start()
    drawn = {}
    with rig.client() as client:
        for number in range(40):
            name = f"user-{number % 20}"
            drawn[name] = client.predict({"n": number}, headers=[f"user: {name}"]).headers["tidegate-version"]
        posted = [{"key": name, "endpoint": "flights", "metric": "revenue", "value": 2.5} for name in drawn]
        assert client.request("POST", "/outcomes", {"outcomes": [*posted, *posted]}).json == {"accepted": 40}
        identifier = client.predict({"n": 99}, headers=["user: user-0"]).headers["tidegate-prediction-id"]
        other = {"outcomes": [{"id": identifier, "metric": "clicks", "value": 7}]}
        assert client.request("POST", "/outcomes", other).status == 200
    labels = recorded(rig, rig.home.labels, sums.Labels)
    found = {one.metric: one for one in labels.values}
    of_v2 = sum(version == "v2" for version in drawn.values())
    assert found["revenue"].candidate == sums.Moments(of_v2, of_v2 * 2.5, of_v2 * 6.25)
    assert found["revenue"].stable == sums.Moments(20 - of_v2, (20 - of_v2) * 2.5, (20 - of_v2) * 6.25)
    clicks = found["clicks"].candidate if drawn["user-0"] == "v2" else found["clicks"].stable
    assert clicks == sums.Moments(1, 7.0, 49.0)


def test_a_range_and_a_covariate_in_the_route_shape_what_is_summed(rig):
    measured = tables.Measured("revenue", (0.0, 2.0), "last_month")
    rule = tables.Outcomes(within_seconds=0.1, measured=measured)
    rig.route(
        *(deployed(1, rig.worker(1)), deployed(2, rig.worker(2))),
        weight=HALF,
        sticky=assignment.Sticky("header", "user"),
        outcomes=rule,
    )
    rig.start()
    drawn = {}
    with rig.client() as client:
        for number in range(20):
            name = f"user-{number}"
            drawn[name] = client.predict({"n": number}, headers=[f"user: {name}"]).headers["tidegate-version"]
        before = [{"key": name, "endpoint": "flights", "metric": "last_month", "value": 3.0} for name in drawn]
        after = [{"key": name, "endpoint": "flights", "metric": "revenue", "value": 5.0} for name in drawn]
        for some in (after[:10], before[5:], after[10:]):  # before and after, and five units never have a value from before
            assert client.request("POST", "/outcomes", {"outcomes": some}).json == {"accepted": len(some)}
    labels = recorded(rig, rig.home.labels, sums.Labels)
    found = next(one for one in labels.values if one.metric == "revenue")
    assert found.limits == (0.0, 2.0)
    for arm, version in ((found.candidate, "v2"), (found.stable, "v1")):
        units, both = ([name for name in names if drawn[name] == version] for names in (list(drawn), list(drawn)[5:]))
        crossed = sums.Crossed(len(both), 2.0 * len(both), 3.0 * len(both), 9.0 * len(both), 6.0 * len(both))
        assert arm == sums.Moments(len(units), 2.0 * len(units), 4.0 * len(units), len(units), crossed)
