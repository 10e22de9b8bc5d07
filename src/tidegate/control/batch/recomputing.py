"""Questions put to a bundle in a process of its own runtime, at low priority and without credentials.

`delivery.registry explain` answers them; nothing of the model is loaded here.
"""

import pathlib
import sys
import tempfile

from tidegate.core.vocabulary import home
from tidegate.dataplane.models.explaining import questions
from tidegate.dataplane.targets import frozen, local
from tidegate.delivery.runtimes import runtimes
from tidegate.delivery.sources import children

LOAD_SECONDS = 300.0
"""For a model to load and answer, besides what each explanation takes."""


def run(place: home.Home, asked: questions.Asked) -> questions.Answered:
    """The answers. A runtime that is not there is built first.

    Raises BundleMissing, DigestMismatch, RuntimeUnavailable, DiskFull, NotExplainable, and what loading the model raises.
    """
    own = runtimes.ensure_of(place, asked.digest)
    seconds = LOAD_SECONDS + 2 * asked.seconds * len(asked.questions)
    with tempfile.TemporaryDirectory(prefix="tidegate-explain-") as scratch:
        path = str(frozen.copy(place)) if own else ""
        env = children.bare_environment(pathlib.Path(scratch), path) | dict.fromkeys(local.THREADS, "1")
        python = str(own or sys.executable)
        return children.run("explain", asked, questions.Answered, env=env, seconds=seconds, python=python)
