"""The control API from outside: what the command line, the demo and scripts call. Errors come back as the tree's own classes."""

import os
import time
from types import TracebackType
from typing import Any
from urllib import parse

import httpx

from tidegate.core.vocabulary import codes, errors, home
from tidegate.interface.api import addresses

MAKING_SECONDS = 1_800.0
"""A release waits for its bundle: a model is fetched, its runtime is built where it needs one, it is loaded and profiled."""
ANSWER_SECONDS = 30.0
TOKEN = "TIDEGATE_TOKEN"
"""Whose environment variable holds the token to show, in place of the home's own."""
Json = dict[str, Any]


class Client:
    """Talks to the API of one home; use as a context manager or `close` it. Safe for one thread at a time.

    Every method raises ApiUnreachable when nothing answers, and otherwise what the API says, by code.
    """

    def __init__(self, place: home.Home) -> None:
        """Raises NotRunning when this home was never up, or is down."""
        self.home = place
        address = addresses.read(place).get("api", "")
        token = own_token(place)
        if not address or not token:
            raise errors.NotRunning(where=str(place.root))
        self.address = address
        headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
        # trust_env off: a proxy from the environment has no business between two processes of one machine.
        self._http = httpx.Client(base_url=address, headers=headers, timeout=ANSWER_SECONDS, trust_env=False)

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, kind: type[BaseException] | None, raised: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Give its connections back."""
        self._http.close()

    def status(self) -> Json:
        """Everything on one screen: `standing.Status`."""
        return self._object("GET", "/v1/status")

    def endpoint(self, endpoint: str) -> Json:
        """One endpoint with its settings: `standing.Endpoint`."""
        return self._object("GET", f"/v1/endpoints/{_part(endpoint)}")

    def performance(self, endpoint: str, **asked: str) -> Json:
        """How good its versions were: `since`, `until`, `by`, `segment` as `tidegate performance` has them."""
        return self._object("GET", f"/v1/endpoints/{_part(endpoint)}/performance?{parse.urlencode(asked)}")

    def release(
        self,
        endpoint: str,
        settings: Json | None = None,
        *,
        model: str = "",
        digest: str = "",
        reason: str = "",
        actor: str = "operator",
    ) -> Json:
        """Begin a release of `model`, or of a bundle that is here already; `answers.Done` with `release`, its id."""
        body = {"settings": settings or {}, "model": model, "digest": digest, "reason": reason, "actor": actor}
        return self._object("POST", f"/v1/endpoints/{_part(endpoint)}/releases", body, MAKING_SECONDS)

    def verb(self, endpoint: str, verb: str, *, reason: str = "", actor: str = "operator", **more: object) -> Json:
        """promote, pause, resume, abort, rollback (`to=ordinal`, `to_ref=revision`), unhold (`digest=...`): `answers.Done`."""
        body = {"reason": reason, "actor": actor} | {key: value for key, value in more.items() if value is not None}
        return self._object("POST", f"/v1/endpoints/{_part(endpoint)}/{_part(verb)}", body)

    def checks(self, identifier: str) -> list[Json]:
        """What the checks of a release looked at and saw: a list of `answers.Check`."""
        found = self._ask("GET", f"/v1/releases/{_part(identifier)}/checks")
        return found if isinstance(found, list) else []

    def settings(self, identifier: str) -> list[Json]:
        """What a release changes of the settings in force: a list of `answers.Setting`."""
        found = self._ask("GET", f"/v1/releases/{_part(identifier)}/settings")
        return found if isinstance(found, list) else []

    def versions(self, endpoint: str) -> list[Json]:
        """The versions that an endpoint has had, newest first: a list of `standing.Past`."""
        found = self._ask("GET", f"/v1/endpoints/{_part(endpoint)}/versions")
        return found if isinstance(found, list) else []

    def migrated(self, endpoint: str, name: str, *, reason: str = "", actor: str = "operator") -> Json:
        """Record that a contract migration was done."""
        return self._object("POST", f"/v1/endpoints/{_part(endpoint)}/migrated", {"name": name, "reason": reason, "actor": actor})

    def tokens(self) -> list[Json]:
        """The tokens that are good: a list of `answers.Token`."""
        found = self._ask("GET", "/v1/tokens")
        return found if isinstance(found, list) else []

    def create_token(self, name: str, *, reason: str = "", actor: str = "operator", **more: object) -> Json:
        """Make one (`scopes`, and `endpoints`, `rate`, `daily`): `answers.NewToken`, which alone shows it."""
        return self._object("POST", "/v1/tokens", {"name": name, "reason": reason, "actor": actor, **more})

    def revoke_token(self, name: str, *, reason: str = "", actor: str = "operator") -> Json:
        """Have it mean nothing from now on."""
        return self._object("POST", f"/v1/tokens/{_part(name)}/revoke", {"reason": reason, "actor": actor})

    def alarms(self, endpoint: str = "", since: float | None = None) -> list[Json]:
        """Alarms that are open, or with a Unix time those since then that are over, too: a list of `standing.Alarm`."""
        over = "?all=false" if since is None else f"?all=true&since={since:.3f}"
        query = over + (f"&endpoint={_part(endpoint)}" if endpoint else "")
        found = self._ask("GET", f"/v1/alarms{query}")
        return found if isinstance(found, list) else []

    def on_alarm(self, verb: str, endpoint: str, kind: str, subject: str = "", *, actor: str, **more: object) -> Json:
        """Acknowledge (`go_on`), snooze (`seconds`), with `reason`: `answers.Done`."""
        body = {"endpoint": endpoint, "kind": kind, "subject": subject, "actor": actor, **more}
        return self._object("POST", f"/v1/alarms/{_part(verb)}", body)

    def forget(self, endpoint: str, *, reason: str = "", actor: str = "operator", **whose: str) -> Json:
        """Have somebody's records erased from the log: `key`, `id`, or `column` and `value`."""
        return self._object("POST", f"/v1/endpoints/{_part(endpoint)}/forget", {"reason": reason, "actor": actor, **whose})

    def forget_several(self, endpoint: str, several: list[Json], *, reason: str = "", actor: str = "operator") -> list[Json]:
        """Likewise those of several at once, each `key`, `id`, or `column` and `value`; `answers.Erasure` of each."""
        body = {"reason": reason, "actor": actor, "erasures": several}
        told = self._object("POST", f"/v1/endpoints/{_part(endpoint)}/erasures", body)
        return list(told["erasures"])

    def erasure(self, endpoint: str, identifier: str) -> Json:
        """What came of that."""
        return self._object("GET", f"/v1/endpoints/{_part(endpoint)}/forget/{_part(identifier)}")

    def adopt(self, *, reason: str = "", actor: str = "operator") -> Json:
        """Have control take the routing table on disk as the truth."""
        return self._object("POST", "/v1/adopt", {"reason": reason, "actor": actor})

    def release_group(self, group: str, members: list[Json], *, reason: str = "", actor: str = "operator") -> Json:
        """Release several endpoints together, all or none. `members`: settings and digest of each."""
        body = {"members": members, "reason": reason, "actor": actor}
        return self._object("POST", f"/v1/groups/{_part(group)}/releases", body)

    def follow(self, endpoint: str, settings: Json | None = None, *, follow: bool = True, actor: str = "operator") -> Json:
        """Have the endpoint release whatever its model comes to mean, or not any more: `answers.Done`."""
        body = {"settings": settings or {}, "follow": follow, "actor": actor}
        return self._object("POST", f"/v1/endpoints/{_part(endpoint)}/follow", body)

    def replace(self, instances: list[str], *, reason: str = "", actor: str = "operator") -> Json:
        """Have workers replaced one by one: `answers.Done`, once control has begun."""
        return self._object("POST", "/v1/workers/replace", {"instances": instances, "reason": reason, "actor": actor})

    def page(self) -> str:
        """An address that lets one browser see the page: good once, for a minute."""
        code = self._object("POST", "/v1/page", {})["code"]
        return f"{self.address}/page/enter?code={_part(code)}"

    def release_of(self, identifier: str) -> Json:
        """One release: `standing.Release`."""
        return self._object("GET", f"/v1/releases/{_part(identifier)}")

    def verdict(self, identifier: str) -> Json:
        """How the evidence of a release stood at the last look: `judged.Verdict`."""
        return self._object("GET", f"/v1/releases/{_part(identifier)}/verdict")

    def history(self, endpoint: str, limit: int = 50) -> Json:
        """Releases and events of an endpoint: `bygone.History`."""
        return self._object("GET", f"/v1/endpoints/{_part(endpoint)}/history?limit={limit}")

    def served(self, endpoint: str, at: float) -> Json:
        """Which version served at that Unix time, and why: `bygone.Served`."""
        return self._object("GET", f"/v1/endpoints/{_part(endpoint)}/served?at={at:.3f}")

    def events(self, after: int = 0, endpoint: str = "", limit: int = 200) -> list[Json]:
        """Events past a sequence number, oldest first: a list of `bygone.Event`."""
        query = f"?after={after}&limit={limit}" + (f"&endpoint={_part(endpoint)}" if endpoint else "")
        found = self._ask("GET", f"/v1/events{query}")
        return found if isinstance(found, list) else []

    def trace(self, prediction_id: str) -> Json:
        """From a prediction to its training data."""
        return self._object("GET", f"/v1/trace/{_part(prediction_id)}")

    def explain(self, prediction_id: str, row: int = 0) -> Json:
        """Why a prediction came out as it did: an `explanations.Explanation`, with `reasons` in words."""
        return self._object("GET", f"/v1/explain/{_part(prediction_id)}?row={row}", None, MAKING_SECONDS)

    def await_ready(self, seconds: float) -> None:
        """Return once the API answers and control lives. Raises ApiUnreachable or ControlDown after that time."""
        until = time.monotonic() + seconds
        trouble: errors.TidegateError = errors.ControlDown()
        while time.monotonic() < until:
            try:
                if self.status()["control"]:
                    return
                trouble = errors.ControlDown()
            except errors.ApiUnreachable as silent:
                trouble = silent
            time.sleep(0.05)
        raise trouble

    def _object(self, method: str, path: str, body: Json | None = None, seconds: float = ANSWER_SECONDS) -> Json:
        found = self._ask(method, path, body, seconds)
        if not isinstance(found, dict):
            raise errors.ApiUnreachable(f"what answers at {self.address} is not a control API.")
        return found

    def _ask(self, method: str, path: str, body: Json | None = None, seconds: float = ANSWER_SECONDS) -> Any:
        try:
            answer = self._http.request(method, path, json=body, timeout=seconds)
        except httpx.TimeoutException as slow:
            raise errors.ApiUnreachable(f"the control API at {self.address} did not answer within {seconds:g} s.") from slow
        except httpx.HTTPError as broken:
            raise errors.ApiUnreachable(f"the control API at {self.address} does not answer.", cure=_CURE) from broken
        try:
            found = answer.json()
        except ValueError as strange:
            raise errors.ApiUnreachable(f"what answers at {self.address} is not a control API.") from strange
        if answer.is_success:
            return found
        raise codes.by_code(str(found.get("code", "")))(str(found.get("error", answer.text)), cure=str(found.get("cure", "")))


def own_token(place: home.Home) -> str:
    """What a program at home shows: TIDEGATE_TOKEN, else the home's own token; empty where there is none."""
    try:
        return os.environ.get(TOKEN, "").strip() or place.token.read_text().strip()
    except OSError:
        return ""


_CURE = "Predictions go on; `tidegate rollback` works without it. `tidegate logs api` may say why."


def _part(text: str) -> str:
    """One segment of a path, whatever it holds."""
    return parse.quote(text, safe="")
