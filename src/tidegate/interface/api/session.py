"""How a browser comes to see the page: a code that is good once and for a minute, exchanged for a cookie that grants reading.

The cookie names the token that the code was made with, by its sha256, and is sealed with a key made from the home's own token: it
outlives this process, and means nothing once that token is revoked, the home's token is another, or its time is up. It is no
token: it opens the page, and nothing that takes a command.
"""

import hashlib
import hmac
import secrets
import threading
import time
from collections.abc import Callable
from http import cookies

from tidegate.core.vocabulary import errors

CODE_SECONDS = 60.0
COOKIE_SECONDS = 43_200
CODES_MAX = 64
"""Codes not used yet; the oldest makes room."""


class Door:
    """Hands out codes and cookies. Safe for threads."""

    def __init__(self, secret: str, clock: Callable[[], float] = time.time) -> None:
        """`secret`: the home's own token."""
        self._key = hashlib.sha256(b"tidegate page\0" + secret.encode()).digest()
        self._clock = clock
        self._codes: dict[str, tuple[str, float]] = {}
        self._lock = threading.Lock()

    def code(self, sha256: str) -> str:
        """A code for the holder of this token."""
        made = secrets.token_urlsafe(24)
        with self._lock:
            while len(self._codes) >= CODES_MAX:
                del self._codes[next(iter(self._codes))]
            self._codes[made] = (sha256, self._clock() + CODE_SECONDS)
        return made

    def exchange(self, code: str) -> str:
        """The cookie's value. Raises TokenMissing for a code that was used, is too old, or never was."""
        with self._lock:
            sha256, until = self._codes.pop(code, ("", 0.0))
        if self._clock() > until:
            raise errors.TokenMissing(
                "this address was used already, or is over a minute old.", cure="`tidegate page` prints another."
            )
        expires = int(self._clock()) + COOKIE_SECONDS
        return f"{sha256}.{expires}.{self._seal(sha256, expires)}"

    def holder(self, cookie: str) -> str:
        """The sha256 of the token that the cookie was given for; empty when it is not ours or too old."""
        sha256, _, rest = cookie.partition(".")
        until, _, seal = rest.partition(".")
        if not until.isdecimal() or len(until) > 15 or int(until) < self._clock():
            return ""
        good = hmac.compare_digest(seal.encode(), self._seal(sha256, int(until)).encode())
        return sha256 if good else ""

    def _seal(self, sha256: str, expires: int) -> str:
        return hmac.new(self._key, f"{sha256}.{expires}".encode(), hashlib.sha256).hexdigest()


def name(port: str) -> str:
    """The cookie's name: browsers keep cookies by host, whatever the port, and several Tidegates may be on one machine."""
    return f"tidegate-page-{port or '80'}"


def given(header: str, host: str) -> str:
    """The cookie's value in a Cookie header, for a request to this Host; empty where there is none."""
    try:
        found = cookies.SimpleCookie(header).get(name(host.rpartition(":")[2]))
    except cookies.CookieError:
        return ""
    return found.value if found else ""
