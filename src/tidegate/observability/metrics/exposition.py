"""All metrics in the format that Prometheus reads, or OpenMetrics where the scraper asks for it. Made anew at each scrape.

Latency is counted in 64 buckets and told in half as many, between 0.1 ms and 100 s: series are what a Prometheus pays for.
"""

import contextlib
import importlib.metadata
import time
from collections.abc import Iterator, Mapping
from typing import Any

import prometheus_client
from prometheus_client import core, exposition, registry

from tidegate.core.vocabulary import arms, home, instances, marks, phases, tables
from tidegate.dataplane.wire import counts
from tidegate.observability.metrics import drifted, families, machine, probes, processes, totals

Json = Mapping[str, Any]
Metric = core.CounterMetricFamily | core.GaugeMetricFamily | core.HistogramMetricFamily
DAY = 86_400.0
_TOLD = range(9, marks.LATENCY_BUCKETS - 1, 2)
"""Buckets whose upper edge is told: 0.1 ms, 0.17 ms, ... 100 s."""
_PROCESS = {
    "tidegate_process_cpu_seconds_total": "cpu_seconds",
    "tidegate_process_resident_memory_bytes": "resident",
    "tidegate_process_open_fds": "descriptors",
    "tidegate_process_max_fds": "most_descriptors",
    "tidegate_process_threads": "threads",
    "tidegate_process_read_bytes_total": "read",
    "tidegate_process_written_bytes_total": "written",
    "tidegate_process_received_bytes_total": "received",
    "tidegate_process_sent_bytes_total": "sent",
}
_SINK = {
    "tidegate_sink_delivered_records_total": "delivered",
    "tidegate_sink_given_up_records_total": "given_up",
    "tidegate_sink_waiting_files": "waiting",
    "tidegate_sink_behind_seconds": "behind_seconds",
}
_RECORDER = {
    "tidegate_log_recorded_records_total": "recorded",
    "tidegate_log_lost_records_total": "lost",
    "tidegate_log_corrupt_records_total": "corrupt",
    "tidegate_log_lag_seconds": "lag_seconds",
    "tidegate_outcomes_joined_total": "joined",
    "tidegate_outcomes_unmatched_total": "unmatched",
}


def page(place: home.Home, status: Json, table: tables.Table, accept: str = "") -> tuple[bytes, str]:
    """The body, and its content type, for a scraper that accepts these types. `status`: `standing.Status` as JSON."""
    encode, kind = exposition.choose_encoder(accept)
    books = prometheus_client.CollectorRegistry(auto_describe=False)
    books.register(_Collector(place, status, table))
    return encode(books), kind


