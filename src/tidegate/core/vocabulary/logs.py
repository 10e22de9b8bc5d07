"""JSON lines on standard error: how every process logs. Standard library only, since the keeper and workers use it too.

One line: {"at", "level", "logger", "instance", "event", ...extra}. `event` is the message; what is passed as `extra=` stands
beside it; an exception's stack is under "stack". Nothing else is configured: who runs the process decides where its stderr goes.
"""

import json
import logging
import os

from tidegate.core.vocabulary import instants

OWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "color_message"}
"""Attributes that every log record has (of uvicorn's also the message once more, for terminals); all else came as `extra`."""
_TALKATIVE = ("httpx", "httpcore", "alembic")
"""Libraries that are heard from warnings on. Some write every address they ask: those of webhooks hold secrets, and a probe would
be a line a minute. Some tell of every step in which they load themselves.
"""


class Lines(logging.Formatter):
    """Formats a log record as one JSON line."""

    def __init__(self, instance: str) -> None:
        super().__init__()
        self.instance = instance

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its newline. A value JSON does not know is written as its text, never as an error."""
        line: dict[str, object] = {
            "at": instants.exact(record.created),
            "level": record.levelname.lower(),
            "logger": record.name,
            "instance": self.instance,
            "event": record.getMessage(),
        }
        line.update((key, value) for key, value in vars(record).items() if key not in OWN and key not in line)
        if record.exc_info:
            line["stack"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


def start(instance: str, level: str = "") -> None:
    """Have everything logged from here on written to standard error as JSON lines; `instance` names this process in each.

    `level` is a name of logging's (debug, info, warning, error); empty: TIDEGATE_LOG, else info. Calling again replaces.
    """
    handler = logging.StreamHandler()
    handler.setFormatter(Lines(instance))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    named = (level or os.environ.get("TIDEGATE_LOG", "info")).upper()
    root.setLevel(named if named in logging.getLevelNamesMapping() else "INFO")
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.captureWarnings(capture=True)
