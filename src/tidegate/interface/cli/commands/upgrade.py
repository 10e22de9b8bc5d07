"""`tidegate upgrade`."""

import dataclasses
import time

from tidegate.interface.cli import options, screen, upgrading


def upgrade(as_json: options.Json = False, home: options.Home = "") -> None:
    """Replace every process by one with the code that is installed now, one by one, without losing a request.

    Whatever fails ends it there, named; all processes, old and new, go on serving. Run it again once that is mended.
    """
    place = options.place(home)
    began = time.monotonic()
    steps = []
    for step in upgrading.upgrade(place, screen.note):
        steps.append(step)
        if not as_json:
            screen.note(f"{step.name} is replaced ({step.seconds:.1f} s)")
    seconds = round(time.monotonic() - began, 3)
    if as_json:
        screen.document({"steps": [dataclasses.asdict(one) for one in steps], "seconds": seconds})
    else:
        screen.line(f"upgraded: {len(steps)} processes in {seconds:.1f} s")
