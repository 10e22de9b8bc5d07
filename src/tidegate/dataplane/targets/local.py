"""This machine as a target: one specification file a worker; the keeper starts what has one and stops what has none."""

import contextlib
import dataclasses
import errno
import os
import pathlib
import secrets
from collections.abc import Iterator

import msgspec

from tidegate.core.vocabulary import errors, home, instances, releases
from tidegate.dataplane.models import bundles
from tidegate.dataplane.targets import frozen, target

KIND = "worker"
PYTHON = "{python}"
"""The interpreter the keeper runs under: that of every version without a runtime of its own."""
WORKER = (PYTHON, "-m", "tidegate.dataplane.worker")
LOAD_NICE = {"TIDEGATE_LOAD_NICE": "5"}
"""While it loads, a worker gives way to those that serve; serving itself runs at full priority. Where its endpoint has no other
worker, somebody may be waiting for this one: it gives way to nobody."""
_DRAINING = "draining"
THREADS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "ARROW_NUM_THREADS",
)
"""One thread a worker, or one a core that the file gives it: replicas are how a version gets more of the machine, and with one
thread sums of floats stay the same every time.
"""
_SAID = {
    "starting": target.State.STARTING,
    "loading": target.State.STARTING,
    "ready": target.State.READY,
    "draining": target.State.DRAINING,
    "failed": target.State.FAILED,
}


