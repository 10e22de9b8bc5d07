"""The suite that every store passes: what `store.Store` promises, said once. Each check gets a fresh, empty store."""

import pathlib
import tempfile
from collections.abc import Callable

import msgspec

from tidegate.control.store import chain, commands, database, endpoints, holders, holds, store
from tidegate.core.vocabulary import alarms, decisions, errors, incidents, phases, releases, tokens, verdicts

Check = Callable[[store.Store], None]
ENV, NAME = "production", "flight-delay"
FAILED = verdicts.Verdict(
    verdicts.Result.FAIL,
    "errors are far above stable's",
    (verdicts.Evidence("errors", "immediate", 1.0, 9.5, 4.6, (21, 40), (1, 800), (3.2, float("inf"))),),
    verdicts.Harm(candidate_requests=40, failed=21, rescued=20, excess=18.5),
    culprit="errors",
)


def deployed(books: store.Store, name: str = NAME, environment: str = ENV, keep: int = 1) -> releases.Version:
    """One more version of an endpoint, which is made where it is missing."""
    if books.endpoint(environment, name) is None:
        books.put_endpoint(endpoints.Endpoint(environment, name, {"keep": keep}))
    count = len(books.versions(environment, name)) + 1
    return books.add_version(environment, name, f"{count:064d}", f"m{count:063d}", f"mlflow://{name}/{count}", float(count))


def begun(books: store.Store, candidate: releases.Version, environment: str = ENV) -> releases.Release:
    """A release of that version, created and stored."""
    row = books.endpoint(environment, candidate.endpoint)
    assert row is not None
    stable = None if row.stable is None else books.version(environment, candidate.endpoint, row.stable)
    release = releases.Release(
        id=f"{environment}-{candidate.endpoint}-{candidate.ordinal}-{len(books.releases(environment, candidate.endpoint))}",
        environment=environment,
        endpoint=candidate.endpoint,
        candidate=candidate,
        stable=stable,
        strategy="canary",
        stages=(releases.Stage("5 %", 500), releases.Stage("100 %", 10_000)),
        policy=releases.Policy(),
        salt=bytes(range(16)),
        created_at=100.0 + candidate.ordinal,
        actor="ana",
        reason="waits for its checks",
    )
    books.create(release, decisions.Event(decisions.Kind.TICK, actor="ana", reason="new features"))
    return release


def moved(
    books: store.Store,
    release: releases.Release,
    phase: phases.Phase,
    effects: tuple[decisions.Effect, ...] = (),
    event: decisions.Event | None = None,
    command: str = "",
) -> releases.Release:
    """The release, committed in another phase."""
    decision = decisions.Decision(msgspec.structs.replace(release, phase=phase), effects, f"now {phase}")
    happened = event or decisions.Event(decisions.Kind.TICK)
    return books.commit(decision, happened, release.generation, 200.0 + release.generation, command)


def promoted(books: store.Store, candidate: releases.Version) -> releases.Release:
    """A release of that version that has succeeded."""
    return moved(books, moved(books, begun(books, candidate), phases.Phase.PROBATION), phases.Phase.SUCCEEDED)


def endpoints_are_kept_as_put(books: store.Store) -> None:
    """New or over the one that was read, by environment."""
    assert books.endpoint(ENV, NAME) is None
    assert books.endpoints(ENV) == []
    first = endpoints.Endpoint(ENV, NAME, {"model": "mlflow://a@b", "limits": {"timeout": 2.0}})
    books.put_endpoint(first)
    books.put_endpoint(endpoints.Endpoint("staging", NAME, {}))
    assert books.endpoint(ENV, NAME) == first
    second = msgspec.structs.replace(first, settings={"keep": 2}, stable=None, kept=(3, 1))
    books.put_endpoint(second, first)
    assert books.endpoints(ENV) == [second]


def versions_are_counted_by_their_endpoint(books: store.Store) -> None:
    """1, 2, 3, ..., each endpoint and environment its own."""
    assert [deployed(books).ordinal for _ in range(3)] == [1, 2, 3]
    assert deployed(books, "other").ordinal == 1
    assert deployed(books, NAME, "staging").ordinal == 1
    assert [one.ordinal for one in books.versions(ENV, NAME)] == [1, 2, 3]
    second = books.version(ENV, NAME, 2)
    assert second is not None
    assert (second.model, second.created_at, second.name) == ("mlflow://flight-delay/2", 2.0, "v2")
    assert books.version(ENV, NAME, 4) is None
    assert is_refused(lambda: books.add_version(ENV, "unknown", "d", "m", "x", 0.0), errors.EndpointUnknown)


