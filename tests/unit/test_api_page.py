"""The release page over a real store and home: who gets in, what it shows, and that it is harmless."""

import re
import time
from html import parser

import api_fixtures
import msgspec
import pytest

from tests.unit import alarm_fixtures
from tidegate.control.store import holders, holds
from tidegate.core.decide import strategies
from tidegate.core.vocabulary import alarms, decisions, errors, phases, releases, tables, tokens, verdicts
from tidegate.dataplane.wire import tablefile
from tidegate.interface.api import session

made, place, store, asked = api_fixtures.made, api_fixtures.place, api_fixtures.store, api_fixtures.asked
NAME = session.name("8081")
CANARY = strategies.compose(("canary",), strategies.Plan())


class Outline(parser.HTMLParser):
    """Tags that are open at the end, and all attributes."""

    def __init__(self, text):
        super().__init__()
        self.open, self.attributes = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.attributes += [(tag, *one) for one in attrs]
        if tag not in {"meta", "link", "br"}:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.attributes += [(tag, *one) for one in attrs]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def release(phase=phases.Phase.RUNNING, **more):
    candidate = releases.Version("delay", 2, "b" * 64, "n" * 64, "mlflow://delay/2", 20.0)
    stable = releases.Version("delay", 1, "a" * 64, "m" * 64, "mlflow://delay/1", 10.0)
    args = ("r1", "production", "delay", candidate, stable, "canary", CANARY, releases.Policy(), b"salt")
    return releases.Release(*args, created_at=time.time(), phase=phase, stage=1, actor="ana", **more)


def enter(asked, token="secret"):
    """A browser's Cookie header, let in as `tidegate page` does it."""
    code = asked.request("POST", "/v1/page", token=token, json={}).json()["code"]
    entered = asked.request("GET", f"/page/enter?code={code}", token="")
    assert (entered.status_code, entered.headers["location"]) == (303, "/")
    return entered.headers["set-cookie"].partition(";")[0]


def browse(asked, cookie="", path="/", **headers):
    return asked.request("GET", path, token="", headers={"cookie": cookie} | headers)


def test_a_browser_is_let_in_by_a_code_and_sees_the_page(store, asked):
    cookie = enter(asked)
    assert cookie.startswith(f"{NAME}=")
    seen = browse(asked, f"other=1; {cookie}; more=2")
    assert seen.status_code == 200
    assert seen.headers["content-type"].startswith("text/html")
    assert 'id="endpoint-delay"' in seen.text
    assert "mlflow://delay/1" in seen.text


def test_the_cookie_is_for_this_site_alone_and_no_script_reads_it(store, asked):
    code = asked.post("/v1/page", json={}).json()["code"]
    said = asked.request("GET", f"/page/enter?code={code}", token="").headers["set-cookie"]
    assert {"httponly", "samesite=strict", "path=/"} <= {one.strip().lower() for one in said.split(";")}


def test_without_a_cookie_the_page_says_how_to_come_in_and_nothing_else(store, asked):
    for cookie in ("", f"{NAME}=", f"{NAME}=x.1.y", "no such; thing=", f"{NAME}={'f' * 64}.99999999999.{'0' * 64}"):
        closed = browse(asked, cookie)
        assert closed.status_code == 401
        assert "tidegate page" in closed.text
        assert "delay" not in closed.text
        assert browse(asked, cookie, "/page/stream").json()["code"] == "token-missing"


def test_a_code_is_good_once(store, asked):
    code = asked.post("/v1/page", json={}).json()["code"]
    found = [asked.request("GET", f"/page/enter?code={code}", token="").status_code for _ in range(2)]
    assert found == [303, 401]
    for wrong in ("/page/enter", "/page/enter?code=guessed"):
        refused = asked.request("GET", wrong, token="")
        assert (refused.status_code, "set-cookie" in refused.headers) == (401, False)


def test_the_cookie_opens_the_page_and_nothing_that_takes_a_command_or_tells_more(store, asked):
    cookie = enter(asked)
    for path in ("/v1/status", "/v1/tokens", "/v1/events"):
        assert browse(asked, cookie, path).json()["code"] == "token-missing"
    told = asked.request("POST", "/v1/endpoints/delay/pause", token="", headers={"cookie": cookie}, json={})
    assert told.json()["code"] == "token-missing"


