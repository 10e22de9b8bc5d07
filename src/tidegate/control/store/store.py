"""The store as its callers see it. Each method is one transaction.

Every method may raise StoreUnavailable (cannot be opened, locked, moved away), every writing one DiskFull; nothing of what
it was asked is then done. Other errors are named where they are raised.
"""

import pathlib
from collections.abc import Iterable
from types import TracebackType
from typing import Any

import msgspec

from tidegate.control.store import alarms as alarm_rows
from tidegate.control.store import chain, commands, commits, database, evidence, facts, leases, release_rows, schema
from tidegate.control.store import endpoints as endpoint_rows
from tidegate.control.store import holders as holder_rows
from tidegate.control.store import holds as hold_rows
from tidegate.control.store import versions as version_rows
from tidegate.core.vocabulary import decisions, errors, incidents, releases, verdicts

_GENERATION = "adopted_generation"


class Store:
    """One store, several processes and threads. `Store(location.url(home))`."""

    def __init__(self, url: str, *, create: bool = True) -> None:
        """Open it; make or upgrade its tables where that is due. `create=False`: a missing one is StoreUnavailable."""
        self._database = database.Database(url, create=create)

    def close(self) -> None:
        """Give its connections back."""
        self._database.close()

    def changes(self) -> int:
        """Another number whenever anybody has written since, anything but a lease. For one thread."""
        return self._database.changes()

    def copy(self, path: pathlib.Path) -> None:
        """A whole copy as of one moment, as a new SQLite store, while everybody goes on."""
        self._database.copy(path)

    def fill(self, source: "Store") -> None:
        """Take over everything that another store holds. Raises StoreUnavailable where this one is not empty."""
        self._database.fill(source._database)  # noqa: SLF001 -- one of its own kind

    @property
    def where(self) -> str:
        """Its name for people: a path, or an address without its password."""
        return self._database.where

    def __enter__(self) -> "Store":
        return self

    def __exit__(self, kind: type[BaseException] | None, raised: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    # endpoints and versions

    def endpoints(self, environment: str) -> list[endpoint_rows.Endpoint]:
        """All endpoints of an environment, by name."""
        with self._database.reading() as connection:
            return endpoint_rows.listed(connection, environment)

    def endpoint(self, environment: str, name: str) -> endpoint_rows.Endpoint | None:
        """One endpoint, or None."""
        with self._database.reading() as connection:
            return endpoint_rows.get(connection, environment, name)

    def put_endpoint(self, endpoint: endpoint_rows.Endpoint, before: endpoint_rows.Endpoint | None = None) -> None:
        """Write an endpoint over the one that was read `before`; None: a new one. What changes who owns it belongs into `append`,
        with its event.

        Raises GenerationConflict where it is not as it was read: somebody was faster, and knows more.
        """
        with self._database.writing() as connection:
            endpoint_rows.swap(connection, before, endpoint)

    def settle(self, before: endpoint_rows.Endpoint, settings: dict[str, Any], noted: tuple[str, str, str] | None = None) -> None:
        """Have an endpoint go by other settings, with a fact of it that changes: (name, what it was, what it is).

        Raises GenerationConflict where either is not as it was read.
        """
        key = (before.environment, before.name)
        with self._database.writing() as connection:
            endpoint_rows.swap(connection, before, msgspec.structs.replace(before, settings=settings))
            if noted is not None:
                name, was, now = noted
                if facts.get(connection, key, name) != was:
                    raise errors.GenerationConflict(f"what is noted of {before.name} has changed since it was read.")
                facts.put(connection, key, name, now)

    def add_version(
        self, environment: str, endpoint: str, digest: str, model_digest: str, model: str, at: float
    ) -> releases.Version:
        """Deploy a bundle behind an endpoint, under its next ordinal. Raises EndpointUnknown."""
        with self._database.writing() as connection:
            endpoint_rows.known(connection, environment, endpoint)
            version = releases.Version(endpoint, 0, digest, model_digest, model, at)
            return version_rows.add(connection, environment, version)

    def rename_model(self, key: tuple[str, str], before: str, now: str) -> None:
        """Have all that is noted of a model of an endpoint (environment, endpoint) under one digest be noted under another: its
        versions, releases and hold. Events stay as they were hashed.
        """
        with self._database.writing() as connection:
            version_rows.rename_model(connection, key, before, now)
            release_rows.rename_model(connection, key, before, now)
            hold_rows.rename_model(connection, key, before, now)

    def versions(self, environment: str, endpoint: str) -> list[releases.Version]:
        """All versions of an endpoint, oldest first."""
        with self._database.reading() as connection:
            return version_rows.listed(connection, environment, endpoint)

    def version(self, environment: str, endpoint: str, ordinal: int) -> releases.Version | None:
        """One version, or None."""
        with self._database.reading() as connection:
            return version_rows.get(connection, environment, endpoint, ordinal)

    # releases

    def create(
        self,
        release: releases.Release,
        event: decisions.Event | None = None,
        command: str = "",
        noted: tuple[tuple[str, str], ...] = (),
    ) -> None:
        """Write a new release with its event `created` (actor and reason from `event`), answering `command` if given. A candidate
        that the endpoint has not had yet is deployed behind it in the same transaction, and facts of the endpoint are noted.

        Raises EndpointUnknown, StateError for a candidate that passes an ordinal over, and ReleaseInProgress while the endpoint
        has another that has not ended: a probation is superseded beforehand, by its own commit.
        """
        with self._database.writing() as connection:
            for name, value in noted:
                facts.put(connection, release.key, name, value)
            commits.create(connection, release, event, command)

    def commit(
        self,
        decision: decisions.Decision,
        event: decisions.Event,
        expected_generation: int,
        at: float,
        command: str = "",
        inputs: dict[str, Any] | None = None,
    ) -> releases.Release:
        """Write what was decided, if the release is still at `expected_generation`; returns it with the next generation.

        In the same transaction: the chained event with effects and verdict, what the verdict was computed from (`inputs`), the
        endpoint's stable and kept versions where the owner changed, the holds, and the answer to `command` if given. Raises
        GenerationConflict, ReleaseUnknown.
        """
        with self._database.writing() as connection:
            return commits.apply(connection, decision, commits.Heard(event, at, command, inputs), expected_generation)

    def release(self, identifier: str) -> releases.Release:
        """One release. Raises ReleaseUnknown."""
        with self._database.reading() as connection:
            return release_rows.known(connection, identifier)

    def decision(self, identifier: str) -> decisions.Decision:
        """The last decision about a release: its effects, and what it waits for. Raises ReleaseUnknown."""
        with self._database.reading() as connection:
            return release_rows.decided(connection, identifier)

    def put_waiting(self, identifier: str, waiting: decisions.Waiting | None, look_again_at: float = 0.0) -> None:
        """Refresh what a release waits for, between decisions. No event, no generation, not flushed."""
        with self._database.writing(durable=False) as connection:
            release_rows.wait(connection, identifier, waiting, look_again_at)

    def active(self, environment: str) -> list[releases.Release]:
        """The releases that have not ended, by endpoint."""
        with self._database.reading() as connection:
            return release_rows.active(connection, environment)

    def latest(self, environment: str, endpoint: str) -> releases.Release | None:
        """The newest release of an endpoint, ended or not."""
        return next(iter(self.releases(environment, endpoint, 1)), None)

    def releases(self, environment: str, endpoint: str | None = None, limit: int = 100) -> list[releases.Release]:
        """The newest releases of an endpoint, or of the environment; newest first."""
        with self._database.reading() as connection:
            return release_rows.listed(connection, environment, endpoint, limit)

    # events

    def events(self, environment: str, endpoint: str | None = None, after: int = 0, limit: int = 1000) -> list[chain.StoredEvent]:
        """Events past the sequence number `after`, oldest first."""
        with self._database.reading() as connection:
            return chain.after(connection, chain.of(environment, endpoint), after, limit)

    def last_events(self, environment: str, endpoint: str | None = None, limit: int = 100) -> list[chain.StoredEvent]:
        """The newest events, oldest of them first."""
        with self._database.reading() as connection:
            return chain.last(connection, chain.of(environment, endpoint), limit)

    def release_events(self, identifier: str, limit: int = 1000) -> list[chain.StoredEvent]:
        """The events of one release, oldest first."""
        with self._database.reading() as connection:
            return chain.after(connection, schema.EVENTS.c.release == identifier, 0, limit)

    def append(
        self,
        event: chain.StoredEvent,
        changed: tuple[endpoint_rows.Endpoint | None, endpoint_rows.Endpoint] | None = None,
        noted: tuple[tuple[str, str], ...] = (),
        command: str = "",
    ) -> chain.StoredEvent:
        """Append an event that belongs to no decision, with the endpoint where that changes (as it was read, None where it is
        new, and as the event leaves it), facts of that endpoint as (name, value), and the answer to `command` if given.

        Raises GenerationConflict where the endpoint is not as it was read.
        """
        with self._database.writing() as connection:
            if changed is not None:
                endpoint_rows.swap(connection, *changed)
            for name, value in noted:
                facts.put(connection, (event.environment, event.endpoint), name, value)
            commands.carried_out(connection, command)
            return chain.append(connection, event)

    def append_once(self, event: chain.StoredEvent, name: str) -> bool:
        """Append an event that something outside may tell again; False when one was appended under this name already.

        `name` is of the event's endpoint. The note of it and the event are one transaction.
        """
        key = (event.environment, event.endpoint)
        with self._database.writing() as connection:
            if facts.get(connection, key, name) is not None:
                return False
            chained = chain.append(connection, event)
            facts.put(connection, key, name, str(chained.sequence))
            return True

    def head(self) -> tuple[int, str]:
        """Sequence number and hash of the last event: what a notification carries, as a witness outside."""
        with self._database.reading() as connection:
            return chain.head(connection)

    def link(self, sequence: int) -> str:
        """The hash of one event; empty where there is no such event. Of 0: what the first event is hashed over."""
        with self._database.reading() as connection:
            return chain.link(connection, sequence)

    def verify(self) -> int:
        """Recompute the chain of events; returns how many. Raises ChainBroken, naming the first that does not fit."""
        with self._database.reading() as connection:
            return chain.verify(connection)

    # verdicts

    def put_verdict(
        self, release_id: str, verdict: verdicts.Verdict, inputs: dict[str, Any] | None = None, at: float = 0.0
    ) -> None:
        """Keep the verdict of the release's present generation with what it was computed from. Raises ReleaseUnknown.

        Not flushed: it can be computed again, and the one that decides is written again by `commit`.
        """
        with self._database.writing(durable=False) as connection:
            evidence.put(connection, release_rows.known(connection, release_id), verdict, inputs, at)

    def verdict(self, release_id: str, generation: int | None = None) -> verdicts.Verdict | None:
        """The newest verdict of a release, or that of one generation; None when there is none."""
        with self._database.reading() as connection:
            found = evidence.get(connection, release_id, generation)
            return found.verdict if found else None

    def judged(self, release_id: str, generation: int | None = None) -> evidence.Judged | None:
        """The same with what it was computed from, its generation and its time; None when there is none."""
        with self._database.reading() as connection:
            return evidence.get(connection, release_id, generation)

    # holds

    def holds(self, environment: str, endpoint: str) -> list[hold_rows.HoldRow]:
        """The holds in force on an endpoint, newest first."""
        with self._database.reading() as connection:
            return hold_rows.listed(connection, environment, endpoint)

    def held(self, environment: str, endpoint: str, model_digest: str) -> hold_rows.HoldRow | None:
        """The hold on this model digest, or None."""
        with self._database.reading() as connection:
            return hold_rows.get(connection, environment, endpoint, model_digest)

    def hold(self, row: hold_rows.HoldRow, command: str = "") -> bool:
        """Place a hold by hand, with its event, answering `command` if given; False when there is one already.

        Raises EndpointUnknown.
        """
        with self._database.writing() as connection:
            endpoint_rows.known(connection, row.environment, row.endpoint)
            if not hold_rows.put(connection, row):
                return False
            chain.append(connection, _held("hold_placed", row))
            commands.carried_out(connection, command)
            return True

    def clear_holds(self, rows: Iterable[hold_rows.HoldRow], command: str = "") -> int:
        """Clear the holds on these digests, each with an event in the name of its `actor`, for its `reason`, answering `command`
        if given; how many there were.
        """
        cleared = 0
        with self._database.writing() as connection:
            for row in rows:
                if hold_rows.drop(connection, row.environment, row.endpoint, row.model_digest):
                    chain.append(connection, _held("hold_cleared", row))
                    cleared += 1
            if cleared:
                commands.carried_out(connection, command)
        return cleared

    # tokens

    def holders(self, environment: str) -> list[holder_rows.Holder]:
        """The tokens that are good, by name."""
        with self._database.reading() as connection:
            return holder_rows.listed(connection, environment)

    def holder(self, environment: str, sha256: str) -> holder_rows.Holder | None:
        """The holder of the token with this hash, or None."""
        with self._database.reading() as connection:
            return holder_rows.by_digest(connection, environment, sha256)

    def admit(self, holder: holder_rows.Holder, reason: str = "", command: str = "") -> None:
        """Keep a new token, with its event in the name of `holder.actor`, answering `command` if given. Raises TokenTaken."""
        with self._database.writing() as connection:
            holder_rows.put(connection, holder)
            chain.append(connection, _token("token_created", holder, reason))
            commands.carried_out(connection, command)

    def revoke(self, environment: str, name: str, actor: str, reason: str, at: float, command: str = "") -> None:
        """Forget a token, with its event, answering `command` if given. Raises TokenUnknown."""
        with self._database.writing() as connection:
            gone = holder_rows.drop(connection, environment, name)
            chain.append(connection, _token("token_revoked", holder_rows.Holder(environment, gone, actor, at), reason))
            commands.carried_out(connection, command)

    # commands

    def submit(self, command: commands.Command) -> str:
        """Queue a command and return its id; the same id again is the same command."""
        with self._database.writing() as connection:
            return commands.submit(connection, command)

    def pending_commands(self, environment: str) -> list[commands.Command]:
        """Commands not answered yet, in the order they came."""
        with self._database.reading() as connection:
            return commands.pending(connection, environment)

    def finish(self, identifier: str, result: dict[str, Any], status: str = commands.DONE) -> None:
        """Answer a command, `done` or `refused`; the first answer stands. Raises StateError for an unknown id."""
        with self._database.writing() as connection:
            commands.finish(connection, identifier, result, status)

    def refuse(self, identifier: str, error: errors.TidegateError) -> None:
        """Answer a command with why it was refused."""
        self.finish(identifier, {"error": str(error), "code": error.code}, commands.REFUSED)

    def withdraw(self, identifier: str) -> commands.Command:
        """Take a command back that has not been answered: it is not carried out any more. The command as it then stands.

        Raises StateError for an unknown id.
        """
        with self._database.writing() as connection:
            commands.finish(connection, identifier, {}, commands.WITHDRAWN)
            found = commands.get(connection, identifier)
            assert found is not None
            return found

    def command(self, identifier: str) -> commands.Command | None:
        """One command, or None."""
        with self._database.reading() as connection:
            return commands.get(connection, identifier)

    # alarms

    def alarms(self, environment: str) -> list[incidents.Incident]:
        """The alarms that are open, and those that were lately, oldest first."""
        with self._database.reading() as connection:
            return alarm_rows.listed(connection, environment)

    def put_incident(
        self,
        environment: str,
        incident: incidents.Incident,
        happened: Iterable[incidents.Happened] = (),
        command: str = "",
    ) -> incidents.Incident:
        """Write an incident over what was there, with its events, answering `command` if given. It comes back with its number."""
        told = tuple(happened)
        with self._database.writing(durable=bool(told)) as connection:
            commands.carried_out(connection, command)
            return alarm_rows.put(connection, environment, incident, told)

    def forget_incident(self, environment: str, incident: incidents.Incident) -> bool:
        """Drop one that is over; its events stay. False when it is gone already."""
        with self._database.writing(durable=False) as connection:
            return alarm_rows.drop(connection, environment, incident)

    def alarm_events(
        self, environment: str, endpoint: str | None = None, since: float = 0.0, limit: int = 2000
    ) -> list[chain.StoredEvent]:
        """The newest events of incidents from Unix time `since` on, oldest of them first."""
        with self._database.reading() as connection:
            table = schema.EVENTS
            told = table.c.kind.in_(incidents.KINDS) & (table.c.at >= since)
            return chain.last(connection, chain.of(environment, endpoint) & told, limit)

    # facts

    def fact(self, environment: str, endpoint: str, name: str) -> str:
        """What is noted under this name; empty when nothing is. `endpoint` empty: of the whole environment."""
        with self._database.reading() as connection:
            return facts.get(connection, (environment, endpoint), name) or ""

    def note(self, environment: str, endpoint: str, name: str, value: str) -> None:
        """Note it over what was there; an empty value forgets it."""
        with self._database.writing() as connection:
            if value:
                facts.put(connection, (environment, endpoint), name, value)
            else:
                facts.drop(connection, (environment, endpoint), name)

    # leases

    def lease(self, environment: str, name: str, holder: str, seconds: float, at: float) -> int | None:
        """Take the lease for so many seconds from now, or renew it; its term, or None while another has it.

        `at` is now; a server goes by its own clock instead. Who only asks writes nothing.
        """
        with self._database.reading() as connection:
            there = leases.get(connection, environment, name, at)
        if there is not None and there.holder != holder and not there.over:
            return None
        # A renewal that a power cut undoes costs nothing; who has it must not be forgotten.
        renews = there is not None and there.holder == holder
        with self._database.writing(durable=not renews, alone=False) as connection:
            return leases.take(connection, environment, name, (holder, seconds), at)

    def leased(self, environment: str, name: str, at: float) -> leases.Lease | None:
        """The lease as it stands, or None before anybody had it."""
        with self._database.reading() as connection:
            return leases.get(connection, environment, name, at)

    def give_up(self, environment: str, name: str, holder: str) -> bool:
        """Let another have the lease at once; False when it is not this holder's any more."""
        with self._database.writing(alone=False) as connection:
            return leases.give_up(connection, environment, name, holder)

    # the table

    def adopted_generation(self, environment: str) -> int:
        """The highest table generation that control knows of as its own; 0 at first."""
        with self._database.reading() as connection:
            return int(facts.get(connection, (environment, ""), _GENERATION) or 0)

    def adopt_generation(self, environment: str, generation: int) -> None:
        """Know of it from now on, unless a higher one is known. Control does so before it writes that generation, so that a crash
        in between leaves the store ahead; one that was stopped right before this, and goes on where another has published
        meanwhile, takes nothing back.
        """
        with self._database.writing() as connection:
            facts.heighten(connection, (environment, ""), _GENERATION, generation)


def _held(kind: str, row: hold_rows.HoldRow) -> chain.StoredEvent:
    return chain.StoredEvent(
        environment=row.environment,
        endpoint=row.endpoint,
        kind=kind,
        at=row.at,
        actor=row.actor,
        said=row.reason,
        release=row.release,
        facts={"model_digest": row.model_digest},
    )


def _token(kind: str, holder: holder_rows.Holder, reason: str) -> chain.StoredEvent:
    token = holder.token
    return chain.StoredEvent(
        environment=holder.environment,
        endpoint="",
        kind=kind,
        at=holder.at,
        actor=holder.actor,
        said=reason,
        facts={"name": token.name, "scopes": token.scopes, "endpoints": token.endpoints, "sha256": token.sha256},
    )
