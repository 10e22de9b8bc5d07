"""What each path does with a request. Predictions become flights; everything else is answered here."""

import importlib.metadata
import logging
import time

from tidegate.core.vocabulary import errors
from tidegate.dataplane.gateway import admission, asking, endpoints, exchanges, flights, limits, mint, outcomes, paths
from tidegate.dataplane.wire import answers, frames

_CONTENT = {paths.Ask.INFER: int(frames.Content.INFER), paths.Ask.RECORDS: int(frames.Content.RECORDS)}
_GET, _POST = b"GET", b"POST"
logger = logging.getLogger(__name__)


class Service:
    """See the module."""

    def __init__(self, obeyed: endpoints.Endpoints, boot: endpoints.Boot, bounds: limits.Service) -> None:
        self.endpoints, self.bounds = obeyed, bounds
        self.draining = False
        self._boot = boot
        self._mint = mint.Mint()
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

    def body_limit(self, exchange: exchanges.Exchange) -> int:
        """Understand the URL; the bytes that this request may have in its body."""
        exchange.target = target = paths.resolve(exchange.url)
        endpoint = self.endpoints.by_name.get(target.endpoint)
        return endpoint.route.limits.body if endpoint else self.bounds.body_bytes

    def answer(self, exchange: exchanges.Exchange) -> None:
        """Answer a request, now or later; never raises."""
        try:
            target = exchange.target
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
        arrived_ns = time.time_ns()
        identifier = self._mint.one(arrived_ns)
        side = endpoint.pinned(target.version) if target.version else endpoint.draw(identifier)
        flights.Flight(exchange, endpoint, identifier, arrived_ns, content).begin(side, timeout)

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
