"""From a digest to a model that has answered its warm-up.

Loading runs in a thread of its own at lower priority where TIDEGATE_LOAD_NICE says so and the system can do that per thread
(Linux): importing and unpickling then give way to the versions that serve, and serving itself runs at full priority.
"""

import gc
import os
import pathlib
import resource
import sys
import threading

from tidegate.core.vocabulary import errors
from tidegate.dataplane.models import bundles, model

_PAGE = resource.getpagesize()


def load(folder: pathlib.Path, digest: str) -> model.Model:
    """The warmed-up model of a bundle. Raises BundleMissing, DigestMismatch, LoaderMissing, TrustRequired, ModelLoadFailed,
    WarmupFailed.
    """
    done: list[model.Model] = []
    failed: list[BaseException] = []

    def work() -> None:
        _give_way()
        try:
            loaded = model.Model(bundles.read(folder, digest))
            loaded.warm_up()
            done.append(loaded)
        except BaseException as raised:
            failed.append(raised)

    thread = threading.Thread(target=work, name="loading")
    thread.start()
    thread.join()
    if failed:
        raise failed[0] if isinstance(failed[0], errors.TidegateError) else errors.ModelLoadFailed(model.words(failed[0]))
    # What is there now stays for life: the collector need not look at it again, and a full pass costs a request's time.
    gc.collect()
    gc.freeze()
    return done[0]


def _give_way() -> None:
    by = os.environ.get("TIDEGATE_LOAD_NICE", "")
    if by.isdigit() and sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), min(19, int(by)))


def resident() -> int:
    """Bytes of memory this process holds now (its peak where the system does not tell)."""
    try:
        return int(pathlib.Path("/proc/self/statm").read_text().split()[1]) * _PAGE
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
