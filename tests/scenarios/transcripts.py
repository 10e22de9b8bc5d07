"""Plays that are read like a story: lines that begin with `>` are told to the play, `#` is for the reader, the rest it said."""

import os
import pathlib
from typing import Protocol

LINES_MOST = 60


class Play(Protocol):
    """What a transcript is played with."""

    lines: list[str]

    def tell(self, line: str) -> None: ...


def goes(path: pathlib.Path, play: Play) -> None:
    """Hold a play against its transcript; with TIDEGATE_WRITE in the environment the transcript is written anew first."""
    written = path.read_text().splitlines()
    for line in written:
        if line.startswith(">"):
            play.tell(line)
        elif line.startswith("#"):
            play.lines.append(line)
    if os.environ.get("TIDEGATE_WRITE"):
        path.write_text("\n".join(play.lines) + "\n")
    assert play.lines == written
    assert len(written) <= LINES_MOST
