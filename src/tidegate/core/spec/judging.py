"""What a release is judged by, and who has to agree to it: margins, budgets and approvals of the file."""

from typing import Any

import msgspec

from tidegate.core.spec import keys, protection, rules, schedule, settings
from tidegate.core.vocabulary import errors, losses, releases


def margins(model: keys.Tidegate) -> rules.Margins:
    """Those of promote_if. Raises RuleInvalid for one that could not be held to."""
    given = rules.margins(model.release.promote_if)
    asked = "promote_if" in model.release.model_fields_set
    if asked and given.wrong is not None and (told := settings.unjudged(protection.outcomes(model))):
        raise errors.RuleInvalid(f'"wrong" {told[0]}', cure=told[1])
    if asked and (given.score is not None or given.score_ratio) and model.outcomes.kind != losses.PROBABILITY:
        raise errors.RuleInvalid(
            '"score" is known of probabilities only.', cure="Say with `outcomes: {kind: probability}` that they are."
        )
    return given


def policy(model: keys.Tidegate) -> releases.Policy:
    """Everything a release is judged by. Raises RuleInvalid."""
    given, default, release = margins(model), releases.Policy(), model.release
    tests = "ab" in release.strategy
    return releases.Policy(
        alpha=release.alpha,
        error_margin=default.error_margin if given.errors is None else given.errors,
        label_margin=default.label_margin if given.wrong is None else given.wrong,
        score_margin=default.score_margin if given.score is None else given.score,
        score_ratio=given.score_ratio,
        error_ratio=given.error_ratio,
        label_ratio=given.wrong_ratio,
        time_margins=default.time_margins if given.times is None else given.times,
        time_floor=release.times_from,
        shift=release.shift,
        on_shift=release.on_shift,
        loss=model.outcomes.kind if model.outcomes.within and model.outcomes.kind in losses.KINDS else "",
        label_age=model.outcomes.within,
        on_unsure=release.unsure,
        disagreement=release.shadow.tolerance,
        metric=(release.ab.metric or "") if tests else "",
        higher_is_better=release.ab.better == "higher",
        difference=release.ab.difference,
        harm_budget=release.harm_budget,
        guard_breaks=release.guard_breaks,
        memory=release.memory,
        on_alarm=release.on_alarm,
        retrain=release.retrain,
        slices=() if schedule.sticky(model) else model.slices,
        limits=release.ab.range if tests else None,
        covariate=(release.ab.covariate or "") if tests else "",
        guards=tuple(map(rules.guard, release.ab.guards)) if tests else (),
    )


def approval(model: keys.Tidegate) -> releases.Approval | None:
    """Who has to say yes; None: nobody. Raises SpecInvalid where there are not enough of them."""
    given = model.release.approve
    if given is None:
        return None
    if given.by and given.count > len(set(given.by)):
        raise errors.SpecInvalid(
            f"{given.count} have to agree, and {len(set(given.by))} may.",
            cure="Name more people in `by`, or let `count` be less.",
        )
    if not given.within:
        raise errors.SpecInvalid("`within` is no time in which anybody could agree.", cure="Write 3d or so.")
    return releases.Approval(given.by, given.count, given.barred == "author", given.within)


def in_force(stored: dict[str, Any]) -> releases.Approval | None:
    """Who has to say yes by settings as the store keeps them."""
    return msgspec.convert(stored.get("approval"), releases.Approval | None)


def stricter(now: releases.Approval | None, wanted: releases.Approval | None) -> releases.Approval | None:
    """Who has to say yes to a release by both: by the settings in force, and by those that it brings. Whoever satisfies it
    satisfies either: as many as the one that asks for more, of those whom both name, in the shorter time.

    Raises SpecInvalid where too few are named by both.
    """
    if now is None or wanted is None:
        return now or wanted
    by = tuple(one for one in now.by if one in wanted.by or not wanted.by) or (() if now.by else wanted.by)
    count = max(now.count, wanted.count)
    if (now.by or wanted.by) and len(by) < count:
        ours, theirs = (", ".join(one.by) or "anybody" for one in (now, wanted))
        raise errors.SpecInvalid(
            f"{count} have to agree who may by the settings in force ({ours}) and by these ({theirs}): there are {len(by)}.",
            cure="Name who has to agree now beside the new ones in `approve.by`; once that is released, take them away.",
        )
    within = min(now.within_seconds, wanted.within_seconds)
    return releases.Approval(by, count, now.not_author or wanted.not_author, within)
