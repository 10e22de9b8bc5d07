"""Records and homes for the tests of the prediction log, the recorder and trace."""

import pathlib

import msgspec

from tidegate.core.vocabulary import arms, home, ids, marks, records, tables
from tidegate.dataplane.predlog import segments

BOOT = "b" * 32
T0 = 1_700_000_000
"""Unix seconds of tick 0."""


def prediction(sequence: int, at: float = 0.0, **given: object) -> records.Prediction:
    """A prediction that arrived `at` seconds after T0, answered 0.25 by stable."""
    arrived_ns = T0 * 10**9 + int(at * 1e9)
    whole = {
        "schema": records.SCHEMA,
        "host": "host",
        "incarnation": BOOT,
        "sequence": sequence,
        "id": identifier(sequence, at),
        "request_id": "",
        "environment": "production",
        "endpoint": "flight-delay",
        "release": "r1",
        "stage": 0,
        "generation": 5,
        "version": 1,
        "digest": "d" * 64,
        "arm": arms.Arm.STABLE,
        "weight": 500,
        "evidence": True,
        "key_hash": b"12345678",
        "role": arms.Role.LIVE,
        "mark": marks.Mark.OK,
        "status": 200,
        "answered_by": 1,
        "rescued": False,
        "arrived_ns": arrived_ns,
        "total_us": 1200,
        "model_us": 300,
        "rows": 1,
        "batch_rows": 1,
        "bin": -1,
        "answers": (0.25,),
        "content": "records",
        "input": b'{"records": [{"a": 1}]}',
        "output": b'{"predictions": [0.25]}',
    }
    return records.Prediction(**(whole | given))  # type: ignore[arg-type]


def identifier(chance: int, at: float = 0.0) -> bytes:
    """The id of a prediction that arrived `at` seconds after T0."""
    return ids.uuid7(T0 * 1000 + int(at * 1e3), chance)


def outcome(sequence: int, of: records.Prediction, label: float | str, at: float, **given: object) -> records.Outcome:
    """An outcome received `at` seconds after T0."""
    whole = {
        "schema": records.SCHEMA,
        "host": "host",
        "incarnation": BOOT,
        "sequence": sequence,
        "id": of.id,
        "row": 0,
        "label": label,
        "label_version": 1,
        "role": arms.Role.LIVE,
        "received_ns": T0 * 10**9 + int(at * 1e9),
    }
    return records.Outcome(**(whole | given))  # type: ignore[arg-type]


def place(root: pathlib.Path, rule: tables.Outcomes | None = None) -> home.Home:
    """A home with a table of one endpoint whose outcomes are waited for ten seconds."""
    made = home.Home(root)
    made.prepare()
    route = tables.Route(
        "flight-delay",
        "production",
        tables.Deployed(1, "d" * 64, "m"),
        release="r1",
        outcomes=rule or tables.Outcomes(within_seconds=10.0),
    )
    made.table.write_bytes(msgspec.json.encode(tables.Table(1, 0, {"flight-delay": route})))
    return made


def writer(made: home.Home, boot: str = BOOT, rotate_bytes: int = segments.ROTATE_BYTES) -> segments.Writer:
    """A gateway's writer."""
    return segments.Writer(made.segments, "host", boot, rotate_bytes)
