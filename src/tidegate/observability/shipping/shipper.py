"""The shipper: a process that brings the recorded log to the sinks that endpoints name.

It looks at the routing table for sinks and has a line for each. It is there while a route names a sink: control puts its
specification in place. Called by the keeper through `interface.cli.process`.
"""

import contextlib
import logging
import re
import secrets
import socket
import sqlite3
import threading
import time
from collections.abc import Callable

from tidegate.core.vocabulary import errors, home, instances, keeping, logs
from tidegate.dataplane.predlog import shipped
from tidegate.dataplane.wire import tablefile
from tidegate.observability.monitors import speaking
from tidegate.observability.shipping import line

LOOK_SECONDS = 0.5
SHARE = 0.1
"""Of the time that looking may take: a log may have many files."""
END_SECONDS = 5.0
_ORIGIN = "origin"
log = logging.getLogger(__name__)
_Key = tuple[str, str]
"""An endpoint, and where the address of its sink is."""


class Shipper:
    """The lines. Time is an argument; whoever makes it runs them."""

    def __init__(self, place: home.Home, look_up: Callable[[str], str]) -> None:
        """`look_up`: what env:NAME or file:PATH holds. Raises OSError."""
        self._home, self._look_up = place, look_up
        self._origin = _origin(place)
        self._voice = speaking.Voice(place.alarms, "shipping")
        self.lines: dict[_Key, line.Line] = {}

    def look(self, now: float) -> None:
        """Have a line for exactly the sinks that the table names, and say what is wrong.

        Raises OSError, StoreUnavailable and sqlite3.Error.
        """
        # Listed before the table is read: a position that the recorder began meanwhile, for a new sink, is not swept.
        begun = shipped.positions(self._home.log)
        wanted = self._wanted()
        if wanted is None:
            return
        for one in begun:
            if (one.endpoint, one.to) not in wanted:
                shipped.forget(self._home.log, one)
        for key in self.lines.keys() - wanted.keys():
            del self.lines[key]
        for key, sink in wanted.items():
            known = self.lines.get(key)
            if known is None or known.subject.sink != sink:
                self.lines[key] = line.Line(self._home, line.Subject(key[0], sink, self._origin), self._look_up)
        for known in self.lines.values():
            known.look(now)
        self._voice.say(now, [found for one in self.lines.values() if (found := one.wrong(now)) is not None])

    def _wanted(self) -> dict[_Key, keeping.Sink] | None:
        """What the table names; None while it cannot be read."""
        try:
            routes = tablefile.read(self._home.table).routes
        except (errors.TableUnreadable, errors.ProtocolMismatch) as failed:
            log.warning("the routing table cannot be read", extra={"code": failed.code})
            return None
        return {(name, one.to): one for name, route in sorted(routes.items()) for one in route.log.sinks}

    def facts(self, now: float) -> dict[str, object]:
        """What the process says of itself."""
        return {"sinks": [_told(one) for one in self.lines.values()], "at": now}


def _told(one: line.Line) -> dict[str, object]:
    said = {
        "endpoint": one.subject.endpoint,
        "to": one.subject.sink.to,
        "delivered": one.position.delivered,
        "waiting": one.waits,
        "behind_seconds": round(one.behind, 1),
        "given_up": one.given_up,
    }
    return said | ({"trouble": one.trouble} if one.trouble else {})


def _origin(place: home.Home) -> str:
    """The name of this home in those of parcels: made once, so that hosts of one name write no file over another's."""
    path = place.log / _ORIGIN
    with contextlib.suppress(FileNotFoundError):
        return path.read_text().strip()
    host = re.sub(r"[^a-z0-9-]+", "-", socket.gethostname().lower())[:40]
    made = f"{host}-{secrets.token_hex(4)}"
    path.write_text(f"{made}\n")
    return made


def run(place: home.Home, name: str, look_up: Callable[[str], str]) -> int:
    """Ship until SIGTERM or SIGINT. Returns the exit status: 0, or 1 when another shipper holds the name."""
    logs.start(name)
    try:
        claim = instances.claim(place.instances, name)
    except BlockingIOError:
        log.error("another shipper is at work", extra={"code": errors.AlreadyRunning.code})  # noqa: TRY400
        return 1
    stop = instances.ending()
    shipper = Shipper(place, look_up)
    threads: dict[line.Line, tuple[threading.Thread, threading.Event]] = {}
    while not stop.is_set():
        now, began = time.time(), time.monotonic()
        with contextlib.suppress(OSError, errors.StoreUnavailable, sqlite3.Error):  # a full disk; a log that has not begun
            shipper.look(now)
        with contextlib.suppress(OSError):
            claim.say("ready", **shipper.facts(now))
        _match(threads, list(shipper.lines.values()))
        stop.wait(max(LOOK_SECONDS, (time.monotonic() - began) / SHARE))
    _match(threads, [])
    with contextlib.suppress(OSError):
        claim.say("done")
    return 0


def _match(threads: dict[line.Line, tuple[threading.Thread, threading.Event]], lines: list[line.Line]) -> None:
    """Have a thread for exactly these. One that hangs is left behind: what it has not noted is delivered again."""
    gone = [one for one in threads if one not in lines]
    for one in gone:
        threads[one][1].set()
    until = time.monotonic() + END_SECONDS
    for one in gone:
        threads.pop(one)[0].join(max(0.0, until - time.monotonic()))
    for one in lines:
        if one not in threads:
            stop = threading.Event()
            thread = threading.Thread(target=one.go, args=(stop,), name=one.subject.sink.to, daemon=True)
            threads[one] = thread, stop
            thread.start()