def releases_come_back_as_they_were(books: store.Store) -> None:
    """Whole, by id, by endpoint and newest first."""
    deployed(books)
    first = promoted(books, deployed(books))
    second = begun(books, deployed(books))
    assert books.release(second.id) == second
    assert books.release(first.id) == first
    assert books.releases(ENV, NAME) == [second, first]
    assert books.releases(ENV, limit=1) == [second]
    assert books.latest(ENV, NAME) == second
    assert books.latest(ENV, "other") is None
    assert books.active(ENV) == [second]
    assert books.active("staging") == []
    assert is_refused(lambda: books.release("unknown"), errors.ReleaseUnknown)


def an_endpoint_has_one_active_release(books: store.Store) -> None:
    """A second is refused and leaves no trace, until the first has ended; other endpoints do not mind."""
    first = begun(books, deployed(books))
    second = deployed(books)
    events = len(books.events(ENV))
    assert is_refused(lambda: begun(books, second), errors.ReleaseInProgress)
    assert (len(books.events(ENV)), books.releases(ENV, NAME)) == (events, [first])
    begun(books, deployed(books, "other"))
    begun(books, deployed(books, NAME, "staging"), "staging")
    moved(books, first, phases.Phase.ABORTED)
    begun(books, second)


def a_release_of_no_endpoint_is_refused(books: store.Store) -> None:
    """The endpoint comes first."""
    release = begun(books, deployed(books))
    lost = msgspec.structs.replace(release, id="lost", endpoint="unknown")
    assert is_refused(lambda: books.create(lost), errors.EndpointUnknown)


def a_commit_needs_the_generation_it_saw(books: store.Store) -> None:
    """Of two that saw the same, one commits; the other changes nothing."""
    release = begun(books, deployed(books))
    after = moved(books, release, phases.Phase.CHECKING)
    assert (after.generation, after.phase) == (1, phases.Phase.CHECKING)
    events = books.events(ENV)
    hold = decisions.Hold(NAME, "m", "worse")
    assert is_refused(lambda: moved(books, release, phases.Phase.FAILED, (hold,)), errors.GenerationConflict)
    assert (books.release(release.id), books.events(ENV), books.holds(ENV, NAME)) == (after, events, [])
    unknown = msgspec.structs.replace(release, id="unknown")
    assert is_refused(lambda: moved(books, unknown, phases.Phase.FAILED), errors.ReleaseUnknown)


def a_commit_keeps_its_effects_and_what_it_waits_for(books: store.Store) -> None:
    """For whoever has to repeat them, and for whoever asks."""
    release = begun(books, deployed(books))
    effects = (decisions.EnsureWorkers(release.candidate, 2), decisions.Notify("info", "warming up"))
    waiting = decisions.Waiting("workers", "v1 is loading", seconds=12.5)
    warming = msgspec.structs.replace(release, phase=phases.Phase.WARMING)
    decision = decisions.Decision(warming, effects, "checks passed", waiting, 130.0)
    after = books.commit(decision, decisions.Event(decisions.Kind.CHECKS_PASSED), 0, 120.0)
    assert books.decision(release.id) == msgspec.structs.replace(decision, release=after)
    later = decisions.Waiting("workers", "v1 is loading still")
    books.put_waiting(release.id, later, 140.0)
    told = books.decision(release.id)
    assert (told.waiting, told.look_again_at, told.release) == (later, 140.0, after)


def a_new_owner_keeps_the_one_before_warm(books: store.Store) -> None:
    """As many as the settings say; going back drops what was left."""
    promoted(books, deployed(books, keep=2))
    assert _owner(books) == (1, ())
    promoted(books, deployed(books))
    promoted(books, deployed(books))
    assert _owner(books) == (3, (2, 1))
    fourth = moved(books, begun(books, deployed(books)), phases.Phase.RUNNING)
    assert _owner(books) == (3, (2, 1))
    probation = moved(books, fourth, phases.Phase.PROBATION)
    assert _owner(books) == (4, (3, 2))
    moved(books, probation, phases.Phase.ROLLING_BACK)
    assert _owner(books) == (3, (2,))


