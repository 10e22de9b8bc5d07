"""Writes what was measured into docs/benchmarks.md: `python -m bench.page FOLDER`, with FOLDER/serving.json and so on.

What the page has of benchmarks whose files are not there stays.
"""

import json
import pathlib
import re
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from bench import sender

PAGE = pathlib.Path(__file__).parent.parent / "docs" / "benchmarks.md"
BEGIN, END = "<!-- measured -->\n", "<!-- end -->"
ORDER = (
    "serving",
    "overhead",
    "interference",
    "swaps",
    "endpoints",
    "batching",
    "hostile",
    "releases",
    "analyst",
    "predlog",
    "monitors",
)
_CUTS = ("p50_ms", "p90_ms", "p99_ms", "p999_ms", "max_ms")
_CUT_HEADS = ("p50 ms", "p90 ms", "p99 ms", "p99.9 ms", "max ms")


def main(argv: Sequence[str]) -> int:
    """Replace the section by what the files in the folder say."""
    folder = pathlib.Path(argv[1])
    found = {name: json.loads(path.read_text()) for name in ORDER if (path := folder / f"{name}.json").exists()}
    if not found:
        raise SystemExit(f"{folder} has none of {', '.join(f'{name}.json' for name in ORDER)}")
    before, _, rest = PAGE.read_text().partition(BEGIN)
    section, _, after = rest.partition(END)
    PAGE.write_text(f"{before}{BEGIN}{measured(found, section)}{END}{after}")
    return 0


def measured(found: dict[str, dict[str, Any]], before: str = "") -> str:
    """The section, as Markdown, over what it was before."""
    promises, parts = _promises(before), _parts(before)
    for name, result in found.items():
        promises[name] = _promised(name, result)
        head = f"### {name}, measured\n{result['cores']} cores, load {result['load_before']} before, {result['errors']} errors.\n"
        parts[name] = "\n".join([head, *TABLES[name](result)])
    there = [name for name in ORDER if name in parts]
    rows = "".join(promises.get(name, "") for name in there)
    return "\n".join([_table(("benchmark", "promise", "measured", "wanted", ""), ()) + rows, *(parts[name] for name in there)])


def _promised(name: str, result: dict[str, Any]) -> str:
    return "".join(
        _line((name, one["what"], f"{one['measured']:g}", one["wanted"], "ok" if one["ok"] else "**short**"))
        for one in result["targets"]
    )


def _promises(section: str) -> dict[str, str]:
    """The lines of the table of promises, by their benchmark."""
    lines = section.partition("### ")[0].splitlines(keepends=True)
    return {name: "".join(line for line in lines if line.startswith(f"| {name} |")) for name in ORDER}


def _parts(section: str) -> dict[str, str]:
    """What each benchmark has measured, its heading included."""
    found = re.split(r"^(?=### \w+, measured$)", section, flags=re.MULTILINE)[1:]
    return {part[4:].partition(",")[0]: f"{part.rstrip()}\n" for part in found}


def _serving(result: dict[str, Any]) -> Iterable[str]:
    columns = ("server", "model", "connections", "rps", "p50_ms", "p99_ms", "model_ms")
    rows = [[row[column] for column in columns] for row in result["rows"]]
    yield _table(("server", "model", "connections", "requests/s", "p50 ms", "p99 ms", "model call ms"), rows)
    counts = list(next(iter(result["ratios"].values())))
    rows = [[model, *(ratios[count] for count in counts)] for model, ratios in result["ratios"].items()]
    yield _table(("times FastAPI's requests/s", *(f"at {count}" for count in counts)), rows)
    rows = [
        [name, used.get("gateway", ""), used.get("worker", used.get("service")), used["sum"]]
        for name, used in result["rss_mib"].items()
    ]
    yield _table(("MiB resident", "gateway", "worker or service", "together"), rows)


def _overhead(result: dict[str, Any]) -> Iterable[str]:
    names = ("worker", "added", "added_from_sent")
    rows = [(row["spacing"], name, *_cuts(row[name])) for row in result["rows"] for name in names]
    yield _table((f"{result['rate']:g} requests/s", "", *_CUT_HEADS), rows)
    yield from _lateness(result["rows"])


def _interference(result: dict[str, Any]) -> Iterable[str]:
    yield _table(("stable's clients", *_CUT_HEADS), [(name, *_cuts(result[name])) for name in ("quiet", "loading")])
    yield f"p99 over p99 each time: {', '.join(map(str, result['ratio_each']))}. A model of {result['model_mib']} MiB.\n"
    yield from _lateness([result])


def _swaps(result: dict[str, Any]) -> Iterable[str]:
    yield _table(
        (f"{result['swaps']} swaps", *_CUT_HEADS), [(name, *_cuts(result[name])) for name in ("took", "of_that_writing")]
    )
    requests = sum(load["requests"] for load in result["load"]) + result["probes"]
    used = result["rss_mib"]
    yield f"{requests} requests. Gateway: {used['first']} MiB before, {used['last']} after, {result['files']} open files.\n"


def _endpoints(result: dict[str, Any]) -> Iterable[str]:
    counts = list(result["idle"])
    rows = []
    for name, each in result["each"].items():
        used = [result["idle"][count][name] for count in counts]
        told = (figure for one in used for figure in (one["rss_mib"], one["cpu_ms_a_second"]))
        rows.append((name, *told, each["rss_kib"], each["cpu_us_a_second"]))
    heads = (head for count in counts for head in (f"{count}: MiB", "CPU ms/s"))
    yield _table(("asleep", *heads, "each: KiB", "CPU us/s"), rows)
    rows = [(kind, one["asked"], one["median_s"], one["max_s"]) for kind, one in result["first_request"].items()]
    yield _table(("first request", "asked", "median s", "max s"), rows)


