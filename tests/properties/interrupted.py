"""A recorder that is killed every now and then, over the segments of three gateways."""

import itertools
from collections.abc import Sequence

import msgspec

from tidegate.core.vocabulary import home
from tidegate.dataplane.predlog import segments
from tidegate.observability.recording import recorder

T0 = 1_700_000_000


def read(made: home.Home, history: Sequence[segments.Record], boots: Sequence[int], kills: Sequence[int]) -> recorder.Recorder:
    """The recorder at work, after it has read each record as one of the gateways appended it, and was killed behind some."""
    writers = [segments.Writer(made.segments, "host", str(boot) * 32) for boot in range(3)]
    at_work, clock = recorder.Recorder(made, T0), itertools.count(1)
    for number, one in enumerate(history):
        writer = writers[boots[number % len(boots)]]
        writer.append([msgspec.structs.replace(one, incarnation=writer.incarnation, sequence=writer.sequence)])
        at_work.step(T0 + next(clock) * 0.01)
        if number in kills:
            at_work.close()
            at_work = recorder.Recorder(made, T0)
    return at_work
