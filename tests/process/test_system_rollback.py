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
        _past(system)


def _past(system: living.Living) -> None:
    """Who served before and after, told from the event log, which is as it was written."""
    with system.api as asked:
        events = asked.history(living.ENDPOINT)["events"]
    running = next(one for one in events if one["phase_after"] == "running" and one["facts"]["traffic"]["weight"])
    then = json.loads(system.run("history", living.ENDPOINT, "--at", f"{running['at'] + 0.01:.3f}", "--json"))
    assert {one["name"] for one in then["servers"]} == {"v1", "v2"}
    now = json.loads(system.run("history", living.ENDPOINT, "--at", "now", "--json"))
    assert [(one["name"], one["share"]) for one in now["servers"]] == [("v1", 1.0)]
    assert "since:" in system.run("history", living.ENDPOINT, "--at", "0s")
    last = events[-1]
    assert "each as it was written" in system.run("audit", "verify", "--witness", f"{last['sequence']}:{last['hash'][:16]}")
    system.run("audit", "verify", "--witness", f"{last['sequence']}:{'0' * 16}", code=3)


def _stop_for_good(system: living.Living, name: str) -> None:
    """Take its specification away, so that the keeper lets it end and starts no other."""
    spec = system.home.instances / f"{name}.json"
    spec.rename(spec.with_name(f"{spec.name}.off"))
    living.wait(lambda: not system.pid(name), what=f"{name} to end")
