"""The four versions of the story. All of them are the sort of thing teams really release; two of them are broken.

v1 and v2 are right. v3 and v4 carry bugs that the numbers logged with them cannot show, because those numbers were
measured on the same prepared tables that hide the bugs.
"""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Recipe:
    """How one version is made."""

    number: int
    alias: str
    title: str
    """What its author would write in the commit message."""
    truth: str
    """What is really the matter with it; empty when nothing is."""
    months: tuple[int, ...]
    warehouse: bool = False
    """Trained on the warehouse's table, in which a nightly job has clipped outliers."""
    renumbered: bool = False
    """Labelled through delay bands whose numbers have moved by one."""


RECIPES = (
    Recipe(1, "january", "trained on January", "", (1,)),
    Recipe(2, "february", "trained on January and February", "", (1, 2)),
    Recipe(
        3,
        "warehouse",
        "square root of the delay, from the warehouse",
        "The warehouse clips the earliest tenth of the departure delays, so in training the square root never met a negative "
        "number. Live it does, for one flight in ten, and the model raises.",
        (1, 2),
        warehouse=True,
    ),
    Recipe(
        4,
        "bands",
        "labels from the new delay bands",
        "The bands were renumbered from 1-3 to 0-2, the query still says `band >= 2`: the label has shifted from more than "
        "15 minutes late to more than 60. Training and test set are wrong alike, so its numbers look better than ever.",
        (1, 2),
        renumbered=True,
    ),
)
