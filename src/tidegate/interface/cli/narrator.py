"""What `tidegate up` says while it runs: addresses, the first release, then every event as it happens.

A thread beside the keeper. It talks to the control API like anybody else, and starts no process: the keeper reaps all.
"""

import threading
from typing import Any

from rich import text

from tidegate.core.vocabulary import errors, home, incidents, instances
from tidegate.interface.api import client
from tidegate.interface.cli import doors, main, project, screen, starting
from tidegate.interface.cli.views import history

LOOK_SECONDS = 0.5
_ALARMS = frozenset(incidents.KINDS)


class Narrator:
    """Tells what happens until told to stop."""

    def __init__(self, place: home.Home, given: project.Project | None) -> None:
        self._home, self._project = place, given
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="narrator", daemon=True)
        self._unwell: set[str] = set()

    def start(self, addresses: dict[str, str]) -> None:
        """Called by the keeper once the sockets listen."""
        screen.line(doors.line(self._home, addresses))
        self._thread.start()

    def stop(self) -> None:
        """Say no more."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout=2)

    def _run(self) -> None:
        try:
            with client.Client(self._home) as api:
                api.await_ready(starting.READY_SECONDS)
                self._begin(api)
                self._follow(api, self._newest(api))
        except errors.TidegateError as failed:
            if not self._stop.is_set():
                main.complain(failed)

    def _begin(self, api: client.Client) -> None:
        """The first release where one is due, and what to paste."""
        if self._project is None:
            endpoints = api.status()["endpoints"]
            for endpoint in endpoints:
                screen.line(starting.ready_line(self._home, endpoint))
            if not endpoints:
                screen.line("nothing is served yet: write tidegate.yaml (`tidegate init MODEL`), then `tidegate release`")
            return
        try:
            endpoint = starting.first_release(api, self._project, screen.note)
        except errors.TidegateError as failed:
            main.complain(failed)
            screen.note("tidegate stays up without it; once mended: `tidegate release`")
        else:
            screen.line(starting.ready_line(self._home, endpoint))

    def _follow(self, api: client.Client, seen: int) -> None:
        terminal = screen.out()
        while not self._stop.wait(LOOK_SECONDS):
            if instances.read_state(self._home.instances, "keeper").get("state") == "draining":
                screen.line("stopping: what is under way is answered first; Ctrl-C again ends it at once")
                return
            try:
                events = api.events(seen)
                status = api.status()
            except (errors.ApiUnreachable, errors.StateError):
                continue
            for event in events:
                seen = event["sequence"]
                if event["phase_before"] != event["phase_after"] or event["kind"] in _ALARMS:
                    terminal.print(text.Text.assemble(f"{event['endpoint']}  ", history.event(event)))
            self._processes(status)

    def _processes(self, status: dict[str, Any]) -> None:
        """Say once when a process is not well, and once when it is again."""
        unwell = {one["name"]: one for one in status["processes"] if not one["well"]}
        for name in unwell.keys() - self._unwell:
            one = unwell[name]
            screen.line(f"{name} is {one['state']} {one['code']} {one['message']}".rstrip())
        for name in self._unwell - unwell.keys():
            screen.line(f"{name} is well again, or not needed any more")
        self._unwell = set(unwell)

    def _newest(self, api: client.Client) -> int:
        seen = 0
        while found := api.events(seen, limit=1000):
            seen = found[-1]["sequence"]
        return seen