def events_tell_who_did_what_and_why(books: store.Store) -> None:
    """One for every commit, in order, with the verdict it went by."""
    release = moved(books, begun(books, deployed(books)), phases.Phase.RUNNING)
    event = decisions.Event(decisions.Kind.JUDGED, actor="judge", reason="look 12", verdict=FAILED)
    effects = (decisions.Hold(NAME, release.candidate.model_digest, "errors"),)
    moved(books, release, phases.Phase.ROLLING_BACK, effects, event)
    created, ran, rolled = books.release_events(release.id)
    assert (created.kind, created.actor, created.said, created.phase_after) == ("created", "ana", "new features", "queued")
    assert (ran.phase_before, ran.phase_after, ran.generation) == ("queued", "running", 1)
    assert (rolled.kind, rolled.actor, rolled.said, rolled.reason) == ("judged", "judge", "look 12", "now rolling_back")
    assert (rolled.effects, rolled.at, rolled.previous) == (effects, 201.0, ran.hash)
    assert books.verdict(release.id, rolled.generation - 1) == FAILED
    assert len(rolled.verdict) == 64


def events_are_read_on_from_where_one_was(books: store.Store) -> None:
    """By environment and endpoint, in pages, from either end."""
    for number in range(5):
        name = "even" if number % 2 == 0 else "odd"
        books.append(chain.StoredEvent(ENV, name, "noted", float(number), facts={"n": number}))
    books.append(chain.StoredEvent("staging", "even", "noted", 9.0))
    numbers = [event.facts["n"] for event in books.events(ENV, "even")]
    assert numbers == [0, 2, 4]
    first = books.events(ENV, limit=2)
    assert [event.facts["n"] for event in books.events(ENV, after=first[-1].sequence)] == [2, 3, 4]
    assert [event.facts["n"] for event in books.last_events(ENV, limit=2)] == [3, 4]
    assert books.verify() == 6
    assert books.head() == (6, books.last_events("staging")[-1].hash)


def an_event_may_carry_an_endpoint(books: store.Store) -> None:
    """Such as a rollback by hand that control imports: both are written, or neither."""
    deployed(books)
    row = endpoints.Endpoint(ENV, NAME, {}, stable=1)
    event = books.append(chain.StoredEvent(ENV, NAME, "overridden", 5.0, actor="root"), (books.endpoint(ENV, NAME), row))
    assert (event.sequence, event.previous) == (1, chain.START)
    assert books.endpoint(ENV, NAME) == row


def verdicts_are_kept_by_generation(books: store.Store) -> None:
    """The newest of each, with its inputs; an infinite bound comes back infinite."""
    release = begun(books, deployed(books))
    assert books.verdict(release.id) is None
    books.put_verdict(release.id, verdicts.Verdict(verdicts.Result.UNSURE, "early"), {"sums": [1]}, 1.0)
    books.put_verdict(release.id, FAILED, {"sums": [1, 2]}, 2.0)
    assert books.verdict(release.id) == FAILED
    moved(books, release, phases.Phase.RUNNING)
    unsure = verdicts.Verdict(verdicts.Result.UNSURE, "again")
    books.put_verdict(release.id, unsure, {}, 3.0)
    assert (books.verdict(release.id), books.verdict(release.id, 0)) == (unsure, FAILED)
    kept = books.judged(release.id, 0)
    assert kept is not None
    assert (kept.inputs, kept.at, kept.generation) == ({"sums": [1, 2]}, 2.0, 0)
    assert is_refused(lambda: books.put_verdict("unknown", FAILED), errors.ReleaseUnknown)


def a_held_digest_stays_held_until_cleared(books: store.Store) -> None:
    """By a rollback or by hand; the first reason stands, and placing and clearing are events."""
    release = begun(books, deployed(books))
    digest = release.candidate.model_digest
    moved(books, release, phases.Phase.ROLLED_BACK, (decisions.Hold(NAME, digest, "errors"),))
    row = books.held(ENV, NAME, digest)
    assert row is not None
    assert (row.reason, row.release) == ("errors", release.id)
    by_hand = holds.HoldRow(ENV, NAME, digest, "I do not like it", "ben", at=5.0)
    assert not books.hold(by_hand)
    assert books.holds(ENV, NAME) == [row]
    assert books.clear_holds([by_hand]) == 1
    assert not books.clear_holds([by_hand])
    assert books.held(ENV, NAME, digest) is None
    assert books.hold(by_hand)
    assert [event.kind for event in books.last_events(ENV, NAME, 2)] == ["hold_cleared", "hold_placed"]
    assert is_refused(lambda: books.hold(holds.HoldRow(ENV, "unknown", "m", "x")), errors.EndpointUnknown)


