"""When a version's queue becomes a batch, and how large: from a model of its latency, fitted to what its workers have shown.

Seconds of a batch = `fixed` + `each` * rows. Most models cost nearly the same for 1 row and for 100 (`fixed` rules), so the art
is to have few and full batches without anybody waiting for nothing:

- A worker that is idle gets what is queued at once. Only where experience says that most of the clients just answered will be
  back well before one more `fixed` would be over are they waited for: clients in a closed loop, not a stream of strangers.
- What is in hand is divided among the workers. It is halved once more, and the second half lies ready while the first is
  answered, where that pays: where turning the requests in hand around costs the gateway more than the `fixed` of one more batch.
- A batch is no larger than its most urgent request allows, by the late end (mean + 2 deviations) of what was seen.

One value a version and gateway; for one thread; times are given, in seconds. Not here: the queue itself (`pool`).
"""

import math

_MEMORY = 0.95
"""What one more batch leaves of the weight of all before it: the last twenty or so count."""
_LEAST_FIXED = 0.002
"""Seconds: below that, waiting for anybody costs more than it can save (and timers are no finer)."""
_PATIENCE = 0.6
"""Part of `fixed` for which clients are waited for at most."""
_RETURNING = 0.8
"""Share of the answered who come back by then, as a rule, or nobody is waited for. Strangers are `_PATIENCE` of them at most."""


class Latency:
    """The least squares of seconds on rows over recent batches, the old ones fading."""

    def __init__(self) -> None:
        self.fixed = 0.0
        self.each = 0.0
        self.deviation = 0.0
        self._weight = self._rows = self._seconds = 0.0
        self._rows_rows = self._rows_seconds = 0.0

    def learn(self, rows: int, seconds: float) -> None:
        """One batch that was answered."""
        missed = seconds - (self.fixed + self.each * rows) if self._weight else 0.0
        self.deviation += (1 - _MEMORY) * (abs(missed) * 1.25 - self.deviation)  # a deviation is 1.25 mean distances
        self._weight = _MEMORY * self._weight + 1
        self._rows = _MEMORY * self._rows + rows
        self._seconds = _MEMORY * self._seconds + seconds
        self._rows_rows = _MEMORY * self._rows_rows + rows * rows
        self._rows_seconds = _MEMORY * self._rows_seconds + rows * seconds
        mean_rows, mean_seconds = self._rows / self._weight, self._seconds / self._weight
        spread = self._rows_rows / self._weight - mean_rows * mean_rows
        if spread > 0.01 * mean_rows * mean_rows:  # else batches were all alike, and the slope seen before stands
            slope = (self._rows_seconds / self._weight - mean_rows * mean_seconds) / spread
            self.each = min(max(0.0, slope), mean_seconds / mean_rows)
        self.each = min(self.each, mean_seconds / mean_rows)
        self.fixed = mean_seconds - self.each * mean_rows

    @property
    def known(self) -> bool:
        """Whether any batch was answered yet."""
        return self._weight > 0

    def room(self, seconds: float) -> float:
        """Rows that are answered within this time even when it goes badly; infinite while nothing says otherwise."""
        if not self.each:
            return math.inf
        return (seconds - self.fixed - 2 * self.deviation) / self.each


class Batching:
    """See the module."""

    def __init__(self) -> None:
        self.latency = Latency()
        self.turnaround = 0.0
        """Seconds of this process's own work a request, lately: whoever measures it sets it."""
        self.overlaps = False
        """Whether a worker may have a second batch lying ready."""
        self._in_hand = 0.0
        self._bytes_a_row = 0.0
        self._answered = self._left = self._returned = 0
        self._returning = 0.0
        self._expected = 0.0
        self._until = 0.0

    def share(self, in_hand: int, workers: int) -> int:
        """Requests that make a batch. `in_hand`: those that wait or are being answered now, by all `workers`."""
        self._in_hand = max(in_hand, self._in_hand + 0.05 * (in_hand - self._in_hand))
        self.overlaps = self.latency.known and self.latency.fixed < self.turnaround * self._in_hand
        return max(1, math.ceil(self._in_hand / workers / (2 if self.overlaps else 1)))

    def came(self, now: float) -> None:
        """A request has been queued."""
        if now < self._until:
            self._returned += 1

    def answered(self, requests: int, rows: int, seconds: float, size: int) -> None:
        """A batch was answered: `size` bytes were sent."""
        if rows:
            self.latency.learn(rows, seconds)
            self._bytes_a_row += 0.1 * (size / rows - self._bytes_a_row) if self._bytes_a_row else size / rows
        self._answered = requests

    def rest(self, queued: int, now: float) -> None:
        """Its worker has become idle with so many queued: from here on it is counted who of the answered comes back."""
        if self._left:
            self._returning += 0.2 * (min(1.0, self._returned / self._left) - self._returning)
        self._left, self._returned = self._answered, 0
        self._until = now + self.latency.fixed * _PATIENCE
        gathers = self.latency.fixed >= _LEAST_FIXED and self._returning >= _RETURNING
        self._expected = queued + self._returning * self._answered - 0.5 if gathers else 0.0

    def wait(self, queued: int, now: float) -> float:
        """Seconds for which an idle worker is better left idle; 0.0: send now."""
        return self._until - now if queued < self._expected and now < self._until else 0.0

    def rows(self, size: int) -> float:
        """About how many rows a body of so many bytes has."""
        return max(1.0, size / self._bytes_a_row) if self._bytes_a_row else 1.0
