"""What is right only together with other keys: each check with the key whose line is named when it fails."""

from collections.abc import Callable, Iterator

from tidegate.core.decide import strategies
from tidegate.core.spec import document, faults, judging, keys, logged, protection, schedule, surroundings, watched
from tidegate.core.vocabulary import errors, ids, monitoring
from tidegate.core.vocabulary.releases import Watch

_BLOCKS = {"shadow": "shadow", "rolling": "rolling", "blue_green": "blue-green", "ab": "ab"}
_PACES = ("for", "at_most", "requests", "prove_last")
_BOUNDS = {
    "promote_if": {Watch.COMPARISON, Watch.METRIC, Watch.LEVEL, Watch.COHORT},
    "harm_budget": {Watch.COMPARISON, Watch.METRIC},
}
"""What is held to a bound, by its key."""
_MOST_NAME = 63
_SOONEST = 1.0
"""Seconds between two looks at a table at the least."""
Check = Callable[[keys.Tidegate], object]


def checks(model: keys.Tidegate) -> Iterator[tuple[document.Path, Check]]:
    """All of them, those on what others go by first. Raises nothing; each of them SpecInvalid or RuleInvalid."""
    yield from ((("release", block), lambda one, key=block: _block(one, key)) for block in _BLOCKS)
    yield ("release", "steps"), _canary
    yield from ((("release", key), lambda one, key=key: _passed_over(one, key)) for key in _PACES)
    yield from ((("release", key), lambda one, key=key: _unheard(one, key)) for key in _BOUNDS)
    yield from strategic(model)


def strategic(model: keys.Tidegate) -> Iterator[tuple[document.Path, Check]]:
    """Those that hold for a strategy from elsewhere, too: blocks of others are then passed over."""
    yield ("release", "promote_if"), judging.margins
    yield ("release", "strategy"), _sequence
    yield ("release", "sticky"), schedule.sticky
    yield ("release", "prove_last"), schedule.proves_last
    yield ("release", "steps"), schedule.ramp
    yield ("release", "shadow"), schedule.mirror
    yield ("release", "rolling"), _rolling
    yield ("release", "blue_green"), schedule.blue_green
    yield ("release", "ab"), _ab
    yield ("release", "cohort"), _cohort
    yield ("release", "blue_green" if "blue-green" in model.release.strategy else "steps"), schedule.stages
    yield ("release", "probation"), _probation
    yield ("release", "approve"), judging.approval
    yield ("api",), _api
    yield ("limits", "timeout"), protection.limits
    yield ("outcomes", "lookback"), _lookback
    yield ("outcomes", "query"), truth
    yield ("monitors",), lambda one: watched.resolved(one.monitors)
    yield ("fallback_version",), _fallback_version
    yield from (
        (("requires", place), lambda one, at=place: _requirement(one.requires[at])) for place in range(len(model.requires))
    )
    yield from (
        (("notify", place), lambda one, at=place: surroundings.located(one.notify[at])) for place in range(len(model.notify))
    )
    yield ("migrations",), _migrations
    yield ("slices",), _slices
    yield ("log", "inputs"), lambda one: logged.inputs(one.log)
    yield ("log", "redact"), lambda one: logged.redacted(one.log)
    yield ("log", "encrypt"), lambda one: logged.encrypted(one.log)
    yield ("log", "columns"), lambda one: logged.sampled(one.log)
    yield ("log", "sinks"), lambda one: logged.shipped(one.log)


def truth(model: keys.Tidegate) -> monitoring.Truth:
    """The table that outcomes are taken from. Raises SpecInvalid."""
    given = model.outcomes
    if given.query is None:
        if given.url is not None or given.watermark is not None:
            raise errors.SpecInvalid("there is no table to ask without a query.", cure="Add `query: select id, label from ...`.")
        return monitoring.Truth()
    if given.every < _SOONEST:
        raise errors.SpecInvalid("a table asked so often has nothing else to do.", cure="Let `every` be 1s or more; 1h is usual.")
    where = surroundings.located(given.url) if given.url else ""
    return monitoring.Truth(given.query, where, given.every, given.watermark or "")


def endpoint(model: keys.Tidegate) -> str:
    """The name that clients call: NAME, and NAME-v2 from the second version of its contract on."""
    return model.endpoint if model.api == 1 else f"{model.endpoint}-v{model.api}"


def _block(model: keys.Tidegate, key: str) -> None:
    if getattr(model.release, key).model_fields_set and _BLOCKS[key] not in model.release.strategy:
        raise errors.SpecInvalid(
            f"this is of the strategy {_BLOCKS[key]}, and the release goes by {' -> '.join(model.release.strategy)}.",
            cure=f"Write `strategy: {_BLOCKS[key]}`, or take the block away.",
        )


def _canary(model: keys.Tidegate) -> None:
    if "steps" in model.release.model_fields_set and "canary" not in model.release.strategy:
        instead = "`blue_green: {switch: [...]}`" if "blue-green" in model.release.strategy else "`strategy: canary`"
        raise errors.SpecInvalid(
            f"these are a canary's, and the release goes by {' -> '.join(model.release.strategy)}.",
            cure=f"Write {instead}, or take them away.",
        )


