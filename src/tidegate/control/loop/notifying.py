"""Telling people: what the event log has to tell goes to the addresses that endpoints name, each at least once and in order.

The log is the queue. Of every address the store keeps how far down the log it was told and which event is on its way, so that a
control that is killed goes on where it was; at worst one letter comes twice, and then it says so. Sending happens in threads, a
tick only takes what came of it. An address that takes nothing is tried again, ever more slowly, for a day.
"""

import collections
import concurrent.futures
import json
import logging
from collections.abc import Callable, Iterable, Iterator

import msgspec

from tidegate.control.loop import letters, mailing, transitions
from tidegate.control.store import chain, endpoints
from tidegate.core.vocabulary import alarms, errors, home, phases, recipients

log = logging.getLogger(__name__)
Wants = dict[str, list[recipients.Recipient]]
"""What one address is told, by endpoint."""
Deliver = Callable[[str, str, str, str], None]
"""(reference, title, body, severity) to one letter sent; `mailing.deliver`."""
NOTE = "notified:"
FIRST_SECONDS, SLOWEST_SECONDS = 1.0, 300.0
"""After the first failure it is tried again so soon, then half as often each time, down to the slowest."""
PATIENCE_SECONDS = 900.0
"""An address that takes nothing for so long is an alarm; one that cannot be right is one at once."""
GIVE_UP_SECONDS = 86_400.0
FRESH_SECONDS = 60.0
PAGE = 500
"""Events read at once."""
BEHIND = 2_000
"""Events that had nothing to tell, after which the place is written down again."""
THREADS = 4


class Place(msgspec.Struct, frozen=True):
    """How far an address has been told, as the store keeps it."""

    told: int
    """Sequence number of the last event that it was told of, or that had nothing to tell."""
    trying: int = 0
    """Of the event that is on its way: if it is tried again, the letter says so."""
    failing_since: float = 0.0
    """0: the last letter was taken."""
    lost: int = 0
    """Letters given up since one was taken last."""


class _Address:
    """One address: what is to be sent there, and what is under way."""

    def __init__(self, reference: str, place: Place) -> None:
        self.reference, self.place = reference, place
        self.read = place.told
        self.queue: collections.deque[letters.Letter] = collections.deque()
        self.under_way: concurrent.futures.Future[None] | None = None
        self.began = 0.0
        self.fresh = False
        """Whether the first in the queue was not tried, although another of its event was."""
        self.failures = 0
        self.due = 0.0
        self.trouble = ""
        self.hopeless = False
        """It cannot be right as it is: no patience."""


