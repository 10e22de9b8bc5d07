"""A group of waiting calls -> replies, through one call of the model.

Who fails, fails alone: a request that cannot be decoded never reaches the model; a batch that raises is retried one by one, once;
an answer that breaks the contract is taken apart so that only its own rows' request is INVALID. What a batch-mate's failure costs
another (its time ran out meanwhile) is COLLATERAL: harm, but not evidence about the model.

Terms, outputs asked for and forms of bodies keep no two requests apart: they apply to each request's own rows, before the model
(what it takes for a value) and after the answer was cut (rules, rounding). An answer that breaks a rule is INVALID and sent all
the same, with the rule's name: what becomes of it is the gateway's affair.
"""

import logging
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

import msgspec

from tidegate.core.vocabulary import errors, ids, marks
from tidegate.dataplane.models import batches, model, signature
from tidegate.dataplane.wire import answers, frames
from tidegate.dataplane.worker import calls, traces

MOST_ROWS = 8_192
"""Rows of one batch: what comes beyond waits for the next turn, so that a cancel or a deadline can still spare it."""
_HEAD_ROOM = frames.HEAD_MAX - 4_096
_LONGEST_ANSWER = 4 * 200 + 5
"""Bytes one answer can take in a reply's head: 200 letters, at most four bytes each."""

