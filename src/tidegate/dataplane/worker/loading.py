"""From a digest to a model that has answered its warm-up: the bundle's example, then what the endpoint was asked lately.

Loading runs in a thread of its own at lower priority where TIDEGATE_LOAD_NICE says so and the system can do that per thread
(Linux): importing, unpickling and reading from disk (whose priority follows) then give way to the versions that serve, and
serving itself runs at full priority. Of several new workers of one endpoint one loads at a time.
"""

import contextlib
import fcntl
import gc
import os
import pathlib
import resource
import sys
import threading
import time
from collections.abc import Iterator

from tidegate.core.vocabulary import errors, home
from tidegate.dataplane.models import bundles, model
from tidegate.dataplane.wire import samples
from tidegate.dataplane.worker import warming

TURN_SECONDS = 10.0
"""How long a worker waits for another of its endpoint to have loaded; then both load at once."""
_LOOK_SECONDS = 0.05
_PAGE = resource.getpagesize()


def load(place: home.Home, digest: str, endpoint: str, *, new: bool = True) -> model.Model:
    """The warmed-up model of a bundle. `new`: it has not served yet, so it waits its turn and must answer what is recorded.

    Raises BundleMissing, DigestMismatch, LoaderMissing, TrustRequired, ModelLoadFailed, WarmupFailed.
    """
    done: list[model.Model] = []
    failed: list[BaseException] = []

    def work() -> None:
        _give_way()
        try:
            with _turn(place, endpoint if new else ""):
                loaded = model.Model(bundles.read(place.bundles, digest))
                loaded.warm_up()
                warming.warm(loaded, samples.read(place.warm, endpoint), new=new)
            # What is there now stays for life: the collector need not look at it again, and a full pass costs a request's time.
            gc.collect()
            gc.freeze()
            done.append(loaded)
        except BaseException as raised:
            failed.append(raised)

    thread = threading.Thread(target=work, name="loading")
    thread.start()
    thread.join()
    if failed:
        raise failed[0] if isinstance(failed[0], errors.TidegateError) else errors.ModelLoadFailed(model.words(failed[0]))
    _take_its_place()
    return done[0]


@contextlib.contextmanager
def _turn(place: home.Home, endpoint: str) -> Iterator[None]:
    """Alone among the loading workers of this endpoint, unless that takes too long or cannot be had."""
    if not endpoint:
        yield
        return
    try:
        file = os.open(place.run / f"{endpoint}.loading", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError:
        yield
        return
    try:
        until = time.monotonic() + TURN_SECONDS
        while not _locked(file) and time.monotonic() < until:
            time.sleep(_LOOK_SECONDS)
        yield
    finally:
        os.close(file)


def _locked(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _give_way() -> None:
    by = os.environ.get("TIDEGATE_LOAD_NICE", "")
    if by.isdigit() and sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), min(19, int(by)))


def _take_its_place() -> None:
    """Serve like any other: the keeper starts workers as batch work, and threads that loading has started are as low as it was.

    Raising a priority takes a right that most accounts lack: threads of a pool then stay where they are.
    """
    if sys.platform != "linux":
        return
    own = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
    for entry in pathlib.Path("/proc/self/task").iterdir():
        with contextlib.suppress(OSError):
            os.sched_setscheduler(int(entry.name), os.SCHED_OTHER, os.sched_param(0))
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, int(entry.name), own)


def lived() -> float:
    """Seconds since this process was started; 0 where that cannot be known."""
    try:
        told = pathlib.Path("/proc/self/stat").read_text().rpartition(")")[2].split()
        return max(0.0, time.clock_gettime(time.CLOCK_BOOTTIME) - int(told[19]) / os.sysconf("SC_CLK_TCK"))
    except (OSError, ValueError, IndexError, AttributeError):
        return 0.0


def resident() -> int:
    """Bytes of memory this process holds now (its peak where the system does not tell)."""
    try:
        return int(pathlib.Path("/proc/self/statm").read_text().split()[1]) * _PAGE
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