def tokens_are_kept_by_their_hashes(books: store.Store) -> None:
    """A name and a hash are there once; making and revoking are events, in whose name and why."""
    token = tokens.Token("shop", "a" * 64, ("predict",), (NAME,), rate=5.0, daily=1_000)
    holder = holders.Holder(ENV, token, "ana", 5.0)
    books.admit(holder, "the web shop")
    for same in (msgspec.structs.replace(token, sha256="b" * 64), msgspec.structs.replace(token, name="other")):
        assert is_refused(lambda same=same: books.admit(holders.Holder(ENV, same)), errors.TokenTaken)  # type: ignore[misc]
    books.admit(holders.Holder("staging", token))
    assert books.holders(ENV) == [holder]
    assert books.holder(ENV, "a" * 64) == holder
    assert books.holder(ENV, "b" * 64) is None
    assert is_refused(lambda: books.revoke(ENV, "nobody", "ben", "", 6.0), errors.TokenUnknown)
    books.revoke(ENV, "shop", "ben", "leaked", 7.0)
    assert (books.holders(ENV), len(books.holders("staging"))) == ([], 1)
    made, gone = books.last_events(ENV, limit=2)
    assert (made.kind, made.actor, made.said, made.facts["scopes"]) == ("token_created", "ana", "the web shop", ["predict"])
    assert (gone.kind, gone.actor, gone.said, gone.facts["name"]) == ("token_revoked", "ben", "leaked", "shop")
    books.admit(holder)


def commands_are_answered_once_in_their_order(books: store.Store) -> None:
    """The same id is the same command, and the first answer stands."""
    given = [commands.Command(ENV, NAME, kind, {"to": [1]}, "ana", "why", 1.0) for kind in ("release", "pause", "abort")]
    ids = [books.submit(command) for command in given]
    assert [(one.id, one.kind) for one in books.pending_commands(ENV)] == list(
        zip(ids, ["release", "pause", "abort"], strict=True)
    )
    assert books.pending_commands("staging") == []
    assert books.submit(msgspec.structs.replace(given[1], id=ids[1], kind="promote")) == ids[1]
    books.finish(ids[1], {"phase": "paused"})
    books.finish(ids[1], {"phase": "other"})
    books.refuse(ids[2], errors.ReleaseUnknown())
    assert [one.id for one in books.pending_commands(ENV)] == [ids[0]]
    done, refused = books.command(ids[1]), books.command(ids[2])
    assert done is not None
    assert refused is not None
    assert (done.status, done.result, done.kind, done.payload) == ("done", {"phase": "paused"}, "pause", {"to": [1]})
    assert (refused.status, refused.result["code"]) == ("refused", "release-unknown")
    assert books.command("unknown") is None
    assert is_refused(lambda: books.finish("unknown", {}), errors.StateError)


def a_commit_answers_its_command_with_itself(books: store.Store) -> None:
    """So a crash between the two cannot have the command carried out twice."""
    release = begun(books, deployed(books))
    pause = books.submit(commands.Command(ENV, NAME, "pause"))
    moved(books, release, phases.Phase.PAUSED, command=pause)
    told = books.command(pause)
    assert told is not None
    assert (told.status, told.result["phase"]) == ("done", "paused")
    unknown = books.release(release.id)
    assert is_refused(lambda: moved(books, unknown, phases.Phase.RUNNING, command="unknown"), errors.StateError)
    assert books.release(release.id) == unknown


def the_adopted_generation_is_kept_by_environment(books: store.Store) -> None:
    """Zero at first, and never lower than it was: as numbers, not as text."""
    assert books.adopted_generation(ENV) == 0
    for generation in (7, 12, 9):
        books.adopt_generation(ENV, generation)
    assert (books.adopted_generation(ENV), books.adopted_generation("staging")) == (12, 0)


