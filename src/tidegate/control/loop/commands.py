"""What people asked for, turned into releases and events. A refusal is an answer too: it goes back with its code."""

import logging
from collections.abc import Callable
from typing import Any

import msgspec

from tidegate.control.loop import alarms, brought, holders, migrations, overrides, replacing, transitions
from tidegate.control.store import chain, commands, endpoints
from tidegate.core.decide import strategies
from tidegate.core.spec import conditions, guards, judging, logged, protection
from tidegate.core.spec import settings as specification
from tidegate.core.vocabulary import decisions, errors, home, manifests, phases, releases
from tidegate.core.vocabulary.decisions import Kind
from tidegate.dataplane.models import bundles
from tidegate.dataplane.wire import tablefile

log = logging.getLogger(__name__)
STALE_SECONDS = 30.0
"""Who asked has given up by then, and may have done it in another way."""
REHEARSAL_SECONDS = 10.0
"""For so long a drill keeps half of the traffic on the way out."""
VERBS = {str(kind): kind for kind in decisions.OPERATOR}


def answer(desk: transitions.Desk, place: home.Home, command: commands.Command, now: float) -> None:
    """Carry one command out and answer it: with the release as it then is, or with the error that refused it."""
    try:
        if command.at and now - command.at > STALE_SECONDS:
            raise errors.ControlDown("control came to it too late: nobody waited for it any more.", cure="Ask again.")
        moved = _carry_out(desk, place, command, now)
    except (errors.StoreUnavailable, errors.GenerationConflict):  # asked once more; whoever was faster may have carried it out
        raise
    except errors.TidegateError as refused:
        desk.store.refuse(command.id, refused)
    except Exception as bug:  # of this command; it must not stand in the way of all that come after
        log.exception("a command failed", extra={"kind": command.kind, "endpoint": command.endpoint})
        words = f"this could not be carried out: {type(bug).__name__}."
        desk.store.refuse(command.id, errors.TidegateError(words, cure="`tidegate logs control` has why; please report it."))
    else:
        said = {} if moved is None else {"release": moved.id, "phase": moved.phase.value, "reason": moved.reason}
        desk.store.finish(command.id, said)


def _carry_out(desk: transitions.Desk, place: home.Home, command: commands.Command, now: float) -> releases.Release | None:
    if command.kind in _BEGINNING:
        return _BEGINNING[command.kind](desk, place, command, now)
    if command.kind in _OTHERS:
        _OTHERS[command.kind](desk, place, command, now)
        return None
    if command.kind not in VERBS:
        raise errors.TransitionRefused(f"there is no verb {command.kind!r}.")
    event = decisions.Event(VERBS[command.kind], actor=command.actor, reason=command.reason)
    if event.kind is Kind.ROLLBACK:
        return roll_back(desk, place, command, event, now)
    under_way = desk.active(command.endpoint)
    if under_way is None:
        raise errors.ReleaseUnknown(
            f"{command.endpoint} has no release under way.", cure="`tidegate history` lists the ended ones."
        )
    return desk.tell(under_way, event, now, command.id).release


def release(desk: transitions.Desk, place: home.Home, command: commands.Command, now: float) -> releases.Release:
    """Begin the release that the payload asks for: `digest`, of a bundle that is here, and `settings`.

    Raises BundleMissing, ReleaseInProgress, DigestHeld, AlreadyStable, SpecInvalid.
    """
    settings = specification.of(command.payload["settings"])
    if settings.group:
        cure = f"Name the files of all members: `tidegate release --file A --file B`, each with `group: {settings.group}`."
        raise errors.SpecInvalid(f"{settings.endpoint} is released with its group {settings.group} or not at all.", cure=cure)
    manifest = _may_begin(desk, place, settings, command, str(command.payload["digest"]))
    return _begin(desk, settings, manifest, command, now)


def release_group(desk: transitions.Desk, place: home.Home, command: commands.Command, now: float) -> None:
    """Begin the releases of a group, all or none: `members`, each with what `release` takes, and the name of the `group`.

    Raises as `release` does, for the first member that may not begin; none has begun then.
    """
    name = f"{command.payload['group']}/{command.id[:8]}"
    ready = []
    for member in command.payload["members"]:
        settings = specification.of(member["settings"])
        under_way = desk.active(settings.endpoint)
        if under_way is None or under_way.group != name:  # else it has begun, before control was interrupted
            ready.append((settings, _may_begin(desk, place, settings, command, str(member["digest"]))))
    for settings, manifest in ready:
        grouped = msgspec.structs.replace(settings, group=name)
        _begin(desk, grouped, manifest, msgspec.structs.replace(command, id=""), now)


