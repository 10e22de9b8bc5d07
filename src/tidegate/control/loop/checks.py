"""What a release must pass before it may warm up: its bundle is whole, and it keeps the endpoint's contract.

Checks run in a thread of control, once a release; after a restart they run again, since they change nothing.
"""

import concurrent.futures

from tidegate.core.vocabulary import errors, home, manifests, releases
from tidegate.dataplane.models import bundles

WIDER = {("integer", "long"), ("integer", "double"), ("long", "double"), ("float", "double"), ("integer", "float")}
"""(stable's type, candidate's type) pairs where the candidate accepts all that stable accepts."""


def check(place: home.Home, release: releases.Release) -> None:
    """Raises BundleMissing, DigestMismatch or ContractBroken; returns when all is well."""
    candidate = bundles.read(place.bundles, release.candidate.digest).manifest
    if release.stable is not None:
        stable = bundles.read_manifest(place.bundles / release.stable.digest)
        keeps_contract(stable.signature, candidate.signature)


def keeps_contract(stable: manifests.Signature, candidate: manifests.Signature) -> None:
    """Raises ContractBroken unless the candidate accepts all that stable accepts and answers in the same names and types."""
    _accepts(stable, candidate)
    answers = [(one.name, one.type) for one in candidate.outputs]
    promised = [(one.name, one.type) for one in stable.outputs]
    if answers != promised:
        raise errors.ContractBroken(f"stable answers {_named(promised)}, the candidate {_named(answers)}.", cure=_CURE)


_CURE = "Clients of stable would break; mend the model's signature, or release it behind a new endpoint."


def _accepts(stable: manifests.Signature, candidate: manifests.Signature) -> None:
    if stable.kind != candidate.kind:
        raise errors.ContractBroken(f"stable takes {stable.kind} inputs, the candidate {candidate.kind}.", cure=_CURE)
    taken = {one.name: one for one in stable.inputs}
    for column in candidate.inputs:
        before = taken.pop(column.name, None)
        if before is None and column.required:
            raise errors.ContractBroken(f"the candidate needs the input {column.name!r}, which clients do not send.", cure=_CURE)
        if before is None:
            continue
        if before.type != column.type and (before.type, column.type) not in WIDER:
            kinds = f"{before.type} and the candidate {column.type}"
            raise errors.ContractBroken(f"for the input {column.name!r} stable takes {kinds}.", cure=_CURE)
        if column.required and not before.required:
            raise errors.ContractBroken(f"stable takes null for {column.name!r}, the candidate does not.", cure=_CURE)
        if before.shape != column.shape:
            raise errors.ContractBroken(f"for {column.name!r} stable takes shape {before.shape}, not {column.shape}.", cure=_CURE)
    if taken:
        raise errors.ContractBroken(f"the candidate does not know {_names(taken)}, which clients send.", cure=_CURE)


def _names(names: dict[str, manifests.Column]) -> str:
    return ", ".join(repr(one) for one in names)


def _named(columns: list[tuple[str, str]]) -> str:
    return ", ".join(f"{name or 'output'}: {kind}" for name, kind in columns)


class Checks:
    """The checks under way, one a release."""

    def __init__(self, place: home.Home) -> None:
        self._home = place
        self._pool = concurrent.futures.ThreadPoolExecutor(max_workers=1, thread_name_prefix="check")
        self._running: dict[str, concurrent.futures.Future[None]] = {}

    def start(self, release: releases.Release) -> None:
        """Begin unless begun."""
        if release.id not in self._running:
            self._running[release.id] = self._pool.submit(check, self._home, release)

    def result(self, release: releases.Release) -> str | None:
        """None while it runs or has not begun, "" when passed, else what is wrong."""
        running = self._running.get(release.id)
        if running is None or not running.done():
            return None
        failed = running.exception()
        if failed is None:
            return ""
        return str(failed) if isinstance(failed, errors.TidegateError) else f"the check itself failed: {failed!r}"

    def forget(self, release: str) -> None:
        """The release has left its checks behind."""
        self._running.pop(release, None)

    def close(self) -> None:
        """Let no thread outlive control."""
        self._pool.shutdown(wait=False, cancel_futures=True)
