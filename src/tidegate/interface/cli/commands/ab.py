"""`tidegate ab plan`."""

import math
from typing import Annotated

import typer
from rich import table

from tidegate.core.spec import units, values
from tidegate.core.stats import bounded, means
from tidegate.core.vocabulary import errors
from tidegate.interface.cli import options, screen

POWERS = (0.5, 0.8, 0.95)


def ab(
    action: Annotated[str, typer.Argument(help="plan.", show_default=False)],
    *,
    effect: Annotated[
        str, typer.Option("--effect", help="The least difference worth finding: 1% is one point of a share; else a number.")
    ],
    share: Annotated[
        str, typer.Option("--share", help="What stable has now, where the metric is a share (right, clicked): 12%.")
    ] = "",
    deviation: Annotated[
        float, typer.Option("--deviation", help="Else the standard deviation of one unit's value.", min=0.0)
    ] = 0.0,
    exact: Annotated[
        bool, typer.Option("--exact", help="The share is decided by betting: it is `right`, or has `range: [0, 1]`.")
    ] = False,
    correlation: Annotated[
        float,
        typer.Option(
            "--correlation", help="Of the metric with its `covariate`: 0.7 takes half of the noise away.", min=-1, max=1
        ),
    ] = 0.0,
    split: Annotated[str, typer.Option("--split", help="The candidate's share, or stable/candidate.")] = "50%",
    daily: Annotated[int, typer.Option("--daily", help="Units (users) a day, of both groups.", min=0)] = 0,
    alpha: Annotated[str, typer.Option("--alpha", help="Chance of a winner where there is no difference.")] = "5%",
    as_json: options.Json = False,
) -> None:
    """How many units a test takes until it finds a difference, looked at as often as one likes, as `strategy: ab` decides.

    A test that is looked at once, at a time fixed beforehand, takes fewer: what one pays for is that it may stop at any time.
    """
    if action != "plan":
        raise errors.BodyMalformed(f"{action!r} is nothing to do with a test.", cure="tidegate ab plan --effect 1% --share 12%")
    least, both = values.amount(_number(effect)), _deviations(share, deviation, effect)
    part, chance = values.split(split), units.share(alpha)
    if not (least > 0 and 0 < part < 1 and 0 < chance < 1):
        raise errors.SpecInvalid("a difference, a split and a chance lie above 0.", cure="--effect 1% --split 50% --alpha 5%")
    if exact and (correlation or not share):
        raise errors.SpecInvalid(
            "what is adjusted by a covariate, or no share, is not planned for exactly.", cure="--exact goes with --share alone."
        )
    if exact:
        shares = (_share(share) + least, _share(share))
        found = [(power, bounded.needed(shares, part, chance, power)) for power in POWERS]
    else:
        left = math.sqrt(1 - correlation**2)
        noise = (left * both[0], left * both[1])
        found = [(power, means.needed(least, noise, part, chance, power)) for power in POWERS]
    if as_json:
        screen.document([{"power": power, "units": count, "days": _days(count, daily)} for power, count in found])
        return
    shown = table.Table(box=None, pad_edge=False, header_style="dim")
    for head in ("found in", "units", "of them the candidate's", *(["days"] if daily else [])):
        shown.add_column(head, justify="right")
    for power, count in found:
        cells = [f"{count:,}", f"{round(count * part):,}"] if count > 0 else ["too many", ""]
        days = _days(count, daily)
        shown.add_row(f"{power:.0%} of tests", *cells, *([f"{days:,}" if days else ""] if daily else []))
    screen.out().print(shown)
    eighty = dict(found)[0.8]
    if eighty > 0 and daily:
        screen.line(f"Let `ab.horizon` be {max(1, math.ceil(_days(eighty, daily) or 1))}d or more, in whole weeks at best.")


def _days(count: int, daily: int) -> int:
    return math.ceil(count / daily) if daily and count > 0 else 0


def _number(given: str) -> object:
    """A share as it is written, else the number."""
    try:
        return float(given)
    except ValueError:
        return given


def _share(given: str) -> float:
    """As in the file: a percentage, or a number below 1."""
    try:
        return units.share(f"{100 * float(given):.12g}%")
    except ValueError:
        return units.share(given)


def _deviations(share: str, deviation: float, effect: str) -> tuple[float, float]:
    """Of one unit's value, (candidate, stable). Raises SpecInvalid unless exactly one of the two says what the metric is."""
    if bool(share) == bool(deviation):
        raise errors.SpecInvalid(
            "the metric is a share, or it has a deviation.", cure="Write --share 12%, or --deviation 3.5.", where="ab plan"
        )
    if deviation:
        return deviation, deviation
    base, more = _share(share), values.amount(_number(effect))
    if base + more >= 1 or base <= 0:
        raise errors.SpecInvalid(f"{share} and {effect} more is no share.", cure="Write shares between 0% and 100%.")
    return tuple(math.sqrt(one * (1 - one)) for one in (base + more, base))  # type: ignore[return-value]
