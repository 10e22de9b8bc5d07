"""A version that fails for one value of one column is sent back for it, though all requests together hide it."""

import json

import living

LIMITS = "slices: [sepal_width]\nlimits: {timeout: 1s}"
HALF = {"stages": [{"name": "half", "weight": 5_000, "min_seconds": 600, "max_seconds": 900}]}


class Noisy(living.Traffic):
    """One request in four is no flower, which every version refuses; one in fifty has a width that one version fails on."""

    def _send(self, client: living.traffic.Client) -> None:
        width = -1.0 if self._chance.random() < 0.02 else 3.0
        long = "long" if self._chance.random() < 0.25 else 4.0
        flower = {"sepal_length": 6.0, "sepal_width": width, "petal_length": long, "petal_width": 1.5}
        path = f"/endpoints/{living.ENDPOINT}/predict"
        client.submit(client.request(path, json.dumps(flower).encode()), lambda one: self._note(one, False))


def test_a_version_that_fails_on_one_value_goes_back_with_the_slice_named(tmp_path, models):
    with living.alive(tmp_path, models, LIMITS) as system:
        assert "sepal_width" in system.run("plan")
        with Noisy(system.address, rate=150) as traffic, system.api as asked:
            identifier = asked.release(living.ENDPOINT, HALF, model=system.model("no-negatives"))["release"]
            system.await_phase("rolled_back", seconds=120)
        assert set(traffic.statuses) == {200, 400}, "what the candidate failed, stable answered"
        with system.api as asked:
            verdict = asked.verdict(identifier)
        assert (verdict["result"], verdict["culprit"]) == ("fail", "errors[sepal_width=-1]")
        assert "of requests where sepal_width=-1, stable 0 %" in verdict["sentence"]
        by_metric = {one["metric"]: one for one in verdict["evidence"]}
        assert by_metric["errors"]["e_value"] < by_metric["errors[sepal_width=-1]"]["e_value"]
        assert by_metric["errors[sepal_width=-1]"]["stable"][0] == 0
        shown = system.run("verdict", identifier)
        assert "errors[sepal_width=-1]" in shown
        assert shown.rstrip().endswith("the same.")
