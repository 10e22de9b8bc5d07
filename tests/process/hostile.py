"""Attackers of a running gateway, a good client beside them, and what the processes hold: for a test, and for `bench.hostile`.

with hostile.Good(port) as good:
    tally = hostile.Attacker(port, seed=7).run(count=100_000)
tally.wrong, good.wrong      both are to be empty
hostile.holds(pid)           (bytes of memory, open file descriptors) of a process, to be compared before and after
"""

import collections
import dataclasses
import json
import os
import pathlib
import random
import socket
import threading
import time

from tests.process import hostile_requests

PATIENCE = 10.0
"""Seconds in which a gateway has to answer or end what it is to end."""
HELD = 100
"""Connections of one attacker that are left as they are, half a request sent."""


@dataclasses.dataclass
class Tally:
    """What came of attacks."""

    counts: collections.Counter = dataclasses.field(default_factory=collections.Counter)
    """(attack, statuses) -> how often."""
    wrong: list[str] = dataclasses.field(default_factory=list)

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    def add(self, other: "Tally") -> None:
        self.counts += other.counts
        self.wrong += other.wrong


class Attacker:
    """One attacker: one connection after the other, all by the seed."""

    def __init__(self, port: int, seed: int) -> None:
        self.port = port
        self.tally = Tally()
        self._attacks = hostile_requests.attacks(seed)
        self._held: collections.deque[socket.socket] = collections.deque()

    def run(self, count: int = 1 << 62, seconds: float = 1e9) -> Tally:
        """Attack so often, or for so long; what came of it."""
        end = time.monotonic() + seconds
        try:
            while count > 0 and time.monotonic() < end and len(self.tally.wrong) < 20:
                self.strike(next(self._attacks))
                count -= 1
        finally:
            while self._held:
                self._held.popleft().close()
        return self.tally

    def strike(self, attack: hostile_requests.Attack) -> None:
        """One attack."""
        mine = socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE)
        try:
            _send(mine, attack.parts)
            if attack.answers == 0:
                self._held.append(mine)
                self.tally.counts[attack.name, ()] += 1
                if len(self._held) > HELD:
                    self._held.popleft().close()
                return
            if attack.answers < 0:
                mine.shutdown(socket.SHUT_WR)
            found, ended = read(mine, attack.answers if not attack.ends or attack.answers < 0 else attack.answers + 1)
        except TimeoutError:
            self.tally.wrong.append(f"{attack.name}: no answer and no end in {PATIENCE:g} s to {attack.parts!r:.500}")
            mine.close()
            return
        except OSError:
            found, ended = [], True
        mine.close()
        self.tally.counts[attack.name, tuple(sorted(set(found)))] += 1
        wrong = [status for status in found if status not in attack.allowed]
        if wrong or (attack.answers > 0 and len(found) > attack.answers) or (attack.ends and not ended):
            self.tally.wrong.append(f"{attack.name}: answered {found}, {'ended' if ended else 'open'}: {attack.parts!r:.700}")


def _send(mine: socket.socket, parts: tuple[bytes, ...]) -> None:
    try:
        for part in parts:
            mine.sendall(part)
    except (BrokenPipeError, ConnectionResetError):
        pass  # it need not be heard out; what it answers is read all the same


def read(mine: socket.socket, most: int) -> tuple[list[int], bool]:
    """(the statuses of answers, at most so many, all with -1; whether the connection has ended). Raises TimeoutError."""
    found: list[int] = []
    with mine.makefile("rb") as file:
        while most < 0 or len(found) < most:
            try:
                line = file.readline()
                if not line:
                    return found, True
                length = 0
                while (header := file.readline()) not in (b"\r\n", b""):
                    if header.lower().startswith(b"content-length:"):
                        length = int(header.partition(b":")[2])
                file.read(length)
            except ConnectionError:
                return found, True
            found.append(int(line.split()[1]))
    return found, False


def attack(port: int, seed: int, seconds: float = 1e9, count: int = 1 << 62, attackers: int = 2) -> Tally:
    """Several attackers at once; what came of all of them. `count` and `seed` are for all of them together."""
    all_of = [Attacker(port, seed * 1_000 + n) for n in range(attackers)]
    threads = [threading.Thread(target=one.run, args=(count // attackers, seconds)) for one in all_of]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    whole = Tally()
    for one in all_of:
        whole.add(one.tally)
    return whole


class Good:
    """A client that does nothing wrong while others do, and looks at every answer."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.answered = 0
        self.slowest = 0.0
        self.wrong: list[str] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._ask)

    def _ask(self) -> None:
        chance = random.Random(1)
        with socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE) as mine, mine.makefile("rb") as file:
            while not self._over.is_set() and len(self.wrong) < 5:
                rows = [[chance.randrange(300) for _ in range(3)] for _ in range(chance.randrange(1, 4))]
                given = {"name": "x", "shape": [len(rows), 3], "datatype": "FP32", "data": rows}
                begun = time.monotonic()
                mine.sendall(hostile_requests.post(json.dumps({"inputs": [given], "outputs": [{"name": "total"}]}).encode()))
                try:
                    self._look(file, [float(sum(row)) for row in rows])
                except (OSError, ValueError, KeyError) as failed:
                    self.wrong.append(repr(failed))
                    return
                self.answered += 1
                self.slowest = max(self.slowest, time.monotonic() - begun)
                self._over.wait(0.002)

    def _look(self, file, expected: list[float]) -> None:
        status, length = file.readline(), 0
        while (header := file.readline()) not in (b"\r\n", b""):
            if header.startswith(b"content-length:"):
                length = int(header.partition(b":")[2])
        said = json.loads(file.read(length))
        if b" 200 " not in status or said["outputs"][0]["data"] != expected:
            self.wrong.append(f"{status!r} {said} for {expected}")

    def __enter__(self) -> "Good":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()


def holds(pid: int) -> tuple[int, int]:
    """(bytes of memory, open file descriptors) of a process."""
    resident = int(pathlib.Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return resident, sum(1 for _ in pathlib.Path(f"/proc/{pid}/fd").iterdir())
