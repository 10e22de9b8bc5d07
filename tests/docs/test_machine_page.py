"""docs/machine.md shows the machine's table as it is. TIDEGATE_WRITE=1 draws it anew."""

import os
import pathlib
import re

from tidegate.core.decide import diagram
from tidegate.core.vocabulary import phases

PAGE = pathlib.Path(__file__).parents[2] / "docs" / "machine.md"
DRAWN = re.compile(r"(?<=<!-- drawn from the table -->\n).*(?=<!-- end -->)", re.DOTALL)


def drawn() -> str:
    """The diagram, what every phase does on every event, and why something is refused."""
    override = "A table rolled back by hand while control was down (`overridden`) leads from every phase to `rolled_back`."
    dots = "`·` stays; what ended stays ended."
    parts = [f"```mermaid\n{diagram.mermaid()}```", override, "## Phase by event", dots]
    return "\n\n".join([*parts, diagram.matrix(), "## Refused, and why", diagram.refusals()])


def test_the_page_is_drawn_from_the_table():
    if os.environ.get("TIDEGATE_WRITE"):
        PAGE.write_text(DRAWN.sub(lambda _: f"\n{drawn()}\n", PAGE.read_text()))
    found = DRAWN.search(PAGE.read_text())
    assert found is not None
    assert found.group().strip() == drawn().strip()


def test_every_phase_is_told_in_words():
    page = PAGE.read_text()
    assert [phase for phase in phases.Phase if f"\n| {phase} |" not in page] == []
