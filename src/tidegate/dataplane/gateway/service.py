"""What each path does with a request. Predictions become flights; everything else is answered here."""

import importlib.metadata
import logging
import time
from collections.abc import Callable

from tidegate.core.vocabulary import arms, errors
from tidegate.dataplane.gateway import (
    admission,
    asking,
    bodies,
    endpoints,
    exchanges,
    flights,
    limits,
    mint,
    origins,
    outcomes,
    page,
    paths,
    shadows,
    tracing,
    units,
)
from tidegate.dataplane.wire import answers, frames

EXTENSIONS = ("binary_tensor_data", "parameters", "model_configuration")
"""Of the Open Inference Protocol: these, and no others."""
TEXT = b"content-type: text/plain; charset=utf-8\r\n"
_GET, _POST, _HEAD, _OPTIONS = b"GET", b"POST", b"HEAD", b"OPTIONS"
_LIVE = arms.Role.LIVE
_READING = (_GET, _HEAD, _OPTIONS)
_WRITING = (_POST, _OPTIONS)
Answers = Callable[[exchanges.Exchange, paths.Target], None]
logger = logging.getLogger(__name__)


class Service:
    """See the module."""

    def __init__(self, obeyed: endpoints.Endpoints, boot: endpoints.Boot, bounds: limits.Service) -> None:
        self.endpoints, self.bounds = obeyed, bounds
        self._whole = bounds
        self.draining = False
        self.exposed = False
        """Whether clients may come from other machines: endpoints that ask for no token are refused to them."""
        self.address = ""
        """Where clients reach this, for examples on pages."""
        self._boot = boot
        self.mirror = shadows.Mirror(boot.loop, bounds)
        self._mint = mint.Mint()
        self._program = importlib.metadata.version("tidegate")
        self._server = answers.server(self._program, EXTENSIONS)
        self._others: dict[paths.Ask, Answers] = {
            paths.Ask.OUTCOMES: self._outcomes,
            paths.Ask.SERVER: lambda exchange, _: exchange.respond(200, self._server),
            paths.Ask.LIVE: lambda exchange, _: exchange.respond(200, answers.LIVE),
            paths.Ask.READY: self._ready,
            paths.Ask.PROGRAM: lambda exchange, _: exchange.respond(200, self._program.encode() + b"\n", TEXT),
            paths.Ask.MODELS: self._models,
            paths.Ask.MODEL: lambda exchange, target: self._ask(exchange, target, frames.Content.METADATA),
            paths.Ask.MODEL_READY: self._model_ready,
            paths.Ask.CONFIG: lambda exchange, target: self._ask(exchange, target, frames.Content.CONFIG),
            paths.Ask.OPENAPI: lambda exchange, target: self._ask(exchange, target, frames.Content.OPENAPI),
            paths.Ask.PAGE: lambda exchange, target: self._ask(exchange, target, frames.Content.OPENAPI),
        }

    def share(self, gateways: int) -> None:
        """Take this gateway's part of what all may take together."""
        self.bounds = limits.part(self._whole, gateways)

    def body_limit(self, exchange: exchanges.Exchange) -> int:
        """Understand the URL; the bytes that this request may have in its body."""
        target = paths.resolve(exchange.url)
        if target.ask is paths.Ask.INVOCATIONS and not target.endpoint:
            target = target._replace(endpoint=self.endpoints.sole)
        return self.aim(exchange, target)

    def aim(self, exchange: exchanges.Exchange, target: paths.Target) -> int:
        """Say what a request is for; the bytes that it may have in its body."""
        exchange.target = target
        endpoint = self.endpoints.by_name.get(target.endpoint)
        origin = exchange.fields.get(b"origin")
        if origin is not None:
            exchange.lines = origins.lines(origin, endpoint.route.origins if endpoint else self.endpoints.origins)
        return endpoint.route.limits.body if endpoint else self.bounds.body_bytes

    def answer(self, exchange: exchanges.Exchange) -> None:
        """Answer a request, now or later; never raises."""
        try:
            target = exchange.target
            if target.content and exchange.method == _POST:
                self._predict(exchange, target)
            else:
                self._other(exchange, target)
        except errors.TidegateError as refused:
            if isinstance(refused, errors.CapacityError | errors.AccessError):
                self._boot.admitting.count(refused)
            exchange.fail(refused)
        except Exception:
            logger.exception("a request could not be answered", extra={"request_id": exchange.request_id})
            if exchange.answer is None:
                exchange.fail(errors.TidegateError("Something went wrong on our side."))

    def _predict(self, exchange: exchanges.Exchange, target: paths.Target) -> None:
        endpoint = self._endpoint(target)
        timeout, fields, meter = endpoint.timeout, exchange.fields, None
        if fields:
            admission.check(fields)
            timeout = admission.timeout(fields, timeout)
            if admission.PROBE in fields and self._boot.admitting.holders.operates(
                fields.get(b"authorization", b""), target.endpoint
            ):
                exchange.role, target = arms.Role.SMOKE, target._replace(version=target.version or endpoint.owner.name)
        if exchange.role is _LIVE:  # else it is our own
            if not endpoint.tokens and (self.exposed or exchange.exposed):
                raise errors.ExposureRefused
            meter = self._boot.admitting.admit(endpoint.route, endpoint.tokens, fields) if endpoint.gated else None
        content = bodies.prepare(exchange, endpoint.route.limits.body)
        if self._boot.flying >= self.bounds.flights:
            raise errors.QueueFull
        if endpoint.must_sync and self._boot.journal.short:
            raise errors.LogUnavailable
        arrived_ns = time.time_ns()
        identifier = self._mint.one(arrived_ns)
        flight = flights.Flight(exchange, endpoint, identifier, arrived_ns, content)
        flight.meter = meter
        if endpoint.traces is not None:
            flight.trace = tracing.begun(fields, endpoint.traces)
        if exchange.role is not _LIVE:
            side = endpoint.smoked(target.version)
        elif target.version:
            side = endpoint.pinned(target.version, fields.get(b"authorization", b""))
        elif endpoint.steers:
            side, flight.key_hash = endpoint.steer(exchange, content, identifier)
        else:
            side = endpoint.draw(identifier)
        flight.begin(side, timeout)
        if endpoint.mirrors:
            self.mirror.consider(flight)

    def _other(self, exchange: exchanges.Exchange, target: paths.Target) -> None:
        if target.ask is paths.Ask.NOTHING:
            raise errors.PathUnknown
        allowed = _WRITING if target.ask in paths.POSTED else _READING
        if exchange.method == _OPTIONS:
            self._options(exchange, allowed)
        elif exchange.method not in allowed or target.ask is paths.Ask.ANYTHING:
            exchange.refuse_method(allowed)
        else:
            self._others[target.ask](exchange, target)

    def _options(self, exchange: exchanges.Exchange, allowed: tuple[bytes, ...]) -> None:
        methods = b", ".join(allowed)
        if origins.ASKING in exchange.fields and exchange.lines.startswith(origins.ALLOWED):
            endpoint = self.endpoints.by_name.get(exchange.target.endpoint)
            exchange.lines += origins.beforehand(methods, units.headers(endpoint.route) if endpoint else ())
        exchange.respond(200, b"", b"allow: %s\r\n" % methods)

    def _outcomes(self, exchange: exchanges.Exchange, _: paths.Target) -> None:
        admission.check(exchange.fields)
        guarded = [found.tokens for found in self.endpoints.by_name.values() if found.tokens]
        if not guarded and (self.exposed or exchange.exposed):
            raise errors.ExposureRefused
        if guarded:
            self._boot.admitting.holders.witness(exchange.fields.get(b"authorization", b""), guarded)
        bodies.unfold(exchange, self.bounds.body_bytes)
        found = outcomes.parse(exchange.body, self.endpoints.by_name)
        for name in {one.endpoint for one in found if one.endpoint}:
            if self.endpoints.by_name[name].tokens:
                self._boot.admitting.holders.attests(exchange.fields.get(b"authorization", b""), name)
        for one in found:
            if one.is_matched and not self.endpoints.by_name[one.endpoint].route.outcomes.lookback_seconds:
                raise errors.OutcomeInvalid(
                    f"Outcomes of {one.endpoint} are by prediction id only.", cure="`outcomes: {lookback: 7d}` takes them by key."
                )
        must_sync = any(endpoint.must_sync for endpoint in self.endpoints.by_name.values())
        self._boot.journal.settle(outcomes.Posting(exchange, found, self._boot, must_sync=must_sync))

    def _ready(self, exchange: exchanges.Exchange, _: paths.Target) -> None:
        ready = self.endpoints.ready and not self.draining
        exchange.respond(200 if ready else 503, answers.READY if ready else answers.UNREADY)

    def _models(self, exchange: exchanges.Exchange, _: paths.Target) -> None:
        exchange.respond(200, answers.models({name: found.names for name, found in self.endpoints.by_name.items()}))

    def _model_ready(self, exchange: exchanges.Exchange, target: paths.Target) -> None:
        endpoint = self._endpoint(target)
        asked = endpoint.version(target.version)
        ready = bool(asked.connected) or (endpoint.route.asleep and asked is endpoint.stable.pool)
        exchange.respond(200 if ready else 503, answers.model_ready(target.endpoint, ready))

    def _ask(self, exchange: exchanges.Exchange, target: paths.Target, content: frames.Content) -> None:
        """Ask a worker what only it knows."""
        endpoint = self._endpoint(target)
        show = None
        if target.ask is paths.Ask.PAGE:
            show = page.Page(target.endpoint, self.address, needs_token=bool(endpoint.tokens)).show
        topic = asking.Topic(content, target.endpoint, show)
        asking.Question(exchange, topic, endpoint.version(target.version), self._boot.wheel).ask()

    def _endpoint(self, target: paths.Target) -> endpoints.Endpoint:
        endpoint = self.endpoints.by_name.get(target.endpoint)
        if endpoint is not None:
            return endpoint
        if target.ask is paths.Ask.INVOCATIONS and not target.endpoint and self.endpoints.by_name:
            raise errors.EndpointUnknown(
                "Several endpoints are served here, and this path names none.",
                cure="POST to /endpoints/NAME/invocations; GET /v2/models lists the names.",
            )
        raise errors.EndpointUnknown
