"""The monitor: a process in which everything that watches now and then does so, each at its own pace.

The recorder follows the log and must never wait; what is here takes its time, on what the recorder and others have written. Each
watch has a thread: a slow one delays no other, and one that fails is tried again and says so, while the others go on.

Called by the keeper through `interface.cli.process`, which says what is watched.
"""

import contextlib
import logging
import threading
import time
from collections.abc import Iterable, Sequence
from typing import Protocol

from tidegate.core.vocabulary import alarms, errors, home, instances, logs
from tidegate.observability.monitors import speaking

SAY_SECONDS = 1.0
RESTS = 9.0
"""Seconds that a watch rests for each of processor time that its look took: where there is much to read it looks less often, and
no busy machine pays for that."""
LONGEST_REST = 1_800.0
"""Seconds; shorter than what watches take for a clock that was set."""
log = logging.getLogger(__name__)


class Watch(Protocol):
    """Something that looks now and then. Its own thread alone calls it."""

    @property
    def name(self) -> str:
        """Of its file of alarms: letters, digits and hyphens."""

    @property
    def every(self) -> float:
        """Seconds from the beginning of one look to that of the next, at the least."""

    def look(self, now: float) -> Iterable[alarms.Alarm]:
        """Everything that is wrong at Unix time `now`. Whatever it raises is logged, and what it said before still counts."""


class Round:
    """One watch with what came of its looks."""

    def __init__(self, place: home.Home, watch: Watch) -> None:
        self.watch = watch
        self.looked_at = 0.0
        self.seconds = 0.0
        self.rest = 0.0
        """Seconds to go by after the last look, at the least."""
        self.trouble = ""
        self._voice = speaking.Voice(place.alarms, watch.name)

    def turn(self, now: float) -> None:
        """Look once, at Unix time `now`, and say what is wrong."""
        began, worked = time.monotonic(), time.thread_time()
        try:
            self._voice.say(now, self.watch.look(now))
            self.trouble = ""
        except Exception as failed:  # of this watch: the next look may succeed, and the others have theirs
            if not self.trouble:
                log.exception("a look failed", extra={"watch": self.watch.name})
            self.trouble = f"{type(failed).__name__}: {failed}"
        self.looked_at, self.seconds = now, time.monotonic() - began
        self.rest = min(RESTS * (time.thread_time() - worked), LONGEST_REST)

    def go(self, stop: threading.Event) -> None:
        """Turn after turn until told to stop."""
        due = time.monotonic()
        while not stop.is_set():
            self.turn(time.time())
            due = max(due + self.watch.every, time.monotonic() + self.rest)
            stop.wait(due - time.monotonic())

    @property
    def facts(self) -> dict[str, object]:
        """What the process says of it."""
        said = {"looked_at": self.looked_at, "seconds": round(self.seconds, 3)}
        return said | ({"trouble": self.trouble} if self.trouble else {})


def run(place: home.Home, name: str, watches: Sequence[Watch]) -> int:
    """Watch until SIGTERM or SIGINT. Returns the exit status: 0, or 1 when another monitor holds the name."""
    logs.start(name)
    try:
        claim = instances.claim(place.instances, name)
    except BlockingIOError:
        log.error("another monitor is at work", extra={"code": errors.AlreadyRunning.code})  # noqa: TRY400
        return 1
    stop = instances.ending()
    rounds = [Round(place, watch) for watch in watches]
    threads = [threading.Thread(target=one.go, args=(stop,), name=one.watch.name, daemon=True) for one in rounds]
    for thread in threads:
        thread.start()
    while not stop.is_set():
        with contextlib.suppress(OSError):  # a full disk; the next word may find room
            claim.say("ready", watches={one.watch.name: one.facts for one in rounds})
        stop.wait(SAY_SECONDS)
    for thread in threads:
        thread.join(timeout=SAY_SECONDS)  # what takes longer is over with the process: it writes whole files only
    with contextlib.suppress(OSError):
        claim.say("done")
    return 0
