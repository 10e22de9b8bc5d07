"""An account of four hours in which everything happened."""

import calendar

from tidegate.core.vocabulary import alarms, incidents, marks, phases, releases, verdicts
from tidegate.dataplane.predlog import traffic
from tidegate.observability.metrics import availability
from tidegate.observability.report import account

SINCE, HOUR = float(calendar.timegm((2026, 3, 1, 0, 0, 0))), 3_600.0


def cell(hour: int, version: int, requests: int, bad: int = 0, rescued: int = 0) -> traffic.Cell:
    by_mark, buckets = [0] * marks.SLOTS, [0] * marks.LATENCY_BUCKETS
    by_mark[marks.Mark.OK], by_mark[marks.Mark.ERROR] = requests - bad, bad
    buckets[20] = requests - bad
    return traffic.Cell(SINCE + hour * HOUR, version, requests, tuple(by_mark), rescued, 0, 0.002 * requests, tuple(buckets))


def version(ordinal: int) -> releases.Version:
    return releases.Version("delay", ordinal, f"{ordinal}" * 64, f"{ordinal}" * 64, f"mlflow://delay/{ordinal}")


def released(phase: str = "succeeded") -> account.Released:
    made = releases.Release(
        "r1",
        "production",
        "delay",
        version(2),
        version(1),
        "canary",
        (),
        releases.Policy(),
        b"s",
        SINCE + HOUR,
        reason="it is better",
    )
    ended = releases.msgspec.structs.replace(made, phase=phases.Phase(phase), phase_since=SINCE + 2 * HOUR, outcome=phase)
    return account.Released(ended, verdicts.Verdict(verdicts.Result.PASS, "better", harm=verdicts.Harm(300, 12, 4, 0, 9.0)))


def incident(kind: str = "drift", words: str = "inputs moved", **more: object) -> incidents.Incident:
    return incidents.Incident(alarms.Alarm(kind, "delay", words, SINCE, **more), SINCE + HOUR, number=7)  # type: ignore[arg-type]


_OVER = incidents.Incident(
    alarms.Alarm("drift", "delay", "inputs moved", SINCE),
    SINCE,
    ended_at=SINCE + HOUR,
    acknowledged=incidents.Acknowledged("lena", SINCE, "a fare sale"),
)
_DOWN = incidents.Incident(
    alarms.Alarm("down", "delay", "no answer", SINCE, severity="critical", next="tidegate uptime delay"), SINCE + HOUR, "critical"
)
_DISTANCE = account.Moved(
    "distance",
    "alarm",
    ("22 % of its distribution is elsewhere",),
    "median 537",
    "median 403",
    ("0", "9"),
    ((0.2, 0.8), (0.6, 0.4)),
)
ACCOUNT = account.Account(
    endpoint="delay",
    environment="production",
    since=SINCE,
    until=SINCE + 4 * HOUR,
    width=HOUR,
    cells=(cell(0, 1, 100), cell(1, 2, 100), cell(2, 2, 100, 10, 4), cell(3, 2, 100)),
    names={1: "mlflow://delay/1", 2: "mlflow://delay/2"},
    stable=2,
    released=(released(),),
    alarms=(_DOWN, _OVER),
    drift=account.Drift(
        "the same time of the week",
        (1_000, 2_000),
        (_DISTANCE, account.Moved("age", "", (), "median 12", "median 12")),
        (account.Moved("distance", "warning", ("2 % missing, was 0 %",)),),
    ),
    performance=(account.Good(2, 300, 200, (("accuracy", "0.91 [0.88, 0.93]"),)),),
    uptime=availability.Report(
        "delay", SINCE, SINCE + 4 * HOUR, 60, 58, 0.01, 0.02, 0.0, (availability.Outage(SINCE, 0.0, 2, "no answer"),)
    ),
    log=account.Log(400, 7),
)
