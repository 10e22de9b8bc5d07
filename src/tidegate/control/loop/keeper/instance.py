"""One process under the keeper: its own child, or one it has adopted and knows by its lock alone."""

import contextlib
import logging
import os
import signal
import subprocess
import sys

from tidegate.control.loop.keeper import bounds, cgroups, histories, logfiles, strays
from tidegate.core.vocabulary import home, instances

GRACE = 15.0
"""Seconds from SIGTERM to SIGKILL."""
TRACES = (".state", ".restarts", ".lock", ".kill", instances.LEFT)
SOCKETS = (".sock", ".fds", ".front.sock")
_log = logging.getLogger("tidegate.keeper")
_FOREIGN = frozenset({"worker", "job"})
"""These run people's own code: they get no more of our environment than programs need to run."""
_PLAIN = frozenset({"PATH", "HOME", "USER", "LOGNAME", "SHELL", "TMPDIR", "TEMP", "TMP", "TZ", "VIRTUAL_ENV", "SYSTEMROOT"})
_PLAIN_STARTS = ("LANG", "LC_", "PYTHON", "TIDEGATE_LOG", "LD_", "DYLD_", "SSL_CERT", "XDG_", "COVERAGE_")


class Instance:
    """What the keeper knows of one name. `now` is always the monotonic clock."""

    def __init__(self, place: home.Home, name: str, spec: instances.Spec | None, groups: cgroups.Groups) -> None:
        self.name = name
        self.spec = spec
        """What it is to be; None: nothing any more."""
        self.kind = spec.kind if spec else ""
        self._home, self._groups = place, groups
        self._history = histories.read(place.instances, spec) if spec else histories.History("")
        self.pid = 0
        self._child: subprocess.Popen[bytes] | None = None
        self._token = ""
        """Of what runs; empty where that cannot be known."""
        self._since = 0.0
        self._due = 0.0
        self._asked = 0.0
        self._why = ""
        """Why it is being ended to be started again; empty: it is not."""
        self._until = 0.0
        """When it is ended for good if it has not ended by itself."""

    def adopt(self, now: float) -> bool:
        """Take over the process that holds the lock, if one does."""
        self.pid = instances.holder(self._home.instances, self.name)
        if not self.pid:
            return False
        self._child, self._since, self._asked = None, now, 0.0
        self._token = str(instances.read_state(self._home.instances, self.name).get("token", ""))
        _log.info("adopted", extra={"who": self.name, "pid": self.pid})
        return True

    def turn(self, fds: dict[str, int], now: float, *, may_begin: bool) -> None:
        """Bring what is nearer to what should be: stop what is unwanted or of another token, begin what is missing."""
        if self.pid and self._child is None and not instances.holder(self._home.instances, self.name):
            self._ended(None, now)
        wanted = self.spec is not None and self._token in {"", self.spec.token}
        if self.pid and not wanted:
            self.stop(now)
        elif self.pid and self._why and now >= self._until:
            self._signal(signal.SIGKILL)
        elif not self.pid and self.spec is not None and may_begin:
            self._begin(self.spec, fds, now)

    def reaped(self, code: int, now: float) -> None:
        """Our child has ended."""
        if self._child is not None:
            self._child.returncode = code
        dead = self.pid
        if not self.adopt(now):  # else an older process of this name was there first, and ours was the one too many
            self.pid = dead
            self._ended(code, now)

    def stop(self, now: float, grace: float = GRACE) -> None:
        """Ask it to end; after `grace` seconds, end it and what it has started."""
        if not self.pid:
            return
        if not self._asked:
            self._asked = now
            _log.info("stopping", extra={"who": self.name, "pid": self.pid})
            self._signal(signal.SIGTERM)
        if now - self._asked >= grace:
            self._signal(signal.SIGKILL)

    def look(self, now: float) -> None:
        """End it when it holds too much memory, or when somebody has asked for that; it is started again."""
        if not self.pid or self.spec is None or self._asked:
            return
        if asked := instances.asked_end(self._home.instances, self.spec):
            self._end_for(asked, now)
        elif not self._why and (excess := bounds.excess(self.pid, self.spec.resources)):
            self._end_for(excess, now, bounds.GRACE)

    def _end_for(self, why: str, now: float, grace: float = 0.0) -> None:
        if self._why and now + grace >= self._until:
            return
        self._why, self._until = why, now + grace
        _log.warning("ended and started again", extra={"who": self.name, "pid": self.pid, "why": why})
        self._signal(signal.SIGTERM if grace else signal.SIGKILL)

    def clear(self, *traces: str) -> None:
        """Delete what it has left beside its specification: these traces, or all of them and its sockets."""
        left = [self._home.instances / f"{self.name}{ending}" for ending in traces or TRACES]
        left += [] if traces else [self._home.run / f"{self.name}{ending}" for ending in SOCKETS]
        for path in left:
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)

    def forget(self) -> None:
        """Delete its history, so that the next `up` gives it a fresh start; what runs once has run."""
        if self.spec is None:
            self.clear()
        elif self.spec.restart != "never":
            self.clear(".restarts")

    def _begin(self, spec: instances.Spec, fds: dict[str, int], now: float) -> None:
        if self._history.token != spec.token:
            self._history, self._due = histories.read(self._home.instances, spec), 0.0
        if self._history.down or now < self._due or self.adopt(now):
            return
        if instances.read_state(self._home.instances, self.name).get("token") != spec.token:
            self.clear(".state")  # what another process said under this name
        try:
            self._child = _spawn(self._home, spec, fds)
        except OSError as failed:
            _log.error("cannot start", extra={"who": self.name, "why": str(failed)})
            self._ended(None, now)
            return
        self.pid, self._token, self._since, self._asked = self._child.pid, spec.token, now, 0.0
        self.kind = spec.kind
        bounds.hold(self.name, self.pid, spec.resources)
        if self.kind == "worker":
            bounds.begin_gently(self.pid)
        self._groups.bind(self.name, self.pid, spec.resources)
        _log.info("started", extra={"who": self.name, "pid": self.pid, "restarts": self._history.restarts})

    def _ended(self, code: int | None, now: float) -> None:
        lived, why = now - self._since, self._why
        asked, spec = self._asked, self.spec
        if self.pid and self.kind in _FOREIGN:
            why = why or self._bury(self.pid)
        self.pid, self._child, self._token, self._asked, self._why = 0, None, "", 0.0, ""
        self.clear(".kill")
        _log.info("ended", extra={"who": self.name, "exit": code, "lived": round(lived, 3), "asked": bool(asked), "why": why})
        if spec is None or asked:
            return
        self._history = self._history.ended(code, lived, spec.restart, why)
        self._due = now + self._history.pause(self.kind)
        try:
            histories.write(self._home.instances, self.name, self._history)
        except OSError as failed:
            _log.error("cannot note a restart", extra={"who": self.name, "why": str(failed)})

    def _bury(self, pid: int) -> str:
        """End what it has left behind; why the kernel has ended it, if that was so."""
        why = "it went over its bound on memory (resources.memory)" if self._groups.killed_for_memory(self.name) else ""
        if left := strays.end(self.name, str(self._home.root), pid):
            _log.info("ended what it had started", extra={"who": self.name, "processes": left})
        self._groups.clear(self.name)
        return why

    def _signal(self, number: signal.Signals) -> None:
        """To our child, or to whoever holds the lock at this moment: a pid from before might be somebody else's by now."""
        pid = self.pid if self._child is not None else instances.holder(self._home.instances, self.name)
        if not pid:
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if number is signal.SIGKILL and os.getpgid(pid) == pid:
                os.killpg(pid, number)
            else:
                os.kill(pid, number)


def _spawn(place: home.Home, spec: instances.Spec, fds: dict[str, int]) -> subprocess.Popen[bytes]:
    """Start it in a session of its own, so that neither a Ctrl-C nor the keeper's end reaches it. Raises OSError."""
    passed = {name: fds[name] for name in spec.passes if name in fds}
    environment = {key: value for key, value in os.environ.items() if spec.kind not in _FOREIGN or _is_plain(key)}
    environment |= {"PYTHONUNBUFFERED": "1", strays.MARK: strays.mark(spec.name, str(place.root)), **spec.env}
    environment["TIDEGATE_FDS"] = ",".join(f"{name}={number}" for name, number in passed.items())
    output = logfiles.opened(place.logs / f"{spec.name}.log")
    argv = [sys.executable if word == "{python}" else word for word in spec.argv]
    try:
        child = subprocess.Popen(
            bounds.wrapped(argv, spec.resources),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=environment,
            pass_fds=tuple(passed.values()),
            start_new_session=True,
        )
    finally:
        os.close(output)
    if spec.nice:
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, child.pid, spec.nice)
    return child


def _is_plain(key: str) -> bool:
    return key in _PLAIN or key.startswith(_PLAIN_STARTS)
