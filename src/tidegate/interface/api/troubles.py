"""What is not as it should be, each with what to do: the first thing that the status and the page show."""

from collections.abc import Iterator
from typing import Any

Json = dict[str, Any]
DECIDES = frozenset({"ready", "starting", "standby"})
"""States of control in which it decides, or another of several is about to."""


def lines(status: Json) -> Iterator[str]:
    """From `standing.Status` as JSON."""
    if not status["api"]:
        yield "the control API does not answer; this was read from the files"
    if not status["control"]:
        yield "control is down: predictions go on, releases wait, `tidegate rollback` works"
    elif status["control_state"] not in DECIDES:
        yield f"control cannot decide ({status['control_state']}): `tidegate logs control` says why"
    if status["store"]:
        yield f"the store cannot be read: {status['store']}"
    if status["table"]:
        yield f"the routing table is damaged; gateways go on with what they have read. {status['table']}"
    if status["override"]:
        told = status["override"]
        yield f"{told['endpoint']} was rolled back by hand ({told['actor']}: {told['reason'] or 'no reason given'})"
    if not status["gateways"]:
        yield "no gateway is up: nothing is answered; `tidegate logs gateway-0` says why"
    for one in status["gateways"]:
        if not one["current"]:
            yield f"{one['name']} obeys table {one['generation']}, not {status['generation']}"
    yield from _of_what_watches(status)
    yield from map(alarm, status.get("alarms", ()))
    # Of control as a whole a line above has told; one of several that is down, while another decides, is told of here.
    told = {"control"} if not status["control"] or status["control_state"] not in DECIDES else set()
    yield from (_unwell(one) for one in status["processes"] if not one["well"] and one["kind"] not in told)


def _of_what_watches(status: Json) -> Iterator[str]:
    """Of the recorder and the monitor."""
    lost = int(status["recorder"].get("lost", 0))
    if lost:
        records = "record" if lost == 1 else "records"
        yield f"{lost:,} {records} of the prediction log lost: `tidegate logs recorder` says where"
    if status["recorder"].get("trouble"):
        yield str(status["recorder"]["trouble"])
    for name, why in status.get("watches", {}).items():
        if why:
            yield f"the watch {name} cannot look: {why}; `tidegate logs monitor`"


def alarm(raised: Json) -> str:
    """An open alarm, and who has it."""
    whose = f"{raised['endpoint']}: " if raised["endpoint"] else ""
    has = f" ({raised['acknowledged']['actor']} has it)" if raised["acknowledged"] else ""
    has = has or (f" (silent, by {raised['snoozed']['actor']})" if raised["snoozed"] else "")
    return f"alarm {raised['kind'].replace('_', ' ')}: {whose}{raised['words']}{has}"


def _unwell(process: Json) -> str:
    whose = f" ({process['endpoint']} {process['version']})" if process["version"] else ""
    why = f": {process['code']} {process['message']}".rstrip() if process["code"] or process["message"] else ""
    log = f"{process['endpoint']}/{process['version']}" if process["version"] else process["name"]
    return f"{process['name']}{whose} is {process['state']}{why}; `tidegate logs {log}`"
