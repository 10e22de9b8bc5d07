"""Ground truth and business metrics as clients post them: checked whole before anything is kept, then appended beside the
predictions.

    {"id": ID, "label": ...}                                          ground truth for a prediction (or a row of it: ID/ROW)
    {"id": ID, "metric": "revenue", "value": 3.2}                     what came of it
    {"key": KEY, "endpoint": E, "metric": "revenue", "value": 3.2}    what came of a unit, by its sticky key
    {"key": KEY, "endpoint": E, "time": T, "label": ...}              ground truth for the latest prediction of KEY at T or before

Only the form is checked, and that an endpoint named is served here: whether an id is known, or a key was ever drawn, is for the
recorder to say, which has the predictions.
"""

import math
import secrets
import time
from collections.abc import Collection

import msgspec

from tidegate.core.vocabulary import arms, assignment, errors, ids, instants, records, sums
from tidegate.dataplane.gateway import endpoints, exchanges, journal
from tidegate.dataplane.predlog import segments
from tidegate.dataplane.wire import answers

LABEL_MAX = 1_024
KEY_MAX = 4_096
VALUE_MAX = 1e100
"""Beyond it the sum of squares would be no number."""
ROW_MAX = 1 << 31
"""What the recorder calls the metric that ground truth makes: no posted one may be called so."""
_CHANCE_BITS = 74


class Post(msgspec.Struct, frozen=True):
    """The body."""

    outcomes: list[msgspec.Raw]


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One of its entries, in any of the three forms."""

    id: str = ""
    label: bool | int | float | str | None = None
    label_version: int | None = None
    metric: str = ""
    value: int | float | None = None
    key: str | int | float = ""
    endpoint: str = ""
    time: str | int | float | None = None


class Outcome(msgspec.Struct, frozen=True):
    """One outcome, understood."""

    id: bytes
    row: int
    label: float | str
    label_version: int = 1
    metric: str = ""
    endpoint: str = ""
    key_hash: bytes = b""
    at_ns: int = 0

    @property
    def is_matched(self) -> bool:
        """Whether it is ground truth that names whom and when, and no prediction."""
        return bool(self.key_hash) and not self.metric


_decode_post = msgspec.json.Decoder(Post).decode
_decode_entry = msgspec.json.Decoder(Entry).decode


def parse(body: bytes, served: Collection[str] | None = None) -> list[Outcome]:
    """The outcomes in a body. `served`: the endpoints there are (None: any may be named).

    Raises OutcomeInvalid naming the first entry that cannot be taken, BodyMalformed for no JSON.
    """
    try:
        post = _decode_post(body)
    except msgspec.ValidationError as wrong:
        raise errors.OutcomeInvalid(f'The body needs the form {{"outcomes": [{{"id", "label"}}, ...]}}: {wrong}.') from wrong
    except (ValueError, RecursionError) as broken:
        raise errors.BodyMalformed(f"The body is not JSON: {broken}.") from broken
    return [_entry(f"outcomes[{number}]", raw, served) for number, raw in enumerate(post.outcomes)]


def _entry(where: str, raw: msgspec.Raw, served: Collection[str] | None) -> Outcome:
    try:
        entry = _decode_entry(raw)
    except (ValueError, RecursionError) as wrong:
        raise errors.OutcomeInvalid(f"{where}: {wrong}.") from wrong
    if entry.time is not None and (entry.metric or entry.key == ""):
        raise errors.OutcomeInvalid(f"{where}: a time goes with a key and a label.", cure="Leave it out where an id is named.")
    if entry.metric or entry.value is not None:
        value = _value(entry, where)
        return _of_key(entry, value, where, served, 0) if entry.key != "" or entry.endpoint else _of_id(entry, value, where)
    if entry.label is None:
        raise errors.OutcomeInvalid(f"{where}: there is neither a label nor a metric with a value.")
    if entry.label_version is not None and not 1 <= entry.label_version < ROW_MAX:
        raise errors.OutcomeInvalid(f"{where}: label_version counts 1, 2, 3, ...")
    if isinstance(entry.label, str) and len(entry.label) > LABEL_MAX:
        raise errors.OutcomeInvalid(f"{where}: a label has at most {LABEL_MAX} characters.")
    label = entry.label if isinstance(entry.label, str) else _number(entry.label, "label", where)
    if entry.key == "" and not entry.endpoint:
        return _of_id(entry, label, where)
    at_ns = instants.parse(entry.time)
    if at_ns is None and entry.time not in (None, ""):
        raise errors.OutcomeInvalid(
            f"{where}: the time {str(entry.time)[:60]!r} {instants.wrong(entry.time)}.",
            cure="Say when that was which the label is of: ISO 8601 or a Unix time.",
        )
    if at_ns is None:
        raise errors.OutcomeInvalid(
            f"{where}: ground truth is for one prediction, and a key without a time may have had many.",
            cure="Name the prediction's id, or when that was which the label is of: ISO 8601 or a Unix time.",
        )
    return _of_key(entry, label, where, served, at_ns)


def _of_id(entry: Entry, label: float | str, where: str) -> Outcome:
    identifier = ids.parse(entry.id)
    _, slash, row = entry.id.partition("/")
    if identifier is None or (slash and not (row.isascii() and row.isdigit() and len(row) < 11 and int(row) < ROW_MAX)):
        raise errors.OutcomeInvalid(
            f"{where}: {entry.id[:60]!r} is not a prediction id.", cure="It is in the response header tidegate-prediction-id."
        )
    return Outcome(identifier, int(row or 0), label, entry.label_version or 1, entry.metric)


def _of_key(entry: Entry, value: float | str, where: str, served: Collection[str] | None, at_ns: int) -> Outcome:
    """A value or a label for whoever has this key. It has an id of its own: it is no prediction's."""
    if entry.id:
        raise errors.OutcomeInvalid(f"{where}: it names a prediction and a key.", cure="Name one of them.")
    key = assignment.worded(entry.key)
    if not key or len(key) > KEY_MAX:
        raise errors.OutcomeInvalid(f"{where}: a key has 1 to {KEY_MAX} bytes.")
    if not ids.is_name(entry.endpoint):
        raise errors.OutcomeInvalid(
            f"{where}: {entry.endpoint[:60]!r} is not an endpoint's name.", cure="A key is known within its endpoint: name that."
        )
    if served is not None and entry.endpoint not in served:
        raise errors.OutcomeInvalid(f"{where}: there is no endpoint {entry.endpoint!r}.", cure="GET /v2/models lists them.")
    identifier = ids.uuid7(int(time.time() * 1e3), secrets.randbits(_CHANCE_BITS))
    version = entry.label_version or 1
    return Outcome(identifier, 0, value, version, entry.metric, entry.endpoint, assignment.digest(key), at_ns)


