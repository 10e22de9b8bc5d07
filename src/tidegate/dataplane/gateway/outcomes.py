"""Ground truth as clients post it: checked whole before anything is kept, then appended beside the predictions.

Only the form is checked: whether an id is known is for the recorder to say, which has the predictions.
"""

import math
import time

import msgspec

from tidegate.core.vocabulary import arms, errors, ids, records
from tidegate.dataplane.gateway import endpoints, exchanges, journal
from tidegate.dataplane.predlog import segments
from tidegate.dataplane.wire import answers

LABEL_MAX = 1_024
ROW_MAX = 1 << 31


class Post(msgspec.Struct, frozen=True):
    """The body."""

    outcomes: list[msgspec.Raw]


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One of its entries."""

    id: str
    label: bool | int | float | str
    label_version: int = 1


class Outcome(msgspec.Struct, frozen=True):
    """One outcome, understood."""

    id: bytes
    row: int
    label: float | str
    label_version: int


_decode_post = msgspec.json.Decoder(Post).decode
_decode_entry = msgspec.json.Decoder(Entry).decode


def parse(body: bytes) -> list[Outcome]:
    """The outcomes in a body. Raises OutcomeInvalid naming the first entry that cannot be taken, BodyMalformed for no JSON."""
    try:
        post = _decode_post(body)
    except msgspec.ValidationError as wrong:
        raise errors.OutcomeInvalid(f'The body needs the form {{"outcomes": [{{"id", "label"}}, ...]}}: {wrong}.') from wrong
    except (ValueError, RecursionError) as broken:
        raise errors.BodyMalformed(f"The body is not JSON: {broken}.") from broken
    return [_entry(number, raw) for number, raw in enumerate(post.outcomes)]


def _entry(number: int, raw: msgspec.Raw) -> Outcome:
    where = f"outcomes[{number}]"
    try:
        entry = _decode_entry(raw)
    except (ValueError, RecursionError) as wrong:
        raise errors.OutcomeInvalid(f"{where}: {wrong}.") from wrong
    identifier = ids.parse(entry.id)
    _, slash, row = entry.id.partition("/")
    if identifier is None or (slash and not (row.isascii() and row.isdigit() and len(row) < 11 and int(row) < ROW_MAX)):
        raise errors.OutcomeInvalid(
            f"{where}: {entry.id[:60]!r} is not a prediction id.", cure="It is in the response header tidegate-prediction-id."
        )
    if not 1 <= entry.label_version < ROW_MAX:
        raise errors.OutcomeInvalid(f"{where}: label_version counts 1, 2, 3, ...")
    label = entry.label
    if isinstance(label, str):
        if len(label) > LABEL_MAX:
            raise errors.OutcomeInvalid(f"{where}: a label has at most {LABEL_MAX} characters.")
    else:
        label = _number(label, where)
    return Outcome(identifier, int(row or 0), label, entry.label_version)


def _number(label: float, where: str) -> float:
    try:
        number = float(label)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise errors.OutcomeInvalid(f"{where}: the label is not a finite number.")
    return number


class Posting(journal.Entry):
    """One request with outcomes on its way into the log: acknowledged only once it is kept."""

    must_keep = True

    def __init__(self, exchange: exchanges.Exchange, found: list[Outcome], boot: endpoints.Boot, *, must_sync: bool) -> None:
        self.must_sync = must_sync
        self._exchange, self._found, self._boot = exchange, found, boot
        self._received_ns = time.time_ns()

    def records(self, sequence: int) -> list[segments.Record]:
        """One record an outcome."""
        host, incarnation, request_id = self._boot.host, self._boot.incarnation, self._exchange.request_id
        return [
            records.Outcome(
                schema=records.SCHEMA,
                host=host,
                incarnation=incarnation,
                sequence=number,
                id=one.id,
                row=one.row,
                label=one.label,
                label_version=one.label_version,
                role=int(arms.Role.LIVE),
                received_ns=self._received_ns,
                request_id=request_id,
            )
            for number, one in enumerate(self._found, sequence)
        ]

    def settled(self, *, kept: bool) -> None:
        """Acknowledge, or say that it has to be posted again."""
        if kept:
            self._exchange.respond(200, answers.accepted(len(self._found)))
        else:
            self._exchange.fail(errors.LogUnavailable("The outcomes cannot be kept.", cure="Post them again in a while."))
