"""The recorder as a process, which the keeper starts, and as one run that catches up (`tidegate gather`)."""

import contextlib
import gc
import logging
import sqlite3
import threading
import time

from tidegate.core.vocabulary import errors, home, instances, instants, logs
from tidegate.observability.recording import recorder, upkeep

NAME = "recorder"
LOOK_SECONDS = 0.075
SAY_SECONDS = 1.0
RETRY_SECONDS = 1.0
PATIENCE_SECONDS = 3.0
COLLECT_AFTER = 50_000
"""Objects made between two looks for garbage: rows that are read come and go by thousands, and none of them are in circles."""
log = logging.getLogger(__name__)


def run(place: home.Home, name: str) -> int:
    """Be the recorder until SIGTERM or SIGINT. Returns the exit status: 0, or 1 when another recorder holds the name."""
    logs.start(name)
    gc.set_threshold(COLLECT_AFTER, 20, 20)
    try:
        claim = instances.claim(place.instances, name)
    except BlockingIOError:
        log.error("another recorder is at work", extra={"code": errors.AlreadyRunning.code})  # noqa: TRY400
        return 1
    with contextlib.suppress(OSError):
        claim.say("starting")
    stop = instances.ending()
    while not stop.is_set():
        try:
            _serve(recorder.Recorder(place, time.time()), claim, stop)
        except (OSError, sqlite3.Error, errors.StoreUnavailable) as failed:
            log.error("recording waits", extra={"code": errors.DiskFull.code, "why": str(failed)})  # noqa: TRY400
            with contextlib.suppress(OSError):
                claim.say("ready", trouble=f"Recording waits: {failed}", waits=True)
            if type(failed) is sqlite3.DatabaseError:  # what SQLite says of damage, else it would wait for ever
                with contextlib.suppress(OSError, sqlite3.Error):
                    upkeep.examine(place.log)
            stop.wait(RETRY_SECONDS)
    with contextlib.suppress(OSError):
        claim.say("done")
    return 0


def catch_up(place: home.Home) -> dict[str, object]:
    """Record everything that there is, where no recorder is at work; what one would say of itself, or nothing where one is.

    Raises OSError, sqlite3.Error and StoreUnavailable.
    """
    try:
        claim = instances.claim(place.instances, NAME)
    except BlockingIOError:
        return {}
    try:
        with contextlib.closing(recorder.Recorder(place, time.time())) as one:
            until = time.monotonic() + PATIENCE_SECONDS
            while time.monotonic() < until:
                now = time.time()
                while one.step(now):
                    until = time.monotonic() + PATIENCE_SECONDS
                if one.caught_up_at == now:
                    break
                time.sleep(LOOK_SECONDS)  # what looks damaged is looked at once more
            one.publish(now)
            one.flush(now)
            return one.facts(now)
    finally:
        claim.release()


def _serve(one: recorder.Recorder, claim: instances.Claim, stop: threading.Event) -> None:
    """Step until told to stop, then make everything count."""
    said = 0.0
    with contextlib.closing(one):
        while not stop.is_set():
            now = time.time()
            busy = one.step(now)
            if instants.passed(said, now, SAY_SECONDS):
                claim.say("ready", **one.facts(now))
                said = now
            if not busy:
                stop.wait(LOOK_SECONDS)
        now = time.time()
        while one.step(now):
            continue
        one.flush(now)
        claim.say("draining", **one.facts(now))