def _may_begin(
    desk: transitions.Desk, place: home.Home, settings: specification.Settings, command: commands.Command, digest: str
) -> manifests.Manifest:
    asked = _approval(desk, settings)
    if asked is not None and not asked.possible(command.actor):
        raise errors.SpecInvalid(
            f"{asked.count} of {', '.join(asked.by)} have to approve, and not {command.actor}, who asks.",
            cure="Name more people in `approve.by`, have another release it, or write `not: nobody`.",
        )
    manifest = bundles.read_manifest(place.bundles / digest)
    _refuse_busy(desk, settings.endpoint)
    _refuse_known(desk, place, settings, manifest)
    guards.fit(settings.terms, manifest)
    conditions.fit(settings.fallbacks, manifest.signature)
    logged.fit(settings.log, manifest.signature)
    protection.fit(settings.outcomes, manifest)
    return manifest


def _begin(
    desk: transitions.Desk,
    settings: specification.Settings,
    manifest: manifests.Manifest,
    command: commands.Command,
    now: float,
) -> releases.Release:
    source = manifest.provenance.source or settings.model
    version = releases.Version(settings.endpoint, 0, manifest.digest, manifest.model_digest, source, now)
    event = decisions.Event(Kind.TICK, actor=command.actor, reason=command.reason or f"release of {source}")
    before = _before(desk, settings)
    wanted = specification.plain(msgspec.structs.replace(settings, group=settings.group.partition("/")[0]))
    asked = msgspec.structs.replace(settings, approval=_approval(desk, settings))
    return desk.begin(asked, version, event, now, command.id, lambda of: brought.notes(of, before, wanted))


def _approval(desk: transitions.Desk, settings: specification.Settings) -> releases.Approval | None:
    """Who has to say yes: by the settings in force too, so that none are taken away without those whom they ask."""
    row = desk.store.endpoint(desk.environment, settings.endpoint)
    if row is None or row.stable is None:  # none are in force where nobody is served
        return settings.approval
    return judging.stricter(judging.in_force(row.settings), settings.approval)


def _refuse_busy(desk: transitions.Desk, endpoint: str) -> None:
    under_way = desk.active(endpoint)
    if under_way is not None and under_way.phase is not phases.Phase.PROBATION:
        words = f"{endpoint} has a release of {under_way.candidate.name} under way ({under_way.phase.value})."
        raise errors.ReleaseInProgress(words, cure=f"Wait for it, or end it with `tidegate abort {endpoint}`.")


def _refuse_known(
    desk: transitions.Desk, place: home.Home, settings: specification.Settings, manifest: manifests.Manifest
) -> None:
    """A held model is not released, nor is the one that is stable already, unless the file settles something else by now, or a
    file that it names (an example, a check) has another content.
    """
    endpoint = settings.endpoint
    hold = desk.store.held(desk.environment, endpoint, manifest.model_digest)
    if hold is not None:
        cure = f"Release a mended model, or clear the hold with `tidegate unhold {endpoint}`."
        raise errors.DigestHeld(f"this very model was rolled back and is held: {hold.reason.rstrip('.')}.", cure=cure)
    stable, row = desk.stable(endpoint), desk.store.endpoint(desk.environment, endpoint)
    if stable is None or row is None or stable.model_digest != manifest.model_digest:
        return
    now = desk.settings(row)
    # One model has many names, and a default may be written out.
    same = msgspec.structs.replace(settings, model=now.model, given=now.given) == now
    if same and manifest.alike(bundles.read_manifest(place.bundles / stable.digest)):
        raise errors.AlreadyStable(
            f"this very model is {endpoint}'s stable already, as {stable.name}, by the same settings.",
            cure="Change the model, the file or what it names first; `tidegate plan` shows what the file comes to.",
        )


def _before(desk: transitions.Desk, settings: specification.Settings) -> dict[str, Any]:
    """What the endpoint goes by until this release has been let through; with nothing there yet, its own from now on."""
    written = specification.plain(settings)
    row = desk.store.endpoint(desk.environment, settings.endpoint)
    if row is not None and row.stable is not None:
        return row.settings
    desk.store.put_endpoint(endpoints.Endpoint(desk.environment, settings.endpoint, written), row)
    return written


