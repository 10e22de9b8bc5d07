"""A dashboard for Grafana over the metrics of `families`: rows of panels, for all endpoints or one."""

from typing import Any, NamedTuple

from tidegate.observability.metrics import rules

WIDTH, HEIGHT = 8, 8
_OF = 'endpoint=~"$endpoint"'
_RATE = "$__rate_interval"
_PAIR = "endpoint, version"
_REQUESTS, _WAITED, _BATCH = "tidegate_requests_total", "tidegate_request_seconds", "tidegate_batch_requests"


class Panel(NamedTuple):
    """One picture."""

    title: str
    unit: str
    """Grafana's word for it."""
    queries: tuple[tuple[str, str], ...]
    """(expression, legend)."""


def _a_second(metric: str, by: str, also: str = "") -> str:
    return f"sum by ({by}) (rate({metric}{{{_OF}{also}}}[{_RATE}]))"


def _each(sums: str, numbers: str) -> str:
    return f"{_a_second(sums, _PAIR)} / {_a_second(numbers, _PAIR)}"


def _quantile(share: float) -> str:
    return f"histogram_quantile({share}, {_a_second(f'{_WAITED}_bucket', f'{_PAIR}, le')})"


_FAILING = _a_second(_REQUESTS, "endpoint, mark", f',mark=~"{rules.FAILED}"')
_BY = "{{endpoint}} {{version}}"
_AGAINST = "against {{reference}}"
_WHO = "{{process}}"
ROWS: tuple[tuple[str, tuple[Panel, ...]], ...] = (
    (
        "What clients get",
        (
            Panel("Requests", "reqps", ((_a_second(_REQUESTS, _PAIR), _BY),)),
            Panel(
                "Failing",
                "percentunit",
                ((f"{_FAILING} / on (endpoint) group_left {_a_second(_REQUESTS, 'endpoint')}", "{{endpoint}} {{mark}}"),),
            ),
            Panel(
                "Waiting for an answer",
                "s",
                (
                    (_quantile(0.5), f"p50 {_BY}"),
                    (_quantile(0.95), f"p95 {_BY}"),
                    (_quantile(0.99), f"p99 {_BY}"),
                    (_each(f"{_WAITED}_sum", f"{_WAITED}_count"), f"mean {_BY}"),
                ),
            ),
            Panel("Probe from outside", "bool_yes_no", ((f"tidegate_probe_up{{{_OF}}}", "{{endpoint}}"),)),
            Panel("Availability, a day", "percentunit", ((f"tidegate_probe_availability_ratio{{{_OF}}}", "{{endpoint}}"),)),
            Panel(
                "Not served as drawn",
                "reqps",
                (
                    (f"rate(tidegate_rescued_requests_total{{{_OF}}}[{_RATE}])", f"rescued {_BY}"),
                    (f"rate(tidegate_fallback_requests_total{{{_OF}}}[{_RATE}])", f"fallback {_BY}"),
                    (f"rate(tidegate_refused_requests_total[{_RATE}])", "refused {{code}}"),
                ),
            ),
        ),
    ),
    (
        "Releases",
        (
            Panel("Phase", "none", ((f"tidegate_release_phase{{{_OF}}} == 1", "{{endpoint}} {{phase}}"),)),
            Panel("Candidate's share", "percentunit", ((f"tidegate_candidate_weight_ratio{{{_OF}}}", "{{endpoint}}"),)),
            Panel(
                "Harm",
                "short",
                (
                    (f"tidegate_release_failed_requests{{{_OF}}}", "failed {{endpoint}}"),
                    (f"tidegate_release_excess_requests{{{_OF}}}", "excess {{endpoint}}"),
                ),
            ),
            Panel("Open alarms", "short", (('tidegate_open_alarms{endpoint=~"$endpoint|"}', "{{endpoint}} {{kind}}"),)),
            Panel("Workers that answer", "short", ((f"tidegate_ready_workers{{{_OF}}}", _BY),)),
        ),
    ),
    (
        "What is asked and answered",
        (
            Panel(
                "Columns that have moved",
                "short",
                ((f"tidegate_drift_moved_columns{{{_OF}}}", f"{_BY} {{{{kind}}}} {_AGAINST}"),),
            ),
            Panel(
                "Moved furthest, at least",
                "percentunit",
                ((f'topk(10, tidegate_drift_effect_low{{{_OF},effect=~"ks|tv"}})', f"{_BY} {{{{column}}}} {_AGAINST}"),),
            ),
            Panel(
                "Moved furthest, as measured",
                "percentunit",
                ((f'topk(10, tidegate_drift_effect{{{_OF},effect=~"ks|tv"}})', f"{_BY} {{{{column}}}} {_AGAINST}"),),
            ),
            Panel(
                "Nulls, new and broken",
                "percentunit",
                ((f"topk(10, tidegate_input_faults_ratio{{{_OF}}})", f"{_BY} {{{{column}}}} {{{{fault}}}}"),),
            ),
            Panel("Odd inputs", "percentunit", ((f"tidegate_odd_inputs_ratio{{{_OF}}}", _BY),)),
            Panel(
                "Since the last window",
                "s",
                ((f"time() - tidegate_drift_window_end_seconds{{{_OF}}}", f"{_BY} {{{{kind}}}} {_AGAINST}"),),
            ),
        ),
    ),
    (
        "Workers",
        (
            Panel("Waiting", "short", ((f"tidegate_queued_requests{{{_OF}}}", _BY),)),
            Panel("In flight", "short", ((f"tidegate_in_flight_requests{{{_OF}}}", _BY),)),
            Panel("Requests in a batch", "short", ((_each(f"{_BATCH}_sum", f"{_BATCH}_count"), _BY),)),
            Panel("Rows", "rowsps", ((f"rate(tidegate_batch_rows_total{{{_OF}}}[{_RATE}])", _BY),)),
            Panel(
                "Bodies",
                "Bps",
                (
                    (_a_second("tidegate_request_bytes_total", _PAIR), f"requests {_BY}"),
                    (_a_second("tidegate_answer_bytes_total", _PAIR), f"answers {_BY}"),
                ),
            ),
            Panel("Workers busy", "short", ((f"rate(tidegate_batch_seconds_total{{{_OF}}}[{_RATE}])", _BY),)),
        ),
    ),
    (
        "The log",
        (
            Panel("Recorded", "wps", ((f"rate(tidegate_log_recorded_records_total[{_RATE}])", "records"),)),
            Panel("Behind", "s", (("tidegate_log_lag_seconds", "recorder"),)),
            Panel(
                "Not kept",
                "short",
                (
                    (f"increase(tidegate_log_dropped_records_total[{_RATE}])", "dropped"),
                    (f"increase(tidegate_log_lost_records_total[{_RATE}])", "lost"),
                    (f"increase(tidegate_log_corrupt_records_total[{_RATE}])", "corrupt"),
                ),
            ),
            Panel("Sinks behind", "s", ((f"tidegate_sink_behind_seconds{{{_OF}}}", "{{endpoint}} {{sink}}"),)),
            Panel(
                "Outcomes",
                "wps",
                (
                    (f"rate(tidegate_outcomes_joined_total[{_RATE}])", "joined"),
                    (f"rate(tidegate_outcomes_unmatched_total[{_RATE}])", "unmatched"),
                ),
            ),
        ),
    ),
    (
        "Processes and the machine",
        (
            Panel("CPU", "percentunit", ((f"rate(tidegate_process_cpu_seconds_total[{_RATE}])", _WHO),)),
            Panel("Memory", "bytes", (("tidegate_process_resident_memory_bytes", _WHO),)),
            Panel("Descriptors", "short", (("tidegate_process_open_fds", _WHO),)),
            Panel("Alive", "bool_yes_no", (("tidegate_process_up", _WHO),)),
            Panel(
                "Disk",
                "bytes",
                (("tidegate_disk_free_bytes", "free"), ("tidegate_disk_size_bytes", "all")),
            ),
            Panel(
                "Disk traffic",
                "Bps",
                (
                    (f"rate(tidegate_process_read_bytes_total[{_RATE}])", f"read {_WHO}"),
                    (f"rate(tidegate_process_written_bytes_total[{_RATE}])", f"written {_WHO}"),
                ),
            ),
            Panel(
                "Traffic of workers",
                "Bps",
                (
                    (f"rate(tidegate_process_received_bytes_total[{_RATE}])", f"in {_WHO}"),
                    (f"rate(tidegate_process_sent_bytes_total[{_RATE}])", f"out {_WHO}"),
                ),
            ),
            Panel(
                "Network of the machine",
                "Bps",
                (
                    (f"rate(tidegate_network_received_bytes_total[{_RATE}])", "in {{interface}}"),
                    (f"rate(tidegate_network_sent_bytes_total[{_RATE}])", "out {{interface}}"),
                ),
            ),
        ),
    ),
)


