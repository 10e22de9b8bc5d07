"""Kafka, through its own C client: kafka://[USER:PASSWORD@]HOST:PORT[,HOST:PORT]/TOPIC[?option=value].

A message a row, keyed by the prediction's id, so that what belongs together is in one partition and in order. The header
`tidegate-row` says which row it is, for consumers that drop repeats. Further options are librdkafka's own (`security.protocol`,
`sasl.mechanism`, ...); a user and a password are its `sasl.username` and `sasl.password`.
"""

from typing import Any
from urllib import parse

from tidegate.core.vocabulary import errors
from tidegate.dataplane.sinks import opening, sink

TIMEOUT_SECONDS = 30.0
ROW = "tidegate-row"


class Kafka:
    """One topic."""

    whole = False

    def __init__(self, address: str, _: str = "") -> None:
        """Raises SinkInvalid, ExtraMissing."""
        self._library = opening.library("confluent_kafka", "kafka")
        given = parse.urlsplit(address)
        people, _, hosts = given.netloc.rpartition("@")
        self._topic = given.path.strip("/")
        if not hosts or not self._topic or "/" in self._topic:
            raise errors.SinkInvalid("it has to be kafka://HOST:PORT/TOPIC.")
        user, _, password = people.partition(":")
        known = {"sasl.username": parse.unquote(user), "sasl.password": parse.unquote(password)} if user else {}
        settings: dict[str, Any] = {
            "client.id": "tidegate",
            "acks": "all",
            "max.in.flight": 1,  # a message that is tried again stays before the next one
            "compression.type": "lz4",
            "message.timeout.ms": int(TIMEOUT_SECONDS * 1e3),
            "log_level": 0,  # it would say whom it could not reach
            **known,
            **dict(parse.parse_qsl(given.query)),
            "bootstrap.servers": hosts,
        }
        try:
            self._producer = self._library.Producer(settings)
        except (self._library.KafkaException, ValueError, TypeError) as wrong:
            raise errors.SinkInvalid("librdkafka does not take these options.") from wrong

    def deliver(self, parcel: sink.Parcel) -> None:
        """Produce all rows, and wait until the brokers have acknowledged each."""
        failed: list[str] = []

        def taken(error: Any, _: Any) -> None:
            if error is not None:
                failed.append(error.name())

        for one in parcel.messages():
            self._produce(one, taken)
        left = self._producer.flush(TIMEOUT_SECONDS)
        if left or failed:
            self._producer.purge()
            self._producer.flush(1.0)
            raise errors.SinkUnavailable(f"not all of it was acknowledged: {failed[0] if failed else 'it takes too long'}.")

    def _produce(self, one: sink.Message, taken: Any) -> None:
        headers = [(ROW, one.identity.encode())]
        try:
            self._producer.produce(self._topic, one.body, one.key, headers=headers, on_delivery=taken)
        except BufferError:
            self._producer.poll(1.0)
            raise errors.SinkUnavailable("it takes less than comes.") from None
        except self._library.KafkaException as refused:
            raise errors.SinkUnavailable(f"it is refused: {refused.args[0].name()}.") from refused
        self._producer.poll(0)

    def close(self) -> None:
        """Drop what is under way: it is delivered again."""
        self._producer.purge()
        self._producer.flush(1.0)
