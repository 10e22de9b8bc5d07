"""What was made again by a recipe, held against what it was to be: the very bytes, or the same answers."""

import msgspec

from tidegate.control.batch import recipe as recipes
from tidegate.core.vocabulary import home, manifests
from tidegate.dataplane.models import agreement, bundles


class Compared(msgspec.Struct, frozen=True):
    """How the two stand to each other."""

    digest: str
    """Of the bundle made again."""
    same_model: bool
    """Whether artifact, packages and options are the same to the last byte."""
    rows: int
    """Of the example that both were asked."""
    equal: int
    """Rows answered alike, to the last digit."""
    within: int
    """Rows answered alike within the tolerance, the equal ones among them."""
    worst: float
    """The largest relative difference; infinite where answers differ in kind."""
    data: tuple[str, ...]
    """Data sets whose sha256 is another one, or is named by one of them only."""
    trouble: str = ""
    """Why nothing was compared."""

    @property
    def good(self) -> bool:
        """Whether it came out: the same bytes, or every answer within the tolerance."""
        return self.same_model or (bool(self.rows) and self.within == self.rows)


def compare(place: home.Home, recipe: recipes.Recipe, digest: str) -> Compared:
    """Hold the bundle `digest`, made again, against a recipe."""
    manifest = bundles.read_manifest(place.bundles / digest)
    same, data = (
        recipe.model_digest in (manifest.model_digest, manifest.former_model_digest),
        _data(recipe.data, manifest.provenance.data),
    )
    none = Compared(digest, same, 0, 0, 0, 0.0, data)
    if recipe.expected is None:
        return msgspec.structs.replace(none, trouble="the recipe has no answers to compare with")
    answer = recipes.answered(place, digest, recipe.expected.request.encode())
    if answer.trouble:
        return msgspec.structs.replace(none, trouble=answer.trouble)
    pairs = list(zip(recipe.expected.answers, answer.answers, strict=False))
    apart = [0.0 if one == other else agreement.apart(one, other) for one, other in pairs]
    return Compared(
        digest,
        same,
        max(len(recipe.expected.answers), len(answer.answers)),
        sum(one == other for one, other in pairs),
        sum(one <= agreement.TOLERANCE for one in apart),
        max(apart, default=0.0),
        data,
    )


def _data(wanted: tuple[manifests.Dataset, ...], given: tuple[manifests.Dataset, ...]) -> tuple[str, ...]:
    before = {(one.role, one.sha256) for one in wanted if one.sha256}
    now = {(one.role, one.sha256) for one in given if one.sha256}
    lost = [f"{role} data {sha256[:12]} was used then and is not named now" for role, sha256 in sorted(before - now)]
    return (*lost, *(f"{role} data {sha256[:12]} is named now and was not then" for role, sha256 in sorted(now - before)))
