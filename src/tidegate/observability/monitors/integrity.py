"""Whether the prediction log is kept and whole: a watch of the monitor, over what gateways, recorder and disk say.

Called by `rounds`. Not here: what is done about it (`mending`, the gateway's journal).
"""

import pathlib
from typing import Any

from tidegate.core.vocabulary import alarms, errors, home, instances
from tidegate.dataplane.predlog import catalogue, parquet

_SHOWN = 10
_SHED = "Requests are answered and not logged ({:,} so far); those of endpoints with `durability: ack` are refused (503)."
_ROOM = "Make room on the disk: it then goes on by itself."


class Integrity:
    """A watch; see `rounds`."""

    name, every = "log", 2.0

    def __init__(self, place: home.Home) -> None:
        self._home = place

    def look(self, now: float) -> list[alarms.Alarm]:
        """What is wrong with the log at Unix time `now`."""
        return [*self._shed(now), *self._damaged(now)]

    def _shed(self, now: float) -> list[alarms.Alarm]:
        """Gateways that cannot keep records, and a recorder that cannot record: before anything is lost, and while it is."""
        found = []
        for path in sorted(self._home.instances.glob("gateway-*.json")):
            said = instances.read_state(self._home.instances, path.stem)
            if said.get("state") in {"ready", "draining"} and said.get("unkept"):
                words = f"{said['unkept']} {_SHED.format(int(said.get('dropped', 0)))} {_ROOM}"
                found.append(_alarm(alarms.Kind.LOG_SHED, words, now, severity="critical", subject=path.stem))
        said = instances.read_state(self._home.instances, "recorder")
        if said.get("waits"):
            words = f"{said.get('trouble')} Gateways go on logging until the disk is almost full. {_ROOM}"
            found.append(_alarm(alarms.Kind.LOG_SHED, words, now, subject="recorder"))
        return found

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
        return [_alarm(alarms.Kind.LOG_DAMAGED, words, now, moved=tuple(moved[:_SHOWN]))]

    def _known(self) -> list[tuple[str, str, int]]:
        try:
            with catalogue.Catalogue(self._home.log, readonly=True) as known:
                return known.all_damaged()
        except errors.StoreUnavailable:  # of a log that has not begun
            return []


def _alarm(kind: alarms.Kind, words: str, now: float, **more: Any) -> alarms.Alarm:
    return alarms.Alarm(kind, "", words, now, **{"next": f"tidegate logs {more.get('subject', 'recorder')}", **more})


def _places(aside: list[pathlib.Path]) -> str:
    return f"{aside[0]}{' and the others' if len(aside) > 1 else ''}."
