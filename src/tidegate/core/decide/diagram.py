"""The machine's table as people see it: a mermaid diagram and a matrix. docs/machine.md holds what this gives, by a test."""

from tidegate.core.decide import machine
from tidegate.core.vocabulary.decisions import Kind
from tidegate.core.vocabulary.phases import ENDED, Phase

_LIVING = tuple(phase for phase in Phase if phase not in ENDED)


def mermaid() -> str:
    """Who may follow whom, with the events that lead there. Overrides lead from everywhere to rolled_back and are left out."""
    edges: dict[tuple[Phase, Phase], list[str]] = {}
    for (phase, kind), move in machine.TRANSITIONS.items():
        for target in move.targets if kind is not Kind.OVERRIDDEN else ():
            if target is not phase:
                edges.setdefault((phase, target), []).append(kind.value)
    lines = ["stateDiagram-v2", f"    [*] --> {Phase.QUEUED}"]
    lines += [f"    {phase} --> {target}: {', '.join(kinds)}" for (phase, target), kinds in edges.items()]
    return "\n".join([*lines, *(f"    {phase} --> [*]" for phase in Phase if phase in ENDED)]) + "\n"


def matrix() -> str:
    """Markdown: what every phase that has not ended does on every event."""
    rows = [f"| event | {' | '.join(_LIVING)} |", f"|---|{'---|' * len(_LIVING)}"]
    rows += [f"| `{kind}` | {' | '.join(_cell(phase, kind) for phase in _LIVING)} |" for kind in Kind]
    return "\n".join(rows) + "\n"


def refusals() -> str:
    """Markdown: why something is refused, by what was asked for and the phases."""
    reasons: dict[str, dict[str, list[str]]] = {}
    for (phase, kind), move in machine.TRANSITIONS.items():
        if move.refusal and phase not in ENDED:
            reasons.setdefault(move.refusal, {}).setdefault(kind, []).append(phase)
    lines = [
        f"- *{reason}*: " + "; ".join(f"`{kind}` while {', '.join(names)}" for kind, names in pairs.items())
        for reason, pairs in reasons.items()
    ]
    return "\n".join(lines) + "\n"


def _cell(phase: Phase, kind: Kind) -> str:
    move = machine.TRANSITIONS[phase, kind]
    if move.refusal:
        return "refused"
    return ", ".join(target for target in move.targets if target is not phase) or "·"
