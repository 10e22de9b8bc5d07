"""The methods of `GRPCInferenceService`: what each asks a gateway, and its answer as a message. Bytes in, bytes out."""

import msgspec

from tidegate.core.vocabulary import errors
from tidegate.dataplane.grpcfront import gateways, statuses
from tidegate.dataplane.wire import answers, fronts, grpcmessages, protobuf

Fields = dict[bytes, bytes]
Answer = tuple[int, bytes, bytes]
"""(status as HTTP has it, header lines, a message; or JSON where the status is no success)."""


class Server(msgspec.Struct):
    """A gateway's answer to GET /v2."""

    name: str
    version: str
    extensions: list[str] = []


_VALUES = ("rule", "true")
"""Fallbacks that are values in JSON; another version's answer is a message already."""
_server = msgspec.json.Decoder(Server).decode


class Methods:
    """See the module. Never raises but when it is cancelled: an error is an answer too."""

    def __init__(self, asking: gateways.Gateways) -> None:
        self._asking = asking
        self._by_name = {
            "ServerLive": self._live,
            "ServerReady": self._ready,
            "ServerMetadata": self._server,
            "ModelReady": self._model_ready,
            "ModelMetadata": self._model,
            "ModelConfig": self._config,
            "ModelInfer": self._infer,
        }

    def __contains__(self, name: str) -> bool:
        """Whether there is a method of this name."""
        return name in self._by_name

    async def call(self, name: str, message: bytes, fields: Fields) -> Answer:
        """What one method answers."""
        try:
            return await self._by_name[name](message, fields)
        except errors.TidegateError as refused:
            return refused.status, b"", answers.failure(refused)
        except msgspec.DecodeError:
            wrong = errors.TidegateError("The gateway's answer cannot be put into a message.")
            return wrong.status, b"", answers.failure(wrong)

    async def _live(self, _: bytes, __: Fields) -> Answer:
        return 200, b"", grpcmessages.live(True)

    async def _ready(self, _: bytes, fields: Fields) -> Answer:
        told, _body = await self._asking.ask(fronts.Asked("ready", fields=fields))
        return 200, b"", grpcmessages.ready(told.status == 200)

    async def _server(self, _: bytes, fields: Fields) -> Answer:
        told, body = await self._asking.ask(fronts.Asked("server", fields=fields))
        if told.status != 200:
            return told.status, told.lines, body
        given = _server(body)
        return 200, told.lines, grpcmessages.server(given.name, given.version, given.extensions)

    async def _model_ready(self, message: bytes, fields: Fields) -> Answer:
        asked = grpcmessages.asked(message)
        told, body = await self._asking.ask(fronts.Asked("model ready", asked.name, asked.version, fields))
        if told.status in (200, 503):
            return 200, told.lines, grpcmessages.ready(told.status == 200)
        return told.status, told.lines, body

    async def _model(self, message: bytes, fields: Fields) -> Answer:
        asked = grpcmessages.asked(message)
        told, body = await self._asking.ask(fronts.Asked("model", asked.name, asked.version, fields))
        return told.status, told.lines, grpcmessages.model(body) if told.status == 200 else body

    async def _config(self, message: bytes, fields: Fields) -> Answer:
        asked = grpcmessages.asked(message)
        told, body = await self._asking.ask(fronts.Asked("config", asked.name, asked.version, fields))
        return told.status, told.lines, grpcmessages.config(body) if told.status == 200 else body

    async def _infer(self, message: bytes, fields: Fields) -> Answer:
        asked = grpcmessages.called(message)
        told, body = await self._asking.ask(fronts.Asked("grpc", asked.name, asked.version, fields), message)
        if told.status == 200 and dict(statuses.trailing(told.lines)).get(statuses.FALLBACK) in _VALUES:
            body = _fallback(asked, body)
        return told.status, told.lines, body


def _fallback(asked: grpcmessages.Asked, value: bytes) -> bytes:
    """The endpoint's declared fallback is JSON: as a message it is one BYTES output of that name, with one element."""
    output = protobuf.string(1, "fallback") + protobuf.string(2, "BYTES") + protobuf.packed(3, [1])
    output += protobuf.counted(5, protobuf.counted(8, value))
    return protobuf.string(1, asked.name) + protobuf.string(3, asked.id) + protobuf.counted(5, output)