def document() -> dict[str, Any]:
    """What Grafana imports."""
    panels: list[dict[str, Any]] = []
    top = 0
    for title, row in ROWS:
        place = {"x": 0, "y": top, "w": 24, "h": 1}
        panels.append({"id": len(panels) + 1, "type": "row", "title": title, "collapsed": False, "gridPos": place, "panels": []})
        top += 1
        for number, panel in enumerate(row):
            at = {"x": number % 3 * WIDTH, "y": top + number // 3 * HEIGHT, "w": WIDTH, "h": HEIGHT}
            panels.append({"id": len(panels) + 1, **_panel(panel), "gridPos": at})
        top += (len(row) + 2) // 3 * HEIGHT
    return {
        "uid": "tidegate",
        "title": "Tidegate",
        "tags": ["tidegate", "machine learning"],
        "schemaVersion": 36,
        "version": 1,
        "editable": True,
        "refresh": "30s",
        "time": {"from": "now-3h", "to": "now"},
        "templating": {"list": [_source(), _endpoints()]},
        "panels": panels,
    }


def _panel(panel: Panel) -> dict[str, Any]:
    targets = [
        {"refId": chr(65 + number), "datasource": _SOURCE, "expr": expression, "legendFormat": legend}
        for number, (expression, legend) in enumerate(panel.queries)
    ]
    return {
        "type": "timeseries",
        "title": panel.title,
        "datasource": _SOURCE,
        "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0}, "overrides": []},
        "options": {"legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi"}},
        "targets": targets,
    }


_SOURCE = {"type": "prometheus", "uid": "${source}"}


def _source() -> dict[str, Any]:
    return {"name": "source", "label": "Prometheus", "type": "datasource", "query": "prometheus"}


def _endpoints() -> dict[str, Any]:
    asked = "label_values(tidegate_requests_total, endpoint)"
    return {
        "name": "endpoint",
        "label": "Endpoint",
        "type": "query",
        "datasource": _SOURCE,
        "definition": asked,
        "query": {"query": asked, "refId": "endpoints"},
        "refresh": 2,
        "sort": 1,
        "multi": True,
        "includeAll": True,
        "allValue": ".*",
    }