_Said = TypeVar("_Said", str, float | str | None, str | None)
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
        if call.request is not None:
            if self._clock() <= call.deadline_ns:
                return call.request
        elif call.head.content in signature.DESCRIPTIONS:
            body = self._codec.describe(call.head.content, call.head.endpoint, call.head.version)
            self._send(call, frames.Reply(200, marks.Mark.OK, 0, 0, 0, worker_us=self._since(call)), body)
            return None
        if self._clock() > call.deadline_ns:
            self._refuse(call, errors.DeadlinePassed(), marks.Mark.TIMEOUT)
            return None
        return self._decoded(call)

    def _decoded(self, call: calls.Pending) -> batches.Request | None:
        head = call.head
        try:
            coerce = self._codec.terms.of(head.terms).coerce
            call.request = self._codec.decode(call.body, head.content, head.json_bytes, coerce)
        except errors.RequestError as wrong:
            self._refuse(call, wrong, marks.Mark.REJECTED)
        except errors.TidegateError as wrong:
            self._refuse(call, wrong, marks.Mark.ERROR)
        except Exception as raised:
            # A body that we have no words for must not take the worker down, and its batch-mates with it.
            _log.error("a body could not be read", extra=_whose(call), exc_info=None if self._discreet([call]) else raised)
            self._refuse(call, errors.TidegateError(), marks.Mark.ERROR)
        return call.request

    def _together(self, group: Sequence[calls.Pending]) -> None:
        parts = [call.request.batch for call in group if call.request is not None]
        batch = batches.joined(parts)
        began = self._clock()
        try:
            values = self._predict(batch, group)
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
        pieces = batches.cut(values, [part.rows for part in parts]) if len(group) > 1 else [values]
        for call, piece in zip(group, pieces, strict=True):
            self._answer(call, piece, took, batch.rows)

    def _predict(self, batch: batches.Batch, group: Sequence[calls.Pending]) -> batches.Values:
        traced = [call for call in group if call.head.trace]
        if traced:
            return traces.predict(self._model, batch, traced, len(group))
        return self._model.predict(batch)

    def _failed(self, group: Sequence[calls.Pending], raised: BaseException, began: int) -> None:
        discreet = self._discreet(group)
        words = type(raised).__name__ if discreet else model.words(raised)
        if len(group) > 1:
            _log.info("a batch failed and is retried one by one", extra={"requests": len(group), "error": words})
            self._alone(group)
            return
        took = (self._clock() - began) // 1_000
        if isinstance(raised, errors.OutputInvalid):
            self._broke(group[0], raised, took)
            return
        self._complain(group[0], "predict-failed", words, None if discreet else raised)
        self._refuse(group[0], errors.PredictFailed(), marks.Mark.ERROR, words, took)

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
        self._complain(call, broken.code, broken.where, None)
        self._refuse(call, errors.OutputInvalid(), marks.Mark.INVALID, broken.where, took)

    def _answer(self, call: calls.Pending, values: batches.Values, took: int, batch_rows: int) -> None:
        request = call.request
        assert request is not None
        identity = (call.head.endpoint, call.head.version, ids.text(call.head.prediction_id))
        rows = request.batch.rows
        said, numbers, words = self._logged(values, rows)
        asked = self._codec.terms.of(call.head.terms)
        mark, breach, why = marks.Mark.OK, "", ""
        if not asked.plain:
            breach, why = asked.breach(request.batch, values)
            why = "" if asked.discreet else why
            values = asked.shown(values)
        if breach:
            mark = marks.Mark.INVALID
            self._complain(call, errors.OutputRefused.code, f"{breach}: {why}" if why else breach, None)
        try:
            body, json_bytes = self._codec.encode(request, values, identity)
        except errors.RequestError as wrong:
            self._refuse(call, wrong, marks.Mark.REJECTED, took=took)
            return
        except Exception as raised:
            self._broke(call, errors.OutputInvalid(where=f"the answer cannot be written: {model.words(raised)}"), took)
            return
        told = (200, mark, took, rows, batch_rows, self._codec.bin(said), said, "", why, json_bytes, breach, self._since(call))
        self._send(call, frames.Reply(*told, numbers=numbers, words=words), body)

    def _logged(self, values: batches.Values, rows: int) -> tuple[signature.Answers, bytes, tuple[str | None, ...]]:
        """What a reply's head says of an answer (answers, numbers, words): of as many of its first rows as there is room for."""
        said, series = self._codec.answers(values), self._codec.series
        if rows * (_LONGEST_ANSWER + series.row_bytes) > _HEAD_ROOM:
            said, room = _fitting(said)
            rows = min(rows, room // series.row_bytes) if series.row_bytes else 0
        return said, series.packed(values, rows), series.worded(values, rows)

    def _refuse(
        self, call: calls.Pending, wrong: errors.TidegateError, mark: marks.Mark, detail: str = "", took: int = 0
    ) -> None:
        rows = call.request.batch.rows if call.request else 0
        body = answers.failure(wrong, ids.text(call.head.prediction_id))
        worker_us = self._since(call)
        reply = frames.Reply(wrong.status, mark, took, rows, rows, error=wrong.code, detail=detail, worker_us=worker_us)
        self._send(call, reply, body)

    def _send(self, call: calls.Pending, reply: frames.Reply, body: bytes) -> None:
        if call.head.trace:
            reply = traces.told(reply, call, self._clock)
        try:
            packed = frames.pack(frames.Kind.REPLY, call.number, reply, body)
        except UnicodeEncodeError:  # in words of the model that the client has not asked for, or of its error
            packed = frames.pack(frames.Kind.REPLY, call.number, _writable(reply), body)
        call.peer.send(packed)

    def _discreet(self, group: Sequence[calls.Pending]) -> bool:
        """Whether nothing may be said in words that could hold an input of one of these."""
        try:
            return any(self._codec.terms.of(call.head.terms).discreet for call in group)
        except errors.FrameMalformed:
            return True

    def _since(self, call: calls.Pending) -> int:
        """Microseconds since the call came."""
        return (self._clock() - call.arrived_ns) // 1_000 if call.arrived_ns else 0

    def _complain(self, call: calls.Pending, code: str, words: str, raised: BaseException | None) -> None:
        """Into the log at the 1st, 2nd, 4th, 8th ... time of a kind: a model that fails each request must not fill the disk."""
        kind = f"{code} {words[:80]}"
        if len(self._said) > 1_000:
            self._said.clear()
        count = self._said[kind] = self._said.get(kind, 0) + 1
        if count & (count - 1) == 0:
            told = {"code": code, "detail": words, "times": count, **_whose(call)}
            _log.warning("the model failed a request", extra=told, exc_info=raised)


def _writable(reply: frames.Reply) -> frames.Reply:
    """The same with a question mark for each character that no UTF-8 is of, and without the model's own spans."""
    said = tuple([_text(one) for one in reply.answers])
    words = tuple([_text(one) for one in reply.words])
    return msgspec.structs.replace(reply, answers=said, words=words, detail=_text(reply.detail), traced=())


def _text(said: _Said) -> _Said:
    return said.encode("utf-8", "replace").decode() if isinstance(said, str) else said


def _whose(call: calls.Pending) -> dict[str, str]:
    """What a line about a request says of it."""
    head = call.head
    return {"prediction_id": ids.text(head.prediction_id), "endpoint": head.endpoint, "version": head.version}


def _fitting(said: signature.Answers) -> tuple[signature.Answers, int]:
    """(as many of the first rows' answers as a reply's head has room for, the bytes that are left)."""
    room = _HEAD_ROOM
    for place, answer in enumerate(said):
        size = 5 + len(answer.encode()) if isinstance(answer, str) else 9
        if size > room:
            return said[:place], 0
        room -= size
    return said, room
