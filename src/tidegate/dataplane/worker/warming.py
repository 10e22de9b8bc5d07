"""Warming up on requests that the endpoint has answered lately, before the first of its own: caches are filled, code paths
compiled, buffers of every size there.

A new version that fails on most of them would fail most of its clients: it has failed its warm-up, and its release. One that has
served before (its process was restarted) is warmed up by them and no more: stable is not kept down by what it was asked last.
"""

import dataclasses
import logging
import time
from collections.abc import Sequence

from tidegate.core.vocabulary import errors
from tidegate.dataplane.models import batches, model
from tidegate.dataplane.wire import samples

SECONDS = 5.0
"""How long it may take; the model call that is under way then is the last."""
FEW = 4
"""Requests below which failures prove nothing."""
_SIZES = (2, 4, 8, 16, 32, 64)
_IDENTITY = ("warm-up", "v0", "")
_log = logging.getLogger(__name__)


@dataclasses.dataclass
class Tally:
    """How it went."""

    answered: int = 0
    failed: int = 0
    refused: int = 0
    """Requests that do not fit this version's signature."""
    last: str = ""
    """The last failure, in the model's own words."""


def warm(loaded: model.Model, recorded: Sequence[samples.Sample], *, new: bool, seconds: float = SECONDS) -> Tally:
    """Answer recorded requests, newest first: each alone, then batches of growing sizes.

    Raises WarmupFailed for a `new` version that fails on more than half of them (and on FEW at least).
    """
    until = time.monotonic() + seconds
    tally = Tally()
    asked: list[batches.Request] = []
    for sample in reversed(recorded):
        if time.monotonic() > until:
            break
        try:
            request = loaded.codec.decode(sample.body, sample.content, sample.json_bytes, coerce=True)
        except errors.TidegateError:
            tally.refused += 1
            continue
        if _answered(loaded, [request], tally):
            asked.append(request)
    if new and tally.failed >= FEW and tally.failed > tally.answered:
        total = tally.failed + tally.answered
        raise errors.WarmupFailed(
            f"the model failed on {tally.failed} of {total} requests that this endpoint has answered lately: {tally.last}",
            cure="`tidegate logs ENDPOINT/VERSION` has its own words.",
        )
    _together(loaded, asked, until)
    if recorded:
        _log.info("warmed up on recorded requests", extra=dataclasses.asdict(tally))
    return tally


def _answered(loaded: model.Model, requests: Sequence[batches.Request], tally: Tally) -> bool:
    batch = batches.joined([one.batch for one in requests])
    try:
        values = loaded.codec.checked(loaded.predict(batch), batch.rows)
        for one, piece in zip(requests, batches.cut(values, [one.batch.rows for one in requests]), strict=True):
            loaded.codec.encode(one, piece, _IDENTITY)
    except errors.RequestError:
        tally.refused += 1  # the form it asked for cannot carry this answer: the client's affair
        return False
    except (Exception, SystemExit) as raised:
        tally.failed += 1
        tally.last = raised.where or str(raised) if isinstance(raised, errors.TidegateError) else model.words(raised)
        if tally.failed == 1:
            _log.warning("the model failed on a recorded request", extra={"detail": tally.last})
        return False
    tally.answered += 1
    return True


def _together(loaded: model.Model, asked: Sequence[batches.Request], until: float) -> None:
    """Batches of requests that can be one, of every size there are enough for. What fails here has succeeded alone."""
    groups: dict[batches.Key, list[batches.Request]] = {}
    for request in asked:
        groups.setdefault(request.batch.key, []).append(request)
    for group in groups.values():
        for size in _SIZES:
            if time.monotonic() > until:
                return
            _answered(loaded, [group[place % len(group)] for place in range(size)], Tally())
