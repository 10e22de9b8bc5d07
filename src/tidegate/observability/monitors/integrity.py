"""Whether the prediction log is kept and whole: a watch of the monitor, over what gateways, recorder and disk say.

Called by `rounds`. Not here: what is done about it (`mending`, the gateway's journal).
"""

import pathlib

from tidegate.core.vocabulary import alarms, errors, home
from tidegate.dataplane.predlog import catalogue, parquet

_SHOWN = 10


class Integrity:
    """A watch; see `rounds`."""

    name, every = "log", 2.0

    def __init__(self, place: home.Home) -> None:
        self._home = place

    def look(self, now: float) -> list[alarms.Alarm]:
        """What is wrong with the log at Unix time `now`."""
        return self._damaged(now)

    def _damaged(self, now: float) -> list[alarms.Alarm]:
        """Files that lie aside: until somebody has seen to them, and deleted them."""
        aside = sorted(self._home.segments.glob(f"*{parquet.ASIDE}"))
        moved = [f"{path.name}: the bytes between whole records" for path in aside]
        for path, why, lost in self._known():
            there = self._home.log / f"{path}{parquet.ASIDE}"
            if there.exists():
                aside.append(there)
                moved.append(f"{path} {why}: {lost:,} rows lost")
        if not aside:
            return []
        several = f"{len(aside):,} damaged files were" if len(aside) > 1 else "a damaged file was"
        words = f"{several} set aside; the rest of the log is read. Look at the disk, then delete {_places(aside)}"
        return [_alarm(alarms.Kind.LOG_DAMAGED, words, now, tuple(moved[:_SHOWN]))]

    def _known(self) -> list[tuple[str, str, int]]:
        try:
            with catalogue.Catalogue(self._home.log, readonly=True) as known:
                return known.all_damaged()
        except errors.StoreUnavailable:  # of a log that has not begun
            return []


def _alarm(kind: alarms.Kind, words: str, now: float, moved: tuple[str, ...] = ()) -> alarms.Alarm:
    return alarms.Alarm(kind, "", words, now, moved=moved, next="tidegate logs recorder")


def _places(aside: list[pathlib.Path]) -> str:
    return f"{aside[0]}{' and the others' if len(aside) > 1 else ''}."
