"""python -m tidegate.delivery.registry VERB: one step of `children`, never typed by people.

fetch | resolve | list     of MLflow
profile | explain          run the model
survey                     of training data
"""

import ctypes
import os
import pathlib
import signal
import sys
from collections.abc import Iterator
from typing import Any

import msgspec

from tidegate.core.vocabulary import errors
from tidegate.dataplane.models.explaining import questions
from tidegate.delivery.registry import profiling
from tidegate.delivery.sources import children, sources, tracking


def main(verb: str) -> int:
    """Do it; answers, or the failure, a line each, are the only thing on standard output."""
    # What a model prints while it loads must not end up in the answer.
    answer = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    with answer:
        try:
            for said in _do(verb, sys.stdin.buffer.read()):
                answer.write(msgspec.json.encode(said) + b"\n")
        except errors.TidegateError as wrong:
            failure = children.Failure(wrong.code, wrong.message, wrong.cure, wrong.where)
            answer.write(msgspec.json.encode(failure) + b"\n")
            return 1
    return 0


def _do(verb: str, request: bytes) -> Iterator[Any]:
    if verb == "profile":
        yield from profiling.profile(msgspec.json.decode(request, type=profiling.Asked))
        return
    if verb == "explain":
        _end_with_caller()
        yield questions.answer(msgspec.json.decode(request, type=questions.Asked))
        return
    if verb == "survey":
        # What these import (pyarrow, yaml) a runtime of the model's may not have, and it is never asked for this.
        from tidegate.delivery.training import surveying, training  # noqa: PLC0415

        yield surveying.survey(msgspec.json.decode(request, type=training.Asked))
        return
    if verb == "list":
        yield tracking.Listed(tuple(tracking.available()))
        return
    wanted = msgspec.json.decode(request, type=tracking.Wanted)
    source = sources.parse(wanted.reference)
    if not isinstance(source, sources.Registered):
        raise errors.ModelSourceInvalid(f"{wanted.reference} is not in MLflow.")
    yield tracking.fetch(source, pathlib.Path(wanted.folder)) if verb == "fetch" else tracking.find(source)


def _end_with_caller() -> None:
    """Whoever asked for an explanation may be killed: a model that takes its time must not go on for nobody."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