def an_alarm_is_raised_once_and_cleared_once(books: store.Store) -> None:
    """With an event each; another subject is another alarm."""
    alarm = alarms.Alarm(alarms.Kind.CRASH_LOOP, NAME, "v3 crashes", 5.0, "v3")
    first = books.put_incident(ENV, incidents.Incident(alarm, 5.0), (incidents.Happened(incidents.RAISED, 5.0, "v3 crashes"),))
    older = incidents.Incident(msgspec.structs.replace(alarm, subject="v2", since=4.0), 6.0)
    older = books.put_incident(ENV, older, (incidents.Happened(incidents.RAISED, 6.0, "v2 crashes"),))
    assert [one.number for one in (first, older)] == [1, 2]
    assert books.alarms(ENV) == [older, first]
    assert books.alarms("staging") == []
    over = msgspec.structs.replace(first, ended_at=9.0)
    assert books.put_incident(ENV, over, (incidents.Happened(incidents.OVER, 9.0, "over"),)) == over
    assert books.alarms(ENV) == [older, over]
    assert books.forget_incident(ENV, over)
    assert not books.forget_incident(ENV, over)
    assert [(one.kind, one.at, one.facts["subject"]) for one in books.alarm_events(ENV)] == [
        ("alarm", 5.0, "v3"),
        ("alarm", 6.0, "v2"),
        ("alarm_over", 9.0, "v3"),
    ]


def a_note_is_kept_until_it_is_forgotten(books: store.Store) -> None:
    """By environment, endpoint and name."""
    books.note(ENV, NAME, "followed", "3")
    books.note(ENV, NAME, "followed", "4")
    assert (books.fact(ENV, NAME, "followed"), books.fact(ENV, "", "followed")) == ("4", "")
    books.note(ENV, NAME, "followed", "")
    assert books.fact(ENV, NAME, "followed") == ""


def a_lease_is_one_holders_until_it_gives_it_up(books: store.Store) -> None:
    """By environment and name; a renewal keeps the term, the next holder counts on."""
    assert books.leased(ENV, "control", 100.0) is None
    assert books.lease(ENV, "control", "one", 60.0, 100.0) == 1
    assert books.lease(ENV, "control", "two", 60.0, 101.0) is None
    assert books.lease(ENV, "control", "one", 60.0, 102.0) == 1
    assert books.lease("staging", "control", "two", 60.0, 102.0) == 1
    assert books.lease(ENV, "other", "two", 60.0, 102.0) == 1
    assert not books.give_up(ENV, "control", "two")
    assert books.give_up(ENV, "control", "one")
    assert books.lease(ENV, "control", "two", 60.0, 103.0) == 2
    assert books.lease(ENV, "control", "one", 60.0, 103.0) is None
    there = books.leased(ENV, "control", 104.0)
    assert there is not None
    assert (there.holder, there.term, there.over) == ("two", 2, False)


def every_write_but_a_lease_is_a_change(books: store.Store) -> None:
    """So that who looks often reads nothing again where nothing has happened."""
    before = books.changes()
    books.lease(ENV, "control", "one", 60.0, 100.0)
    books.give_up(ENV, "control", "one")
    assert books.changes() == before
    acts: tuple[Callable[[], object], ...] = (
        lambda: deployed(books),
        lambda: begun(books, books.versions(ENV, NAME)[0]),
        lambda: books.put_waiting(books.active(ENV)[0].id, None),
        lambda: books.put_verdict(books.active(ENV)[0].id, FAILED),
        lambda: books.submit(commands.Command(ENV, NAME, "pause")),
        lambda: books.adopt_generation(ENV, 3),
        lambda: books.append(chain.StoredEvent(ENV, NAME, "noted", 1.0)),
        lambda: books.admit(holders.Holder(ENV, tokens.Token("shop", "a" * 64, ("predict",)))),
        lambda: books.hold(holds.HoldRow(ENV, NAME, "digest", "bad")),
    )
    for act in acts:
        act()
        after = books.changes()
        assert after != before
        before = after


def a_copy_is_the_same_store(books: store.Store) -> None:
    """As a SQLite file, whatever it is a copy of; its chain verifies, and it can be filled into another."""
    promoted(books, deployed(books))
    moving = begun(books, deployed(books))
    moved(books, moving, phases.Phase.ROLLED_BACK, (decisions.Hold(NAME, moving.candidate.model_digest, "errors"),))
    books.submit(commands.Command(ENV, NAME, "pause"))
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "copy.db"
        books.copy(path)
        with store.Store(database.sqlite_url(path), create=False) as copied:
            assert copied.verify() == books.head()[0]
            assert (copied.head(), copied.releases(ENV)) == (books.head(), books.releases(ENV))
            assert copied.pending_commands(ENV) == books.pending_commands(ENV)
            assert is_refused(lambda: books.fill(copied), errors.StoreUnavailable)