def test_another_host_or_origin_is_refused_with_a_good_cookie(store, asked):
    cookie = enter(asked)
    for path in ("/", "/page/stream", "/page/enter?code=x"):
        assert browse(asked, cookie, path, host="evil.example:8081").json()["code"] == "origin-refused"
        assert browse(asked, cookie, path, origin="http://evil.example").json()["code"] == "origin-refused"


def test_a_token_needs_the_scope_and_one_for_some_endpoints_shows_these_alone(store, asked):
    store.put_endpoint(msgspec.structs.replace(store.endpoint("production", "delay"), name="fraud", stable=None))
    for name, scopes, endpoints in (("r", ("read",), ()), ("p", ("predict",), ()), ("f", ("read",), ("fraud",))):
        store.admit(holders.Holder("production", tokens.Token(name, tokens.digest(name.encode()), scopes, endpoints), "ana", 1.0))
    assert asked.request("POST", "/v1/page", token="p", json={}).json()["code"] == "scope-missing"
    everything, some = browse(asked, enter(asked, "r")).text, browse(asked, enter(asked, "f")).text
    assert "endpoint-delay" in everything
    assert "control is down" in everything
    assert "endpoint-fraud" in some
    assert "endpoint-delay" not in some


def test_a_revoked_token_shows_nothing_from_then_on(store, asked):
    store.admit(holders.Holder("production", tokens.Token("r", tokens.digest(b"r"), ("read",)), "ana", 1.0))
    cookie = enter(asked, "r")
    assert browse(asked, cookie).status_code == 200
    store.revoke("production", "r", "ana", "left", 2.0)
    assert browse(asked, cookie).status_code == 401


def test_a_release_is_shown_with_its_picture_place_waiting_verdict_harm_and_events(store, asked):
    store.create(release(), decisions.Event(decisions.Kind.TICK, actor="ana", reason="new data"))
    store.put_waiting("r1", decisions.Waiting("requests", "needs about 4,100 more canary requests", "clients"))
    verdict = verdicts.Verdict(verdicts.Result.UNSURE, "v2 fails 0.3 % of requests", (), verdicts.Harm(1_000, 3, 2, 0, 1.5))
    store.put_verdict("r1", verdict, {})
    shown = browse(asked, enter(asked)).text
    for words in (
        "needs about 4,100 more canary requests",
        "v2 fails 0.3 % of requests",
        "3 of 1,000 candidate requests failed, 2 rescued by stable; at least 2",
        "step 2 of 4: <b>5%</b>",
        "<q>new data</q>",
        'class="now"',
        ">25%</text>",
    ):
        assert words in shown, words


def test_the_guards_of_a_test_are_shown_with_how_they_are_held(store, asked):
    store.create(release())
    effect = verdicts.Effect("revenue", (90, 5.0), (90, 4.0), 1.0, (0.5, 1.5))
    ends = (-float("inf"), float("inf"))
    guards = tuple(
        verdicts.Effect(name, (90, 1.0), (90, 1.0), 0.02, interval, relative=True, rule=f"{name} <= stable + 1%", held=held)
        for name, interval, held in (("refunds", (-0.01, 0.05), "open"), ("returns", ends, "within"))
    )
    store.put_verdict("r1", verdicts.Verdict(verdicts.Result.UNSURE, "as yet", effect=effect, guards=guards), {})
    shown = browse(asked, enter(asked)).text
    assert "<td>refunds</td><td>+2 % [-1, 5]</td><td><b>open</b>: refunds &lt;= stable + 1%</td>" in shown
    assert "<td>+2 % (no interval yet)</td><td><b>within</b>: returns &lt;= stable + 1%</td>" in shown


