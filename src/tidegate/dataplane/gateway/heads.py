"""Request heads that have been parsed before. A client on a kept connection sends the same bytes again and again: they mean the
same, so a request whose head is known needs no parser.

Only heads that the parser itself has accepted, of whole and plain requests, are remembered; one other byte is another head.
"""

from typing import NamedTuple

from tidegate.dataplane.gateway import admission

MOST = 1_024
LONGEST = 2_048
"""Bytes of a head that is remembered."""
_ONCE = frozenset({b"connection", b"expect", b"traceparent", b"transfer-encoding", b"upgrade", b"x-request-id"})
"""Headers that change how the connection goes on, or that differ with each request."""


class Head(NamedTuple):
    """What a head says."""

    method: bytes
    url: bytes
    fields: dict[bytes, bytes]
    length: int
    """Bytes of the body."""


class Heads:
    """Those of all connections, by their bytes up to and with the empty line."""

    def __init__(self) -> None:
        self._known: dict[bytes, Head] = {}
        self.get = self._known.get
        """The head of these bytes, or None."""
        self.reads = admission.READ
        """Headers that matter, by lower-case name. All others are read over."""

    def read(self, also: frozenset[bytes]) -> None:
        """Have these matter, too. What is remembered was read without them, or for what matters no more: it is forgotten."""
        wanted = admission.READ | also
        if wanted != self.reads:
            self.reads = wanted
            self._known.clear()

    def add(self, data: bytes, head: Head) -> None:
        """Remember the head of a request that came whole, alone and plain; `data` is all of it."""
        end = len(data) - head.length
        if end > LONGEST or data[end - 4 : end] != b"\r\n\r\n" or not _ONCE.isdisjoint(head.fields):
            return
        if len(self._known) >= MOST:
            self._known.clear()
        self._known[data[:end]] = head