def whatever_carries_a_command_out_answers_it_with_itself(books: store.Store) -> None:
    """And what it did not carry out it does not answer."""
    deployed(books)
    held = holds.HoldRow(ENV, NAME, "m", "bad", "ben", at=5.0)
    holder = holders.Holder(ENV, tokens.Token("shop", "a" * 64, ("predict",)), "ana", 5.0)
    acts: tuple[Callable[[str], object], ...] = (
        lambda command: books.append(chain.StoredEvent(ENV, NAME, "follow", 1.0), command=command),
        lambda command: books.hold(held, command),
        lambda command: books.clear_holds([held], command),
        lambda command: books.admit(holder, command=command),
        lambda command: books.revoke(ENV, "shop", "ana", "", 6.0, command),
    )
    for act in acts:
        command = books.submit(commands.Command(ENV, NAME, "anything"))
        act(command)
        assert books.pending_commands(ENV) == []
    unheard = books.submit(commands.Command(ENV, NAME, "unhold"))
    assert not books.clear_holds([held], unheard)
    assert [one.id for one in books.pending_commands(ENV)] == [unheard]


def a_command_that_is_withdrawn_is_not_carried_out(books: store.Store) -> None:
    """Not even by who has begun to; one that was answered stays answered."""
    release = begun(books, deployed(books))
    pause, other = (books.submit(commands.Command(ENV, NAME, kind)) for kind in ("pause", "hold"))
    assert books.withdraw(pause).status == commands.WITHDRAWN
    assert [one.id for one in books.pending_commands(ENV)] == [other]
    assert is_refused(lambda: moved(books, release, phases.Phase.PAUSED, command=pause), errors.TransitionRefused)
    assert books.release(release.id) == release
    assert books.hold(holds.HoldRow(ENV, NAME, "m", "bad"), other)
    assert books.withdraw(other).status == commands.DONE
    assert is_refused(lambda: books.withdraw("unknown"), errors.StateError)


def a_release_deploys_its_candidate(books: store.Store) -> None:
    """In one transaction, under the next ordinal and no other."""
    first = deployed(books)
    fresh = msgspec.structs.replace(first, ordinal=2, digest="d" * 64, model_digest="e" * 64)
    assert is_refused(lambda: begun(books, msgspec.structs.replace(fresh, ordinal=3)), errors.StateError)
    assert books.versions(ENV, NAME) == [first]
    begun(books, fresh)
    assert books.versions(ENV, NAME) == [first, fresh]
    other = msgspec.structs.replace(fresh, ordinal=3)
    assert is_refused(lambda: begun(books, other), errors.ReleaseInProgress)
    assert books.versions(ENV, NAME) == [first, fresh]


ALL: tuple[Check, ...] = (
    a_lease_is_one_holders_until_it_gives_it_up,
    every_write_but_a_lease_is_a_change,
    a_copy_is_the_same_store,
    an_alarm_is_raised_once_and_cleared_once,
    a_note_is_kept_until_it_is_forgotten,
    endpoints_are_kept_as_put,
    versions_are_counted_by_their_endpoint,
    releases_come_back_as_they_were,
    an_endpoint_has_one_active_release,
    a_release_of_no_endpoint_is_refused,
    a_commit_needs_the_generation_it_saw,
    a_commit_keeps_its_effects_and_what_it_waits_for,
    a_new_owner_keeps_the_one_before_warm,
    events_tell_who_did_what_and_why,
    events_are_read_on_from_where_one_was,
    an_event_may_carry_an_endpoint,
    verdicts_are_kept_by_generation,
    a_held_digest_stays_held_until_cleared,
    tokens_are_kept_by_their_hashes,
    commands_are_answered_once_in_their_order,
    a_commit_answers_its_command_with_itself,
    whatever_carries_a_command_out_answers_it_with_itself,
    a_command_that_is_withdrawn_is_not_carried_out,
    a_release_deploys_its_candidate,
    the_adopted_generation_is_kept_by_environment,
)


def _owner(books: store.Store) -> tuple[int | None, tuple[int, ...]]:
    row = books.endpoint(ENV, NAME)
    assert row is not None
    return row.stable, row.kept


def is_refused(act: Callable[[], object], kind: type[errors.TidegateError]) -> bool:
    """Whether doing it raises that."""
    try:
        act()
    except kind:
        return True
    return False