class Local:
    """Workers under this home's keeper. What is on disk is all it knows: any process may ask, and a new one sees the same."""

    def __init__(self, place: home.Home, program: tuple[str, ...] = WORKER) -> None:
        """`program` runs a worker once the home and the instance's name are added to it."""
        self._home = place
        self._program = program
        self._read: dict[str, tuple[tuple[int, int], instances.Spec | None]] = {}

    def observe(self) -> tuple[target.Replica, ...]:
        """Every worker that has a specification, by name, and those without one that have not finished yet."""
        return (*(self._seen(spec) for spec in self._specs()), *self._going())

    def ensure(self, version: releases.Version, replicas: int, resources: instances.Resources = instances.UNLIMITED) -> None:
        """Write the specifications that are missing, take back draining ones, drop those too many."""
        ours = [(spec, self._seen(spec)) for spec in self._of(version)]
        draining = [spec for spec, seen in ours if _DRAINING in spec.labels]
        serving = [(spec, seen) for spec, seen in ours if _DRAINING not in spec.labels]
        for spec in draining[: max(0, replicas - len(serving))]:
            kept = {key: value for key, value in spec.labels.items() if key != _DRAINING}
            self._write(dataclasses.replace(spec, labels=kept))
        serving.sort(key=lambda pair: pair[1].state is target.State.READY)
        for spec, _ in serving[: max(0, len(serving) - replicas)]:
            self._drop(spec.name)
        loading = LOAD_NICE if any(spec.labels["endpoint"] == version.endpoint for spec in self._specs()) else {}
        for number in range(len(serving) + len(draining), replicas):
            fresh = self._fresh(version, number, resources)
            self._write(dataclasses.replace(fresh, env=fresh.env | loading))

    def drain(self, version: releases.Version) -> None:
        """Mark them: the next table leaves them out. The processes stay up until `remove`, so a rollback may take them back."""
        for spec in self._of(version):
            if _DRAINING not in spec.labels:
                self._write(dataclasses.replace(spec, labels={**spec.labels, _DRAINING: "1"}))

    def restart(self, instance: str, why: str) -> None:
        """Leave word for the keeper, which ends it and counts that."""
        spec = instances.read(self._home.instances / f"{instance}.json")
        if spec is None or spec.kind != KIND:
            return
        try:
            instances.ask_end(self._home.instances, spec, why)
        except OSError as failed:
            raise _refused(self._home.instances, "the keeper cannot be told to end a worker", failed) from failed

    def dismiss(self, instance: str) -> None:
        """Take its specification away: the keeper has it finish."""
        self._drop(instance)

    def remove(self, version: releases.Version) -> None:
        """Take their specifications away: the keeper has them finish, and clears up what they leave."""
        for spec in self._of(version):
            self._drop(spec.name)

    def _specs(self, ending: str = ".json") -> list[instances.Spec]:
        """Of all workers that are to be there, or with LEFT of those that are not any more."""
        return [spec for name, spec in self._all() if name.endswith(ending) and spec.kind == KIND]

    def _all(self) -> list[tuple[str, instances.Spec]]:
        """Read anew only where the file is another one: hundreds of workers are looked at many times a second."""
        found: dict[str, tuple[tuple[int, int], instances.Spec | None]] = {}
        with os.scandir(self._home.instances) as entries:
            for entry in entries:
                if entry.name.startswith(".") or not entry.name.endswith((".json", instances.LEFT)):
                    continue
                with contextlib.suppress(FileNotFoundError):
                    told = entry.stat()
                    version, known = (told.st_mtime_ns, told.st_ino), self._read.get(entry.name)
                    same = known is not None and known[0] == version
                    found[entry.name] = known if known and same else (version, instances.read(pathlib.Path(entry.path)))
        self._read = found
        return [(name, spec) for name, (_, spec) in sorted(found.items()) if spec is not None]

    def _going(self) -> Iterator[target.Replica]:
        for spec in self._specs(instances.LEFT):
            if instances.holder(self._home.instances, spec.name):
                yield msgspec.structs.replace(self._seen(spec), state=target.State.DRAINING)

    def _of(self, version: releases.Version) -> list[instances.Spec]:
        key = (version.endpoint, str(version.ordinal))
        return [spec for spec in self._specs() if (spec.labels["endpoint"], spec.labels["ordinal"]) == key]

    def _seen(self, spec: instances.Spec) -> target.Replica:
        folder = self._home.instances
        said = instances.read_state(folder, spec.name)
        said = said if said.get("token") == spec.token else {}
        restarts = instances.read_restarts(folder, spec.name)
        restarts = restarts if restarts.get("token") == spec.token else {}
        alive = instances.holder(folder, spec.name) != 0 and not instances.asked_end(folder, spec)
        return target.Replica(
            instance=spec.name,
            endpoint=spec.labels["endpoint"],
            ordinal=int(spec.labels["ordinal"]),
            digest=spec.labels["digest"],
            address=spec.labels["address"],
            token=spec.token,
            state=_state(spec, said, alive=alive, begun=bool(said or restarts)),
            code=str(said.get("code", "")),
            message=str(said.get("message", "")),
            restarts=int(restarts.get("restarts", 0)),
            rss=int(said.get("rss", 0)),
            why=str(restarts.get("why", "")),
        )

    def _fresh(self, version: releases.Version, number: int, resources: instances.Resources) -> instances.Spec:
        name = f"w-{version.endpoint[:12].strip('-')}-{version.ordinal}-{number}-{secrets.token_hex(2)}"
        python, path = self._runtime(version.digest)
        return instances.Spec(
            name=name,
            kind=KIND,
            argv=(*(python if word == PYTHON else word for word in self._program), str(self._home.root), name),
            token=secrets.token_hex(16),
            env=dict.fromkeys(THREADS, str(max(1, int(resources.cpu)))) | path,
            labels={
                "endpoint": version.endpoint,
                "ordinal": str(version.ordinal),
                "digest": version.digest,
                "address": f"unix:{self._home.run / name}.sock",
            },
            resources=resources,
        )

    def _runtime(self, digest: str) -> tuple[str, dict[str, str]]:
        """The interpreter of a bundle's workers, and what has to be on its path: the keeper's own, or that of its own runtime."""
        try:
            runtime = bundles.read_manifest(self._home.bundles / digest).runtime
        except errors.ModelError:
            return PYTHON, {}  # the worker finds out, and says so as the reason why it failed
        if not runtime:
            return PYTHON, {}
        try:
            path = str(frozen.copy(self._home))
        except OSError as failed:
            raise _refused(self._home.code, "Tidegate's code cannot be copied", failed) from failed
        return str(self._home.runtimes / runtime / "bin" / "python"), {"PYTHONPATH": path, "PYTHONNOUSERSITE": "1"}

    def _write(self, spec: instances.Spec) -> None:
        try:
            spec.write(self._home.instances)
        except OSError as failed:
            raise _refused(self._home.instances, "a worker's specification cannot be written", failed) from failed

    def _drop(self, instance: str) -> None:
        """Of one that runs, what it was stays beside until the keeper has seen it end: that it is there must not be forgotten."""
        path = self._home.instances / f"{instance}.json"
        if not instances.holder(self._home.instances, instance):
            path.unlink(missing_ok=True)
            return
        with contextlib.suppress(FileNotFoundError):
            path.replace(path.with_suffix(instances.LEFT))


def _refused(where: pathlib.Path, what: str, failed: OSError) -> errors.ProcessError:
    if failed.errno in {errno.ENOSPC, errno.EDQUOT}:
        return errors.DiskFull(where=str(where))
    return errors.InstanceLost(f"{what}: {failed.strerror or failed}.", where=str(where))


def _state(spec: instances.Spec, said: dict[str, object], *, alive: bool, begun: bool) -> target.State:
    """A state counts only while its process lives, but for `failed`: that is the last word of one that could not load."""
    told = _SAID.get(str(said.get("state", "")), target.State.STARTING)
    if told is target.State.FAILED:
        return told
    if not alive:
        return target.State.DEAD if begun else target.State.STARTING
    return target.State.DRAINING if _DRAINING in spec.labels else told