def _passed_over(model: keys.Tidegate, key: str) -> None:
    """What paces steps, where nothing has steps that go by it."""
    names = model.release.strategy
    switches = "blue-green" in names and model.release.blue_green.switch and key != "prove_last"
    if {"for": "least"}.get(key, key) not in model.release.model_fields_set or switches or "canary" in names:
        return
    blocks = (one for one in ("shadow", "rolling", "ab") if one in names)
    own = next((one for one in blocks if key in faults.keys_at(type(getattr(model.release, one)), ())), "")
    raise errors.SpecInvalid(
        f"this paces the steps of a canary, and the release goes by {' -> '.join(names)}.",
        cure=f"Write `{own}: {{{key}: ...}}` instead." if own else "Take it away.",
    )


def _unheard(model: keys.Tidegate, key: str) -> None:
    """A bound, where nothing that it could stop is watched."""
    if key not in model.release.model_fields_set or not getattr(model.release, key):
        return
    seen = {stage.watch for stage in schedule.stages(model)}
    after = schedule.probation(model)
    if after is not None and after.watch is Watch.LEVEL:
        seen.add(after.watch)
    if not seen & _BOUNDS[key]:
        raise errors.SpecInvalid(
            f"nothing is held to it in {' -> '.join(model.release.strategy)}.",
            cure="Take it away, or write a strategy that compares, such as canary.",
        )


def _sequence(model: keys.Tidegate) -> None:
    """With each strategy as it is by default: what cannot follow what does not depend on how they are paced."""
    strategies.compose(model.release.strategy, strategies.Plan())


def _rolling(model: keys.Tidegate) -> None:
    if "rolling" in model.release.strategy:
        strategies.rolling(strategies.Plan(rolling=schedule.rolling(model)))


def _ab(model: keys.Tidegate) -> None:
    if "ab" in model.release.strategy:
        schedule.split(model)


def _cohort(model: keys.Tidegate) -> None:
    given = model.release.cohort
    if given is None:
        return
    if not (given.header or given.keys or given.file):
        raise errors.SpecInvalid(
            "nobody belongs to it.", cure="Write {header: x-internal}, {keys: [..]}, {keys: 5%} or {file: PATH}."
        )
    if not schedule.COHORTS & set(model.release.strategy):
        raise errors.SpecInvalid(
            f"nobody goes first in {' -> '.join(model.release.strategy)}.", cure="A cohort needs `strategy: canary` or `ab`."
        )
    if (given.keys or given.file) and schedule.sticky(model) is None:
        raise errors.SpecInvalid(
            "keys are those that requests stick by, and these stick by none.", cure="Add `sticky: {header: x-user}`."
        )
    schedule.cohort(model, ("unread",))


def _probation(model: keys.Tidegate) -> None:
    if model.release.probation.outcomes and not model.outcomes.within:
        raise errors.SpecInvalid(
            "`outcomes` are never counted without `outcomes.within`.",
            cure="Say with `outcomes: {within: 1h}` how late they may come.",
        )
    schedule.probation(model)


def _lookback(model: keys.Tidegate) -> None:
    given = model.outcomes
    if not given.lookback:
        if given.key or given.time:
            raise errors.SpecInvalid(
                "outcomes are by id only, so nothing is matched by a column.", cure="Add `lookback: 7d`, or take `key` away."
            )
        return
    if not given.key and schedule.sticky(model) is None:
        raise errors.SpecInvalid(
            "nothing says by what outcomes name whom they are about.", cure="Name an input column: `key: customer`."
        )
    if (given.key or given.time) and model.log.inputs == "none":
        raise errors.SpecInvalid(
            "inputs are not logged, so their columns are not known.", cure="Write `log: {inputs: all}`, or go by the sticky key."
        )


def _api(model: keys.Tidegate) -> None:
    if not ids.is_name(endpoint(model)):
        raise errors.SpecInvalid(
            f"{endpoint(model)} is longer than a name may be ({_MOST_NAME}).", cure="Write a shorter `endpoint`."
        )


def _fallback_version(model: keys.Tidegate) -> None:
    if model.fallback_version == "previous" and not schedule.keep(model):
        why = "`keep: 0`" if "recreate" not in model.release.strategy else "recreate"
        raise errors.SpecInvalid(
            f"with {why} there is no previous version to ask.", cure="Let `keep` be at least 1; recreate keeps none."
        )


def _requirement(given: surroundings.Requirement) -> None:
    if (given.service is None) == (given.table is None):
        raise errors.SpecInvalid(
            "this has to name one thing.", cure="Write {service: https://...} or {table: customers@v3, ...}."
        )
    if given.service is not None:
        if given.url is not None or given.query is not None:
            raise errors.SpecInvalid("a service has no `url` or `query`.", cure="Take them away.")
        return
    if given.url is None:
        raise errors.SpecInvalid("nothing says where the table is.", cure="Add `url: {env: NAME}` with its SQLAlchemy address.")
    surroundings.located(given.url)


def _migrations(model: keys.Tidegate) -> None:
    names = [one.name for one in model.migrations]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise errors.SpecInvalid(f"there are two migrations {twice}.", cure="Give each a name of its own.")


def _slices(model: keys.Tidegate) -> None:
    twice = next((one for one in model.slices if model.slices.count(one) > 1), None)
    if twice is not None:
        raise errors.SpecInvalid(f"{twice} is there twice.", cure="Name each column once.")
    unclear = next((one for one in model.slices if "=" in one), None)
    if unclear is not None:
        raise errors.SpecInvalid(f"{unclear} could not be told from its values.", cure="Name a column without `=`.")
