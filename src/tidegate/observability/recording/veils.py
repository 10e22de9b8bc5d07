"""What endpoints keep of inputs, by the table; and the records as they are kept: sampled, redacted, encrypted.

What an endpoint keeps is noted in the catalogue's database, so that a table that cannot be read unveils nothing. Where a key is
missing nothing is written in its place: what could not be encrypted is not kept, and counted. Called by the recorder.
"""

import logging
import sqlite3

import msgspec

from tidegate.core.vocabulary import errors, keeping, records
from tidegate.dataplane.predlog import ciphers
from tidegate.observability.reading import rules

_TABLES = "CREATE TABLE IF NOT EXISTS keeping (endpoint TEXT PRIMARY KEY, told BLOB) WITHOUT ROWID"
_NONE = ciphers.Ring(())
_pack = msgspec.msgpack.Encoder().encode
_keeping = msgspec.msgpack.Decoder(keeping.Keeping).decode
log = logging.getLogger(__name__)


class Veils:
    """All endpoints'."""

    def __init__(self, connection: sqlite3.Connection, routing: rules.Rules) -> None:
        """Make the table where there is none, and load what was noted."""
        self._connection, self._rules = connection, routing
        connection.execute(_TABLES)
        self._noted = {endpoint: _keeping(told) for endpoint, told in connection.execute("SELECT endpoint, told FROM keeping")}
        self._rings: dict[str, ciphers.Ring] = {}
        self.unencrypted = 0
        """Inputs that were not kept for want of a key, since the caller last looked."""
        self.trouble: dict[str, str] = {}
        """By where a key should be, what is wrong with it."""

    def note(self) -> list[tuple[str, str]]:
        """Take in what the table says by now; the (endpoint, column) that are veiled from now on and were not before."""
        fresh = []
        for endpoint, told in self._rules.keepings().items():
            before = self._noted.get(endpoint, keeping.ALL)
            if told != before:
                fresh += [(endpoint, column) for column in sorted(told.veiled - before.veiled)]
                self._noted[endpoint] = told
                self._connection.execute("INSERT OR REPLACE INTO keeping VALUES (?, ?)", (endpoint, _pack(told)))
        return fresh

    def of(self, endpoint: str) -> keeping.Keeping:
        """What an endpoint keeps."""
        return self._noted.get(endpoint, keeping.ALL)

    @property
    def discreet(self) -> bool:
        """Whether some endpoint veils inputs: segments, which hold them, must not stay."""
        return any(told.veiled for told in self._noted.values())

    def all(self) -> dict[str, keeping.Keeping]:
        """By endpoint, what is not simply everything."""
        return {endpoint: told for endpoint, told in self._noted.items() if told != keeping.ALL}

    def key(self, endpoint: str) -> ciphers.Key | None:
        """What encrypts an endpoint's inputs; None while it is not there, which is told in `trouble`."""
        where = self.of(endpoint).key
        if not self._rings.get(where, _NONE).first:
            try:
                self._rings[where] = ciphers.ring(where)
                wrong = "" if self._rings[where].first else f"{where} holds no key."
            except errors.TidegateError as failed:
                wrong = failed.message
            if wrong and where not in self.trouble:
                log.error("inputs cannot be encrypted and are not kept", extra={"endpoint": endpoint, "why": wrong})
                self.trouble[where] = wrong
            elif not wrong:
                self.trouble.pop(where, None)
        return self._rings.get(where, _NONE).first

    def whole(self, one: records.Prediction) -> records.Prediction:
        """With its bodies only where they are of the sample."""
        if (not one.input and not one.output) or self.of(one.endpoint).keeps(one.id):
            return one
        return msgspec.structs.replace(one, input=b"", output=b"")

    def kept(self, one: records.Prediction) -> records.Prediction:
        """As it goes into Parquet: the body as far as it may, words of the model's own only where they can hold no input."""
        told = self.of(one.endpoint)
        if told.veiled:
            one = msgspec.structs.replace(one, error=one.error.partition(":")[0])
        if not one.input or told == keeping.ALL:
            return one
        if not told.keeps_body(one.id):
            return msgspec.structs.replace(one, input=b"")
        if told.encrypt:
            key = self.key(one.endpoint)
            self.unencrypted += key is None
            return msgspec.structs.replace(one, input=key.encrypt(one.id, ciphers.BODY, one.input).encode() if key else b"")
        return one
