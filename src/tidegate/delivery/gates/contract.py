"""The endpoint's contract: the candidate takes everything that stable takes, and answers in the form that stable answers in."""

from tidegate.core.vocabulary import errors, manifests
from tidegate.delivery.gates import findings, outputs

WIDER = {("integer", "long"), ("integer", "double"), ("long", "double"), ("float", "double"), ("integer", "float")}
"""(stable's type, candidate's type) pairs where the candidate accepts all that stable accepts."""
CURE = "Clients of stable would break. Mend the signature; if it is meant, `api: 2` in tidegate.yaml makes it another endpoint."
_NAME = "contract"


def kept(stable: manifests.Manifest, candidate: manifests.Manifest) -> findings.Finding:
    """Whether the candidate keeps it, and what could not be compared."""
    try:
        keeps(stable, candidate)
    except errors.ContractBroken as broken:
        return findings.refused(_NAME, broken)
    taken = f"{len(stable.signature.inputs)} inputs and {len(stable.signature.outputs)} outputs of stable are kept"
    uncompared = outputs.uncompared(stable, candidate)
    if uncompared:
        return findings.unseen(_NAME, f"{taken}; {uncompared}")
    return findings.good(_NAME, f"{taken}.")


def keeps(stable: manifests.Manifest, candidate: manifests.Manifest) -> None:
    """Raises ContractBroken naming the first thing that clients of stable would miss."""
    before, after = stable.signature, candidate.signature
    if before.kind != after.kind:
        raise _broken(f"stable takes {before.kind} inputs, the candidate {after.kind}.")
    _inputs(before, after)
    why = outputs.broken(stable, candidate)
    if why:
        raise _broken(why)


def _inputs(stable: manifests.Signature, candidate: manifests.Signature) -> None:
    taken = {one.name: one for one in stable.inputs}
    for column in candidate.inputs:
        before = taken.pop(column.name, None)
        if before is None and column.required:
            raise _broken(f"the candidate needs the input {column.name!r}, which clients do not send.")
        if before is not None:
            _column(before, column)
    if taken:
        raise _broken(f"the candidate does not know {', '.join(map(repr, taken))}, which clients send.")


def _column(before: manifests.Column, column: manifests.Column) -> None:
    name = repr(column.name)
    if before.type != column.type and (before.type, column.type) not in WIDER:
        raise _broken(f"for the input {name} stable takes {before.type} and the candidate {column.type}.")
    if column.required and not before.required:
        raise _broken(f"stable takes null for {name}, the candidate does not.")
    if not outputs.covers(column.shape, before.shape):
        raise _broken(f"for {name} stable takes shape {before.shape}, not {column.shape}.")
    if column.categories and not before.categories:
        raise _broken(f"stable takes any value for {name}, the candidate only {outputs.some(column.categories)}.")
    missing = [one for one in before.categories if one not in column.categories] if column.categories else []
    if missing:
        raise _broken(f"stable takes {outputs.some(missing)} for {name}, the candidate does not.")


def _broken(words: str) -> errors.ContractBroken:
    return errors.ContractBroken(words, cure=CURE)
