"""Listening sockets from the keeper and to its successor, which fetches them here: who connects gets them by SCM_RIGHTS.

Standard library and a thread of its own, so that it works however busy the event loop is.
"""

import contextlib
import pathlib
import socket
import threading


def inherited(given: str, name: str) -> socket.socket | None:
    """The listening socket of this name from "http=3,api=4"; None where there is none."""
    for pair in given.split(","):
        key, _, number = pair.partition("=")
        if key == name and number.isdigit():
            with contextlib.suppress(OSError):
                return socket.socket(fileno=int(number))
    return None


class Handover:
    """Serves `path` until `close`. The message is "http=0,api=1": names, and places in the array of descriptors."""

    def __init__(self, path: pathlib.Path, listeners: dict[str, int]) -> None:
        """`listeners`: descriptors by name. Raises OSError where the path cannot be bound."""
        self._path, self._listeners = path, listeners
        scratch = path.with_name(f".{path.name}")
        scratch.unlink(missing_ok=True)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.bind(str(scratch))
        scratch.chmod(0o600)
        self._socket.listen(4)
        scratch.replace(path)
        threading.Thread(target=self._serve, name="handover", daemon=True).start()

    def close(self) -> None:
        """Stop."""
        self._path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def _serve(self) -> None:
        names = ",".join(f"{name}={place}" for place, name in enumerate(self._listeners)).encode()
        while True:
            try:
                client, _ = self._socket.accept()
            except OSError:
                return
            with client, contextlib.suppress(OSError):
                client.settimeout(5)
                socket.send_fds(client, [names], list(self._listeners.values()))