def test_approvals_holds_and_alarms_are_shown_with_what_to_type(store, asked):
    asks = releases.Approval(("lena", "omar"), 2)
    given = (releases.Approved("lena", time.time(), "n" * 64, "fine"),)
    store.create(release(phases.Phase.AWAITING_APPROVAL, approval=asks, approvals=given, phase_since=time.time()))
    store.put_waiting("r1", decisions.Waiting("approval", "somebody has to approve v2", "approver"))
    row = holds.HoldRow(environment="production", endpoint="delay", model_digest="h" * 64, reason="it failed", actor="bo", at=9.0)
    store.hold(row)
    alarm_fixtures.raised(store, alarms.Alarm(alarms.Kind.CRASH_LOOP, "delay", "v1 ends; see `tidegate logs`", 5.0))
    shown = browse(asked, enter(asked)).text
    for words in (
        "1 more approval of lena, omar",
        "tidegate approve delay",
        "lena said yes",
        "waits for a person",
        "it failed",
        "tidegate unhold delay",
        "alarm crash loop: delay: v1 ends; see <code>tidegate logs</code>",
        "<b>Alarm crash loop</b>, warning, ",
        "<code>tidegate ack delay crash_loop</code> says that you have it",
    ):
        assert words in shown, words


@pytest.mark.parametrize("phase", phases.Phase)
def test_every_phase_can_be_shown(store, asked, phase):
    store.create(release(phase, reason="because"))
    shown = browse(asked, enter(asked))
    assert shown.status_code == 200
    assert phase.replace("_", " ") in shown.text


def test_an_empty_home_and_a_store_that_is_gone_are_shown(place, asked):
    assert "No endpoint yet" in browse(asked, enter(asked)).text
    route = tables.Route("delay", "production", tables.Deployed(3, "a" * 64, "mlflow://delay/3"), weight=0)
    tablefile.write(place.table, lambda table: tables.Table(0, 0, {"delay": route}))
    shown = browse(asked, enter(asked)).text
    assert "the store cannot be read" in shown
    assert "<b>v3</b>" in shown


def test_what_people_and_models_say_is_text(store, asked):
    evil = "<script>alert(1)</script><img src=x onerror=alert(1)>`<b>`"
    store.create(release(phases.Phase.PAUSED, reason=evil), decisions.Event(decisions.Kind.TICK, actor=evil, reason=evil))
    store.put_waiting("r1", decisions.Waiting("operator", evil, "operator"))
    store.put_verdict("r1", verdicts.Verdict(verdicts.Result.FAIL, evil), {})
    shown = browse(asked, enter(asked)).text
    assert "alert(1)" in shown
    assert [one for one in Outline(shown).attributes if one[1] == "onerror"] == []
    assert len(re.findall("<script", shown)) == 1


def test_nothing_is_asked_of_anybody_else_and_the_one_script_is_named(store, asked):
    store.create(release())
    seen = browse(asked, enter(asked))
    policy = seen.headers["content-security-policy"]
    (nonce,) = set(re.findall(r'nonce="([^"]+)"', seen.text))
    assert f"script-src 'nonce-{nonce}'" in policy
    assert policy.startswith("default-src 'none'")
    outline = Outline(seen.text)
    assert outline.open == []
    outside = [one for one in outline.attributes if one[1] in {"src", "href"} and not one[2].startswith(("#", "/docs", "data:,"))]
    assert outside == []
    assert [one for one in outline.attributes if one[1] == "style" or one[1].startswith("on")] == []
    assert seen.headers["cache-control"] == "no-store"
    assert nonce not in browse(asked, enter(asked)).text


def test_cookies_are_sealed_timed_and_of_one_home():
    now = [1_000.0]
    door = session.Door("secret", lambda: now[0])
    cookie = door.exchange(door.code("a" * 64))
    assert door.holder(cookie) == "a" * 64
    assert door.holder(cookie.replace("a" * 64, "b" * 64)) == ""
    assert session.Door("other", lambda: now[0]).holder(cookie) == ""
    assert session.Door("secret", lambda: now[0]).holder(cookie) == "a" * 64, "an API that was restarted knows it"
    now[0] += session.COOKIE_SECONDS + 1
    assert door.holder(cookie) == ""
    assert door.holder("") == door.holder("..") == door.holder("é.9.x") == ""


def test_a_code_is_good_for_a_minute_and_there_are_not_too_many():
    now = [0.0]
    door = session.Door("secret", lambda: now[0])
    old = door.code("a" * 64)
    now[0] = session.CODE_SECONDS + 1
    with pytest.raises(errors.TokenMissing):
        door.exchange(old)
    first = door.code("a" * 64)
    for _ in range(session.CODES_MAX):
        door.code("b" * 64)
    with pytest.raises(errors.TokenMissing):
        door.exchange(first)
