"""What status, releases and history look like: the words are there, what is wrong is said first."""

from tidegate.interface.cli.views import history, release, status


def version(name="v1", workers=1):
    return {"name": name, "ordinal": int(name[1:]), "model": f"mlflow://delay/{name[1:]}", "digest": "d", "workers": workers}


def running(**more):
    base = {
        "id": "r1",
        "endpoint": "delay",
        "candidate": version("v2"),
        "stable": version("v1"),
        "strategy": "canary",
        "phase": "running",
        "ended": False,
        "stage": {"name": "25%", "index": 1, "of": 4, "weight": 2500},
        "waiting": {"on": "requests", "sentence": "needs about 4,100 more canary requests", "who": "tidegate", "seconds": 180.0},
        "verdict": {
            "result": "unsure",
            "sentence": "nothing speaks against v2",
            "harm": {"candidate_requests": 1200, "failed": 3, "rescued": 2, "wrong": 0, "excess": 2.4},
        },
        "reason": "",
        "outcome": "",
        "actor": "ann",
        "created_at": 90.0,
        "since": 100.0,
        "gap_seconds": 0.0,
        "rollback_seconds": 0.0,
        "approvals": [],
        "harm_budget": 0,
    }
    return {**base, **more}


def endpoint(**more):
    base = {"name": "delay", "stable": version(), "kept": [], "release": running(), "weight": 2500, "holds": []}
    return {**base, "url": "http://127.0.0.1:1/x", "rate": 118.0, "candidate_rate": 29.0, **more}


def whole(**more):
    base = {"at": 220.0, "home": "HOME", "environment": "production", "control": True, "control_state": "ready", "api": True}
    base |= {
        "store": "",
        "table": "",
        "generation": 7,
        "override": None,
        "endpoints": [endpoint()],
        "processes": [],
        "recorder": {},
    }
    return {**base, "gateways": [{"name": "gateway-0", "generation": 7, "current": True}], **more}


def shown(**more):
    return "\n".join(line.plain for line in status.lines(whole(**more)))


def test_a_release_is_told_on_one_screen():
    said = shown()
    for words in (
        "v1  mlflow://delay/1  1 worker  89 requests/s",
        "v2  mlflow://delay/2  1 worker  29 requests/s",
        "v1 75 %",
        "25 % v2",
        "running for 2 min, canary, step 2 of 4 (25%)",
        "needs about 4,100 more canary requests",
        "unsure: nothing speaks against v2",
        "3 of 1,200 candidate requests failed, 2 rescued by stable; at least 2 that stable would have served",
    ):
        assert words in said
    assert "!" not in said
    assert len(said.splitlines()) <= 24


def test_what_is_wrong_comes_first():
    sick = {"name": "w1", "kind": "worker", "well": False, "state": "failed", "code": "model-load-failed"}
    sick |= {"message": "no module x", "endpoint": "delay", "version": "v2"}
    behind = [{"name": "gateway-0", "generation": 6, "current": False}]
    said = shown(control=False, gateways=behind, processes=[sick], recorder={"lost": 2}, store="gone.").splitlines()
    wrong = [line for line in said if line.startswith("!")]
    assert said[: len(wrong)] == wrong
    assert any("tidegate rollback" in line for line in wrong)
    assert any("w1 (delay v2) is failed: model-load-failed no module x; `tidegate logs delay/v2`" in line for line in wrong)
    assert any("obeys table 6, not 7" in line for line in wrong)
    assert any("2 records" in line for line in wrong)


def test_no_traffic_is_said_with_what_to_type_and_only_once():
    assert "`tidegate send delay`" in shown(endpoints=[endpoint(rate=0.0, candidate_rate=0.0)])
    told = {"on": "traffic", "sentence": "no traffic: make some with `tidegate send delay`", "who": "clients", "seconds": -1}
    said = shown(endpoints=[endpoint(rate=0.0, candidate_rate=0.0, release=running(waiting=told))])
    assert said.count("tidegate send delay") == 1


def test_a_first_release_has_neither_stable_nor_a_bar():
    first = running(stable=None, phase="warming", verdict=None)
    said = shown(endpoints=[endpoint(stable=None, release=first, weight=0)])
    assert "none yet" in said
    assert "█" not in said


def test_an_ended_release_says_why_and_what_it_cost():
    ended = running(phase="rolled_back", ended=True, reason="v2 fails 8 %", waiting=None, rollback_seconds=0.31)
    said = shown(endpoints=[endpoint(release=ended, weight=0)])
    assert "v2 rolled back 2 min ago: v2 fails 8 %" in said
    assert "3 of 1,200 candidate requests failed" in said
    conclusion = release.ended(ended).plain
    assert "rolled back: v1 serves delay. v2 fails 8 % (traffic was back after 0.31 s)" in conclusion


def test_a_bar_never_hides_a_small_share():
    assert status.bar(10, "v1", "v2").plain.count("▒") == 1
    assert status.bar(9_990, "v1", "v2").plain.count("█") == 1
    assert status.bar(0, "v1", "v2").plain.count("▒") == 0


def test_a_release_in_one_line_names_step_evidence_and_waiting():
    said = release.line(running(), 220.0).plain
    assert "delay v2  running 2 min  step 2/4 at 25 %  unsure: nothing speaks against v2  needs about" in said


def test_history_tells_releases_and_events():
    event = {"sequence": 4, "at": 1.0, "kind": "judged", "phase_before": "running", "phase_after": "rolling_back"}
    event |= {"reason": "it fails", "said": "", "actor": "system"}
    told = {"releases": [running(phase="succeeded", ended=True, outcome="succeeded")], "events": [event]}
    assert "by ann" in history.releases(told)[0].plain
    assert "running -> rolling_back  it fails  by system" in history.events(told)[0].plain
    erased = event | {"kind": "forgotten", "phase_before": "", "phase_after": "", "reason": "erased 3", "said": "she asked"}
    assert "erased 3: she asked  by" in history.event(erased).plain
    assert history.event(erased | {"reason": "she asked"}).plain.count("she asked") == 1
    assert history.releases({"releases": [], "events": []})[0].plain == "nothing was released yet"
