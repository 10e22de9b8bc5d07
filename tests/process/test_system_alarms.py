"""What a monitor says makes a living system go back, once, whoever dies meanwhile; and holds releases until a person says."""

import json
import time

from tests.process import living
from tidegate.core.vocabulary import alarms
from tidegate.observability.monitors import speaking

DOES = "monitors: {drift: {action: rollback}, quality: {action: hold}}"


def say(system: living.Living, *kinds: str) -> None:
    """As a monitor does: exactly these are wrong."""
    now = time.time()
    said = [alarms.Alarm(kind, living.ENDPOINT, f"{kind} is wrong", now, moved=("petal_width: 1.2 -> 3.4",)) for kind in kinds]
    speaking.Voice(system.home.alarms, "told-by-hand").say(now, said)


def shown(system: living.Living, *flags: str) -> list[dict]:
    return json.loads(system.run("alarms", living.ENDPOINT, "--json", *flags))


def test_an_alarm_brings_the_version_before_back_under_load_and_holds_what_comes_next(tmp_path, models):
    with living.alive(tmp_path, models, DOES) as system, living.Traffic(system.address, 300) as traffic:
        system.release("v2", probation_seconds=0.0)
        system.await_phase("succeeded")
        _goes_back_once_while_control_is_killed(system)
        _is_held_until_a_person_lets_it_go_on(system)
        say(system)
        living.wait(lambda: not shown(system), what="all alarms to be over")
        assert traffic.failed == 0, traffic.failures
        _is_told_of_afterwards(system)


def _goes_back_once_while_control_is_killed(system: living.Living) -> None:
    say(system, "drift")
    with system.api as asked:
        living.wait(lambda: asked.alarms(living.ENDPOINT), what="the alarm")
        system.kill("control")  # it has opened the incident; whether it has acted on it, nobody knows
        living.wait(lambda: asked.endpoint(living.ENDPOINT)["release"]["strategy"] == "rollback", what="the way back")
        system.kill("control")
        living.wait(lambda: asked.endpoint(living.ENDPOINT)["stable"]["name"] == "v1", what="v1 to serve again")
        system.await_phase("succeeded")
        past = asked.history(living.ENDPOINT, 100)
    ways = [one for one in past["releases"] if one["strategy"] == "rollback"]
    assert [one["candidate"]["name"] for one in ways] == ["v1"]
    (begun,) = (one for one in past["events"] if one["kind"] == "created" and one["release"] == ways[0]["id"])
    assert begun["reason"] == "alarm drift: drift is wrong (policy: roll back on alarms)"
    assert [one["kind"] for one in past["events"]].count("hold_placed") == 1
    (alarm,) = shown(system)
    assert [deed["release"] for deed in alarm["deeds"]] == [ways[0]["id"]]


def _is_held_until_a_person_lets_it_go_on(system: living.Living) -> None:
    say(system, "quality")
    living.wait(lambda: [one["kind"] for one in shown(system)] == ["quality"], what="drift to be over")
    system.release("v3")
    waits = living.wait(
        lambda: (system.endpoint()["release"]["waiting"] or {}).get("on") == "alarm" and system.endpoint(), what="it to wait"
    )
    assert waits["release"]["phase"] == "queued"
    assert "tidegate ack iris quality --go-on" in system.run("status")
    system.run("snooze", living.ENDPOINT, "quality", "--for", "1h", "--reason", "looking")
    system.run("ack", living.ENDPOINT, "quality", "--go-on", "--reason", "v3 is trained on it")
    system.await_phase("probation", "succeeded")


def _is_told_of_afterwards(system: living.Living) -> None:
    quality, drift = shown(system, "--all")
    assert quality["acknowledged"]["reason"] == "v3 is trained on it"
    assert quality["ended_at"] > quality["opened_at"]
    assert (drift["action"], len(drift["deeds"])) == ("rollback", 1)
    words = system.run("alarms", "--all")
    assert "petal_width: 1.2 -> 3.4" in words
    assert "(policy: roll back on alarms)" in words
    before = shown(system, "--all")
    (system.home.root / "addresses.json").rename(system.home.root / "addresses.off")
    assert shown(system, "--all") == before  # from the store
    (system.home.root / "addresses.off").rename(system.home.root / "addresses.json")
    assert "each as it was written" in system.run("audit", "verify")
    system.run("report", "--since", "1h", "--out", "report.html")
    written = (system.folder / "report.html").read_text()
    assert "v3 is trained on it" in written
    assert "<h2>Traffic by version</h2>" in written
