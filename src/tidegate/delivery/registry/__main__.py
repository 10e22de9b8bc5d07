"""python -m tidegate.delivery.registry fetch | resolve | list | profile: one step of `children`, never typed by people."""

import os
import pathlib
import sys
from typing import Any

import msgspec

from tidegate.core.vocabulary import errors
from tidegate.delivery.registry import children, profiling, sources, tracking


def main(verb: str) -> int:
    """Do it; the answer, or the failure, is the only thing on standard output."""
    # What a model prints while it loads must not end up in the answer.
    answer = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    said: Any
    try:
        said, code = _do(verb, sys.stdin.buffer.read()), 0
    except errors.TidegateError as wrong:
        said, code = children.Failure(wrong.code, wrong.message, wrong.cure, wrong.where), 1
    with answer:
        answer.write(msgspec.json.encode(said))
    return code


def _do(verb: str, request: bytes) -> Any:
    if verb == "profile":
        return profiling.profile(msgspec.json.decode(request, type=profiling.Asked))
    if verb == "list":
        return tracking.Listed(tuple(tracking.available()))
    wanted = msgspec.json.decode(request, type=tracking.Wanted)
    source = sources.parse(wanted.reference)
    if not isinstance(source, sources.Registered):
        raise errors.ModelSourceInvalid(f"{wanted.reference} is not in MLflow.")
    return tracking.fetch(source, pathlib.Path(wanted.folder)) if verb == "fetch" else tracking.find(source)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
