"""What the gateway adds to the worker's own time: `python -m bench.overhead --json FILE [--quick]`.

2,000 one-row requests a second, open loop (`bench.sender`), evenly spaced and as independent clients would come (Poisson), at
one gateway and one worker with a fast model (compiled logistic regression), every prediction logged. A request's added time is
what its client saw, counted from when it was due, less what the worker says it had the request for (`worker_us` of its record,
joined by prediction id): queues, both ways through the gateway, the log, the system's sockets, and the sender's own lateness.
"""

import pathlib
import sys
from typing import Any

import numpy as np

from bench import logged, models, processes, results, sender, servers

RATE = 2_000.0
SPACINGS = ("constant", "poisson")


def main() -> int:
    """Measure, print, write JSON; 1 when a request failed or its record is missing."""
    asked = results.parser(__doc__)
    asked.add_argument("--rate", type=float, default=RATE, help="requests a second")
    asked.add_argument("--seconds", type=float, help="of each load; else 30, or 5 with --quick")
    given = asked.parse_args()
    machine = results.machine()
    seconds = given.seconds or (5.0 if given.quick else 30.0)
    with servers.folder() as folder, servers.home_in(folder) as place:
        case = models.logreg(folder)
        digest = models.bundle(case, place, "required")
        with servers.tidegate(place, [digest]) as served:
            _send(served, case, given.rate, min(seconds, 2.0), "constant", folder)  # warm
            rows = [_row(served, case, given.rate, seconds, spacing, folder) for spacing in SPACINGS]
    result = {"rate": given.rate, "rows": rows, **machine, "errors": sum(row["errors"] + row["unlogged"] for row in rows)}
    for row in rows:
        _show(row)
    return results.end(result, [target for row in rows for target in _targets(row)], given)


def _send(
    served: servers.Tidegate, case: models.Case, rate: float, seconds: float, spacing: str, folder: pathlib.Path
) -> sender.Sent:
    bodies = [body.decode() for body in case.bodies]
    return sender.send(sender.Plan(served.port, servers.PATH, bodies, rate, seconds, spacing), folder)


def _row(
    served: servers.Tidegate, case: models.Case, rate: float, seconds: float, spacing: str, folder: pathlib.Path
) -> dict[str, Any]:
    used = processes.cpu_seconds(served.gateway)
    sent = _send(served, case, rate, seconds, spacing, folder)
    used = processes.cpu_seconds(served.gateway) - used
    worked = logged.worker_ms(served.place)
    good = [place for place in np.flatnonzero(sent.status == 200) if sent.ids[place] in worked]
    own = np.array([worked[sent.ids[place]] for place in good])
    total = (sent.done[good] - sent.due[good]) / 1e6
    return {
        "spacing": spacing,
        **sender.described(sent),
        "unlogged": int(np.count_nonzero(sent.status == 200)) - len(good),
        "worker": sender.percentiles(own),
        "added": sender.percentiles(total - own),
        "added_from_sent": sender.percentiles((sent.done[good] - sent.sent[good]) / 1e6 - own),
        "gateway_cpu_us": round(used / len(sent.due) * 1e6, 1),
    }


def _targets(row: dict[str, Any]) -> list[results.Target]:
    if not row["added"]:
        return []
    name = f"{row['spacing']}: added by the gateway, ms"
    return [
        results.at_most(f"{name}, p50", row["added"]["p50_ms"], 0.4),
        results.at_most(f"{name}, p99", row["added"]["p99_ms"], 2.0),
    ]


def _show(row: dict[str, Any]) -> None:
    print(f"{row['spacing']}: {row['requests']} requests, {row['errors']} errors, gateway {row['gateway_cpu_us']} us a request")
    for name in ("worker", "added", "added_from_sent"):
        print(f"  {name:16}" + sender.line(row[name]))
    print(f"  {sender.lateness(row)}")


if __name__ == "__main__":
    sys.exit(main())
