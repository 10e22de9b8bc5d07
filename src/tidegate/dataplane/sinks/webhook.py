"""A webhook: rows as lines of JSON, POSTed to an address; taken when the answer is 2xx.

    content-type: application/x-ndjson
    tidegate-parcel: NAME                      the same when the same rows come again
    tidegate-signature: t=UNIX,v1=HEX          with a key: HMAC-SHA256 over "UNIX." and the body

Who checks the signature compares in constant time, and refuses what is older than a few minutes.
"""

import hashlib
import hmac
import time

import httpx

from tidegate.core.vocabulary import errors
from tidegate.dataplane.sinks import sink

TIMEOUT_SECONDS = 30.0
PARCEL, SIGNATURE = "tidegate-parcel", "tidegate-signature"


class Webhook:
    """One address."""

    whole = False

    def __init__(self, address: str, sign: str = "") -> None:
        """`sign`: the key for signatures; empty: none. Raises SinkInvalid."""
        self._sign = sign.encode()
        try:
            self._url = httpx.URL(address)
        except httpx.InvalidURL as wrong:
            raise errors.SinkInvalid("what it holds is no URL.") from wrong
        if not self._url.host:
            raise errors.SinkInvalid("its URL names no host.")
        self._client = httpx.Client(timeout=TIMEOUT_SECONDS, follow_redirects=False, headers={"user-agent": "tidegate"})

    def deliver(self, parcel: sink.Parcel) -> None:
        """Post it."""
        body = b"".join(one.body + b"\n" for one in parcel.messages())
        headers = {"content-type": "application/x-ndjson", PARCEL: parcel.name}
        if self._sign:
            headers[SIGNATURE] = signature(self._sign, body, int(time.time()))
        try:
            answer = self._client.post(self._url, content=body, headers=headers)
        except httpx.HTTPError as failed:
            raise errors.SinkUnavailable(f"it does not answer: {type(failed).__name__}.") from failed
        if not answer.is_success:
            raise errors.SinkUnavailable(f"it answers {answer.status_code}.")

    def close(self) -> None:
        """Close its connections."""
        self._client.close()


def signature(key: bytes, body: bytes, unix: int) -> str:
    """The value of `tidegate-signature`."""
    return f"t={unix},v1={hmac.new(key, b'%d.' % unix + body, hashlib.sha256).hexdigest()}"
