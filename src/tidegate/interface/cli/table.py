"""Every command: where its function is, and the line that `tidegate --help` shows. Nothing is imported until it is called."""

import importlib
from collections.abc import Callable
from typing import Any

_ROOT = "tidegate.interface.cli.commands"
COMMANDS = {
    "init": ("init:init", "Write tidegate.yaml for a model; without one, list the registered models."),
    "up": ("up:up", "Start Tidegate here: gateways, workers, control. Ctrl-C ends it."),
    "down": ("down:down", "Finish what is under way and stop everything."),
    "plan": ("plan:plan", "Show what tidegate.yaml comes to, and what a release would do."),
    "release": ("release:release", "Release the model in tidegate.yaml, and watch it."),
    "status": ("status:status", "Everything on one screen."),
    "page": ("page:page", "Print an address that shows releases in a browser, kept current."),
    "promote": ("verbs:promote", "Give the candidate all traffic now, without waiting for evidence."),
    "pause": ("verbs:pause", "Stop the release where it is."),
    "resume": ("verbs:resume", "Let a paused release go on."),
    "abort": ("verbs:abort", "End a release; all traffic stays on stable. The model is not held."),
    "retry": ("verbs:retry", "Release the model of the last release once more."),
    "approve": ("verbs:approve", "Say yes to the model that waits for approval."),
    "reject": ("verbs:reject", "Say no to the model that waits for approval."),
    "hold": ("verbs:hold", "Refuse a model from now on."),
    "rollback": ("rollback:rollback", "Give all traffic back to the version before. Works with control down."),
    "migrated": ("migrated:migrated", "Say that a contract migration is done: no version before it can come back."),
    "rehearse": ("rehearse:rehearse", "Practise a rollback under load, and say how long it took."),
    "unhold": ("verbs:unhold", "Allow a model again that was rolled back."),
    "adopt": ("verbs:adopt", "Take the routing table as the truth after the store was restored from a backup."),
    "follow": ("follow:follow", "Release by itself whatever an endpoint's model reference comes to mean."),
    "alarms": ("alarms:alarms", "What is wrong, since when, what was done about it and what to type next."),
    "ack": ("alarms:ack", "Say that you have an alarm."),
    "snooze": ("alarms:snooze", "Hear nothing of an alarm for a while."),
    "report": ("report:report", "Write what became of an endpoint into one HTML file."),
    "history": ("history:history", "What was released, by whom, and how it ended."),
    "ab": ("ab:ab", "How many units an A/B test takes: `tidegate ab plan --effect 1% --share 12%`."),
    "verdict": ("verdict:verdict", "How the evidence of a release stands, with all that it was computed from."),
    "audit": ("audit:audit", "Check that the event log is as it was written."),
    "trace": ("trace:trace", "From a prediction id to the version, the training run and its data."),
    "explain": ("explain:explain", "Why a prediction came out as it did: what each column has contributed."),
    "lineage": ("lineage:lineage", "What was trained on a data snapshot, and what it has answered; what a version came from."),
    "reproduce": ("reproduce:reproduce", "How a version's model was made, to make it again; and whether that is the same."),
    "replay": ("replay:replay", "Ask a candidate what was logged, and compare: before any live traffic."),
    "calibrate": ("calibrate:calibrate", "How long releases would take on the logged traffic, and what they would find."),
    "metrics": ("metrics:metrics", "How an endpoint is served: times, errors, queues, and what its processes use."),
    "monitoring": ("monitoring:monitoring", "Write alert rules, a Grafana dashboard and a scrape configuration."),
    "uptime": ("uptime:uptime", "How available an endpoint was, as a probe from outside has seen it."),
    "drift": ("drift:drift", "What has drifted: inputs and predictions of one time against those of another."),
    "performance": ("performance:performance", "How good each version's predictions were, by the outcomes heard."),
    "label": ("label:label", "Hand out predictions for people to label, and take them back."),
    "forget": ("forget:forget", "Erase a person's records from the prediction log."),
    "feedback": ("feedback:feedback", "Report what really happened for a prediction."),
    "gather": ("gather:gather", "Bring the prediction logs of other hosts into this one."),
    "send": ("send:send", "Make traffic, from a file or from the model's own example."),
    "logs": ("logs:logs", "What the processes say, for people. For a version: why its model failed."),
    "token": ("token:token", "Make, list or revoke tokens: who may predict, report outcomes, read, operate."),
    "upgrade": ("upgrade:upgrade", "Replace every process by the installed code, one by one, under load."),
    "backup": ("backup:backup", "Write everything that was decided, and all models, into one file."),
    "restore": ("restore:restore", "Begin again from a backup, in an empty home."),
    "demo": ("demo:demo", "See it work on real data: `tidegate demo flights`."),
    "doctor": ("doctor:doctor", "Check this machine: Python, ports, disk, limits, what is installed."),
}


def load(name: str) -> Callable[..., Any]:
    """The function of a command. The one place where the program imports by name."""
    module, _, function = COMMANDS[name][0].partition(":")
    found: Callable[..., Any] = getattr(importlib.import_module(f"{_ROOT}.{module}"), function)
    return found
