"""The elements of SVG as text: numbers without noise, words escaped, lines broken where they would be too wide."""

import html
import re
from collections.abc import Iterable

_NARROW, _WIDE = frozenset("ijlt.,;:'|!()[] fr1"), frozenset("mwMW%@")
_EM = 0.6
_UNIT = re.compile(r"(\d) (s|min|h|days|%)(?=\W|$)")


def number(value: float) -> str:
    """With two decimals at most: 12, 0.5, 3.25."""
    said = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if said == "-0" else said


def element(name: str, inner: str = "", /, **attributes: str | float) -> str:
    """An element; an underscore at an attribute's end is dropped, one within it is a hyphen."""
    said = "".join(f' {key.rstrip("_").replace("_", "-")}="{_value(value)}"' for key, value in attributes.items())
    return f"<{name}{said}>{inner}</{name}>" if inner else f"<{name}{said}/>"


def text(x: float, y: float, words: str, style: str, **attributes: str | float) -> str:
    """One line of text at its baseline."""
    return element("text", html.escape(words), x=x, y=y, class_=style, **attributes)


def lines(x: float, y: float, said: Iterable[str], style: str, leading: float) -> str:
    """Lines of text under each other, centred on x."""
    return "".join(text(x, y + place * leading, one, style, text_anchor="middle") for place, one in enumerate(said))


def width(words: str, size: float) -> float:
    """About how wide a text in a sans-serif is, in the units of its size."""
    return size * sum(_EM * (0.55 if one in _NARROW else 1.5 if one in _WIDE else 1.0) for one in words)


def wrap(words: str, most: float, size: float) -> list[str]:
    """Broken into lines of about that width at most; a word is never broken, nor a number from its unit."""
    found: list[str] = []
    for word in _UNIT.sub("\\1\u00a0\\2", words).split(" "):
        if found and width(f"{found[-1]} {word}", size) <= most:
            found[-1] += f" {word}"
        else:
            found.append(word)
    return found


def _value(value: str | float) -> str:
    return html.escape(value) if isinstance(value, str) else number(value)
