"""Numbers as people say them: rounded to what they are worth, with their unit."""

import math


def count(number: float) -> str:
    """Two digits and noughts: 4083 -> "4,100"."""
    if number <= 0:
        return "0"
    step = 10 ** max(0, math.floor(math.log10(number)) - 1)
    return f"{math.ceil(number / step) * step:,}"


def span(seconds: float) -> str:
    """In the largest unit that is more than one and a half: 200 -> "3 min", 80 -> "80 s"."""
    for unit, size in (("days", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 1.5 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(1, math.ceil(seconds))} s"


def figure(number: float, digits: int = 3, sign: str = "") -> str:
    """To so many digits, without the exponent of a number that people write out: 1234567 -> "1,230,000". `sign`: "+" for one."""
    told = f"{number:{sign}.{digits}g}"
    return f"{float(told):{sign},.0f}" if "e+" in told and abs(number) < 1e15 else told


def percent(share: float, digits: int = 3) -> str:
    """0.8 %, 12 %, 0 %, 1,230 %, to so many digits."""
    return f"{figure(100 * share, digits)} %"


def latency(seconds: float) -> str:
    """310 ms, 1.25 s."""
    return f"{seconds:.3g} s" if seconds >= 1 else f"{1000 * seconds:.3g} ms"


def rate(a_second: float) -> str:
    """118 requests/s, 0.4 requests/s."""
    return f"{a_second:,.0f} requests/s" if a_second >= 10 or not a_second else f"{a_second:.1f} requests/s"


def size(number: float) -> str:
    """Bytes: 310 MB, 1.2 GB."""
    return f"{number / 1e9:,.1f} GB" if number >= 1e9 else f"{number / 1e6:,.0f} MB"
