"""What a stage is left on, in words short enough to stand under its column."""

from tidegate.core.vocabulary import amounts, releases
from tidegate.core.vocabulary.releases import Watch

_FAULTLESS = "if nothing speaks against it"


def words(stage: releases.Stage) -> str:
    """From what has to be seen, and how long that takes at least and at most, to a phrase."""
    least, most = amounts.span(stage.min_seconds), amounts.span(stage.max_seconds)
    seen = _counted(stage)
    after = f"{least}, {seen}" if stage.min_seconds else seen
    match stage.watch:
        case Watch.SMOKE:
            return f"{seen} answered well, within {most}"
        case Watch.METRIC:
            return f"when the metric decides, after {after}; as no difference after {most}"
        case Watch.PAIRS:
            return f"{after}, proven to agree; or {most}, {_FAULTLESS}"
        case Watch.COHORT:
            return f"{most} and {seen} that do not fail outright"
        case Watch.LEVEL:
            return "when the candidate has answered its warm-up" if stage.alone else f"{most}, if no worse than stable was"
    if stage.must_prove:
        return f"{after}, and proof that it is no worse"
    return f"{after} and proof; or {most}, {_FAULTLESS}"


def _counted(stage: releases.Stage) -> str:
    match stage.watch:
        case Watch.SMOKE:
            what = "own requests" if stage.min_requests != 1 else "own request"
        case Watch.PAIRS:
            what = "pairs"
        case Watch.METRIC:
            what = "units"
        case _:
            what = "requests" if stage.min_requests != 1 else "request"
    return f"{stage.min_requests:,} {what}"
