"""Downwards: from a data snapshot to every version that was trained or tested on it, and to the predictions it has served.

"If this data is deleted, what happens to the models trained on it?" Bundles say what they came from, the store which versions
they became, the log what those answered. Called by the API and the command line. `trace` is the way up.
"""

import re

import msgspec

from tidegate.control.loop import bringing, deletion, descendants
from tidegate.control.store import endpoints, store
from tidegate.core.vocabulary import arms, errors, home, manifests, phases, records, releases
from tidegate.dataplane.models import bundles
from tidegate.dataplane.predlog import reader
from tidegate.delivery.training import basis

SHORTEST = 6
"""Digits of a sha256 that may stand for it."""


class Snapshot(msgspec.Struct, frozen=True):
    """Data, as bundles name it."""

    sha256: str
    names: tuple[str, ...]
    sources: tuple[str, ...]
    rows: int = 0
    """As counted for a baseline profile; 0: nobody has."""


class Origin(msgspec.Struct, frozen=True):
    """What one version came from."""

    endpoint: str
    version: str
    digest: str
    model: str
    provenance: manifests.Provenance | None
    """None: its bundle is not here."""
    served: descendants.Served
    baseline: basis.Basis = basis.Basis()
    """What its baseline profile is of."""


class Lineage(msgspec.Struct, frozen=True):
    """What came of a snapshot."""

    snapshot: Snapshot
    versions: tuple[descendants.Descendant, ...]
    """By endpoint, the newest version first."""
    bundles: tuple[str, ...]
    """Digests of bundles made from it that are no version of any endpoint."""
    unknown: tuple[str, ...]
    """Versions whose bundle is not here, so that nobody can tell what they were trained on: ENDPOINT/vN."""
    said: tuple[str, ...] = ()
    """What happens to them if the data is deleted, in words, and what to type."""


def of(place: home.Home, known: store.Store, environment: str, digits: str) -> Lineage:
    """What came of the data whose sha256 begins with `digits` (6 or more; upper case is taken too).

    Raises DataUnknown where no bundle here names such data, or the digits stand for several.
    """
    wanted = digits.strip().lower()
    if not re.fullmatch(rf"[0-9a-f]{{{SHORTEST},64}}", wanted):
        raise errors.DataUnknown(f"{digits[:80]!r} is no sha256.", cure=f"Give its {SHORTEST} first digits or more.")
    made = _manifests(place)
    snapshot = _snapshot(made, wanted)
    snapshot = msgspec.structs.replace(snapshot, rows=_rows(place, made, snapshot.sha256))
    counted = _counted(place)
    versions: list[descendants.Descendant] = []
    unknown: list[str] = []
    for row in known.endpoints(environment):
        held = {one.model_digest for one in known.holds(environment, row.name)}
        past = known.releases(environment, row.name, bringing.MOST)
        for version in reversed(known.versions(environment, row.name)):
            manifest = made.get(version.digest)
            if manifest is None:
                unknown.append(f"{row.name}/{version.name}")
            elif roles := _roles(manifest, snapshot.sha256):
                told = counted.get((row.name, version.ordinal), descendants.Served())
                versions.append(_descendant(row, version, roles, (held, past, told)))
    theirs = {one.digest for one in versions}
    loose = sorted(digest for digest, one in made.items() if digest not in theirs and _roles(one, snapshot.sha256))
    found = Lineage(snapshot, tuple(versions), tuple(loose), tuple(unknown))
    return msgspec.structs.replace(found, said=deletion.said(found.versions, found.unknown))


def origins(place: home.Home, known: store.Store, row: endpoints.Endpoint, ordinal: int | None = None) -> tuple[Origin, ...]:
    """What an endpoint's versions came from, the newest first, or one of them. Raises VersionUnknown."""
    there = [one for one in known.versions(row.environment, row.name) if ordinal in (None, one.ordinal)]
    if not there:
        wanted = f"version v{ordinal}" if ordinal else "version"
        raise errors.VersionUnknown(f"{row.name} has no {wanted}.", cure="`tidegate history` lists them.")
    made, counted = _manifests(place), _counted(place)
    return tuple(
        Origin(
            row.name,
            one.name,
            one.digest,
            one.model,
            made[one.digest].provenance if one.digest in made else None,
            counted.get((row.name, one.ordinal), descendants.Served()),
            basis.of(place, one.digest),
        )
        for one in reversed(there)
    )


