"""Endpoints that follow their model: when its reference comes to mean another model, that one is released.

Looking and making happen in a thread (a model's own code runs in processes without credentials, see `delivery.registry`);
the release itself begins in control's tick, as if somebody had asked for it. What was dealt with is noted with the endpoint,
so nothing is released twice, and a model that was refused or rolled back is left alone until the reference means another.
"""

import concurrent.futures
import logging
import time
from collections.abc import Iterable, Iterator

import msgspec

from tidegate.control.loop import commands, transitions
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
        self._looks: dict[str, concurrent.futures.Future[_Look]] = {}
        self._due: dict[str, float] = {}
        self._noted: dict[str, Followed | None] = {}
        self._trouble: dict[str, tuple[float, str]] = {}

    def turn(self, rows: Iterable[endpoints.Endpoint], now: float) -> None:
        """Take what the looks found, and look again where it is time. Raises StoreUnavailable, DiskFull."""
        followed = {row.name: self._desk.settings(row) for row in rows if row.settings.get("follow")}
        for name in self._trouble.keys() - followed.keys():
            del self._trouble[name]
        for name, settings in followed.items():
            look = self._looks.get(name)
            if look is None and now >= self._due.get(name, 0.0):
                free = self._is_free(name)
                self._looks[name] = self._pool.submit(self._look, settings, self._before(settings), may_make=free)
            elif look is not None and look.done():
                del self._looks[name]
                self._take(settings, look, now)

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

    def _before(self, settings: specification.Settings) -> Followed | None:
        """What was dealt with last, if it was for this reference; None where it is to be dealt with anew."""
        name, desk = settings.endpoint, self._desk
        if name not in self._noted:
            noted = desk.store.fact(desk.environment, name, NOTE)
            self._noted[name] = msgspec.json.decode(noted, type=Followed) if noted else None
        before = self._noted[name]
        if before is None or before.reference != settings.model:
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

    def _take(self, settings: specification.Settings, done: concurrent.futures.Future[_Look], now: float) -> None:
        name = settings.endpoint
        self._due[name] = now + LOOK_SECONDS
        failed = done.exception()
        if failed is None:
            look = done.result()
            self._due[name] = now + max(LOOK_SECONDS, SHARE * look.seconds)
            self._trouble.pop(name, None)
            if look.digest:
                self._release(settings, look, now)
        elif isinstance(failed, errors.TidegateError) and failed.where.startswith(("sha256:", "mlflow://")):
            self._trouble.pop(name, None)
            self._note(name, Followed(settings.model, failed.where, refused=failed.code, words=failed.message))
        elif isinstance(failed, _GONE) and self._desk.stable(name) is None:
            log.debug("nothing there yet", extra={"endpoint": name, "why": str(failed)})
        else:
            words = str(failed) if isinstance(failed, errors.TidegateError) else repr(failed)
            self._trouble.setdefault(name, (now, f"{settings.model} cannot be looked at: {words}"))

    def _release(self, settings: specification.Settings, look: _Look, now: float) -> None:
        name, desk = settings.endpoint, self._desk
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
        self._note(name, Followed(settings.model, look.means, look.digest, code, refused.message if refused else ""))

    def _note(self, name: str, followed: Followed) -> None:
        self._noted[name] = followed
        self._desk.store.note(self._desk.environment, name, NOTE, msgspec.json.encode(followed).decode())
        if followed.refused:
            told = {"endpoint": name, "means": followed.means, "code": followed.refused, "why": followed.words}
            log.warning("not released", extra=told)
