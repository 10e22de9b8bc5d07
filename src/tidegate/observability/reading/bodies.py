"""Inputs of logged requests by column, read from their bodies by the bundle's own codec.

So every form of body is read as the worker has read it (JSON, CSV, binary tensors, gRPC), without the model. Called by the
recorder, by replay, and where a sample is taken to be labelled.
"""

import collections
import logging
import math
import pathlib
from collections.abc import Sequence
from typing import Any

from tidegate.core.vocabulary import errors, manifests, records
from tidegate.dataplane.models import batches, bundles, logged, series, signature
from tidegate.dataplane.wire import samples

_LETTERS = 60
_CODECS = 16
Words = dict[str, list[str]]
"""By column, the value of each row in words."""
log = logging.getLogger(__name__)


class Reader:
    """Inputs of logged requests by column. Codecs are kept by bundle."""

    def __init__(self, folder: pathlib.Path, *, holds: bool = False) -> None:
        """`folder`: where the bundles are. `holds`: what was read is held until `forget`, since several ask for the same."""
        self.folder, self._holds = folder, holds
        self._held: dict[tuple[str, tuple[bytes, ...]], logged.Inputs] = {}
        self._codecs: collections.OrderedDict[str, signature.Codec | None] = collections.OrderedDict()

    def words(self, one: records.Prediction, wanted: Sequence[str], digest: str = "") -> Words:
        """The values of the wanted columns, row by row: of those that the model has, none where the input cannot be read.

        `digest`: the bundle by whose signature the input is read; the one the request was drawn for unless said otherwise.
        """
        return self.all_words([one], wanted, digest)[0]

    def all_words(self, several: Sequence[records.Prediction], wanted: Sequence[str], digest: str = "") -> list[Words]:
        """The same of several requests that were drawn for one bundle, in their order."""
        read = self.inputs(several, digest).each(wanted) if wanted else {}
        return [
            {name: [_word(value) for value in values] for name, values in read.get(place, {}).items()}
            for place in range(len(several))
        ]

    def inputs(self, several: Sequence[records.Prediction], digest: str = "") -> logged.Inputs:
        """All columns of several requests, likewise, as far as they can be read. Not to be changed."""
        codec = self._codec(digest or several[0].digest)
        if codec is None:
            return logged.Inputs()
        key = (digest or several[0].digest, tuple([one.id for one in several])) if self._holds else ("", ())
        found = self._held.get(key)
        if found is None:
            found = logged.read(codec, [samples.of(one) for one in several])
            if self._holds:
                self._held[key] = found
        return found

    def tensors(self, one: records.Prediction) -> batches.Batch | None:
        """The whole input of a model of tensors; None where it was not logged or cannot be read."""
        sample, codec = samples.of(one), self._codec(one.digest)
        if sample is None or codec is None:
            return None
        try:
            batch: batches.Batch = codec.decode(sample.body, sample.content, sample.json_bytes, coerce=True).batch
        except errors.TidegateError:
            return None
        return batch

    def takes(self, digest: str) -> manifests.Signature | None:
        """The signature of a bundle; None where it is not here."""
        codec = self._codec(digest)
        return codec.manifest.signature if codec is not None else None

    def series(self, digest: str) -> series.Series | None:
        """What a bundle's outputs are logged as beside its answers; None where it is not here."""
        codec = self._codec(digest)
        return codec.series if codec is not None else None

    def forget(self) -> None:
        """Let go of what was read."""
        self._held.clear()

    def _codec(self, digest: str) -> signature.Codec | None:
        if digest not in self._codecs:
            try:
                self._codecs[digest] = signature.Codec(bundles.read_manifest(self.folder / digest))
            except errors.ModelError as failed:
                log.warning("inputs of a version cannot be read", extra={"digest": digest, "why": str(failed)})
                self._codecs[digest] = None
            while len(self._codecs) > _CODECS:
                self._codecs.popitem(last=False)
        return self._codecs[digest]


def _word(value: Any) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else f"{value:g}"
    return "".join(letter if letter.isprintable() else "?" for letter in str(value)[:_LETTERS])
