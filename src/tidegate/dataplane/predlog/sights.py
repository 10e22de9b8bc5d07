"""What a reader of the log may see of a record: nothing of segments that Parquet will not hold, and what its keys open.

The routing table says what an endpoint veils and where its key is; where it cannot be read, bodies of segments are not shown.
Called by the reader.
"""

import msgspec

from tidegate.core.vocabulary import errors, home, keeping, records
from tidegate.dataplane.predlog import ciphers
from tidegate.dataplane.wire import tablefile

LOGGED = "logged"


class Sight:
    """Of one process, as the table is when it is made."""

    def __init__(self, place: home.Home) -> None:
        try:
            self._told = {name: route.log for name, route in tablefile.read(place.table).routes.items()}
            self._blind = False
        except (errors.TableUnreadable, errors.ProtocolMismatch):
            self._told, self._blind = {}, True
        self._rings: dict[str, ciphers.Ring] = {}

    def veiled(self, endpoint: str) -> frozenset[str]:
        """Input columns of which nothing is told in the clear any more."""
        return self._told.get(endpoint, keeping.ALL).veiled

    def fresh(self, one: records.Prediction) -> records.Prediction:
        """A record of a segment, without what will not be in Parquet in the clear."""
        told = self._told.get(one.endpoint, keeping.ALL)
        if self._blind or not told.keeps(one.id):
            return msgspec.structs.replace(one, input=b"", output=b"", error=one.error.partition(":")[0])
        if told.veiled:
            return msgspec.structs.replace(one, input=b"", error=one.error.partition(":")[0])
        return one if told.keeps_body(one.id) else msgspec.structs.replace(one, input=b"")

    def told(self, one: records.Prediction) -> str:
        """What became of a record's body, in words: LOGGED, or why it is not there, by what its endpoint keeps now."""
        if encrypted(one.input):
            return "encrypted, and its key (`log.key`) is not here"
        if one.input:
            return LOGGED
        kept = self._told.get(one.endpoint, keeping.ALL)
        if kept.redact:
            return f"redacted: {', '.join(kept.redact)}, and so the body is kept nowhere (`log.redact`)"
        if not kept.keeps(one.id):
            return f"not logged: outside the sample of {kept.share:.2%} (`log.inputs`)"
        if not kept.keeps_body(one.id):
            return "not logged: outside the sample of one of its columns (`log.columns`)"
        return "not shown until it is recorded, encrypted" if kept.encrypt else "not logged"

    def opened(self, one: records.Prediction) -> records.Prediction:
        """A record of Parquet with its input decrypted, where there is a key. Raises LogKeyWrong, LogKeyInvalid, ExtraMissing."""
        body = self.body(one.endpoint, one.id, one.input)
        return one if body is one.input else msgspec.structs.replace(one, input=body)

    def body(self, endpoint: str, identifier: bytes, body: bytes) -> bytes:
        """A body likewise."""
        if not body.startswith(ciphers.PREFIX.encode()):
            return body
        opened = self.ring(endpoint).decrypt(identifier, ciphers.BODY, body.decode("ascii", "replace"))
        return body if opened is None else opened

    def ring(self, endpoint: str) -> ciphers.Ring:
        """The keys that are here for an endpoint."""
        where = self._told.get(endpoint, keeping.ALL).key
        if where not in self._rings:
            self._rings[where] = ciphers.ring(where) if where else ciphers.Ring(())
        return self._rings[where]


def encrypted(body: bytes) -> bool:
    """Whether a body is one that no key has opened."""
    return body.startswith(ciphers.PREFIX.encode())