def _batching(result: dict[str, Any]) -> Iterable[str]:
    rows = [
        (row["model"], row["load"], row["batching"], row["rps"], row["p50_ms"], row["p99_ms"], f"{row['missed']:.1%}")
        for row in sorted(result["rows"], key=lambda row: (row["model"], row["load"]))
    ]
    yield _table(("model", "load", "batching", "answered/s", "p50 ms", "p99 ms", "missed"), rows)


def _hostile(result: dict[str, Any]) -> Iterable[str]:
    rows = [(name, *used.values(), *result["files"][name].values()) for name, used in result["memory"].items()]
    yield _table(("process", "MiB first", "MiB last", "MiB per 10,000", "files before", "files after"), rows)
    good, slowest = result["good_answers"], result["good_slowest_ms"]
    yield f"{result['attacks']} attacks; {good} good answers, the slowest after {slowest} ms.\n"


def _releases(result: dict[str, Any]) -> Iterable[str]:
    rows = [(name, of["releases"], of["median_s"]) for name, of in result["by_strategy"].items()]
    yield _table(
        ("strategy", "releases", "median s"), [*rows, ("recreate", 1, f"{result['recreate_gap_s']:.1f} s without answer")]
    )
    off, over = result["verdict_to_off_ms"], result["takeover_s"]
    yield f"{result['requests']} requests, {result['failed_requests']} failed; {sender.lateness(result['load'])}.\n"
    told = f"Verdict to traffic off: p50 {off['p50']} ms, p99 {off['p99']} ms, of {off['of']}. "
    yield f"{told}Takeover: median {over['median']} s, at most {over['max']} s, of {over['of']}.\n"


def _analyst(result: dict[str, Any]) -> Iterable[str]:
    found = [row for row in result["scenarios"] if "mean" in row]
    rows = [
        (
            row["scenario"],
            row["policy"],
            *_figures(row, "median", "p95", "mean"),
            row.get("ratio", ""),
            *_figures(row, "harmed", "runs"),
        )
        for row in found
    ]
    yield _table(("a bad release", "rule", "median requests", "p95", "mean", "over the bound", "clients harmed", "runs"), rows)
    rows = [
        (row["scenario"], row["policy"], *(f"{share:.2%}" for key, share in row.items() if key.startswith("false_")))
        for row in result["scenarios"]
        if "mean" not in row
    ]
    yield _table(("a release that is no worse", "rule", "sent back within 1 h", "within 24 h"), rows)
    rows = [
        (one["guards"], f"{one['stable_share']:.3%}", one["case"], one["median_minutes"] or "over 360", f"{one['promoted']:.1%}")
        for one in result["promotions"]
    ]
    yield _table(("promotion at 25 %, by", "stable fails", "the candidate", "median minutes", "promoted in 6 h"), rows)
    took = [
        [span, ms, result["glance_us"][span], f"{result['glance_bytes'][span]:,}"] for span, ms in result["verdict_ms"].items()
    ]
    yield _table(("history", "a verdict, ms of CPU", "a glance, us", "bytes it keeps"), took)


def _predlog(result: dict[str, Any]) -> Iterable[str]:
    rows = [
        (name, what, ", ".join(map(str, value)) if isinstance(value, list) else value)
        for name in ("logging", "killed", "recording", "classes", "among", "truth", "soak")
        for what, value in result.get(name, {}).items()
    ]
    yield _table(("part", "what", "measured"), rows)


def _monitors(result: dict[str, Any]) -> Iterable[str]:
    ns, report = result["profiling_ns"], result["report"]
    yield _table(("a value, ns", *ns), [("", *ns.values())])
    rows = [(name, report[name]["seconds"], report[name]["mib"]) for name in ("tidegate", "evidently")]
    yield _table((f"a report of {report['rows']:,} rows x {report['columns']} columns against as many", "seconds", "MiB"), rows)
    rows = [(f"{one['rows']:,}", one["columns"], one["windows"], one["alarms"]) for one in result["windows"]]
    yield _table(("nothing changes: rows a window", "columns", "windows", "of them with an alarm"), rows)
    if "wide" in result:
        yield _table(("columns", "first look, CPU s", "an hour later, s", "report of a day, s"), [tuple(result["wide"].values())])
    for name, days in result.get("lasting", {}).items():
        yield _table((f"{name}: days on which something was said to last", *days), [("", *days.values())])


def _figures(row: dict[str, Any], *names: str) -> Iterable[str]:
    return (f"{row[name]:,.1f}".removesuffix(".0") if row[name] < 100 else f"{row[name]:,.0f}" for name in names)


TABLES = {
    "monitors": _monitors,
    "predlog": _predlog,
    "analyst": _analyst,
    "releases": _releases,
    "serving": _serving,
    "overhead": _overhead,
    "interference": _interference,
    "swaps": _swaps,
    "endpoints": _endpoints,
    "batching": _batching,
    "hostile": _hostile,
}


def _cuts(cuts: dict[str, float]) -> list[float | str]:
    return [cuts.get(name, "") for name in _CUTS]


def _lateness(rows: Iterable[dict[str, Any]]) -> Iterable[str]:
    for row in rows:
        begin = f"{row['spacing']}: " if "spacing" in row else ""
        yield f"{begin}{sender.lateness(row)}.\n"


def _table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    return "".join(map(_line, (heads, ["---"] * len(heads), *rows)))


def _line(cells: Sequence[object]) -> str:
    return f"| {' | '.join(map(str, cells))} |\n"


if __name__ == "__main__":
    sys.exit(main(sys.argv))
