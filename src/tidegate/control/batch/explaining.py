"""A logged prediction computed once more, held against what was logged, and taken apart by column.

The model runs in a process of its bundle's own runtime, at low priority and without credentials (`delivery.registry explain`);
nothing of it is loaded here. Typical cases are the requests that were logged before the prediction, so that an explanation of it
says the same tomorrow; with fewer than 20 rows of them, the bundle's own example.
"""

import time
from collections.abc import Callable, Sequence

import msgspec

from tidegate.control.batch import recomputing
from tidegate.control.store import store
from tidegate.core.vocabulary import arms, errors, explanations, home, ids, marks, records, tables
from tidegate.dataplane.models import agreement, bundles
from tidegate.dataplane.models.explaining import cases, explainer, questions
from tidegate.dataplane.predlog import explained, pairing, reader, sights
from tidegate.dataplane.wire import samples

_GONE = "The response header has the id. What was forgotten, or is older than `log.retention`, is gone."


class Answered(msgspec.Struct, frozen=True):
    """The version that answered in the place of the one drawn."""

    ordinal: int
    digest: str
    rounded: float = 0.0
    """By how much numbers of its response may be off since clients see them rounded."""


Answering = Callable[[records.Prediction], Answered]
"""Says which it was. Raises NotExplainable where that is not known."""


class Subject(msgspec.Struct, frozen=True):
    """Whose answer of a logged prediction is explained."""

    record: records.Prediction
    row: int
    version: int
    digest: str
    notes: tuple[str, ...]
    tolerance: float = 0.0
    """By how much numbers of its response may be off since clients see them rounded."""


def explain(place: home.Home, known: store.Store | None, prediction: str, *, again: bool = False) -> explanations.Explanation:
    """Explain one prediction: its id, or ID/N for a row. `known`: the store, or None when it is gone.

    One that was explained afterwards is told as that was, unless it is to be computed `again`.
    Raises PredictionUnknown, NotExplainable (naming why), BundleMissing, DigestMismatch, RuntimeUnavailable and what loading the
    model raises.
    """
    identifier, row = parsed(prediction)
    if not again and (kept := [one for one in explained.find(place.explanations, identifier) if one.row == row]):
        return kept[0]
    found = reader.find(place, identifier)
    if found is None:
        raise errors.PredictionUnknown(f"no prediction {ids.text(identifier)} is in the log.", cure=_GONE)
    subject = subject_of(place, by_store(known), found.prediction, row)
    return explain_all(place, [subject])[0].raised()


class Outcome(msgspec.Struct, frozen=True):
    """What came of one subject."""

    subject: Subject
    explanation: explanations.Explanation | None
    trouble: str = ""

    def raised(self) -> explanations.Explanation:
        """The explanation. Raises NotExplainable where there is none."""
        if self.explanation is None:
            raise errors.NotExplainable(self.trouble)
        return self.explanation


def parsed(prediction: str) -> tuple[bytes, int]:
    """The id and the row (0 where none is named). Raises PredictionUnknown."""
    shown, slash, row = prediction.partition("/")
    identifier = ids.parse(shown)
    if identifier is None:
        raise errors.PredictionUnknown(f"{prediction[:80]!r} is not a prediction id.", cure="It is in the response header.")
    if slash and not (row.isascii() and row.isdigit() and len(row) < 8):
        raise errors.PredictionUnknown(f"{row[:80]!r} is no row of a prediction.", cure="Rows are ID/0, ID/1, ...")
    return identifier, int(row or 0)


def subject_of(place: home.Home, answering: Answering, record: records.Prediction, row: int) -> Subject:
    """Whose answer it is; `answering` says whose another's was. Raises NotExplainable where no version's, or without an input."""
    version, digest, notes, off = record.version, record.digest, [], 0.0
    if record.answered_by < 0:
        raise errors.NotExplainable("the client got the endpoint's fallback, which no model made.")
    if record.answered_by not in (0, record.version):
        found = answering(record)
        why = f" ({record.error})" if record.error else ""
        notes.append(f"v{record.version} was drawn and did not answer well{why}.")
        notes.append(f"Explained is the answer of v{found.ordinal}, which the client got.")
        version, digest, off = found.ordinal, found.digest, found.rounded
    elif not record.answers and record.mark != marks.Mark.OK:
        raise errors.NotExplainable(f"no version answered it ({record.error or marks.Mark(record.mark).name.lower()}).")
    elif record.status >= 400:
        notes.append(f"The client did not get this answer ({record.error or record.status}).")
    if record.role == arms.Role.SHADOW:
        notes.append("It is a copy of a mirrored request: no client has seen this answer.")
    if samples.of(record) is None or sights.encrypted(record.input):
        raise errors.NotExplainable(_unreadable(sights.Sight(place), record))
    if record.rows > 1:
        notes.append(f"Its request had {record.rows:,} rows, this is row {row}: ID/0 ... ID/{record.rows - 1} name them.")
    return Subject(record, row, version, digest, tuple(notes), off)


