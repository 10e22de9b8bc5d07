"""What each path does with a request. Predictions become flights; everything else is answered here."""

import importlib.metadata
import logging
import os
import time

from tidegate.core.vocabulary import errors, ids
from tidegate.dataplane.gateway import admission, asking, endpoints, exchanges, flights, limits, outcomes, paths
from tidegate.dataplane.wire import answers, frames

_CONTENT = {paths.Ask.INFER: int(frames.Content.INFER), paths.Ask.RECORDS: int(frames.Content.RECORDS)}
_GET, _POST = b"GET", b"POST"
logger = logging.getLogger(__name__)


class Mint:
    """Prediction ids. Chance comes from the system, so that nobody can guess another's id and label it."""

    SIZE = 10

    def __init__(self) -> None:
        self._chance = b""
        self._at = 0

    def __call__(self) -> bytes:
        """The 16 bytes of a new one."""
        at = self._at
        if at + self.SIZE > len(self._chance):
            self._chance, at = os.urandom(self.SIZE * 512), 0
        self._at = at + self.SIZE
        chance = int.from_bytes(self._chance[at : at + self.SIZE], "big") >> 6
        return ids.uuid7(time.time_ns() // 1_000_000, chance)


class Service:
    """See the module."""

    def __init__(self, obeyed: endpoints.Endpoints, boot: endpoints.Boot, bounds: limits.Service) -> None:
        self.endpoints, self.bounds = obeyed, bounds
        self.draining = False
        self._boot = boot
        self._mint = Mint()
        self._server = answers.server(importlib.metadata.version("tidegate"))
        self._others = {
            paths.Ask.OUTCOMES: self._outcomes,
            paths.Ask.SERVER: lambda exchange, _: exchange.respond(200, self._server),
            paths.Ask.LIVE: lambda exchange, _: exchange.respond(200, answers.LIVE),
            paths.Ask.READY: self._ready,
            paths.Ask.MODELS: self._models,
            paths.Ask.MODEL: self._model,
            paths.Ask.MODEL_READY: self._model_ready,
        }

    def body_limit(self, url: bytes) -> int:
        """Bytes that a request to this URL may have in its body."""
        endpoint = self.endpoints.by_name.get(paths.resolve(url).endpoint)
        return endpoint.route.limits.body if endpoint else self.bounds.body_bytes

    def answer(self, exchange: exchanges.Exchange) -> None:
        """Answer a request, now or later; never raises."""
        try:
            target = paths.resolve(exchange.url)
            content = _CONTENT.get(target.ask)
            if content is not None and exchange.method == _POST:
                self._predict(exchange, target, content)
            else:
                self._other(exchange, target)
        except errors.TidegateError as refused:
            exchange.fail(refused)
        except Exception:
            logger.exception("a request could not be answered")
            if exchange.answer is None:
                exchange.fail(errors.TidegateError("Something went wrong on our side."))

    def _predict(self, exchange: exchanges.Exchange, target: paths.Target, content: int) -> None:
        endpoint = self.endpoints.by_name.get(target.endpoint)
        if endpoint is None:
            raise errors.EndpointUnknown
        timeout = endpoint.timeout
        if exchange.fields or endpoint.tokens:
            admission.check(exchange.fields, endpoint.tokens)
            timeout = admission.timeout(exchange.fields, timeout)
        if self._boot.flying >= self.bounds.flights:
            raise errors.QueueFull
        identifier = self._mint()
        side = endpoint.pinned(target.version) if target.version else endpoint.draw(identifier)
        flights.Flight(exchange, endpoint, identifier, content).begin(side, timeout)

    def _other(self, exchange: exchanges.Exchange, target: paths.Target) -> None:
        answer = self._others.get(target.ask)
        allowed = _POST if target.ask in paths.POSTED else _GET
        if target.ask is paths.Ask.NOTHING:
            raise errors.PathUnknown
        if exchange.method != allowed or answer is None:
            exchange.refuse_method((allowed,))
        else:
            answer(exchange, target)

    def _outcomes(self, exchange: exchanges.Exchange, _: paths.Target) -> None:
        admission.check(exchange.fields, frozenset())
        found = outcomes.parse(exchange.body)
        must_sync = any(endpoint.must_sync for endpoint in self.endpoints.by_name.values())
        self._boot.journal.settle(outcomes.Posting(exchange, found, self._boot, must_sync=must_sync))

    def _ready(self, exchange: exchanges.Exchange, _: paths.Target) -> None:
        ready = self.endpoints.ready and not self.draining
        exchange.respond(200 if ready else 503, answers.READY if ready else answers.UNREADY)

    def _models(self, exchange: exchanges.Exchange, _: paths.Target) -> None:
        exchange.respond(200, answers.models({name: found.names for name, found in self.endpoints.by_name.items()}))

    def _model(self, exchange: exchanges.Exchange, target: paths.Target) -> None:
        endpoint = self._endpoint(target)
        asking.Question(exchange, target.endpoint, endpoint.version(target.version), self._boot.wheel).ask()

    def _model_ready(self, exchange: exchanges.Exchange, target: paths.Target) -> None:
        ready = bool(self._endpoint(target).version(target.version).connected)
        exchange.respond(200 if ready else 503, answers.model_ready(target.endpoint, ready))

    def _endpoint(self, target: paths.Target) -> endpoints.Endpoint:
        endpoint = self.endpoints.by_name.get(target.endpoint)
        if endpoint is None:
            raise errors.EndpointUnknown
        return endpoint
