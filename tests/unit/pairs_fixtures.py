"""Mirrored requests: a request, its copy, and a table that has them compared."""

import pathlib

import msgspec

from tests.unit import predlog_fixtures as given
from tests.unit.recording_fixtures import Log
from tidegate.core.vocabulary import arms, home, manifests, marks, records, sums, tables

C = manifests.Column
SIGNATURE = manifests.Signature("columns", (C("carrier", "string"), C("hour", "long", required=False)), (C("late", "double"),))


def served(chance: int, at: float = 0.0, carrier: str = "AA", **more: object) -> records.Prediction:
    """A request that stable answered with 0.25; its input is its own."""
    whole = {"input": b'{"records": [{"carrier": "%s", "hour": %d}]}' % (carrier.encode(), chance), "weight": 0}
    return given.prediction(chance, at, **(whole | more))


def copied(of: records.Prediction, *answers: float | str | None, **more: object) -> records.Prediction:
    """Its copy, which the candidate answered; the same unless said otherwise."""
    whole = {
        "arm": 1 - of.arm,
        "version": 2,
        "digest": "e" * 64,
        "role": arms.Role.SHADOW,
        "evidence": False,
        "input": b"",
        "answers": answers or of.answers,
    }
    return msgspec.structs.replace(of, **(whole | more))


def failed(of: records.Prediction, mark: int = marks.Mark.ERROR) -> records.Prediction:
    """Its copy, which was not answered."""
    return copied(of, mark=mark, answers=(), rows=0, status=500, output=b"")


def place(made: home.Home, **route: object) -> None:
    """A table that mirrors, and the bundle of stable's signature."""
    folder = made.bundles / ("d" * 64)
    folder.mkdir(exist_ok=True)
    manifest = manifests.Manifest("flights", "sklearn", "m", SIGNATURE, ())
    (folder / "manifest.json").write_bytes(msgspec.json.encode(manifest))
    whole = {"release": "r1", "mirror": 1_000, "outcomes": tables.Outcomes(within_seconds=10.0)}
    stable, candidate = tables.Deployed(1, "d" * 64, "m"), tables.Deployed(2, "e" * 64, "m")
    made_route = tables.Route("flight-delay", "production", stable, candidate, **(whole | route))
    made.table.write_bytes(msgspec.json.encode(tables.Table(2, 1, {"flight-delay": made_route})))


class Mirrored(Log):
    """A gateway's log with mirrored requests, and the recorder."""

    def __init__(self, root: pathlib.Path, **route: object) -> None:
        super().__init__(root)
        place(self.home, **route)

    def pairs(self, release: str = "r1") -> sums.Pairs:
        """What control would read."""
        raw = (self.home.pairs / "flight-delay.json").read_bytes()
        return msgspec.json.decode(raw, type=dict[str, sums.Pairs])[release]

    def counts(self) -> dict[str, tuple[int, int, int]]:
        """(pairs, disagreed, failed) by slice."""
        return {one.slice: (one.pairs, one.disagreed, one.failed) for one in self.pairs().sums}

    def wrongs(self) -> tuple[int, int]:
        """(copy only, served only) over all."""
        return self.pairs().all.copy_only_wrong, self.pairs().all.served_only_wrong
