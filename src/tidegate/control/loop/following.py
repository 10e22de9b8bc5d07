"""Endpoints that follow their model: when its reference comes to mean another model, that one is released.

Looking and making happen in a thread (a model's own code runs in processes without credentials, see `delivery.registry`);
the release itself begins in control's tick, as if somebody had asked for it: it passes what any release of that endpoint has to
pass, and brings the settings that a person had the endpoint follow by. What was dealt with is noted with the endpoint,
so nothing is released twice, and a model that was refused or rolled back is left alone until the reference means another.
"""

import concurrent.futures
import hashlib
import logging
import time
from collections.abc import Iterable, Iterator

import msgspec

from tidegate.control.loop import brought, commands, transitions
from tidegate.control.store import commands as orders
from tidegate.control.store import endpoints
from tidegate.core.spec import settings as specification
from tidegate.core.vocabulary import alarms, errors, home, phases
from tidegate.delivery.registry import meaning, ordering

log = logging.getLogger(__name__)
LOOK_SECONDS = 5.0
SHARE = 20
"""Looking may take one part in so many of the time: a registry that is slow to ask is asked less often."""
PATIENCE_SECONDS = 15.0
"""A reference that means nothing for so long is an alarm: a file that is being replaced is gone for a moment."""
ACTOR, NOTE = "follow", "followed"
_GONE = (errors.ModelSourceInvalid, errors.ModelUnknown)


class Followed(msgspec.Struct, frozen=True):
    """What an endpoint's reference meant when it was last dealt with."""

    reference: str
    means: str
    digest: str = ""
    """The bundle made of it; empty when none could be made."""
    refused: str = ""
    """Code of the error it was refused with; empty when it was released or was stable already."""
    words: str = ""
    brings: str = ""
    """The hash of the settings that it was refused with, where a person had asked for others than those in force."""


class _Wanted(msgspec.Struct, frozen=True):
    """What an endpoint is to follow, and by which settings."""

    settings: specification.Settings
    brings: str = ""
    """Their hash, where they are others than those in force."""


class _Look(msgspec.Struct, frozen=True):
    means: str
    digest: str
    seconds: float


