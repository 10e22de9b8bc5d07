"""A request's body as the worker is to read it: decompressed, of which content, and where its JSON ends.

Binary tensors are told by the header that says how long the JSON before them is, never by the content type, which clients
of the protocol do not set. `/invocations` goes by the content type, as MLflow's and SageMaker's clients do.
"""

import functools

from tidegate.core.vocabulary import errors
from tidegate.dataplane.gateway import encodings, exchanges, paths
from tidegate.dataplane.wire import frames

LENGTH = b"inference-header-content-length"
SAGEMAKER = b"application/vnd.sagemaker-triton.binary+json"
_SIZE = b"json-header-size"
_DIGITS = 9
_CSV, _INFER = int(frames.Content.CSV), int(frames.Content.INFER)
_JSON = (b"", b"application/json", b"application/x-www-form-urlencoded")
"""What is read as JSON. The last is what curl says when nobody tells it."""
_CHARSETS = frozenset({"utf-8", "utf8", "us-ascii", "ascii", "iso-8859-1", "latin-1", "windows-1252", "utf-16"})


def prepare(exchange: exchanges.Exchange, limit: int) -> int:
    """Make the body ready to be sent; its content. `limit`: bytes it may have, decompressed.

    Raises BodyTooLarge, BodyMalformed, HeaderInvalid, MediaRefused.
    """
    content = exchange.target.content
    if not exchange.fields:
        return content
    unfold(exchange, limit)
    length = exchange.fields.get(LENGTH)
    if length is not None:
        if content != _INFER:
            raise errors.HeaderInvalid(
                "Binary tensors are not taken at this path.", cure="POST them to /v2/models/NAME/infer, or send JSON."
            )
        exchange.json_bytes = _size(length, exchange.body, "Inference-Header-Content-Length")
    elif exchange.target.ask is paths.Ask.INVOCATIONS:
        return _invocations(exchange, content)
    return content


def unfold(exchange: exchanges.Exchange, limit: int) -> None:
    """Decompress the body, if it says that it is compressed. Raises BodyTooLarge, BodyMalformed, MediaRefused."""
    encoding = exchange.fields.get(b"content-encoding")
    if encoding is not None:
        exchange.body = encodings.undone(exchange.body, encoding, limit)


def _invocations(exchange: exchanges.Exchange, content: int) -> int:
    media, parameters = _media(exchange.fields.get(b"content-type", b""))
    if media in _JSON:
        return content
    if media == b"text/csv":
        charset = parameters.get(b"charset", b"utf-8").decode("latin-1").lower()
        if charset not in _CHARSETS:
            raise errors.MediaRefused(f"The charset {charset[:40]!r} is not taken.", cure="Send the CSV as UTF-8.")
        if charset not in ("utf-8", "utf8"):
            exchange.body = _recoded(exchange.body, charset)
        return _CSV
    if media == SAGEMAKER:
        exchange.json_bytes = _size(parameters.get(_SIZE, b""), exchange.body, "json-header-size")
        return _INFER
    given = media[:60].decode("latin-1")
    raise errors.MediaRefused(
        f"The content type {given} is not taken.", cure="Send application/json, or text/csv with a header line."
    )


def _size(given: bytes, body: bytes, name: str) -> int:
    """Bytes of JSON at the body's beginning; 0: the body is one tensor and nothing else."""
    if not given.isdigit() or len(given) > _DIGITS:
        raise errors.HeaderInvalid(f"{name} is a whole number: how many bytes of the body are its JSON.")
    size = int(given)
    if size > len(body):
        raise errors.HeaderInvalid(f"{name} is {size}, but the body has {len(body)} bytes.")
    return size


def _recoded(body: bytes, charset: str) -> bytes:
    try:
        return body.decode(charset).encode()
    except UnicodeDecodeError as wrong:
        raise errors.BodyMalformed(f"The body is not {charset}: {wrong.reason} at byte {wrong.start}.") from wrong


@functools.lru_cache(256)
def _media(header: bytes) -> tuple[bytes, dict[bytes, bytes]]:
    """A content-type header: the type, and its parameters by lower-case name."""
    media, *rest = header.split(b";")
    parameters = {}
    for one in rest:
        name, _, value = one.partition(b"=")
        parameters[name.strip().lower()] = value.strip().strip(b'"')
    return media.strip().lower(), parameters


def binary(target: paths.Target, json_bytes: int) -> bytes:
    """Header lines of an answer with binary tensors, of which so many bytes are JSON."""
    if target.ask is paths.Ask.INVOCATIONS:
        return b"content-type: %s;%s=%d\r\n" % (SAGEMAKER, _SIZE, json_bytes)
    return b"content-type: application/octet-stream\r\ninference-header-content-length: %d\r\n" % json_bytes
