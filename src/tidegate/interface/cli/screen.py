"""The terminal: what is printed, in colour where somebody looks and plain where it is piped."""

import json
import sys
from typing import Any

from rich import console

WIDE = 160
"""Columns when nobody's terminal says."""


def out() -> console.Console:
    """Standard output. Piped, it has no colour and no boxes that depend on a terminal's width."""
    looked_at = sys.stdout.isatty()
    return console.Console(highlight=False, width=None if looked_at else WIDE, soft_wrap=not looked_at)


def err() -> console.Console:
    """Standard error: progress and remarks, so that standard output stays for results."""
    return console.Console(stderr=True, highlight=False, soft_wrap=True)


def document(value: Any) -> None:
    """One JSON document, and nothing else, on standard output."""
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False, default=str) + "\n")


def line(text: str) -> None:
    """A plain line on standard output."""
    sys.stdout.write(text + "\n")


def note(text: str) -> None:
    """A plain line on standard error."""
    sys.stderr.write(text + "\n")
