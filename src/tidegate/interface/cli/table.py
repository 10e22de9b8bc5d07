"""Every command: where its function is, and the line that `tidegate --help` shows. Nothing is imported until it is called."""

import importlib
from collections.abc import Callable
from typing import Any

_ROOT = "tidegate.interface.cli.commands"
PARTS = {
    "Serve": {
        "init": ("init:init", "Write tidegate.yaml for a model; without one, list models."),
        "up": ("up:up", "Start Tidegate here: gateways, workers, control."),
        "status": ("status:status", "Everything on one screen."),
        "page": ("page:page", "Print an address that shows releases in a browser."),
        "send": ("send:send", "Make traffic, from a file or from the model's own example."),
        "down": ("down:down", "Finish what is under way and stop everything."),
        "demo": ("demo:demo", "See it work on real data: `tidegate demo flights`."),
        "doctor": ("doctor:doctor", "Check this machine: Python, ports, disk, limits."),
    },
    "Release": {
        "plan": ("plan:plan", "What tidegate.yaml comes to, and what a release would do."),
        "release": ("release:release", "Release the model in tidegate.yaml, and watch it."),
        "rollback": ("rollback:rollback", "Go back to the version before; works with control down."),
        "promote": ("verbs:promote", "Give the candidate all traffic now, without evidence."),
        "pause": ("verbs:pause", "Stop the release where it is."),
        "resume": ("verbs:resume", "Let a paused release go on."),
        "abort": ("verbs:abort", "End a release; all traffic stays on stable."),
        "retry": ("verbs:retry", "Release the model of the last release once more."),
        "approve": ("verbs:approve", "Say yes to the model that waits for approval."),
        "reject": ("verbs:reject", "Say no to it."),
        "hold": ("verbs:hold", "Refuse a model from now on."),
        "unhold": ("verbs:unhold", "Allow a model again that was rolled back."),
        "follow": ("follow:follow", "Release by itself whatever a model reference comes to mean."),
        "migrated": ("migrated:migrated", "Say that a contract migration is done: no way back."),
    },
    "Weigh evidence": {
        "verdict": ("verdict:verdict", "How the evidence of a release stands, with all it is from."),
        "history": ("history:history", "What was released, by whom, and how it ended."),
        "replay": ("replay:replay", "Ask a candidate what was logged, before live traffic."),
        "calibrate": ("calibrate:calibrate", "How long releases would take here, and what they find."),
        "rehearse": ("rehearse:rehearse", "Practise a rollback under load."),
        "ab": ("ab:ab", "How many units an A/B test takes."),
    },
    "Watch": {
        "alarms": ("alarms:alarms", "What is wrong, since when, and what to type next."),
        "ack": ("alarms:ack", "Say that you have an alarm."),
        "snooze": ("alarms:snooze", "Hear nothing of an alarm for a while."),
        "drift": ("drift:drift", "Inputs and predictions of one time against another's."),
        "performance": ("performance:performance", "How good predictions were, by the outcomes heard."),
        "metrics": ("metrics:metrics", "Times, errors, queues, and what processes use."),
        "uptime": ("uptime:uptime", "How available an endpoint was, as a probe has seen it."),
        "logs": ("logs:logs", "What the processes say. Of a version: why its model failed."),
        "report": ("report:report", "Write what became of an endpoint into one HTML file."),
        "monitoring": ("monitoring:monitoring", "Write Prometheus rules and a Grafana dashboard."),
    },
    "Account for predictions": {
        "trace": ("trace:trace", "From a prediction to its version, training run and data."),
        "explain": ("explain:explain", "Why a prediction came out as it did, column by column."),
        "lineage": ("lineage:lineage", "What was trained on a data snapshot, and its answers."),
        "reproduce": ("reproduce:reproduce", "How a version's model was made, to make it again."),
        "feedback": ("feedback:feedback", "Report what really happened."),
        "label": ("label:label", "Hand out predictions to label, and take them back."),
        "forget": ("forget:forget", "Erase a person's records from the prediction log."),
        "gather": ("gather:gather", "Bring the prediction logs of other hosts into this one."),
        "audit": ("audit:audit", "Check that the event log is as it was written."),
    },
    "Look after it": {
        "token": ("token:token", "Who may predict, report outcomes, read, operate."),
        "upgrade": ("upgrade:upgrade", "Replace every process by the installed code, under load."),
        "backup": ("backup:backup", "Write all decisions and models into one file."),
        "restore": ("restore:restore", "Begin again from a backup, in an empty home."),
        "adopt": ("verbs:adopt", "Take the routing table as the truth after a restore."),
    },
}
"""By what they are for, in the order in which they are listed."""
COMMANDS = {name: one for part in PARTS.values() for name, one in part.items()}


def load(name: str) -> Callable[..., Any]:
    """The function of a command. The one place where the program imports by name."""
    module, _, function = COMMANDS[name][0].partition(":")
    found: Callable[..., Any] = getattr(importlib.import_module(f"{_ROOT}.{module}"), function)
    return found
