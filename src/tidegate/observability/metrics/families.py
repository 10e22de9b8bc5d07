"""Every metric by name. What is not in this list is not exported, and `docs/metrics.md` is this list."""

from typing import NamedTuple

COUNTER, GAUGE, HISTOGRAM = "counter", "gauge", "histogram"


class Family(NamedTuple):
    """One metric."""

    name: str
    """As Prometheus shows it: counters end in _total, and the unit is in the name, by its base."""
    kind: str
    words: str
    labels: tuple[str, ...] = ()

    @property
    def bare(self) -> str:
        """The name without a counter's ending, as the client library wants it."""
        return self.name.removesuffix("_total") if self.kind == COUNTER else self.name


_VERSION = ("endpoint", "version")
_COLUMN = (*_VERSION, "column")
_LOOK = (*_VERSION, "kind", "reference")
_PROCESS = ("process", "kind")
FAMILIES = (
    # What clients get, by the version drawn; versions are those that the routing table lists.
    Family("tidegate_requests_total", COUNTER, "Live requests that ended, by how.", (*_VERSION, "mark")),
    Family("tidegate_request_seconds", HISTOGRAM, "How long clients waited for an answer with status 200.", _VERSION),
    Family("tidegate_request_bytes_total", COUNTER, "Bytes of bodies that clients sent, uncompressed.", _VERSION),
    Family("tidegate_answer_bytes_total", COUNTER, "Bytes of bodies that clients got, uncompressed.", _VERSION),
    Family("tidegate_rescued_requests_total", COUNTER, "Requests that the other version answered in its place.", _VERSION),
    Family("tidegate_fallback_requests_total", COUNTER, "Requests answered by a fallback.", _VERSION),
    Family("tidegate_refused_requests_total", COUNTER, "Requests refused, or answered by nobody, by error code.", ("code",)),
    Family("tidegate_queued_requests", GAUGE, "Requests that wait for a worker.", _VERSION),
    Family("tidegate_in_flight_requests", GAUGE, "Requests that workers have.", _VERSION),
    Family("tidegate_batch_requests", HISTOGRAM, "Requests in a batch.", _VERSION),
    Family("tidegate_batch_rows_total", COUNTER, "Rows in batches that workers answered.", _VERSION),
    Family("tidegate_batch_seconds_total", COUNTER, "Time that batches were with workers.", _VERSION),
    Family("tidegate_copies_dropped_total", COUNTER, "Copies of requests that no version was given.", ("reason",)),
    # Releases.
    Family("tidegate_release_phase", GAUGE, "1 for the phase that the endpoint's latest release is in.", ("endpoint", "phase")),
    Family("tidegate_candidate_weight_ratio", GAUGE, "Share of the traffic drawn for the candidate.", ("endpoint",)),
    Family("tidegate_release_failed_requests", GAUGE, "Requests that the latest release's candidate failed.", ("endpoint",)),
    Family("tidegate_release_excess_requests", GAUGE, "Of these at least so many that stable had served.", ("endpoint",)),
    Family("tidegate_ready_workers", GAUGE, "Workers that answer.", _VERSION),
    Family("tidegate_asleep", GAUGE, "1 while the endpoint has no worker because nobody asks.", ("endpoint",)),
    Family("tidegate_open_alarms", GAUGE, "Alarms that are open.", ("endpoint", "kind", "severity")),
    # The prediction log.
    Family("tidegate_log_dropped_records_total", COUNTER, "Records that were answered but not kept."),
    Family("tidegate_log_recorded_records_total", COUNTER, "Records in Parquet."),
    Family("tidegate_log_lost_records_total", COUNTER, "Records that are missing between others."),
    Family("tidegate_log_corrupt_records_total", COUNTER, "Records passed over because they are damaged."),
    Family("tidegate_log_lag_seconds", GAUGE, "How far the recorder is behind."),
    Family("tidegate_outcomes_joined_total", COUNTER, "Outcomes that met their prediction."),
    Family("tidegate_outcomes_unmatched_total", COUNTER, "Outcomes that met none."),
    # Sinks beside the log.
    Family("tidegate_sink_delivered_records_total", COUNTER, "Records that a sink took, since it began.", ("endpoint", "sink")),
    Family("tidegate_sink_given_up_records_total", COUNTER, "Records that a sink will never get.", ("endpoint", "sink")),
    Family("tidegate_sink_waiting_files", GAUGE, "Files of the log with rows that a sink has not got.", ("endpoint", "sink")),
    Family("tidegate_sink_behind_seconds", GAUGE, "For how long the oldest of these has been recorded.", ("endpoint", "sink")),
    # What is asked and answered, by the windows that were looked at last.
    Family("tidegate_drift_effect", GAUGE, "By how much a column has moved.", (*_COLUMN, "effect", "reference")),
    Family("tidegate_drift_effect_low", GAUGE, "By how much at least, with 99.9 %.", (*_COLUMN, "effect", "reference")),
    Family("tidegate_drift_columns", GAUGE, "Columns that were looked at.", _LOOK),
    Family("tidegate_drift_moved_columns", GAUGE, "Of these those that have moved too far.", _LOOK),
    Family("tidegate_drift_window_end_seconds", GAUGE, "When that window was over, in Unix time.", _LOOK),
    Family("tidegate_input_faults_ratio", GAUGE, "Share of a column's entries: nulls, new, broken.", (*_COLUMN, "fault")),
    Family("tidegate_odd_inputs_ratio", GAUGE, "Share of the inputs that are odd: one in a thousand is.", _VERSION),
    # The probe from outside.
    Family("tidegate_probe_up", GAUGE, "1 when the last probe had the right answer.", ("endpoint",)),
    Family("tidegate_probe_seconds", GAUGE, "How long the last probe took.", ("endpoint",)),
    Family("tidegate_probe_availability_ratio", GAUGE, "Share of the last day's probes with the right answer.", ("endpoint",)),
    # Processes and the machine.
    Family("tidegate_process_up", GAUGE, "1 while the process lives.", _PROCESS),
    Family("tidegate_process_cpu_seconds_total", COUNTER, "CPU time of the process that lives now.", _PROCESS),
    Family("tidegate_process_resident_memory_bytes", GAUGE, "Memory resident.", _PROCESS),
    Family("tidegate_process_open_fds", GAUGE, "Open file descriptors.", _PROCESS),
    Family("tidegate_process_max_fds", GAUGE, "File descriptors it may have.", _PROCESS),
    Family("tidegate_process_threads", GAUGE, "Threads.", _PROCESS),
    Family("tidegate_process_read_bytes_total", COUNTER, "Bytes read from disks.", _PROCESS),
    Family("tidegate_process_written_bytes_total", COUNTER, "Bytes written to disks.", _PROCESS),
    Family("tidegate_process_received_bytes_total", COUNTER, "Workers: bytes that gateways sent it.", _PROCESS),
    Family("tidegate_process_sent_bytes_total", COUNTER, "Workers: bytes that it sent to gateways.", _PROCESS),
    Family("tidegate_disk_size_bytes", GAUGE, "Size of the file system that the home is on."),
    Family("tidegate_disk_free_bytes", GAUGE, "What is free of it."),
    Family("tidegate_network_received_bytes_total", COUNTER, "Bytes the whole machine received.", ("interface",)),
    Family("tidegate_network_sent_bytes_total", COUNTER, "Bytes the whole machine sent.", ("interface",)),
    Family("tidegate_gpu_used_ratio", GAUGE, "How busy a GPU is; where there are any.", ("gpu",)),
    Family("tidegate_gpu_memory_used_bytes", GAUGE, "A GPU's memory in use.", ("gpu",)),
    # Tidegate itself.
    Family("tidegate_watch_up", GAUGE, "1 while a watch of the monitor can look.", ("watch",)),
    Family("tidegate_control_up", GAUGE, "1 while control decides."),
    Family("tidegate_store_up", GAUGE, "1 while the store can be read."),
    Family("tidegate_table_generation", GAUGE, "The routing table's generation."),
    Family("tidegate_gateway_current", GAUGE, "1 while the gateway obeys the newest table.", ("process",)),
    Family("tidegate_build_info", GAUGE, "1, with the version of Tidegate.", ("version",)),
)


def table() -> str:
    """The list as a Markdown table."""
    lines = ["| metric | kind | labels | what it is |", "|---|---|---|---|"]
    lines += [f"| `{one.name}` | {one.kind} | {', '.join(one.labels)} | {one.words} |" for one in FAMILIES]
    return "\n".join(lines)
