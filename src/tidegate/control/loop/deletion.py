"""What deleting data comes to for the models that were made from it, in words, with what to type. Pure."""

from collections.abc import Sequence

from tidegate.control.loop import descendants

_STAYS = (
    "Deleting the data changes no model: a bundle holds what was learned from it and not the data, and its sha256 stays as the "
    "record of what it came from."
)
_END = "To end that, release a model that was trained without it, or go back to one with `tidegate rollback {} --to vN`."
_RULE_OUT = "To rule that out: `tidegate hold {} --version {}`."


def said(versions: Sequence[descendants.Descendant], unknown: Sequence[str]) -> tuple[str, ...]:
    """Sentences. `unknown`: versions (ENDPOINT/vN) of which nobody knows what they came from."""
    told = [_STAYS, *filter(None, map(_one, versions))]
    held = [f"{one.endpoint}/{one.version}" for one in versions if one.held]
    if held:
        told.append(f"{_listed(held, 'is', 'are')} held: no release brings the model back until a person clears that.")
    if total := sum(one.served.requests for one in versions):
        answered = f"{total:,} requests were answered by these versions."
        told.append(f"{answered} Their answers stand; `tidegate trace ID` leads from each to this data.")
    if versions:
        name = f"{versions[0].endpoint}/{versions[0].version}"
        told.append(f"Without the data none of them can be trained again. `tidegate reproduce {name}` tells how it was done.")
    if unknown:
        told.append(f"It is not known what {_listed(unknown, 'was', 'were')} trained on, since the bundles are not here.")
    return tuple(told)


def _one(version: descendants.Descendant) -> str:
    name, endpoint = f"{version.endpoint}/{version.version}", version.endpoint
    if version.state == descendants.SERVES:
        return f"{name} answers requests now, and goes on with what it has learned. {_END.format(endpoint)}"
    if version.state == descendants.KEPT:
        return f"{name} is kept warm: a rollback brings it back. {_RULE_OUT.format(endpoint, version.version)}"
    if version.held:
        return ""
    return f"{name} answers nothing now and can be released again. {_RULE_OUT.format(endpoint, version.version)}"


def _listed(names: Sequence[str], one: str, several: str) -> str:
    return f"{names[0]} {one}" if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]} {several}"
