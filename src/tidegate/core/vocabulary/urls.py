"""Addresses of data and models, so that they can be kept, shown and logged: without what may be a secret or what nobody reads."""

import re
from urllib import parse

_SECRET = re.compile(r"key|secret|token|sig|pass|cred|auth", re.IGNORECASE)


def bare(source: str) -> str:
    """A path as it is; a URL without its password and whose it is, and without what its query says that sounds like a secret.

    Of what cannot be read as a URL, the part before its "://".
    """
    scheme, there, _ = source.partition("://")
    if not there:
        return source
    try:
        parts = parse.urlsplit(source)
        secret = bool(parts.password)
    except ValueError:
        return f"{scheme}://"
    host = parts.netloc.rpartition("@")[2] if secret else parts.netloc
    query = "&".join(one for one in parts.query.split("&") if not _SECRET.search(one.partition("=")[0]))
    return parse.urlunsplit(parts._replace(netloc=host, query=query)) if (host, query) != (parts.netloc, parts.query) else source


def model(reference: str) -> str:
    """A model reference without the part of a path that nobody reads."""
    if reference.startswith("mlflow://") or reference.count("/") < 3:
        return reference
    return f".../{reference.rsplit('/', 1)[-1]}"