class Notifying:
    """All addresses of one environment."""

    def __init__(self, desk: transitions.Desk, place: home.Home, deliver: Deliver = mailing.deliver) -> None:
        self._desk, self._home, self._deliver = desk, place, deliver
        self._pool = concurrent.futures.ThreadPoolExecutor(THREADS, thread_name_prefix="notify")
        self._addresses: dict[str, _Address] = {}
        self._read_at: int | None = None

    def turn(self, rows: Iterable[endpoints.Endpoint], now: float) -> None:
        """Take what became of what was sent, and send what is due. Never waits. Raises StoreUnavailable, DiskFull."""
        subscribed = self._subscribed(rows)
        for reference in self._addresses.keys() - subscribed.keys():
            self._forget(reference)
        for reference, names in subscribed.items():
            if reference not in self._addresses:
                self._addresses[reference] = _Address(reference, self._place(reference, names, now))
                self._read_at = None
        if not self._addresses:
            return
        changes = self._desk.store.changes()
        anew = changes is None or changes != self._read_at
        for reference, address in self._addresses.items():
            self._take(address, now)
            if anew:
                self._read(address, subscribed[reference])
            if address.under_way is None and address.queue and now >= address.due:
                self._send(address, now)
        self._read_at = changes

    def clock_set(self, seconds: float) -> None:
        """The machine's clock was set: what was noted moves along, so that nothing is given up, or waits for long, by it."""
        for address in self._addresses.values():
            address.due += seconds
            address.began += seconds
            if address.place.failing_since:
                failing = address.place.failing_since + seconds
                self._put(address, msgspec.structs.replace(address.place, failing_since=failing))

    def wrong(self, now: float) -> Iterator[alarms.Alarm]:
        """Addresses that take nothing."""
        for reference, address in self._addresses.items():
            since, lost = address.place.failing_since, address.place.lost
            sending = address.under_way is not None and not address.under_way.done()
            stuck = sending and now - address.began >= PATIENCE_SECONDS
            long = bool(address.trouble) and 0.0 < since <= now - PATIENCE_SECONDS
            if address.hopeless or long or stuck or lost:
                why = address.trouble or ("it has been at one for long." if stuck else "it did not when it was last tried.")
                words = f"{reference} takes no notifications: {why}"
                if lost:
                    words += f" {lost} were given up after a day; `tidegate history` has what they said."
                yield alarms.Alarm(alarms.Kind.NOTIFY_FAILED, "", words, now, subject=reference)

    def close(self) -> None:
        """Let no thread outlive control; what is not known to be taken is sent again."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _subscribed(self, rows: Iterable[endpoints.Endpoint]) -> dict[str, Wants]:
        """What each address is told, by endpoint."""
        found: dict[str, Wants] = {}
        for row in rows:
            if row.settings.get("notify"):
                for one in recipients.of(self._desk.settings(row).notify):
                    found.setdefault(one.address, {}).setdefault(row.name, []).append(one)
        return found

    def _place(self, reference: str, names: Iterable[str], now: float) -> Place:
        """Where it was; for a new one, before the release that brought it."""
        store, environment = self._desk.store, self._desk.environment
        noted = store.fact(environment, "", NOTE + reference)
        if noted:
            return msgspec.json.decode(noted, type=Place)
        begins = [store.head()[0]]
        for name in names:
            latest = store.latest(environment, name)
            if latest is not None and (latest.phase not in phases.ENDED or now - latest.created_at < FRESH_SECONDS):
                begins += [one.sequence - 1 for one in store.release_events(latest.id, limit=1)]
        place = Place(min(begins))
        self._note(reference, place)
        return place

    def _forget(self, reference: str) -> None:
        """No endpoint names it any more; if one does again, it begins anew."""
        self._desk.store.note(self._desk.environment, "", NOTE + reference, "")
        del self._addresses[reference]

    def _read(self, address: _Address, wants: Wants) -> None:
        """Put into its queue what the log has for it."""
        while len(address.queue) < PAGE:
            found = self._desk.store.events(self._desk.environment, after=address.read, limit=PAGE)
            for event in found:
                address.queue.extend(one for one in letters.of(event) if _concerns(one, event, address.reference, wants))
            if found:
                address.read = found[-1].sequence
            if len(found) < PAGE:
                break
        if not address.queue and address.read - address.place.told > BEHIND:
            self._put(address, msgspec.structs.replace(address.place, told=address.read))

    def _send(self, address: _Address, now: float) -> None:
        letter = address.queue[0]
        again = address.place.trying == letter.sequence and not address.fresh
        if address.place.trying != letter.sequence:
            self._put(address, msgspec.structs.replace(address.place, trying=letter.sequence))
        stamp = letters.Stamp(self._desk.store.head(), _page(self._home), again)
        title = letters.title(letter, self._desk.environment)
        body = letters.body(letter, stamp)
        address.fresh, address.began = False, now
        address.under_way = self._pool.submit(self._deliver, address.reference, title, body, letter.severity)
        log.debug("notifying", extra={"to": address.reference, "event": letter.sequence, "again": again, "at": now})

    def _take(self, address: _Address, now: float) -> None:
        """What became of the letter that was under way."""
        done = address.under_way
        if done is None or not done.done():
            return
        address.under_way = None
        failed = done.exception()
        if failed is None:
            if address.trouble or address.place.failing_since:
                log.info("notifications are taken again", extra={"to": address.reference})
            address.failures, address.due, address.trouble, address.hopeless = 0, 0.0, "", False
            self._next(address, Place(address.queue[0].sequence))
            return
        address.failures += 1
        address.due = now + min(SLOWEST_SECONDS, FIRST_SECONDS * 2.0 ** min(address.failures - 1, 30))
        address.trouble = (
            f"{failed.message} {failed.cure}".strip() if isinstance(failed, errors.TidegateError) else type(failed).__name__
        )
        address.hopeless = isinstance(failed, errors.ExtraMissing | errors.NotifyAddressInvalid)
        if address.failures == 1:
            log.warning("a notification was not taken", extra={"to": address.reference, "why": address.trouble})
        self._give_up(address, now)

    def _give_up(self, address: _Address, now: float) -> None:
        """Leave out what is over a day old, of an address that has taken nothing for as long."""
        since = address.place.failing_since or now
        if not address.place.failing_since:
            self._put(address, msgspec.structs.replace(address.place, failing_since=now))
        while address.queue and now - max(since, address.queue[0].at) >= GIVE_UP_SECONDS:
            letter = address.queue[0]
            told = {"to": address.reference, "event": letter.sequence, "said": letter.what}
            log.error("a notification is given up", extra=told)
            self._next(address, Place(letter.sequence, failing_since=since, lost=address.place.lost + 1))

    def _next(self, address: _Address, place: Place) -> None:
        """The first letter is done with. An event with several is done with when its last one is."""
        first = address.queue.popleft()
        address.fresh = bool(address.queue) and address.queue[0].sequence == first.sequence
        if address.fresh:
            place = msgspec.structs.replace(place, told=address.place.told, trying=first.sequence)
        self._put(address, place)

    def _put(self, address: _Address, place: Place) -> None:
        self._note(address.reference, place)
        address.place = place

    def _note(self, reference: str, place: Place) -> None:
        self._desk.store.note(self._desk.environment, "", NOTE + reference, msgspec.json.encode(place).decode())


def _concerns(letter: letters.Letter, event: chain.StoredEvent, reference: str, wants: Wants) -> bool:
    """Whether this address is told: of its endpoints and of what is about all, as far as it wants, but not of its own silence."""
    asked = wants.get(event.endpoint, ()) if event.endpoint else [one for every in wants.values() for one in every]
    severity = letter.floor or letter.severity
    return letter.about != reference and any(one.takes(severity, letter.kind) for one in asked)


def _page(place: home.Home) -> str:
    """Where the release page is, as `up` wrote it down."""
    try:
        found = json.loads(place.addresses.read_text())
        return f"{found['api']}/"
    except (OSError, ValueError, KeyError, TypeError):
        return ""
