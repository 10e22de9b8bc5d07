"""What monitors say is wrong: their files, read when they are others than at the last look."""

import logging
import pathlib

import msgspec

from tidegate.core.vocabulary import alarms, instants

log = logging.getLogger(__name__)
_decode = msgspec.json.Decoder(alarms.Said).decode


class Ear:
    """On the folder `Home.alarms`."""

    def __init__(self, folder: pathlib.Path) -> None:
        self._folder = folder
        self._known: dict[str, tuple[tuple[int, int], tuple[alarms.Alarm, ...]]] = {}

    def heard(self) -> list[alarms.Alarm]:
        """All that are open by the monitors' last words, by monitor. One that cannot be read leaves what was known of it."""
        there = sorted(self._folder.glob("*.json"))
        for gone in self._known.keys() - {path.stem for path in there}:
            del self._known[gone]
        for path in there:
            self._look(path)
        return [alarm for name in sorted(self._known) for alarm in self._known[name][1]]

    def _look(self, path: pathlib.Path) -> None:
        before = self._known.get(path.stem, ((0, 0), ()))
        try:
            told = path.stat()
            seen = (told.st_mtime_ns, told.st_ino)
            if seen == before[0]:
                return
            self._known[path.stem] = (seen, _heard(path.read_bytes()))
        except FileNotFoundError:
            return
        except (OSError, ValueError) as failed:
            log.warning("a monitor cannot be understood", extra={"monitor": path.stem, "why": str(failed)})
            self._known[path.stem] = (seen if isinstance(failed, ValueError) else (0, 0), before[1])


def _heard(raw: bytes) -> tuple[alarms.Alarm, ...]:
    """What a file says. Raises ValueError for one that is not of this form, or says a time that no calendar has."""
    said = _decode(raw).alarms
    for one in said:
        if instants.sane(one.since) != one.since:
            named = ":".join(filter(None, (one.kind, one.endpoint, one.subject)))
            raise ValueError(
                f"the alarm {named} is since {one.since:g}, which is no time: write Unix seconds, 1772380000 for one."
            )
    return said
