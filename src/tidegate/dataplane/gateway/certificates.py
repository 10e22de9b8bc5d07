"""The certificate that the gateway shows to clients (TLS), and its successor when the files are renewed, without a restart.

A renewed pair is tried apart first. While the files do not fit together (one of them replaced, the other not yet), the one
before stays in use.
"""

import logging
import pathlib
import ssl

from tidegate.core.vocabulary import errors

logger = logging.getLogger(__name__)
_Stamp = tuple[tuple[int, int, int], ...]


class Certificate:
    """A certificate chain and its key, in PEM files. `context` is for new connections; those that are open keep theirs."""

    def __init__(self, chain: pathlib.Path, key: pathlib.Path) -> None:
        """Raises ProcessError for files that cannot be read or do not fit together."""
        self._paths = (chain, key)
        try:
            self._seen = self._stamp()
            self.context = self._made()
        except (OSError, ssl.SSLError) as wrong:
            raise errors.ProcessError(
                f"the certificate cannot be used: {_words(wrong)}.",
                cure="Name PEM files that belong together, with a key that has no passphrase: --tls-cert FILE --tls-key FILE.",
                where=str(chain),
            ) from wrong

    def look(self) -> bool:
        """Take the files again if they have changed; whether a new certificate is shown from now on."""
        try:
            stamp = self._stamp()
            if stamp == self._seen:
                return False
            self._seen = stamp
            self._made()
            self.context.load_cert_chain(*self._paths, password=_no_passphrase)
        except (OSError, ssl.SSLError) as wrong:
            logger.warning("the renewed certificate cannot be used; the one before stays", extra={"detail": _words(wrong)})
            return False
        logger.info("the certificate was renewed")
        return True

    def _made(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_alpn_protocols(["http/1.1"])
        context.load_cert_chain(*self._paths, password=_no_passphrase)
        return context

    def _stamp(self) -> _Stamp:
        found = (path.stat() for path in self._paths)  # follows links: renewal often moves one
        return tuple((status.st_ino, status.st_mtime_ns, status.st_size) for status in found)


def _no_passphrase() -> str:
    """Asked for only where the key has one; without this the process would ask whoever sits at its terminal."""
    return ""


def _words(wrong: Exception) -> str:
    return f"{wrong.strerror or wrong}" if isinstance(wrong, OSError) else str(wrong)
