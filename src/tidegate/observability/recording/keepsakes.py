"""The latest requests that were answered, kept for new versions to warm up on.

Only bodies that the prediction log may hold: an endpoint that logs no inputs has none, and loses those it had. Called by the
recorder; read by workers.
"""

import collections
import contextlib
import logging
import pathlib
from collections.abc import Iterable, Sequence

from tidegate.core.vocabulary import arms, instants, marks, records
from tidegate.dataplane.wire import samples

MOST = 64
"""Requests of one endpoint."""
LARGEST = 64 << 10
"""Bytes of one of them."""
TOGETHER = 1 << 20
"""Bytes of all of one endpoint's."""
SECONDS = 5.0
"""Between two writes."""
LOOKED_AT = 128
"""Newest records of each look that are looked at: at high rates a sample is enough."""
log = logging.getLogger(__name__)


class Keepsakes:
    """What is kept, by endpoint, oldest first and each body once."""

    def __init__(self, folder: pathlib.Path) -> None:
        self._folder = folder
        self._kept: dict[str, collections.OrderedDict[samples.Sample, None]] = {}
        self._bytes: dict[str, int] = {}
        self._changed: set[str] = set()
        self._written_at = 0.0

    def note(self, predictions: Sequence[records.Prediction]) -> None:
        """Keep what is worth it of these."""
        for one in predictions[-LOOKED_AT:]:
            if one.mark != marks.Mark.OK or one.role != arms.Role.LIVE or not 0 < len(one.input) <= LARGEST:
                continue
            sample = samples.of(one)
            if sample is None:
                continue
            kept = self._of(one.endpoint)
            if sample in kept:
                continue
            kept[sample] = None
            self._bytes[one.endpoint] += len(sample.body)
            self._changed.add(one.endpoint)
            while len(kept) > MOST or self._bytes[one.endpoint] > TOGETHER:
                self._bytes[one.endpoint] -= len(kept.popitem(last=False)[0].body)

    def publish(self, now: float, silent: Iterable[str]) -> None:
        """Write what has changed, if it is time to; delete what `silent` endpoints, whose inputs are not logged, have left."""
        if not instants.passed(self._written_at, now, SECONDS):
            return
        self._written_at = now
        for endpoint in silent:
            self._kept.pop(endpoint, None)
            self._changed.discard(endpoint)
            with contextlib.suppress(OSError):
                samples.path(self._folder, endpoint).unlink(missing_ok=True)
        for endpoint in sorted(self._changed):
            try:
                samples.write(self._folder, endpoint, tuple(self._kept[endpoint]))
            except OSError as failed:  # what is lost is a better warm-up
                log.warning("requests to warm up on cannot be kept", extra={"endpoint": endpoint, "why": str(failed)})
        self._changed.clear()

    def drop(self, endpoint: str) -> None:
        """Let go of all that an endpoint has left. Raises OSError."""
        self._kept[endpoint], self._bytes[endpoint] = collections.OrderedDict(), 0
        self._changed.discard(endpoint)
        samples.path(self._folder, endpoint).unlink(missing_ok=True)

    def _of(self, endpoint: str) -> collections.OrderedDict[samples.Sample, None]:
        if endpoint not in self._kept:
            there = samples.read(self._folder, endpoint)
            self._kept[endpoint] = collections.OrderedDict.fromkeys(there)
            self._bytes[endpoint] = sum(len(one.body) for one in self._kept[endpoint])
        return self._kept[endpoint]
