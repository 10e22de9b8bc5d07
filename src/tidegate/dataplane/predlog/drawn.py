"""Typed inputs of a sample of live requests, the same ones every time. Called by `drift.classifying`."""

from typing import Any

from tidegate.core.vocabulary import arms, home, ids, marks
from tidegate.dataplane.predlog import ciphers, columns, parquet, reader, sights


def inputs(place: home.Home, endpoint: str, span: tuple[float, float], most: int, version: int = 0) -> dict[str, list[Any]]:
    """By input column, the first row of up to `most` requests that were answered well and arrived between two Unix times.

    In the order of their arrival, None where there is no value; without columns that are veiled by now or were then. Requests in
    segments alone are not among them. `version`: of which; 0: of all.
    """
    ends = [ids.first(int(at * 1e3)) for at in span]
    ask = (
        f"SELECT COLUMNS(lambda name: name = 'id' OR starts_with(name, '{columns.PREFIX}'))"  # noqa: S608
        " FROM read_parquet($files, union_by_name = true, hive_partitioning = false)"
        " WHERE mark = $mark AND role = $role AND $version IN (0, version) AND id >= $least AND id < $most"
        " ORDER BY hash(id) LIMIT $rows"
    )
    given: dict[str, Any] = {"mark": int(marks.Mark.OK), "role": int(arms.Role.LIVE), "version": version, "rows": most}
    given |= {"least": ids.text(ends[0]), "most": ids.text(ends[1])}
    files = {"files": reader.anew(place.log, parquet.PREDICTIONS, endpoint, *ends)}
    told = reader.answer(ask, given, files, lambda one: ([column[0] for column in one.description], one.fetchall()))
    names, rows = told or ([], [])
    found: dict[str, list[Any]] = {name.removeprefix(columns.PREFIX): [] for name in names if name != "id"}
    for row in sorted((dict(zip(names, row, strict=True)) for row in rows), key=lambda row: str(row["id"])):
        for name, values in found.items():
            entry = row[columns.PREFIX + name]
            values.append(entry[0] if entry else None)
    veiled = sights.Sight(place).veiled(endpoint)
    return {name: values for name, values in found.items() if name not in veiled and not any(map(_encrypted, values))}


def _encrypted(value: Any) -> bool:
    return isinstance(value, str) and value.startswith(ciphers.PREFIX)
