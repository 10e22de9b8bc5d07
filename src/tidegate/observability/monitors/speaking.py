"""What a monitor says is wrong, as the file that control reads: its last word counts until the next.

Called by every process of this wing. Nobody acts on an alarm here.
"""

import pathlib
from collections.abc import Iterable

import msgspec

from tidegate.core.vocabulary import alarms, placing


class Voice:
    """One monitor's. What was said before, also by an earlier process, is not said again."""

    def __init__(self, folder: pathlib.Path, monitor: str) -> None:
        """`folder`: `Home.alarms`. `monitor`: the file's name, of letters, digits and hyphens."""
        self._path = folder / f"{monitor}.json"
        self._open = _read(self._path)

    @property
    def said(self) -> tuple[alarms.Alarm, ...]:
        """What is open by its last word."""
        return self._open or ()

    def say(self, now: float, found: Iterable[alarms.Alarm]) -> None:
        """Have exactly these be open, at Unix time `now`. Of one that was open before, the time of its beginning stays.

        Raises OSError, and then what was said before still counts.
        """
        since = {one.key: one.since for one in self.said}
        wanted = tuple(msgspec.structs.replace(one, since=since.get(one.key, one.since)) for one in found)
        if wanted == self._open:
            return
        placing.put(self._path, msgspec.json.encode(alarms.Said(now, wanted)))
        self._open = wanted


def _read(path: pathlib.Path) -> tuple[alarms.Alarm, ...] | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=alarms.Said).alarms
    except (OSError, ValueError):
        return None
