"""The worker's loop: one thread, one selector, batches. Ends after SIGTERM, when everything that came has been answered."""

import logging
import selectors
import signal
import socket
import time
from collections.abc import Callable

import msgspec

from tidegate.core.vocabulary import errors
from tidegate.dataplane.models import signature
from tidegate.dataplane.wire import frames
from tidegate.dataplane.worker import answering, calls, connections

QUIET = 1.0
"""Seconds without a new call after DRAIN until nothing is taken to be on its way any more, where a gateway did not confirm it."""
PATIENCE = 30.0
"""Seconds after which a worker that drains closes whatever a gateway has still not taken."""

_log = logging.getLogger(__name__)


class Server:
    """Serves one model on one listening socket."""

    def __init__(self, listener: socket.socket, answerer: answering.Answerer, token: str, welcome: frames.Welcome) -> None:
        self._listener = listener
        self._answerer = answerer
        self._token = token
        self._welcome = welcome
        self._backlog = calls.Backlog()
        self._peers: set[connections.Connection] = set()
        self._selector = selectors.DefaultSelector()
        self._wake, self._waker = socket.socketpair()
        self._draining = False
        self._last_call = 0.0
        self._give_up = 0.0
        self.on_drain: Callable[[], None] = lambda: None
        self._decode = msgspec.msgpack.Decoder(frames.Call).decode

    def heed(self) -> None:
        """From here on SIGTERM drains; SIGINT is left to the keeper, which drains in order. To be called before saying ready."""
        for end in (self._wake, self._waker, self._listener):
            end.setblocking(False)
        signal.set_wakeup_fd(self._waker.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGTERM, lambda *_: self.drain())
        signal.signal(signal.SIGINT, signal.SIG_IGN)

    def run(self) -> None:
        """Serve until SIGTERM, then drain and return."""
        self._selector.register(self._wake, selectors.EVENT_READ)
        self._selector.register(self._listener, selectors.EVENT_READ)
        try:
            while not self._done():
                self._turn()
        finally:
            signal.set_wakeup_fd(-1)
            for peer in self._peers:
                peer.close()
                peer.sock.close()
            self._selector.close()

    def drain(self) -> None:
        """Have the loop say DRAIN and come to its end. Safe in a signal handler."""
        self._draining = True

    def _turn(self) -> None:
        if self._draining and self._listener.fileno() >= 0:
            self._begin_drain()
        # With work at hand the sockets are only looked at: a cancel or a closed gateway may spare some of it.
        for key, events in self._selector.select(0 if self._backlog else QUIET / 20 if self._draining else None):
            if key.fileobj is self._listener:
                self._accept()
            elif key.fileobj is self._wake:
                self._wake.recv(4_096)
            else:
                peer: connections.Connection = key.data
                if events & selectors.EVENT_READ:
                    peer.read(self._take)
        if self._backlog:
            self._answerer.turn(self._backlog)
        self._flush()

    def _accept(self) -> None:
        try:
            sock, _ = self._listener.accept()
        except OSError:
            return
        peer = connections.Connection(sock, self._token, self._welcome)
        self._peers.add(peer)
        self._selector.register(sock, selectors.EVENT_READ, peer)

    def _take(self, peer: connections.Connection, kind: int, number: int, head: bytes, body: bytes) -> None:
        if kind == frames.Kind.CALL:
            call = self._decode(head)
            if len(call.prediction_id) != 16 and call.content not in signature.DESCRIPTIONS:
                raise errors.FrameMalformed("a call without a prediction id")
            now = time.monotonic_ns()
            deadline = now + call.budget_us * 1_000 if call.budget_us else float("inf")
            self._backlog.add(calls.Pending(peer, number, call, body, deadline, now))
            self._last_call = time.monotonic()
        elif kind == frames.Kind.CANCEL:
            self._backlog.cancel(peer, number)
        elif kind == frames.Kind.DRAIN:
            peer.confirmed = True
        else:
            _log.warning("a frame that is not for workers", extra={"kind": kind, "gateway": peer.incarnation})

    def _flush(self) -> None:
        gone: list[connections.Connection] = []
        for peer in self._peers:
            peer.flush()
            if not peer.open:
                gone.append(peer)
                continue
            read = selectors.EVENT_READ if peer.unsent < connections.FULL else 0
            wanted = read | (selectors.EVENT_WRITE if peer.unsent else 0)
            if self._selector.get_key(peer.sock).events != wanted:
                self._selector.modify(peer.sock, wanted, peer)
        for peer in gone:
            self._peers.discard(peer)
            self._backlog.forget(peer)
            self._selector.unregister(peer.sock)
            peer.sock.close()

    def _begin_drain(self) -> None:
        _log.info("draining", extra={"waiting": len(self._backlog), "gateways": len(self._peers)})
        self.on_drain()
        self._selector.unregister(self._listener)
        self._listener.close()
        for peer in self._peers:
            if peer.known:
                peer.send(frames.pack(frames.Kind.DRAIN, 0, None))
        self._last_call = time.monotonic()
        self._give_up = self._last_call + PATIENCE

    def _done(self) -> bool:
        if not self._draining or self._listener.fileno() >= 0 or self._backlog:
            return False
        if not self._peers:
            return True
        now = time.monotonic()
        if any(peer.unsent for peer in self._peers):
            return now > self._give_up
        return all(peer.confirmed for peer in self._peers) or now - self._last_call >= QUIET
