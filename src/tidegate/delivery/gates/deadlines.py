"""Something asked of the world outside, for so long and no longer."""

import threading
from collections.abc import Callable
from typing import TypeVar

Answer = TypeVar("Answer")


def within(seconds: float, ask: Callable[[], Answer]) -> Answer:
    """What `ask` gives, or raises. Raises TimeoutError when it has not come back in time: its thread is left to itself."""
    given: list[Answer] = []
    raised: list[Exception] = []

    def work() -> None:
        try:
            given.append(ask())
        except Exception as failed:
            raised.append(failed)

    # Neither a name server nor a database driver lets go by itself in every case; a daemon thread holds nobody up at the end.
    thread = threading.Thread(target=work, daemon=True, name="probe")
    thread.start()
    thread.join(seconds)
    if raised:
        raise raised[0]
    if not given:
        raise TimeoutError(f"no answer within {seconds:g} s")
    return given[0]