class Following:
    """All endpoints that follow."""

    def __init__(self, desk: transitions.Desk, place: home.Home) -> None:
        self._desk, self._home = desk, place
        self._pool = concurrent.futures.ThreadPoolExecutor(max_workers=1, thread_name_prefix="follow")
        self._meanings = meaning.Meanings()
        self._looks: dict[str, tuple[_Wanted, concurrent.futures.Future[_Look]]] = {}
        self._due: dict[str, float] = {}
        self._noted: dict[str, Followed | None] = {}
        self._trouble: dict[str, tuple[float, str]] = {}

    def turn(self, rows: Iterable[endpoints.Endpoint], now: float) -> None:
        """Take what the looks found, and look again where it is time. Raises StoreUnavailable, DiskFull."""
        followed = {row.name: row for row in rows if row.settings.get("follow")}
        for name in self._trouble.keys() - followed.keys():
            del self._trouble[name]
        for name, row in followed.items():
            wanted, look = self._looks.get(name, (None, None))
            if look is None and now >= self._due.get(name, 0.0):
                wanted, free = self._wanted(row), self._is_free(name)
                look = self._pool.submit(self._look, wanted.settings, self._before(wanted), may_make=free)
                self._looks[name] = wanted, look
            elif wanted is not None and look is not None and look.done():
                del self._looks[name]
                self._take(wanted, look, now)

    def wrong(self, now: float) -> Iterator[alarms.Alarm]:
        """Where following is in trouble."""
        for name, (since, words) in self._trouble.items():
            if now - since >= PATIENCE_SECONDS:
                yield alarms.Alarm(alarms.Kind.FOLLOW_FAILED, name, words, now)
        for name, noted in self._noted.items():
            if noted is not None and noted.refused and noted.refused != errors.DigestHeld.code and name not in self._trouble:
                words = f"{noted.reference} means another model now, which cannot be released: {noted.words}"
                yield alarms.Alarm(alarms.Kind.FOLLOW_FAILED, name, words, now)

    def close(self) -> None:
        """Let no thread outlive control."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _is_free(self, name: str) -> bool:
        """Whether a release may begin: none is under way, or one that a newer release ends."""
        under_way = self._desk.active(name)
        return under_way is None or under_way.phase is phases.Phase.PROBATION

    def _wanted(self, row: endpoints.Endpoint) -> _Wanted:
        asked = brought.asked(self._desk.store, row)
        if not asked:
            return _Wanted(self._desk.settings(row))
        return _Wanted(specification.decode(asked), hashlib.sha256(asked.encode()).hexdigest())

    def _before(self, wanted: _Wanted) -> Followed | None:
        """What was dealt with last, if it was for this reference and these settings; None where it is to be dealt with anew."""
        settings, desk = wanted.settings, self._desk
        name = settings.endpoint
        if name not in self._noted:
            noted = desk.store.fact(desk.environment, name, NOTE)
            self._noted[name] = msgspec.json.decode(noted, type=Followed) if noted else None
        before = self._noted[name]
        if before is None or before.reference != settings.model or (wanted.brings and before.brings != wanted.brings):
            return None
        if before.refused == errors.DigestHeld.code and not desk.store.holds(desk.environment, name):
            return None  # a person has cleared it
        return before

    def _look(self, settings: specification.Settings, before: Followed | None, *, may_make: bool) -> _Look:
        """In the thread: what it means, and the bundle made of it where that is new."""
        began = time.monotonic()
        means = self._meanings.of(settings.model)
        looked = time.monotonic() - began
        if not means or not may_make or (before is not None and before.means == means):
            return _Look(means, "", looked)
        try:
            digest = ordering.make(settings, self._home)
        except errors.TidegateError as refused:
            refused.where = means  # which meaning it was that could not be made
            raise
        return _Look(means, digest, looked)

    def _take(self, wanted: _Wanted, done: concurrent.futures.Future[_Look], now: float) -> None:
        settings, name = wanted.settings, wanted.settings.endpoint
        self._due[name] = now + LOOK_SECONDS
        failed = done.exception()
        if failed is None:
            look = done.result()
            self._due[name] = now + max(LOOK_SECONDS, SHARE * look.seconds)
            self._trouble.pop(name, None)
            if look.digest:
                self._release(wanted, look, now)
        elif isinstance(failed, errors.TidegateError) and failed.where.startswith(("sha256:", "mlflow://")):
            self._trouble.pop(name, None)
            self._note(
                name, Followed(settings.model, failed.where, refused=failed.code, words=failed.message, brings=wanted.brings)
            )
        elif isinstance(failed, _GONE) and self._desk.stable(name) is None:
            log.debug("nothing there yet", extra={"endpoint": name, "why": str(failed)})
        else:
            words = str(failed) if isinstance(failed, errors.TidegateError) else repr(failed)
            self._trouble.setdefault(name, (now, f"{settings.model} cannot be looked at: {words}"))

    def _release(self, wanted: _Wanted, look: _Look, now: float) -> None:
        settings, desk = wanted.settings, self._desk
        name = settings.endpoint
        order = orders.Command(
            environment=desk.environment,
            endpoint=name,
            kind=orders.RELEASE,
            payload={"digest": look.digest, "settings": specification.plain(settings)},
            actor=ACTOR,
            reason=f"{settings.model} means {look.means} now",
            at=now,
        )
        refused: errors.TidegateError | None = None
        try:
            commands.release(desk, self._home, order, now)
        except errors.ReleaseInProgress:
            return  # once that has ended
        except (errors.StoreUnavailable, errors.DiskFull, errors.GenerationConflict):
            raise
        except errors.TidegateError as no:
            refused = no
        code = "" if refused is None or isinstance(refused, errors.AlreadyStable) else refused.code
        words, brings = (refused.message, wanted.brings) if refused else ("", "")
        self._note(name, Followed(settings.model, look.means, look.digest, code, words, brings))

    def _note(self, name: str, followed: Followed) -> None:
        self._noted[name] = followed
        self._desk.store.note(self._desk.environment, name, NOTE, msgspec.json.encode(followed).decode())
        if followed.refused:
            told = {"endpoint": name, "means": followed.means, "code": followed.refused, "why": followed.words}
            log.warning("not released", extra=told)
