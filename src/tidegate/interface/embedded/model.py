"""A loaded bundle that answers its own program, and what it answers."""

import dataclasses
import secrets
import threading
import time
from collections.abc import Iterator, Sequence
from typing import Any, Self

import msgspec

from tidegate.core.vocabulary import arms, errors, handling, ids, keeping, manifests, marks, records, tables
from tidegate.dataplane.models import batches, bundles, model
from tidegate.dataplane.wire import frames
from tidegate.interface.embedded import given as inputs
from tidegate.interface.embedded import journal


@dataclasses.dataclass(frozen=True)
class Role:
    """For whom it answers: what its records say, and what the endpoint asks of it."""

    endpoint: str
    environment: str = "production"
    ordinal: int = 0
    """Of the version; 0 where no endpoint has it."""
    generation: int = 0
    terms: handling.Terms = handling.PLAIN
    guard: str = "rescue"
    inputs: str = "all"
    log: keeping.Keeping = keeping.ALL

    @classmethod
    def of(cls, route: tables.Route) -> "Role":
        """The stable of an endpoint."""
        return cls(
            route.endpoint,
            route.environment,
            route.stable.ordinal,
            route.generation,
            route.terms,
            route.guard,
            "none" if route.log.veiled else route.inputs,
            route.log,
        )


@dataclasses.dataclass(frozen=True)
class Loaded:
    """One bundle, ready to answer; replaced as a whole."""

    digest: str
    model: model.Model
    role: Role
    terms: bytes

    @classmethod
    def of(cls, bundle: bundles.Bundle, role: Role) -> "Loaded":
        """Load and warm up. Raises what loading raises, and WarmupFailed."""
        loaded = model.Model(bundle)
        if bundle.manifest.example:
            loaded.warm_up()
        return cls(bundle.manifest.digest, loaded, role, msgspec.msgpack.encode(role.terms))

    @property
    def version(self) -> str:
        """v1, v2, ...; v0 where no endpoint has it."""
        return f"v{self.role.ordinal}"


class Predictions(Sequence[Any]):
    """The answer to one call: one entry a row, a value where the model has one output, else a dict of them."""

    def __init__(self, identity: str, loaded: Loaded, values: batches.Values, recorded: bool) -> None:
        self.id = identity
        """The prediction id; row n is `id/n`."""
        self.digest, self.version = loaded.digest, loaded.version
        self.recorded = recorded
        """Whether it is in a prediction log."""
        self.breach = ""
        """The endpoint's rule that the answer breaks, where its guard only flags."""
        self.outputs = {name: batches.entries(entries) for name, entries in values.items()}
        """Every output by name, one entry a row."""

    def __len__(self) -> int:
        return len(next(iter(self.outputs.values())))

    def __getitem__(self, place: Any) -> Any:
        if isinstance(place, slice):
            return [self[one] for one in range(*place.indices(len(self)))]
        if len(self.outputs) == 1:
            return next(iter(self.outputs.values()))[place]
        return {name: entries[place] for name, entries in self.outputs.items()}

    def __iter__(self) -> Iterator[Any]:
        return (self[place] for place in range(len(self)))

    def __repr__(self) -> str:
        return f"<{len(self)} predictions {self.id} of {self.digest[:12]}>"


class Embedded:
    """A model in this process. `predict` may be called by several threads at once."""

    def __init__(self, loaded: Loaded, log: journal.Journal | None) -> None:
        self._loaded, self._log = loaded, log
        self.recording = log is not None
        """Whether predictions are recorded; without a home there is no log, and no `tidegate trace`."""
        self.closed = threading.Event()

    @property
    def digest(self) -> str:
        """The bundle that answers now."""
        return self._loaded.digest

    @property
    def version(self) -> str:
        """v1, v2, ...; v0 where no endpoint has it."""
        return self._loaded.version

    @property
    def manifest(self) -> manifests.Manifest:
        """What the bundle says of itself: signature, provenance."""
        return self._loaded.model.manifest

    def predict(self, given: Any) -> Predictions:
        """Answer a DataFrame, a list of records, a dict of columns, or an array of rows.

        Raises InputInvalid (which column, which row, what was expected), PredictFailed with the model's own words, OutputInvalid,
        or OutputRefused for a broken rule of the endpoint. Each of these is recorded too.
        """
        loaded = self._loaded  # one bundle for the whole call, whatever follows meanwhile
        call = _Call(loaded, time.time_ns(), time.perf_counter())
        try:
            values, breach = call.answer(given)
        except errors.TidegateError as wrong:
            self._record(call, wrong)
            raise
        recorded = self._record(call, None)
        found = Predictions(ids.text(call.id), loaded, values, recorded)
        found.breach = breach
        return found

    def replace(self, loaded: Loaded) -> None:
        """Answer with another bundle from the next call on."""
        self._loaded = loaded

    def _record(self, call: "_Call", wrong: errors.TidegateError | None) -> bool:
        return self._log is not None and self._log.append(
            lambda host, incarnation, sequence: call.record((host, incarnation, sequence), wrong)
        )

    def close(self) -> None:
        """Stop following, and sync what was recorded."""
        self.closed.set()
        if self._log is not None:
            self._log.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_raised: object) -> None:
        self.close()


