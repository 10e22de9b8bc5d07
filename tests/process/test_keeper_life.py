"""The keeper starts what has a specification, restarts what dies, and stops what has none any more."""

import os
import signal

from keeper_fixtures import IDLE, ONCE, STUBBORN, UNLOADABLE, Keeper, place, put, ready, until

from tidegate.core.vocabulary import home, instances

__all__ = ["place"]


def test_what_has_a_specification_runs_with_its_output_in_a_log_file(place: home.Home) -> None:
    put(place, "w-1", "print('hello')\n" + IDLE)
    Keeper(place).up()
    until(lambda: ready(place, "w-1"))
    assert "hello" in (place.logs / "w-1.log").read_text()


def test_a_killed_instance_is_started_again_and_its_restarts_are_counted(place: home.Home) -> None:
    spec = put(place, "w-1")
    Keeper(place).up()
    first = until(lambda: ready(place, "w-1"))
    os.kill(int(str(first)), signal.SIGKILL)
    until(lambda: ready(place, "w-1", but=int(str(first))))
    told = instances.read_restarts(place.instances, "w-1")
    assert (told["restarts"], told["exit"], told["token"], told["down"]) == (1, -9, spec.token, False)


def test_an_instance_without_its_specification_is_stopped_and_leaves_no_trace(place: home.Home) -> None:
    put(place, "w-1")
    Keeper(place).up()
    until(lambda: ready(place, "w-1"))
    (place.instances / "w-1.json").unlink()
    until(lambda: not list(place.instances.glob("w-1*")))
    assert (place.root / "ended").read_text() == "w-1\n"


def test_a_new_token_replaces_the_process_and_a_new_label_does_not(place: home.Home) -> None:
    spec = put(place, "w-1")
    Keeper(place).up()
    first = int(str(until(lambda: ready(place, "w-1"))))
    put(place, "w-1", token=spec.token, labels={"draining": "1"})
    put(place, "w-2")
    until(lambda: ready(place, "w-2"))
    assert ready(place, "w-1") == first
    put(place, "w-1")
    until(lambda: ready(place, "w-1", but=first))


def test_a_worker_that_cannot_load_is_tried_four_times_and_keeps_its_last_word(place: home.Home) -> None:
    put(place, "w-1", UNLOADABLE)
    Keeper(place).up()
    until(lambda: instances.read_restarts(place.instances, "w-1").get("down"))
    assert instances.read_restarts(place.instances, "w-1")["restarts"] == 3
    assert instances.read_state(place.instances, "w-1")["code"] == "model-load-failed"


def test_what_runs_once_runs_once_for_each_token_whoever_keeps_it(place: home.Home) -> None:
    put(place, "job-1", ONCE, kind="job", restart="never")
    keeper = Keeper(place)
    keeper.up()
    until(lambda: instances.read_restarts(place.instances, "job-1").get("down"))
    keeper.kill()
    Keeper(place).up()
    put(place, "w-1")
    until(lambda: ready(place, "w-1"))
    assert (place.root / "runs").read_text() == "x"
    put(place, "job-1", ONCE, kind="job", restart="never")
    until(lambda: (place.root / "runs").read_text() == "xx")


def test_who_does_not_hear_sigterm_is_killed(place: home.Home) -> None:
    put(place, "w-1", STUBBORN)
    keeper = Keeper(place)
    keeper.up()
    until(lambda: instances.read_state(place.instances, "w-1").get("state") == "deaf")
    keeper.child.send_signal(signal.SIGTERM)
    until(lambda: instances.read_state(place.instances, "keeper").get("state") == "draining")
    keeper.child.send_signal(signal.SIGTERM)  # a second one: do not wait for the grace to pass
    assert keeper.child.wait(30) == 0
    assert not instances.holder(place.instances, "w-1")


def test_a_worker_gets_none_of_our_secrets(place: home.Home, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "secret")
    asked = "('MLFLOW_TRACKING_TOKEN', 'OMP_NUM_THREADS')"  # others may come from what this process has imported
    show = f"import os; print([key for key in {asked} if key in os.environ], flush=True)\n"
    put(place, "w-1", show + IDLE, env={"OMP_NUM_THREADS": "1"})
    put(place, "control", show + IDLE, kind="control")
    Keeper(place).up()
    until(lambda: ready(place, "w-1") and ready(place, "control"))
    assert (place.logs / "w-1.log").read_text() == "['OMP_NUM_THREADS']\n"
    assert (place.logs / "control.log").read_text() == "['MLFLOW_TRACKING_TOKEN']\n"
