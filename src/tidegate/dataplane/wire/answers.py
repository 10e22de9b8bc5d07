"""What clients get besides predictions: error bodies, health, listings. Bytes of JSON, ready to send.

Called by the gateway and, for error bodies, by the worker. Not here: status codes (each error class has its own), headers.
"""

from collections.abc import Iterable

import msgspec

from tidegate.core.vocabulary import errors

LIVE = b'{"live":true}'
READY = b'{"live":true,"ready":true}'
"""Clients differ in which of the two words they look for, so both are there."""
UNREADY = b'{"live":true,"ready":false}'

_encode = msgspec.json.Encoder().encode


def failure(error: errors.TidegateError, prediction_id: str = "") -> bytes:
    """{"error", "code", "prediction_id"?}: what is wrong and its cure; never where on our side, which is for operators."""
    sentence = f"{error.message} {error.cure}".strip()
    body = {"error": sentence, "code": error.code}
    if prediction_id:
        body["prediction_id"] = prediction_id
    return _encode(body)


def server(version: str, extensions: Iterable[str] = ()) -> bytes:
    """GET /v2: who answers, and which extensions of the Open Inference Protocol it speaks."""
    return _encode({"name": "tidegate", "version": version, "extensions": list(extensions)})


def models(versions: dict[str, list[str]]) -> bytes:
    """GET /v2/models: endpoints by name, each with the versions that can be routed to."""
    return _encode({"models": [{"name": name, "versions": names} for name, names in sorted(versions.items())]})


def model_ready(name: str, ready: bool) -> bytes:
    """GET /v2/models/NAME/ready."""
    return _encode({"name": name, "ready": ready})


def accepted(count: int) -> bytes:
    """POST /outcomes: how many outcomes were taken."""
    return b'{"accepted":%d}' % count
