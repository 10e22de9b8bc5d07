"""One probe: the bundle's example sent to an endpoint as a client sends it, over the public address, and the answer checked.

A model that answers 200 can be wrong: the answer has to have the rows that were asked for, be what the version's signature
says, and be the one that this version gave at first. The gateway knows the probe by its header and the home's token: it asks
the version that owns the endpoint, records it with the role smoke, and counts it nowhere.
"""

import math
import ssl
import time
from collections.abc import Sequence
from typing import Any, NamedTuple

import httpx
import msgspec

from tidegate.core.vocabulary import errors, home, manifests, tables
from tidegate.dataplane.models import bundles, outputs
from tidegate.observability.metrics import probes

HEADER = "tidegate-probe"
PATIENCE_SECONDS = 2.0
"""Beyond the endpoint's own limit, which the gateway keeps."""
RELATIVE = 1e-5
"""How far apart two answers of one model may be: batches of other sizes are added up in another order."""


class Line(NamedTuple):
    """How predictions are reached."""

    address: str
    """https://127.0.0.1:8080; empty: nowhere."""
    trust: ssl.SSLContext | None
    token: str


class Question(NamedTuple):
    """What one endpoint is asked."""

    endpoint: str
    version: str
    digest: str
    body: bytes
    rows: int
    outputs: tuple[manifests.Column, ...]
    seconds: float
    """How long an answer is waited for."""


class Outcome(NamedTuple):
    """What came of it."""

    probe: probes.Probe
    answer: Any = None
    """The predictions, where they are as the signature says."""


def question(place: home.Home, route: tables.Route) -> Question | None:
    """What to ask of an endpoint; None where its version's bundle has no example. Raises ModelError, OSError."""
    owner = route.owner
    folder = place.bundles / owner.digest
    manifest = bundles.read_manifest(folder)
    if not manifest.example:
        return None
    body = (folder / manifest.example).read_bytes()
    rows = len(msgspec.json.decode(body)["records"])
    seconds = route.limits.timeout_ms / 1000 + PATIENCE_SECONDS
    return Question(route.endpoint, owner.name, owner.digest, body, rows, manifest.signature.outputs, seconds)


def ask(line: Line, asked: Question) -> Outcome:
    """Send it, and look at the answer. Whatever goes wrong is what came of it."""
    headers = {"content-type": "application/json", HEADER: "1", "authorization": f"Bearer {line.token}"}
    at, began = time.time(), time.monotonic()
    trust = line.trust or False  # without TLS there is nobody to trust
    try:
        with httpx.Client(timeout=asked.seconds, trust_env=False, verify=trust) as client:
            answered = client.post(f"{line.address}/endpoints/{asked.endpoint}/predict", content=asked.body, headers=headers)
    except httpx.HTTPError as failed:
        words = f"no answer: {type(failed).__name__} {failed}".strip()[: probes.LONGEST]
        return Outcome(probes.Probe(asked.endpoint, at, "", right=False, seconds=time.monotonic() - began, status=0, words=words))
    seconds = time.monotonic() - began
    wrong, answer = _seen(answered, asked)
    made = probes.Probe(
        asked.endpoint,
        at,
        answered.headers.get("tidegate-version", ""),
        not wrong,
        seconds,
        answered.status_code,
        wrong[: probes.LONGEST],
        answered.headers.get("tidegate-prediction-id", ""),
    )
    return Outcome(made, answer)


def differs(first: Any, answer: Any, tolerance: float) -> bool:
    """Whether two answers of one version are not the same: numbers within `tolerance`, or the last digits of a float."""
    if isinstance(first, bool) or isinstance(answer, bool) or not isinstance(first, float | int | list | dict):
        return bool(first != answer)
    if isinstance(first, list):
        if not isinstance(answer, list) or len(first) != len(answer):
            return True
        return any(differs(one, other, tolerance) for one, other in zip(first, answer, strict=True))
    if isinstance(first, dict):
        if not isinstance(answer, dict) or first.keys() != answer.keys():
            return True
        return any(differs(one, answer[name], tolerance) for name, one in first.items())
    if not isinstance(answer, float | int):
        return True
    return not math.isclose(first, answer, rel_tol=RELATIVE, abs_tol=max(tolerance, 1e-9))


def _seen(answered: httpx.Response, asked: Question) -> tuple[str, Any]:
    """(what is wrong, the predictions)."""
    try:
        said = msgspec.json.decode(answered.content)
    except msgspec.DecodeError:
        said = None
    told: dict[str, Any] = said if isinstance(said, dict) else {}
    if answered.status_code != 200:
        return f"{answered.status_code} {told.get('code', '')}: {told.get('error', 'no reason given')}", None
    if answered.headers.get("tidegate-version") != asked.version:
        return "", None  # the endpoint went on to another version meanwhile: the next probe asks that one
    predictions = told.get("predictions")
    if not isinstance(predictions, list):
        return "200, but the answer has no predictions", None
    wrong = _broken(asked.outputs, predictions, asked.rows)
    return (f"200, but {wrong}", None) if wrong else ("", predictions)


def _broken(columns: Sequence[manifests.Column], predictions: list[Any], rows: int) -> str:
    """What the signature says against it; empty: nothing."""
    if len(predictions) != rows:
        return f"there are {len(predictions)} predictions for {rows} rows"
    if len(columns) == 1:
        return outputs.problem(columns, {columns[0].name: predictions}, rows)
    if not all(isinstance(one, dict) for one in predictions):
        return "a prediction is no object of the model's outputs"
    try:
        return outputs.problem(columns, {one.name: [row[one.name] for row in predictions] for one in columns}, rows)
    except KeyError as missing:
        return f"the output {missing} is missing"


def broken_bundle(failed: Exception) -> str:
    """Why an endpoint cannot be asked at all."""
    return str(failed) if isinstance(failed, errors.TidegateError) else f"its bundle cannot be read: {failed}"
