"""Alert rules for Prometheus, over the metrics of `families`. A starting point: people know best when to be woken."""

from typing import Any, NamedTuple

from tidegate.core.vocabulary import marks

FAILED = "|".join(mark.name.lower() for mark in (marks.Mark.ERROR, marks.Mark.TIMEOUT, marks.Mark.INVALID, marks.Mark.SHED))
_SHARE = (
    f'sum by (endpoint) (rate(tidegate_requests_total{{mark=~"{FAILED}"}}[5m]))'
    " / sum by (endpoint) (rate(tidegate_requests_total[5m]))"
)
_P95 = "histogram_quantile(0.95, sum by (endpoint, le) (rate(tidegate_request_seconds_bucket[10m])))"
_MEAN = (
    "sum by (endpoint) (rate(tidegate_request_seconds_sum[10m])) / sum by (endpoint) (rate(tidegate_request_seconds_count[10m]))"
)
_ENOUGH = "sum by (endpoint) (increase(tidegate_request_seconds_count[10m])) > 500"


class Rule(NamedTuple):
    """One alert."""

    name: str
    expression: str
    lasting: str
    """For how long it holds before anybody is told."""
    severity: str
    """critical or warning."""
    words: str
    """With Prometheus' own placeholders."""
    cure: str


RULES = (
    Rule(
        "TidegateUnreachable",
        'up{job="tidegate"} == 0',
        "1m",
        "critical",
        "Tidegate's metrics cannot be read.",
        "`tidegate status`; `tidegate logs api` says why. Predictions may go on all the same.",
    ),
    Rule(
        "TidegateGatewayDown",
        'tidegate_process_up{kind="gateway"} == 0',
        "30s",
        "critical",
        "{{ $labels.process }} is down.",
        "`tidegate logs {{ $labels.process }}` says why.",
    ),
    Rule(
        "TidegateEndpointDown",
        "tidegate_probe_up == 0",
        "2m",
        "critical",
        "{{ $labels.endpoint }}: the probe from outside has no right answer.",
        "`tidegate uptime {{ $labels.endpoint }} --since 1d` says what came back.",
    ),
    Rule(
        "TidegateEndpointFailing",
        f"{_SHARE} > 0.05",
        "2m",
        "critical",
        "{{ $labels.endpoint }}: {{ $value | humanizePercentage }} of requests fail.",
        "`tidegate metrics {{ $labels.endpoint }}`; `tidegate rollback {{ $labels.endpoint }}` goes back.",
    ),
    Rule(
        "TidegateNoWorker",
        "(max by (endpoint) (tidegate_ready_workers) == 0) unless on (endpoint) (tidegate_asleep == 1)",
        "1m",
        "critical",
        "{{ $labels.endpoint }} has no worker that answers.",
        "`tidegate logs {{ $labels.endpoint }}` says why.",
    ),
    Rule(
        "TidegateSlowTail",
        f"({_P95} > 5 * ({_MEAN})) and ({_P95} > 0.01) and ({_ENOUGH})",
        "10m",
        "warning",
        "{{ $labels.endpoint }}: p95 is over 5 times the mean: a part of the requests is far slower than the rest.",
        "`tidegate metrics {{ $labels.endpoint }}`.",
    ),
    Rule(
        "TidegateQueueGrows",
        "min_over_time(tidegate_queued_requests[5m]) > 50 and deriv(tidegate_queued_requests[5m]) > 0",
        "5m",
        "warning",
        "{{ $labels.endpoint }} {{ $labels.version }}: {{ $value }} requests and more wait, and ever more.",
        "More workers (`replicas`), or fewer requests.",
    ),
    Rule(
        "TidegateReleaseWaits",
        'tidegate_release_phase{phase=~"halted|paused|awaiting_approval"} == 1',
        "30m",
        "warning",
        "{{ $labels.endpoint }}: the release is {{ $labels.phase }} and waits for a person.",
        "`tidegate status {{ $labels.endpoint }}` says on what.",
    ),
    Rule(
        "TidegateAlarm",
        'sum by (endpoint, kind) (tidegate_open_alarms{severity="critical"}) > 0',
        "0s",
        "critical",
        "{{ $labels.endpoint }}: Tidegate's own alarm {{ $labels.kind }} is open.",
        "`tidegate status` has its words and what to type.",
    ),
    Rule(
        "TidegateDrift",
        'max by (endpoint, reference) (tidegate_drift_moved_columns{kind="drift"}) > 0',
        "0s",
        "warning",
        "{{ $labels.endpoint }}: {{ $value }} columns have moved, against the {{ $labels.reference }}.",
        "`tidegate drift {{ $labels.endpoint }}` says which, and by how much.",
    ),
    Rule(
        "TidegateInputFaults",
        'max by (endpoint) (tidegate_drift_moved_columns{kind="quality"}) > 0',
        "0s",
        "warning",
        "{{ $labels.endpoint }}: {{ $value }} columns have more nulls, new or broken values than they had.",
        "`tidegate alarms {{ $labels.endpoint }}` says which.",
    ),
    Rule(
        "TidegateControlDown",
        "tidegate_control_up == 0",
        "2m",
        "warning",
        "Control does not decide: predictions go on, releases wait.",
        "`tidegate logs control` says why.",
    ),
    Rule(
        "TidegateWatchFails",
        "tidegate_watch_up == 0",
        "10m",
        "warning",
        "The monitor's watch {{ $labels.watch }} cannot look.",
        "`tidegate status` says why.",
    ),
    Rule(
        "TidegateStoreDown",
        "tidegate_store_up == 0",
        "2m",
        "warning",
        "The store cannot be read: predictions go on, releases wait.",
        "`tidegate status` says why.",
    ),
    Rule(
        "TidegateLogDrops",
        "increase(tidegate_log_dropped_records_total[10m]) > 0",
        "0s",
        "warning",
        "{{ $value }} predictions were answered and not logged.",
        "`tidegate logs` says why; mostly the disk is full.",
    ),
    Rule(
        "TidegateLogBehind",
        "tidegate_log_lag_seconds > 60",
        "5m",
        "warning",
        "The recorder is {{ $value | humanizeDuration }} behind: what it tells is old.",
        "`tidegate logs recorder` says why.",
    ),
    Rule(
        "TidegateSinkBehind",
        "tidegate_sink_behind_seconds > 600",
        "10m",
        "warning",
        "{{ $labels.endpoint }}: {{ $labels.sink }} is {{ $value | humanizeDuration }} behind.",
        "`tidegate alarms` says why.",
    ),
    Rule(
        "TidegateDiskFills",
        "predict_linear(tidegate_disk_free_bytes[1h], 86400) < 0 and tidegate_disk_free_bytes < 0.5 * tidegate_disk_size_bytes",
        "30m",
        "warning",
        "The disk is full within a day at this rate.",
        "Keep less of the log, or give it more room.",
    ),
    Rule(
        "TidegateDescriptors",
        "tidegate_process_open_fds / tidegate_process_max_fds > 0.8",
        "5m",
        "warning",
        "{{ $labels.process }} has {{ $value | humanizePercentage }} of its file descriptors in use.",
        "Raise the limit (`ulimit -n`) and start it anew.",
    ),
)


def document() -> dict[str, Any]:
    """A rules file, to be written as YAML."""
    return {"groups": [{"name": "tidegate", "rules": [_shown(one) for one in RULES]}]}


def scraping(address: str, token_file: str) -> dict[str, Any]:
    """A configuration of Prometheus that scrapes this Tidegate and loads the rules beside it."""
    job = {
        "job_name": "tidegate",
        "authorization": {"credentials_file": token_file},
        "static_configs": [{"targets": [address]}],
    }
    return {"global": {"scrape_interval": "15s"}, "rule_files": ["tidegate-rules.yml"], "scrape_configs": [job]}


def _shown(one: Rule) -> dict[str, Any]:
    return {
        "alert": one.name,
        "expr": one.expression,
        "for": one.lasting,
        "labels": {"severity": one.severity},
        "annotations": {"summary": one.words, "description": one.cure},
    }
