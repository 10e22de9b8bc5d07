"""Showing the picture while the story runs: a live screen on a terminal, lines elsewhere."""

import contextlib
import time
import typing

from rich import console, live

from tidegate.interface.demo.flights import view

_FRAME_SECONDS = 0.25
_LINE_SECONDS = 5.0


class Show(contextlib.AbstractContextManager["Show"], typing.Protocol):
    """Takes the picture whenever something in it may have changed."""

    def picture(self, now: view.Picture) -> None:
        """Show it, if it is time to."""


def show(screen: console.Console, *, plain: bool) -> Show:
    """The live screen where there is a terminal of at least 60 columns and nobody asked for plain lines."""
    return Lines(screen) if plain or not screen.is_terminal or screen.width < 60 else Screen(screen)


class Screen(Show):
    """The live screen; the last picture stays when it is closed."""

    def __init__(self, screen: console.Console) -> None:
        self._screen = screen
        self._live = live.Live(console=screen, auto_refresh=False, transient=False)
        self._drawn = 0.0

    def __enter__(self) -> typing.Self:
        """Take the screen."""
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Give it back."""
        self._live.stop()

    def picture(self, now: view.Picture) -> None:
        """Draw it, at most four times a second."""
        if time.monotonic() - self._drawn >= _FRAME_SECONDS:
            self._live.update(view.draw(now, self._screen.width), refresh=True)
            self._drawn = time.monotonic()


class Lines(Show):
    """A line for everything that happens, and one on the traffic every few seconds."""

    def __init__(self, screen: console.Console) -> None:
        self._screen = screen
        self._printed = 0
        self._last = time.monotonic()

    def __exit__(self, *_: object) -> None:
        """Nothing was taken."""

    def picture(self, now: view.Picture) -> None:
        """Print what is new."""
        fresh = now.happened - self._printed
        for when, _, said in list(now.events)[-fresh:] if fresh else ():
            self._say(f"{when:>12}  {said}")
        self._printed = now.happened
        if time.monotonic() - self._last >= _LINE_SECONDS:
            self._say(view.line(now))
            self._last = time.monotonic()

    def _say(self, words: str) -> None:
        self._screen.print(f" {words}", markup=False, highlight=False, soft_wrap=True)
