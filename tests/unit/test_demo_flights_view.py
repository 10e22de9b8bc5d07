"""The screen fits 80 x 24 and wider ones, and says what is the case."""

import datetime as dt
import io

import pytest
from rich import console

from tidegate.interface.demo.flights import screens, view


def picture() -> view.Picture:
    one = view.Picture(
        date=dt.datetime(2013, 3, 2, 14, 5, tzinfo=dt.UTC),
        requests=31_222,
        outcomes=30_100,
        in_the_air=210,
        stable="v1",
        candidate="v2",
        title="trained on January and February",
        share=0.05,
        steps=("5%", "25%", "50%"),
        step=0,
        phase="running",
        sentence="needs about 4,100 more canary requests (about 40 s at this rate)" * 2,
        bars=(view.Bar("errors", 1.2, 4.8, False), view.Bar("errors.no_worse", 3.1, 3.0, True)),
        candidate_requests=1_234,
        rescued=3,
        harmed=3,
    )
    one.rates.extend(range(1_000, 1_060))
    one.events.append(("1 Mar 12:00", "", "v2 is released: " + "a very long reason " * 10))
    one.happened = 1
    return one


def drawn(one: view.Picture, width: int) -> list[str]:
    out = io.StringIO()
    console.Console(file=out, width=width, force_terminal=True, color_system=None).print(view.draw(one, width))
    return out.getvalue().rstrip("\n").split("\n")


@pytest.mark.parametrize("width", [60, 80, 100, 200])
@pytest.mark.parametrize("one", [view.Picture(), picture()])
def test_the_screen_is_never_higher_than_a_terminal_nor_wider_than_asked(one: view.Picture, width: int) -> None:
    lines = drawn(one, width)
    assert len(lines) <= 23
    assert max(map(len, lines)) <= width


def test_the_screen_says_what_is_the_case() -> None:
    text = "\n".join(drawn(picture(), 80))
    for said in ("Sat 2 March 2013, 14:05", "1,059 requests/s", "31,222 requests", "v1  95%", "v2  5%", "5% > 25% > 50% > 100%"):
        assert said in text
    for said in ("canary", "3 rescued", "1.2 of 4.8", "errors no worse", "promote"):
        assert said in text


def test_every_event_is_one_line_however_long_it_is() -> None:
    one = picture()
    for hour in range(10, 20):
        one.events.append(
            (f"27 Apr {hour}:23", "", "v3 rolled back: v3 fails 15.1 % [3.9, 35] of requests, stable 0 %; e = over 1,000,000")
        )
    lines = drawn(one, 80)
    assert [line[:14].strip() for line in lines[-5:]] == [f"27 Apr {hour}:23" for hour in range(15, 20)]


def test_a_bar_is_filled_to_an_eighth_of_a_character_and_never_beyond_its_width() -> None:
    assert view.bar(0.5, 4, "").plain == "██··"
    assert view.bar(0.03125, 4, "").plain == "▏···"
    assert view.bar(-3, 4, "").plain == "····"
    assert view.bar(99, 4, "").plain == "████"


def test_without_a_terminal_every_event_is_a_line_and_told_once() -> None:
    out = io.StringIO()
    with screens.show(console.Console(file=out, width=80), plain=False) as show:
        assert isinstance(show, screens.Lines)
        one = picture()
        show.picture(one)
        show.picture(one)
        one.events.append(("2 Mar 01:00", "", "v2 gets 25% of the traffic"))
        one.happened += 1
        show.picture(one)
    lines = [line.strip() for line in out.getvalue().splitlines()]
    assert len(lines) == 2
    assert lines[1] == "2 Mar 01:00  v2 gets 25% of the traffic"


def test_on_a_terminal_the_live_screen_is_shown_unless_plain_lines_are_asked_for() -> None:
    terminal = console.Console(file=io.StringIO(), width=80, force_terminal=True)
    assert isinstance(screens.show(terminal, plain=False), screens.Screen)
    assert isinstance(screens.show(terminal, plain=True), screens.Lines)
