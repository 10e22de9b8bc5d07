"""A group of waiting calls -> replies, through one call of the model.

Who fails, fails alone: a request that cannot be decoded never reaches the model; a batch that raises is retried one by one, once;
an answer that breaks the contract is taken apart so that only its own rows' request is INVALID. What a batch-mate's failure costs
another (its time ran out meanwhile) is COLLATERAL: harm, but not evidence about the model.
"""

import logging
import time
from collections.abc import Callable, Sequence

from tidegate.core.vocabulary import errors, ids, marks
from tidegate.dataplane.models import batches, model
from tidegate.dataplane.wire import answers, frames
from tidegate.dataplane.worker import calls

MOST_ROWS = 8_192
"""Rows of one batch: what comes beyond waits for the next turn, so that a cancel or a deadline can still spare it."""
_HEAD_ROOM = frames.HEAD_MAX - 4_096
_LONGEST_ANSWER = 4 * 200 + 5
"""Bytes one answer can take in a reply's head: 200 letters, at most four bytes each."""

_log = logging.getLogger(__name__)


class Answerer:
    """Answers calls with one model."""

    def __init__(self, served: model.Model, clock: Callable[[], int] = time.monotonic_ns) -> None:
        self._model = served
        self._codec = served.codec
        self._clock = clock
        self._said: dict[str, int] = {}

    def turn(self, backlog: calls.Backlog) -> None:
        """Answer the first group of calls that can be one batch; the others stay in the backlog."""
        group: list[calls.Pending] = []
        key: batches.Key | None = None
        rows = 0
        for call in backlog:
            request = self._ready(call)
            if request is None:
                backlog.remove(call)
                continue
            if key is None:
                key = request.batch.key
            if request.batch.key != key or (group and rows + request.batch.rows > MOST_ROWS):
                continue
            backlog.remove(call)
            group.append(call)
            rows += request.batch.rows
            if rows >= MOST_ROWS:
                break
        if group:
            self._together(group)

    def _ready(self, call: calls.Pending) -> batches.Request | None:
        """The decoded request, or None when the call has been answered without the model."""
        if call.request is None and call.head.content == frames.Content.METADATA:
            body = self._codec.metadata(call.head.endpoint, call.head.version)
            _send(call, frames.Reply(200, marks.Mark.OK, 0, 0, 0), body)
            return None
        if self._clock() > call.deadline_ns:
            self._refuse(call, errors.DeadlinePassed(), marks.Mark.TIMEOUT)
            return None
        if call.request is None:
            try:
                call.request = self._codec.decode(call.body, call.head.content)
            except errors.TidegateError as wrong:
                self._refuse(call, wrong, marks.Mark.REJECTED)
                return None
        return call.request

    def _together(self, group: Sequence[calls.Pending]) -> None:
        parts = [call.request.batch for call in group if call.request is not None]
        batch = batches.joined(parts)
        began = self._clock()
        try:
            values = self._model.predict(batch)
        except (Exception, SystemExit) as raised:
            self._failed(group, raised, began)
            return
        took = (self._clock() - began) // 1_000
        try:
            values = self._codec.checked(values, batch.rows)
        except errors.OutputInvalid:
            if any(len(entries) != batch.rows for entries in values.values()) and len(group) > 1:
                self._alone(group)  # no telling whose rows are whose
                return
            self._apart(group, values, took)
            return
        for call, piece in zip(group, batches.cut(values, [part.rows for part in parts]), strict=True):
            self._answer(call, piece, took, batch.rows)

    def _failed(self, group: Sequence[calls.Pending], raised: BaseException, began: int) -> None:
        if len(group) > 1:
            _log.info("a batch failed and is retried one by one", extra={"requests": len(group), "error": model.words(raised)})
            self._alone(group)
            return
        took = (self._clock() - began) // 1_000
        if isinstance(raised, errors.OutputInvalid):
            self._broke(group[0], raised, took)
            return
        self._complain("predict-failed", model.words(raised), raised)
        self._refuse(group[0], errors.PredictFailed(), marks.Mark.ERROR, model.words(raised), took)

    def _alone(self, group: Sequence[calls.Pending]) -> None:
        for call in group:
            if self._clock() > call.deadline_ns:
                self._refuse(call, errors.DeadlinePassed(), marks.Mark.COLLATERAL)
            else:
                self._together([call])

    def _apart(self, group: Sequence[calls.Pending], values: batches.Values, took: int) -> None:
        """Somewhere in a batch's answer the contract is broken: each request is held against its own rows."""
        sizes = [call.request.batch.rows for call in group if call.request is not None]
        pieces = batches.cut(values, sizes) if len(group) > 1 else [values]
        for call, piece, size in zip(group, pieces, sizes, strict=True):
            try:
                own = self._codec.checked(piece, size)
            except errors.OutputInvalid as broken:
                self._broke(call, broken, took)
            else:
                self._answer(call, own, took, sum(sizes))

    def _broke(self, call: calls.Pending, broken: errors.OutputInvalid, took: int) -> None:
        self._complain(broken.code, broken.where, None)
        self._refuse(call, errors.OutputInvalid(), marks.Mark.INVALID, broken.where, took)

    def _answer(self, call: calls.Pending, values: batches.Values, took: int, batch_rows: int) -> None:
        request = call.request
        assert request is not None
        identity = (call.head.endpoint, call.head.version, ids.text(call.head.prediction_id))
        rows = request.batch.rows
        said = self._codec.answers(values)
        placed = self._codec.bin(said)
        if rows * _LONGEST_ANSWER > _HEAD_ROOM:
            said = _fitting(said)
        body = self._codec.encode(request, values, identity)
        _send(call, frames.Reply(200, marks.Mark.OK, took, rows, batch_rows, placed, said), body)

    def _refuse(
        self, call: calls.Pending, wrong: errors.TidegateError, mark: marks.Mark, detail: str = "", took: int = 0
    ) -> None:
        rows = call.request.batch.rows if call.request else 0
        body = answers.failure(wrong, ids.text(call.head.prediction_id))
        _send(call, frames.Reply(wrong.status, mark, took, rows, rows, error=wrong.code, detail=detail), body)

    def _complain(self, code: str, words: str, raised: BaseException | None) -> None:
        """Into the log at the 1st, 2nd, 4th, 8th ... time of a kind: a model that fails each request must not fill the disk."""
        kind = f"{code} {words[:80]}"
        if len(self._said) > 1_000:
            self._said.clear()
        count = self._said[kind] = self._said.get(kind, 0) + 1
        if count & (count - 1) == 0:
            _log.warning("the model failed a request", extra={"code": code, "detail": words, "times": count}, exc_info=raised)


def _fitting(said: tuple[float | str | None, ...]) -> tuple[float | str | None, ...]:
    """As many of the first rows' answers as a reply's head has room for."""
    room = _HEAD_ROOM
    for place, answer in enumerate(said):
        room -= 5 + len(answer.encode()) if isinstance(answer, str) else 9
        if room < 0:
            return said[:place]
    return said


def _send(call: calls.Pending, reply: frames.Reply, body: bytes) -> None:
    call.peer.send(frames.pack(frames.Kind.REPLY, call.number, reply, body))
