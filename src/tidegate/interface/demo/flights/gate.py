"""Tidegate as the story uses it: up, release, look, down, in the way a user does all of these."""

import os
import pathlib
import subprocess
import sys
import threading
import typing
from collections.abc import Callable

from tidegate.core.vocabulary import errors, home
from tidegate.delivery.registry import making
from tidegate.interface.api import addresses
from tidegate.interface.api import client as clients
from tidegate.interface.demo.flights import setting

_UP_SECONDS = 600
_DOWN_SECONDS = 120
Json = dict[str, typing.Any]
Found = typing.TypeVar("Found")


class Gate:
    """One Tidegate in the demo's directory."""

    def __init__(self, folder: pathlib.Path, port: int, registry: str) -> None:
        """`port` 0: any free one. `registry`: the MLflow to take models from; from now on this process's, too."""
        os.environ["MLFLOW_TRACKING_URI"] = registry
        self.folder, self.place = folder.absolute(), home.Home(folder.absolute() / ".tidegate")
        self._port, self._lock = port, threading.Lock()
        self._client: clients.Client | None = None
        self._env = {**os.environ, "TIDEGATE_HOME": str(self.place.root)}

    def up(self) -> None:
        """`tidegate up -d`: serves the model that tidegate.yaml names. Raises what it raises, in its words."""
        self._command("up", "-d", "--port", str(self._port), seconds=_UP_SECONDS)

    def down(self) -> None:
        """`tidegate down`."""
        if self._client is not None:
            self._client.close()
        self._command("down", seconds=_DOWN_SECONDS)

    @property
    def address(self) -> str:
        """Where predictions are asked for."""
        return addresses.read(self.place)["http"]

    def pack(self, version: int) -> str:
        """Make the bundle of a registered version, as a delivery pipeline does ahead of a release; its digest."""
        digest, _ = making.make(_reference(version), self.place)
        return digest

    def release(self, version: int, digest: str, reason: str) -> str:
        """`tidegate release` of a bundle that is there; the release's id."""
        with clients.Client(self.place) as client:
            settings = {"model": _reference(version)}
            done = client.release(setting.ENDPOINT, settings, digest=digest, reason=reason, actor="demo")
        return str(done["release"])

    def endpoint(self) -> Json:
        """The endpoint as it stands, its release included."""
        return self._look(lambda client: client.endpoint(setting.ENDPOINT))

    def release_of(self, identifier: str) -> Json:
        """A release, with its verdict."""
        return self._look(lambda client: client.release_of(identifier))

    def events(self, identifier: str) -> list[Json]:
        """What happened to a release, oldest first."""
        found = self._look(lambda client: client.history(setting.ENDPOINT, 500))
        return [one for one in found["events"] if one["release"] == identifier]

    def trace(self, prediction_id: str) -> Json:
        """From a prediction to its training data."""
        return self._look(lambda client: client.trace(prediction_id))

    def _look(self, ask: Callable[[clients.Client], Found]) -> Found:
        """Ask over one connection that stays open: the story looks several times a second."""
        with self._lock:
            if self._client is None:
                self._client = clients.Client(self.place)
            return ask(self._client)

    def _command(self, *words: str, seconds: float) -> str:
        argv = [sys.executable, "-m", "tidegate.interface.cli.main", *words]
        try:
            done = subprocess.run(
                argv,
                cwd=self.folder,
                env=self._env,
                capture_output=True,
                text=True,
                timeout=seconds,
                check=False,
                stdin=subprocess.DEVNULL,
            )
        except subprocess.TimeoutExpired as slow:
            raise errors.ProcessError(f"`tidegate {' '.join(words)}` did not end within {seconds:g} s.") from slow
        if done.returncode:
            said = (done.stderr or done.stdout).strip()
            raise errors.ProcessError(f"`tidegate {' '.join(words)}` failed: {said}", cure="`tidegate logs` may say more.")
        return done.stdout


def _reference(version: int) -> str:
    return f"mlflow://{setting.ENDPOINT}/{version}"
