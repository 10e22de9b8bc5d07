"""From an address to its sink. What is not of Tidegate's own needs is imported here, when it is asked for."""

import importlib
from types import ModuleType
from urllib import parse

from tidegate.core.vocabulary import errors
from tidegate.dataplane.sinks import sink

KINDS = {
    "kafka": ("tidegate.dataplane.sinks.kafka", "Kafka"),
    "nats": ("tidegate.dataplane.sinks.jetstream", "JetStream"),
    "http": ("tidegate.dataplane.sinks.webhook", "Webhook"),
    "https": ("tidegate.dataplane.sinks.webhook", "Webhook"),
}
"""By scheme; all others are file systems."""
FILES = ("tidegate.dataplane.sinks.files", "Files")


def opened(address: str, sign: str = "") -> sink.Sink:
    """The sink of an address; `sign`: the key for signatures. Nothing is asked of it yet.

    Raises SinkInvalid for an address that means nothing, ExtraMissing where its library is not installed.
    """
    scheme = parse.urlsplit(address).scheme if "://" in address else ""
    if not scheme:
        raise errors.SinkInvalid("what it holds is no URL.")
    module, name = KINDS.get(scheme, FILES)
    made: sink.Sink = getattr(importlib.import_module(module), name)(address, sign)
    return made


def library(name: str, extra: str) -> ModuleType:
    """An optional library. Raises ExtraMissing."""
    try:
        return importlib.import_module(name)
    except ImportError:
        words = f"this sink needs {name.partition('.')[0]}, which is not installed here."
        raise errors.ExtraMissing(words, cure=f"pip install 'tidegate[{extra}]'") from None