class _Call:
    """One call under way."""

    def __init__(self, loaded: Loaded, arrived: int, began: float) -> None:
        self._loaded, self._arrived, self._began = loaded, arrived, began
        self.id = ids.uuid7(arrived // 1_000_000, secrets.randbits(74))
        self._body = self._said = b""
        self._rows = self._model_us = 0
        self._answers: tuple[float | str | None, ...] = ()
        self._numbers = b""
        self._words: tuple[str | None, ...] = ()
        self._mark = marks.Mark.OK

    def answer(self, given: Any) -> tuple[batches.Values, str]:
        """(the values as shown, the rule they break where that is only flagged)."""
        loaded, role = self._loaded, self._loaded.role
        codec = loaded.model.codec
        asked = codec.terms.of(loaded.terms)
        self._mark = marks.Mark.REJECTED
        self._body = inputs.body(given, loaded.model.manifest.signature)
        request = codec.decode(self._body, frames.Content.RECORDS, coerce=asked.coerce)
        self._rows, self._mark = request.batch.rows, marks.Mark.ERROR
        values = self._predicted(request.batch)
        self._mark = marks.Mark.INVALID
        values = codec.checked(values, self._rows)
        self._answers = codec.answers(values)
        self._numbers, self._words = codec.series.packed(values, self._rows), codec.series.worded(values, self._rows)
        breach, why = asked.breach(request.batch, values)
        if breach and role.guard != "flag":
            raise errors.OutputRefused(f"the answer breaks the rule {breach!r}: {why}")
        shown = asked.shown(values)
        self._said = codec.encode(request, shown, (role.endpoint, loaded.version, ids.text(self.id)))[0]
        self._mark = marks.Mark.INVALID if breach else marks.Mark.OK
        return shown, breach

    def _predicted(self, batch: batches.Batch) -> batches.Values:
        began = time.perf_counter()
        try:
            return self._loaded.model.predict(batch)
        except Exception as raised:
            raise errors.PredictFailed(model.words(raised)) from raised
        finally:
            self._model_us = round((time.perf_counter() - began) * 1e6)

    def record(self, place: tuple[str, str, int], wrong: errors.TidegateError | None) -> records.Prediction:
        """The call as it is logged. `place`: host, incarnation, sequence."""
        role = self._loaded.role
        keep = role.inputs == "all" and role.log.keeps(self.id)
        return records.Prediction(
            schema=records.SCHEMA,
            host=place[0],
            incarnation=place[1],
            sequence=place[2],
            id=self.id,
            request_id="",
            environment=role.environment,
            endpoint=role.endpoint,
            release="",
            stage=0,
            generation=role.generation,
            version=role.ordinal,
            digest=self._loaded.digest,
            arm=arms.Arm.STABLE,
            weight=0,
            evidence=False,
            key_hash=b"",
            role=arms.Role.LIVE,
            mark=self._mark,
            status=wrong.status if wrong else 200,
            answered_by=0 if wrong else role.ordinal,
            rescued=False,
            arrived_ns=self._arrived,
            total_us=round((time.perf_counter() - self._began) * 1e6),
            model_us=self._model_us,
            rows=self._rows,
            batch_rows=self._rows,
            bin=self._loaded.model.codec.bin(self._answers),
            answers=self._answers,
            content=journal.CONTENT,
            input=self._body if keep else b"",
            output=self._said if keep else b"",
            error=wrong.code if wrong else "",
            numbers=self._numbers,
            words=self._words,
        )