def roll_back(
    desk: transitions.Desk, place: home.Home, command: commands.Command, event: decisions.Event, now: float
) -> releases.Release:
    """Under way: the machine's affair. Otherwise back to the version named, or to the last good one, and hold the one left.

    Raises NothingToRollBack, ReleaseInProgress, AlreadyStable, VersionUnknown, BundleMissing, IrreversibleMigration, DigestHeld.
    """
    release = desk.active(command.endpoint)
    named = command.payload.get("to")
    if release is not None and (named is None or (release.stable is not None and int(named) == release.stable.ordinal)):
        return desk.tell(release, event, now, command.id).release
    if release is not None and release.phase is not phases.Phase.PROBATION:
        cure = f"Roll it back first: `tidegate rollback {command.endpoint}`."
        raise errors.ReleaseInProgress(f"a release of {release.candidate.name} is under way.", cure=cure)
    stable, row = desk.stable(command.endpoint), desk.store.endpoint(desk.environment, command.endpoint)
    ordinal = int(named) if named is not None else desk.last_good(command.endpoint)
    if stable is not None and stable.ordinal == ordinal:
        raise errors.AlreadyStable(f"{command.endpoint} is on {stable.name} already.")
    version = desk.known_version(command.endpoint, ordinal)
    bundles.read_manifest(place.bundles / version.digest)
    migrations.refuse(desk, command.endpoint, ordinal)
    hold = desk.store.held(desk.environment, version.endpoint, version.model_digest)
    if hold is not None:
        cure = f"Clear it first: `tidegate unhold {command.endpoint} --digest {version.model_digest[:12]}`."
        raise errors.DigestHeld(f"{version.name} is held: {hold.reason.rstrip('.')}.", cure=cure)
    # Before the release, which answers the command: who is interrupted between the two does both again.
    if stable is not None and stable.model_digest != version.model_digest:
        desk.hold(stable, event, now)
    return desk.go_back(version, event, now, command.id, warm=row is not None and ordinal in row.kept)


def _retry(desk: transitions.Desk, place: home.Home, command: commands.Command, now: float) -> releases.Release:
    """Release the model of the endpoint's last release once more, as its file settles it now. Raises as `release` does."""
    last = desk.latest(command.endpoint)
    row = desk.store.endpoint(desk.environment, command.endpoint)
    if last is None or row is None:
        raise errors.ReleaseUnknown(f"{command.endpoint} has had no release.", cure="Release a model first.")
    if last.phase is phases.Phase.SUCCEEDED:
        raise errors.AlreadyStable(f"the last release of {command.endpoint}, of {last.candidate.name}, came through.")
    reason = command.reason or f"retry of {last.candidate.name}, which was {last.outcome or last.phase.value}"
    change = brought.change(desk.store, last)
    again = {"digest": last.candidate.digest, "settings": change.wanted if change else row.settings}
    return release(desk, place, msgspec.structs.replace(command, payload=again, reason=reason), now)


def rehearse(desk: transitions.Desk, place: home.Home, command: commands.Command, now: float) -> releases.Release:
    """Release the version that serves to itself, under a new ordinal, and back: a drill. With `aa` the two are compared, the new
    one with `pool` workers.

    Raises ReleaseInProgress, NothingToRollBack for an endpoint without a version, TransitionRefused for one whose versions cannot
    be up at once, BundleMissing.
    """
    stable, row = desk.stable(command.endpoint), desk.store.endpoint(desk.environment, command.endpoint)
    if stable is None or row is None:
        raise errors.NothingToRollBack(f"{command.endpoint} has no version to rehearse with.")
    _refuse_busy(desk, command.endpoint)
    before = desk.settings(row)
    if releases.alone(before.stages):
        raise errors.TransitionRefused(
            f"{command.endpoint} goes by recreate, and a rehearsal has two versions up at once.",
            cure="Rehearse where both may be up.",
        )
    bundles.read_manifest(place.bundles / stable.digest)
    seconds = float(command.payload.get("seconds", REHEARSAL_SECONDS))
    stages = strategies.rehearsal(seconds)
    if command.payload.get("aa"):
        stages = strategies.against_itself(seconds, before.replicas, int(command.payload.get("pool") or before.replicas))
    drill = {"strategy": strategies.REHEARSAL, "stages": strategies.check(stages), "returns": True}
    plain = {"approval": None, "group": "", "cohort": None, "probation": None, "migrations": ()}
    settings = msgspec.structs.replace(before, **drill, **plain)
    again = msgspec.structs.replace(stable, created_at=now)
    event = decisions.Event(Kind.TICK, actor=command.actor, reason=command.reason or f"rehearsal of {stable.name}")
    return desk.begin(settings, again, event, now, command.id)