def _value(entry: Entry, where: str) -> float:
    """The value of an entry with a metric, whose name can be one."""
    if not ids.is_metric(entry.metric) or entry.metric == sums.RIGHT:
        own = " `right` is what ground truth comes to." if entry.metric == sums.RIGHT else ""
        raise errors.OutcomeInvalid(
            f"{where}: {entry.metric[:60]!r} cannot be a metric's name.{own}",
            cure="Use 1 to 63 of a-z, 0-9, underscore, dot and hyphen, a letter first.",
        )
    if entry.value is None or entry.label is not None or entry.label_version is not None:
        raise errors.OutcomeInvalid(
            f"{where}: a metric has a value, and no label.", cure=f'{{"id": ..., "metric": "{entry.metric}", "value": 3.2}}'
        )
    value = _number(entry.value, "value", where)
    if abs(value) > VALUE_MAX:
        raise errors.OutcomeInvalid(f"{where}: the value is larger than any metric can be.")
    return value


def _number(given: float, what: str, where: str) -> float:
    try:
        number = float(given)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise errors.OutcomeInvalid(f"{where}: the {what} is not a finite number.")
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
                metric=one.metric,
                endpoint=one.endpoint,
                key_hash=one.key_hash,
                at_ns=one.at_ns,
            )
            for number, one in enumerate(self._found, sequence)
        ]

    def settled(self, *, kept: bool) -> None:
        """Acknowledge, or say that it has to be posted again."""
        if kept:
            self._exchange.respond(200, answers.accepted(len(self._found)))
        else:
            self._exchange.fail(errors.LogUnavailable("The outcomes cannot be kept.", cure="Post them again in a while."))
