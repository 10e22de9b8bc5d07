"""The pictures in docs/strategies, drawn from the strategies themselves: `python -m tests.docs.pictures` draws them anew."""

import sys

from tests.docs import tables
from tidegate.core.decide import strategies
from tidegate.observability.report import course, picture

PLACE = tables.DOCS / "strategies"
WEEK = 604_800.0
Names = tuple[str, ...]
CASES: dict[str, tuple[Names, strategies.Plan, int]] = {
    "recreate": (("recreate",), strategies.Plan(), 1),
    "rolling": (("rolling",), strategies.Plan(rolling=strategies.Rolling(replicas=4)), 4),
    "blue-green": (("blue-green",), strategies.Plan(), 2),
    "canary": (("canary",), strategies.Plan(cohort=True), 2),
    "shadow": (("shadow",), strategies.Plan(), 1),
    "ab": (("ab",), strategies.Plan(), 1),
    "composed": (("shadow", "canary", "full"), strategies.Plan(), 1),
}


def course_of(name: str) -> course.Course:
    """One of the cases as a course."""
    names, plan, replicas = CASES[name]
    seconds = 0.0 if strategies.returns(names) else WEEK
    return course.Course(strategies.compose(names, plan), replicas, strategies.holdback(), seconds, strategies.returns(names))


def expected(name: str) -> str:
    """The picture as it should be."""
    words = f"Traffic over time: {' -> '.join(CASES[name][0])}"
    return picture.draw(course_of(name), picture.Look(name=name, words=words))


if __name__ == "__main__":
    PLACE.mkdir(exist_ok=True)
    for case in CASES:
        (PLACE / f"{case}.svg").write_text(expected(case))
        sys.stdout.write(f"docs/strategies/{case}.svg\n")