class _Collector(registry.Collector):
    """The families, filled."""

    def __init__(self, place: home.Home, status: Json, table: tables.Table) -> None:
        self._place, self._status, self._table = place, status, table
        self._made: dict[str, Any] = {}
        self._served = totals.Served({}, {})

    def collect(self) -> Iterator[Metric]:
        """In the order of the list; one without a value is told by name all the same."""
        self._made = {one.name: _empty(one) for one in families.FAMILIES}
        self._serving()
        self._releases()
        self._log()
        self._sinks()
        self._drift()
        self._probes()
        self._processes()
        self._machine()
        self._itself()
        yield from self._made.values()

    def _add(self, name: str, value: float, *labels: str) -> None:
        self._made[name].add_metric([*labels], value)

    def _serving(self) -> None:
        served = self._served = totals.served(self._place)
        for route in self._table.routes.values():
            for version in {one.ordinal: one for one in route.versions}.values():
                slots = served.versions.get((route.endpoint, version.ordinal))
                if slots is not None:
                    self._version(slots, route.endpoint, version.name)
        refused = served.of("refused")
        for code, count in refused.items():
            self._add("tidegate_refused_requests_total", count, code)
        for reason, count in served.of("copies_dropped").items():
            self._add("tidegate_copies_dropped_total", count, reason)
        self._add("tidegate_log_dropped_records_total", served.of("log").get("dropped", 0))

    def _version(self, slots: totals.Slots, *labels: str) -> None:
        for mark in marks.Mark:
            self._add("tidegate_requests_total", slots[counts.MARKS + mark], *labels, mark.name.lower())
        single = {
            "tidegate_request_bytes_total": slots[counts.ASKED_BYTES],
            "tidegate_answer_bytes_total": slots[counts.ANSWERED_BYTES],
            "tidegate_rescued_requests_total": slots[counts.RESCUED],
            "tidegate_fallback_requests_total": slots[counts.FALLBACKS],
            "tidegate_queued_requests": slots[counts.QUEUED],
            "tidegate_in_flight_requests": slots[counts.IN_FLIGHT],
            "tidegate_batch_rows_total": slots[counts.ROWS],
            "tidegate_batch_seconds_total": slots[counts.BUSY_US] / 1e6,
        }
        for name, value in single.items():
            self._add(name, value, *labels)
        waited = self._made["tidegate_request_seconds"]
        waited.add_metric([*labels], _waits(slots), slots[counts.TOTAL_US] / 1e6)
        self._made["tidegate_batch_requests"].add_metric([*labels], _sizes(slots), slots[counts.BATCHED])

    def _releases(self) -> None:
        for one in self._status["endpoints"]:
            name, release = one["name"], one["release"]
            versions = {version["name"]: version for version in (one["stable"], *one["kept"]) if version}
            if release is not None and not release["ended"]:
                versions.setdefault(release["candidate"]["name"], release["candidate"])
            for version in versions.values():
                if version["workers"] >= 0:
                    self._add("tidegate_ready_workers", version["workers"], name, version["name"])
            self._add("tidegate_candidate_weight_ratio", one["weight"] / arms.BUCKETS, name)
            self._add("tidegate_asleep", float(one["asleep"]), name)
            if release is None:
                continue
            for phase in phases.Phase:
                self._add("tidegate_release_phase", float(release["phase"] == phase), name, phase)
            harm = (release["verdict"] or {}).get("harm", {})
            self._add("tidegate_release_failed_requests", harm.get("failed", 0), name)
            self._add("tidegate_release_excess_requests", harm.get("excess", 0.0), name)
        opened: dict[tuple[str, str, str], int] = {}
        for alarm in self._status["alarms"]:
            key = (alarm["endpoint"], alarm["kind"], alarm["severity"])
            opened[key] = opened.get(key, 0) + 1
        for labels, count in sorted(opened.items()):
            self._add("tidegate_open_alarms", count, *labels)

    def _log(self) -> None:
        for name, word in _RECORDER.items():
            if word in self._status["recorder"]:
                self._add(name, self._status["recorder"][word])

    def _sinks(self) -> None:
        for one in instances.read_state(self._place.instances, "shipper").get("sinks", ()):
            for name, word in _SINK.items():
                self._add(name, float(one.get(word, 0)), str(one["endpoint"]), str(one["to"]))

    def _drift(self) -> None:
        for name, one in drifted.read(self._place).items():
            if name not in self._table.routes:
                continue
            whose = (name, one.version)
            if one.odd >= 0:
                self._add("tidegate_odd_inputs_ratio", one.odd, *whose)
            for look in one.looks:
                labels = (*whose, look.kind, look.reference)
                self._add("tidegate_drift_columns", look.columns, *labels)
                self._add("tidegate_drift_moved_columns", look.moved, *labels)
                self._add("tidegate_drift_window_end_seconds", look.until, *labels)
                for moved in look.effects:
                    self._add("tidegate_drift_effect", moved.size, *whose, moved.column, moved.effect, look.reference)
                    self._add("tidegate_drift_effect_low", moved.low, *whose, moved.column, moved.effect, look.reference)
                for share in look.shares:
                    for fault in ("nulls", "new", "broken"):
                        self._add("tidegate_input_faults_ratio", getattr(share, fault), *whose, share.column, fault)

    def _probes(self) -> None:
        now = time.time()
        for name, one in probes.latest(self._place, now - DAY).items():
            if name in self._table.routes:
                self._add("tidegate_probe_up", float(one.last.right), name)
                self._add("tidegate_probe_seconds", one.last.seconds, name)
                self._add("tidegate_probe_availability_ratio", one.right / one.probes, name)

    def _processes(self) -> None:
        for one in processes.listed(self._place, self._served):
            self._add("tidegate_process_up", float(bool(one.pid)), one.name, one.kind)
            for name, word in _PROCESS.items():
                value = getattr(one, word)
                if value >= 0:
                    self._add(name, value, one.name, one.kind)

    def _machine(self) -> None:
        with contextlib.suppress(OSError):
            size, free = machine.disk(self._place)
            self._add("tidegate_disk_size_bytes", size)
            self._add("tidegate_disk_free_bytes", free)
        for one in machine.networks():
            self._add("tidegate_network_received_bytes_total", one.received, one.name)
            self._add("tidegate_network_sent_bytes_total", one.sent, one.name)
        for gpu in machine.gpus():
            self._add("tidegate_gpu_used_ratio", gpu.used, gpu.name)
            self._add("tidegate_gpu_memory_used_bytes", gpu.memory, gpu.name)

    def _itself(self) -> None:
        told = self._status
        self._add("tidegate_control_up", float(told["control"] and told["control_state"] == "ready"))
        self._add("tidegate_store_up", float(not told["store"]))
        self._add("tidegate_table_generation", told["generation"])
        for name, trouble in told.get("watches", {}).items():
            self._add("tidegate_watch_up", float(not trouble), name)
        for one in told["gateways"]:
            self._add("tidegate_gateway_current", float(one["current"]), one["name"])
        self._add("tidegate_build_info", 1, importlib.metadata.version("tidegate"))


def _empty(one: families.Family) -> Metric:
    made: dict[str, type[Metric]] = {
        families.COUNTER: core.CounterMetricFamily,
        families.GAUGE: core.GaugeMetricFamily,
        families.HISTOGRAM: core.HistogramMetricFamily,
    }
    return made[one.kind](one.bare, one.words, labels=one.labels)


def _waits(slots: totals.Slots) -> list[tuple[str, float]]:
    """Cumulative buckets of how long clients waited, by their upper edges in seconds."""
    waited = slots[counts.LATENCY : counts.LATENCY + marks.LATENCY_BUCKETS]
    told: list[tuple[str, float]] = [(f"{marks.latency_edge(at) / 1e6:.6g}", sum(waited[: at + 1])) for at in _TOLD]
    return [*told, ("+Inf", sum(waited))]


def _sizes(slots: totals.Slots) -> list[tuple[str, float]]:
    sizes = slots[counts.SIZES : counts.SIZES + counts.SIZE_BUCKETS]
    told: list[tuple[str, float]] = [(str(1 << at), sum(sizes[: at + 1])) for at in range(counts.SIZE_BUCKETS - 1)]
    return [*told, ("+Inf", sum(sizes))]
