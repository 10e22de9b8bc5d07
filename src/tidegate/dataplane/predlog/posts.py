"""Outcomes on their way to `POST /outcomes`: rows of whatever table as the entries that a gateway takes. Pure.

A row has an `id` and a `label` (a higher `label_version` for a correction), or a `key`, a `time` and a `label`, or a `metric`
and a `value` with one of the two. Called by the command line, for files, and by the monitor, for tables.
"""

import datetime as dt
import decimal
import math
from typing import Any

from tidegate.core.vocabulary import errors, ids, instants

FIELDS = ("id", "label", "label_version", "metric", "value", "key", "endpoint", "time")
"""What a row may have."""
AT_ONCE = 500
"""Entries in one request."""
LABELLING = "labelling:"
"""How request ids begin that bring labels which people were asked for (the labelling queue): no fair sample of what came."""


def entry(given: dict[str, Any], where: str) -> dict[str, Any]:
    """A row's entry. Raises OutcomeInvalid saying `where`, for what no gateway would take."""
    if given.get("metric") or given.get("value") is not None:
        return _value(given, where)
    label, version = plain(given.get("label")), plain(given.get("label_version"))
    version = 1 if version is None else version
    if label is None or label == "" or not isinstance(label, str | int | float):
        raise errors.OutcomeInvalid("the label is empty." if not label else f"{label!r} is no label.", where=where)
    if isinstance(label, float) and not math.isfinite(label):
        raise errors.OutcomeInvalid("the label is not a finite number.", where=where)
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise errors.OutcomeInvalid(f"label_version is {version!r}, not 1, 2, ...", where=where)
    if given.get("id") or not given.get("key"):
        return {"id": _identifier(given, where), "label": label, "label_version": version}
    time = plain(given.get("time"))
    if time in (None, ""):
        raise errors.OutcomeInvalid(
            "a key has a metric and a value, or a time and a label.", where=where, cure="Say when: --time, or a column of it."
        )
    if instants.parse(time) is None:
        raise errors.OutcomeInvalid(f"the time {time!r} {instants.wrong(time)}.", where=where, cure=_WHEN)
    if not given.get("endpoint"):
        raise errors.OutcomeInvalid(_WHOSE, where=where)
    whom = {"key": plain(given["key"]), "endpoint": given["endpoint"], "time": time}
    return whom | {"label": label, "label_version": version}


_WHEN = "Say when that was which the label is of: 2026-03-01T14:30Z, or Unix seconds."
_WHOSE = "a key is known within its endpoint, and none is named."


def plain(value: Any) -> Any:
    """A table's value as JSON has it: decimals are numbers, times ISO 8601, whole floats whole numbers, NaN null."""
    if isinstance(value, decimal.Decimal):
        value = float(value)
    if isinstance(value, dt.datetime | dt.date):
        return value.isoformat()
    if isinstance(value, float) and math.isnan(value):
        return None
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < 2**53 else value


def _value(given: dict[str, Any], where: str) -> dict[str, Any]:
    metric, value = given.get("metric"), plain(given.get("value"))
    if not metric:
        raise errors.OutcomeInvalid("a value has a metric.", where=where, cure="Name it: --metric revenue")
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise errors.OutcomeInvalid(f"the value of {metric} is {value!r}, which is no number.", where=where)
    if not given.get("key"):
        return {"id": _identifier(given, where), "metric": metric, "value": value}
    if not given.get("endpoint"):
        raise errors.OutcomeInvalid(_WHOSE, where=where)
    return {"key": plain(given["key"]), "endpoint": given["endpoint"], "metric": metric, "value": value}


def _identifier(given: dict[str, Any], where: str) -> str:
    identifier = str(given.get("id", "")).strip()
    if ids.parse(identifier) is None:
        cure = "It is in the response's tidegate-prediction-id header."
        raise errors.OutcomeInvalid(f"{identifier!r} is not a prediction id.", where=where, cure=cure)
    return identifier
