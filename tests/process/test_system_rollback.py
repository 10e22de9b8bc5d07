"""A bad version rolls itself back; an operator can, too, with nothing but the gateway alive."""

import json

from tests.process import living


def test_a_version_that_fails_on_some_inputs_is_rolled_back_and_held(tmp_path, models):
    with living.alive(tmp_path, models) as system:
        with living.Traffic(system.address, 400) as traffic:
            identifier = system.release("no-negatives")
            system.await_phase("rolled_back")
        assert traffic.failed == 0, traffic.failures
        with system.api as asked:
            verdict = asked.verdict(identifier)
        assert verdict["result"] == "fail"
        assert 1 <= verdict["harm"]["failed"] <= 40
        assert system.endpoint()["stable"]["name"] == "v1"
        system.run("release", "--model", system.model("no-negatives"), "--no-wait", code=3)


def test_an_operator_rolls_back_with_control_dead_and_the_store_moved_away(tmp_path, models):
    with living.alive(tmp_path, models) as system, living.Traffic(system.address, 200) as traffic:
        system.release("v2")
        system.await_phase("running")
        _stop_for_good(system, "control")
        store = system.home.store
        moved = list(store.parent.glob(f"{store.name}*"))
        (tmp_path / "away").mkdir()
        for path in moved:
            path.rename(tmp_path / "away" / path.name)
        before = json.loads(system.home.table.read_text())["routes"][living.ENDPOINT]
        assert before["weight"] > 0
        system.run("rollback", living.ENDPOINT, "--reason", "a drill")
        after = json.loads(system.home.table.read_text())["routes"][living.ENDPOINT]
        assert after["weight"] == 0 or after["candidate"] is None
        answered = traffic.answered
        living.wait(lambda: traffic.answered > answered + 50, what="predictions to go on")
        for path in (tmp_path / "away").iterdir():
            path.rename(store.parent / path.name)
        (system.home.instances / "control.json.off").rename(system.home.instances / "control.json")
        system.await_phase("rolled_back")
        assert traffic.failed == 0, traffic.failures
        history = system.run("history", living.ENDPOINT)
        assert "a drill" in history


def _stop_for_good(system: living.Living, name: str) -> None:
    """Take its specification away, so that the keeper lets it end and starts no other."""
    spec = system.home.instances / f"{name}.json"
    spec.rename(spec.with_name(f"{spec.name}.off"))
    living.wait(lambda: not system.pid(name), what=f"{name} to end")