def by_store(known: store.Store | None) -> Answering:
    """Who answered, as the store has it."""

    def answering(record: records.Prediction) -> Answered:
        if known is None:
            raise errors.NotExplainable(f"v{record.answered_by} answered it, and which bundle that was only the store knows.")
        found = known.version(record.environment, record.endpoint, record.answered_by)
        if found is None:
            raise errors.NotExplainable(f"v{record.answered_by} answered it, which the store does not know.")
        row = known.endpoint(record.environment, record.endpoint)
        terms = row.settings.get("terms") if row else None
        return Answered(found.ordinal, found.digest, rounded(terms.get("round", -1) if isinstance(terms, dict) else -1))

    return answering


def rounded(decimals: int) -> float:
    """By how much numbers that clients see with so many decimals may be off; -1: they see all."""
    return 0.5 * 10.0**-decimals if decimals >= 0 else 0.0


def _unreadable(sight: sights.Sight, record: records.Prediction) -> str:
    state = sight.told(record)
    if state != sights.LOGGED:
        why = "" if state == "not logged" else f" ({state})"
        return f"its input is not in the log{why}, so it cannot be computed once more. `log` in tidegate.yaml says what is kept."
    return f"its input is logged as `{record.content}`, a form that no worker reads."


def explain_all(place: home.Home, subjects: Sequence[Subject], seconds: float = explainer.SECONDS) -> list[Outcome]:
    """Explain several answers of one bundle in one process; typical cases are those before the first of them.

    `seconds`: for each that has to draw. Raises what the bundle, its runtime and loading raise.
    """
    first = subjects[0]
    digest = first.digest
    cases.demand(bundles.read_manifest(place.bundles / digest).signature)
    before = min(one.record.id for one in subjects)
    logged = reader.sample(place, first.record.endpoint, cases.MOST_BACKGROUND, before)
    background = tuple(one for one in (samples.named(*each) for each in logged) if one is not None)
    wanted = tuple(map(_question, subjects))
    asked = questions.Asked(str(place.bundles), digest, wanted, background, seconds, str(place.originals))
    answered = recomputing.run(place, asked)
    words = "requests logged before it" if answered.logged else "rows of the bundle's own example"
    return [_concluded(one, answer, words) for one, answer in zip(subjects, answered.answers, strict=True)]


def _question(one: Subject) -> questions.Question:
    sample = samples.of(one.record)
    assert sample is not None
    shown = ids.text(one.record.id)
    seed = int.from_bytes(one.record.id[-6:], "big") + one.row
    return questions.Question(sample, one.row, (one.record.endpoint, f"v{one.version}", shown), seed)


def _concluded(one: Subject, answer: questions.Answer, background: str) -> Outcome:
    if answer.explained is None:
        return Outcome(one, None, answer.trouble)
    record = one.record
    logged = record.answers[one.row] if one.version == record.version and one.row < len(record.answers) else None
    recomputed = answer.answers[one.row] if one.row < len(answer.answers) else None
    told = explanations.Explanation(
        ids.text(record.id),
        one.row,
        record.environment,
        record.endpoint,
        f"v{one.version}",
        one.digest,
        logged,
        recomputed,
        compared(logged, recomputed) if logged is not None else _responses(one, answer.output),
        answer.explained,
        f"{answer.explained.rows} {background}",
        time.time(),
        one.notes,
    )
    return Outcome(one, told)


def compared(logged: float | str, recomputed: float | str | None) -> str:
    """How an answer stands to the logged one: numbers within 1e-4, relatively, are what another batch size can do to sums."""
    if logged == recomputed:
        return explanations.EXACTLY
    return explanations.WITHIN if agreement.apart(logged, recomputed) <= agreement.TOLERANCE else explanations.DIFFERS


def _responses(one: Subject, output: bytes) -> str:
    """The same by whole responses, where the row's answer was not logged by itself."""
    if not one.record.output:
        return explanations.UNKNOWN
    if one.record.output == output:
        return explanations.EXACTLY
    served = msgspec.structs.replace(one.record, mark=marks.Mark.OK, answers=())
    anew = msgspec.structs.replace(served, output=output)
    rule = tables.Pairing(max(one.tolerance, agreement.TOLERANCE))
    return explanations.DIFFERS if any(pairing.compared(rule, served, anew).differs) else explanations.WITHIN