def _hold(desk: transitions.Desk, _: home.Home, command: commands.Command, now: float) -> None:
    """Refuse the model of a version from now on: of the one named, or of the endpoint's last release."""
    last = desk.latest(command.endpoint)
    named = command.payload.get("version")
    if named is None and last is None:
        raise errors.ReleaseUnknown(f"{command.endpoint} has had no release.", cure="Name the version to hold.")
    version = desk.known_version(command.endpoint, int(named)) if named is not None else last.candidate if last else None
    event = decisions.Event(Kind.TICK, actor=command.actor, reason=command.reason or f"held by {command.actor}")
    if version is not None and not desk.hold(version, event, now, command.id):
        raise errors.DigestHeld(f"the model of {version.name} is held already.", cure="`tidegate status` shows holds.")


def _clear(desk: transitions.Desk, _: home.Home, command: commands.Command, now: float) -> None:
    """Clear the hold on the digest named, or all of the endpoint's."""
    named = command.payload.get("digest", "")
    found = [one for one in desk.store.holds(desk.environment, command.endpoint) if one.model_digest.startswith(named)]
    if not found:
        raise errors.ReleaseUnknown(f"{command.endpoint} has no such hold.", cure="`tidegate status` shows holds.")
    said = {"reason": command.reason or "cleared", "actor": command.actor, "at": now}
    desk.store.clear_holds([msgspec.structs.replace(one, **said) for one in found], command.id)


def _adopt(desk: transitions.Desk, place: home.Home, command: commands.Command, now: float) -> None:
    """Take the table on disk as the truth, after a store was restored from the past."""
    table = tablefile.read(place.table)
    event = decisions.Event(Kind.OVERRIDDEN, actor=command.actor, reason=command.reason or "adopted from the routing table")
    for route in table.routes.values():
        release = desk.active(route.endpoint)
        if release is not None and release.candidate.ordinal != route.owner.ordinal:
            desk.tell(release, event, now)
        overrides.adopt(desk, route, event, now)
    desk.store.adopt_generation(desk.environment, table.generation)


def _follow(desk: transitions.Desk, _: home.Home, command: commands.Command, now: float) -> None:
    """Have the endpoint follow its model, or not any more; one that is new here waits for its first model."""
    settings = specification.of(command.payload["settings"])
    before = desk.store.endpoint(desk.environment, settings.endpoint)
    row = before or endpoints.Endpoint(desk.environment, settings.endpoint, {})
    in_force, noted = brought.follow(desk.store, row, specification.plain(settings))
    said = chain.StoredEvent(
        environment=desk.environment,
        endpoint=settings.endpoint,
        kind=commands.FOLLOW,
        at=now,
        actor=command.actor,
        reason=f"{'follows' if settings.follow else 'does not follow'} {settings.model}",
        said=command.reason,
    )
    desk.store.append(said, (before, msgspec.structs.replace(row, settings=in_force)), noted, command.id)


def _replace(desk: transitions.Desk, _: home.Home, command: commands.Command, now: float) -> None:  # noqa: ARG001 -- as the others
    replacing.begin(desk, map(str, command.payload["instances"]))


_BEGINNING = {commands.RELEASE: release, "retry": _retry, "rehearse": rehearse}
"""Commands that begin a release."""
_OTHERS: dict[str, Callable[[transitions.Desk, home.Home, commands.Command, float], None]] = {
    "hold": _hold,
    commands.MIGRATED: lambda desk, _, command, now: migrations.answer(desk, command, now),
    commands.GROUP: release_group,
    "unhold": _clear,
    commands.ADOPT: _adopt,
    holders.CREATE: lambda desk, _, command, now: holders.answer(desk, command, now),
    holders.REVOKE: lambda desk, _, command, now: holders.answer(desk, command, now),
    commands.FOLLOW: _follow,
    commands.REPLACE: _replace,
    commands.ACKNOWLEDGE: lambda desk, _, command, now: alarms.acknowledge(desk, command, now),
    commands.SNOOZE: lambda desk, _, command, now: alarms.snooze(desk, command, now),
}
"""Commands that are about no release under way."""
