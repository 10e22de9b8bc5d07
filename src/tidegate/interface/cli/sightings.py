"""One request across processes: what the prediction log says of it, and every line of any process that names it."""

import pathlib
from collections.abc import Collection, Iterator
from typing import Any

from tidegate.core.vocabulary import arms, errors, home, ids, instances, instants, marks, records
from tidegate.dataplane.predlog import parquet, reader
from tidegate.interface.cli import logbook

MOST = 100
"""Predictions of one request id: clients may send it again and again."""


def predictions(place: home.Home, prediction: str, request: str) -> list[records.Prediction]:
    """The records of a prediction id, or of a client's request id, copies included. Raises PredictionUnknown."""
    if prediction:
        wanted = ids.parse(prediction)
        if wanted is None:
            raise errors.PredictionUnknown(f"{prediction[:60]!r} is no prediction id.")
        chosen = [wanted]
    else:
        chosen = _requested(place, request)
    fresh = [one for one in reader.unrecorded(place) if isinstance(one, records.Prediction) and one.id in set(chosen)]
    known = {(one.incarnation, one.sequence): one for one in (*reader.predictions(place.log, chosen), *fresh)}
    if not known:
        what = f"the prediction {prediction}" if prediction else f"a request {request!r}"
        raise errors.PredictionUnknown(f"the log has nothing of {what}.")
    return sorted(known.values(), key=lambda one: (one.arrived_ns, one.sequence))


def lines(place: home.Home, found: Collection[records.Prediction]) -> list[dict[str, Any]]:
    """The records as lines, and the lines of all processes that name one of them, in the order of their times."""
    names = {ids.text(one.id) for one in found} | {one.request_id for one in found if one.request_id}
    boots = {str(instances.read_state(place.instances, path.stem).get("incarnation")): path.stem for path in _gateways(place)}
    said = [_told(one, boots.get(one.incarnation, f"boot {one.incarnation[:8]}")) for one in found]
    for path in sorted(place.logs.glob("*.log*")):
        said += _naming(path, names)
    return sorted(said, key=lambda one: str(one["at"]))


def _requested(place: home.Home, request: str) -> list[bytes]:
    ask = (
        "SELECT DISTINCT id FROM read_parquet($files, union_by_name = true, hive_partitioning = false)"
        " WHERE request_id = $request ORDER BY id DESC LIMIT $most"
    )
    files = {"files": reader.anew(place.log, parquet.PREDICTIONS)}
    rows = reader.answer(ask, {"request": request, "most": MOST}, files, lambda answered: answered.fetchall()) or []
    recorded = [found for row in rows if (found := ids.parse(str(row[0]))) is not None]
    fresh = [one.id for one in reader.unrecorded(place) if isinstance(one, records.Prediction) and one.request_id == request]
    return list(dict.fromkeys([*fresh, *recorded]))[:MOST]


def _gateways(place: home.Home) -> Iterator[pathlib.Path]:
    return place.instances.glob("gateway-*.json")


def _told(one: records.Prediction, gateway: str) -> dict[str, Any]:
    """A record as a line of its gateway."""
    mark = marks.Mark(one.mark)
    bad = mark in marks.HARMFUL
    at = instants.exact(one.arrived_ns / 1e9)
    told: dict[str, Any] = {"at": at, "level": "warning" if bad else "info", "instance": gateway, "event": "prediction"}
    told |= {"prediction_id": ids.text(one.id), "request_id": one.request_id, "endpoint": one.endpoint}
    told |= {"version": f"v{one.version}", "role": arms.Role(one.role).name.lower(), "arm": arms.Arm(one.arm).name.lower()}
    told |= {"release": one.release, "mark": mark.name.lower(), "status": one.status, "ms": round(one.total_us / 1e3, 3)}
    told |= {"model_ms": round(one.model_us / 1e3, 3), "rescued": one.rescued or "", "error": one.error}
    return {name: value for name, value in told.items() if value != ""}


def _naming(path: pathlib.Path, names: Collection[str]) -> Iterator[dict[str, Any]]:
    """A client chooses its request id, so a line has to have it as a value, and not somewhere in its text."""
    instance, at = path.name.partition(".log")[0], ""
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            for line in file:
                if not any(name in line for name in names):
                    continue
                fields = logbook.parse(line.rstrip("\n"), instance)
                at = str(fields["at"]) or at
                if not fields["level"] or any(str(value) in names for value in fields.values()):
                    yield {**fields, "at": at}
    except OSError:
        return
