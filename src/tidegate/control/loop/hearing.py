"""What monitors say is wrong: their files, read when they are others than at the last look."""

import logging
import pathlib

import msgspec

from tidegate.core.vocabulary import alarms

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
            self._known[path.stem] = (seen, _decode(path.read_bytes()).alarms)
        except FileNotFoundError:
            return
        except (OSError, msgspec.DecodeError) as failed:
            log.warning("a monitor cannot be understood", extra={"monitor": path.stem, "why": str(failed)})
            self._known[path.stem] = (seen if isinstance(failed, msgspec.DecodeError) else (0, 0), before[1])