def _manifests(place: home.Home) -> dict[str, manifests.Manifest]:
    """Of every bundle that is here and can be read, by digest."""
    found = {}
    for path in sorted(place.bundles.glob(f"[!.]*/{bundles.MANIFEST}")):
        try:
            found[path.parent.name] = bundles.read_manifest(path.parent)
        except errors.ModelError:
            continue
    return found


def _snapshot(made: dict[str, manifests.Manifest], wanted: str) -> Snapshot:
    every = [data for one in made.values() for data in one.provenance.data if data.sha256]
    meant = [data for data in every if data.sha256.lower().startswith(wanted)]
    there = sorted({data.sha256 for data in meant})
    if len(there) > 1:
        shown = ", ".join(one[: len(wanted) + 6] for one in there[:5])
        raise errors.DataUnknown(f"{len(there)} snapshots begin with {wanted}: {shown}.", cure="Give more of its digits.")
    if not there:
        names = sorted({f"{data.sha256[:12]} ({data.name or data.role})" for data in every})
        if not names:
            raise errors.DataUnknown(
                f"no bundle here names data with the sha256 {wanted}, nor any other.",
                cure="A model names its data where its training run has logged it: docs/lineage.md.",
            )
        raise errors.DataUnknown(
            f"no bundle here names data with the sha256 {wanted}.",
            cure=f"There is {', '.join(names[:5])}{' and others' if len(names) > 5 else ''}.",
        )
    names = sorted({data.name for data in meant if data.name})
    sources = sorted({data.source for data in meant if data.source})
    return Snapshot(there[0], tuple(names), tuple(sources))


def _rows(place: home.Home, made: dict[str, manifests.Manifest], sha256: str) -> int:
    """How many rows a snapshot has, where the baseline profile of a bundle made from it is of them."""
    for digest, manifest in made.items():
        sources = {data.source for data in manifest.provenance.data if data.sha256 == sha256 and data.source}
        if sources and (told := basis.of(place, digest)).data in sources:
            return told.rows
    return 0


def _roles(manifest: manifests.Manifest, sha256: str) -> tuple[str, ...]:
    return tuple(sorted({one.role or "data" for one in manifest.provenance.data if one.sha256 == sha256}))


def _counted(place: home.Home) -> dict[tuple[str, int], descendants.Served]:
    """Live requests by endpoint and version: those in segments only, then those in Parquet."""
    found: dict[tuple[str, int], descendants.Served] = {}
    for fresh in reader.unrecorded(place):
        if isinstance(fresh, records.Prediction) and fresh.role == arms.Role.LIVE:
            _add(found, (fresh.endpoint, fresh.version), (1, fresh.rows), (fresh.arrived_ns, fresh.arrived_ns))
    for one in reader.counts(place):
        _add(found, (one.endpoint, one.version), (one.requests, one.rows), (one.first_ns, one.last_ns))
    return found


def _add(
    found: dict[tuple[str, int], descendants.Served], key: tuple[str, int], more: tuple[int, int], span_ns: tuple[int, int]
) -> None:
    first, last = (at / 1e9 for at in span_ns)
    before = found.get(key, descendants.Served(0, 0, first, last))
    requests, rows = before.requests + more[0], before.rows + more[1]
    found[key] = descendants.Served(requests, rows, min(before.first, first), max(before.last, last))


def _descendant(
    row: endpoints.Endpoint,
    version: releases.Version,
    roles: tuple[str, ...],
    known: tuple[set[str], list[releases.Release], descendants.Served],
) -> descendants.Descendant:
    held, past, told = known
    mine = [one for one in past if one.candidate.ordinal == version.ordinal]
    in_traffic = {
        row.stable,
        *(each.ordinal for one in past if one.phase in _IN_TRAFFIC for each in (one.candidate, one.stable) if each),
    }
    is_held = version.model_digest in held
    if version.ordinal in in_traffic:
        state = descendants.SERVES
    elif version.ordinal in row.kept:
        state = descendants.KEPT
    elif is_held:
        state = descendants.HELD
    else:
        state = descendants.PAST if told.requests else descendants.NEVER
    shown = tuple(descendants.Release(one.id, one.created_at, one.strategy, one.outcome or one.phase.value) for one in mine)
    return descendants.Descendant(row.name, version.name, version.digest, version.model, roles, state, is_held, shown, told)


_IN_TRAFFIC = phases.EXPOSED | {phases.Phase.PROBATION}
