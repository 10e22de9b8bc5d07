"""The endpoint's own check: looked at before it is taken, run from the bundle that brought it, held to no other."""

import pytest

from tidegate.core.spec import settings as specification
from tidegate.core.vocabulary import errors, handling, manifests
from tidegate.dataplane.models import batches, checking, terms
from tidegate.delivery.registry import predicates

COLUMNS = manifests.Signature("columns", (manifests.Column("x", "double"),), (manifests.Column("p", "double"),))
CHECK = """
import dataclasses

@dataclasses.dataclass
class Most:
    value: float = 1.0

def plausible(inputs, outputs):
    return all(p <= Most().value for p in outputs["p"]) and len(inputs["x"]) == len(outputs["p"])

def raising(inputs, outputs):
    raise ValueError("no idea")
"""


def settings(path, function="plausible"):
    return specification.Settings("e", "m", check=str(path), terms=handling.Terms(check=f"{path.stem}:{function}"))


@pytest.fixture
def bundle(tmp_path):
    """A folder with the check in it, and its manifest."""
    own = tmp_path / "checks.py"
    own.write_text(CHECK)
    predicates.look(settings(own))
    folder = tmp_path / "bundle"
    folder.mkdir()
    return folder, manifests.Manifest("m", "sklearn", "model", COLUMNS, predicates.copied(own, folder))


def breach(bundle, named, answers):
    folder, manifest = bundle
    asked = terms.Asked(COLUMNS, handling.Terms(check=named), checking.Checks(manifest, folder))
    batch = batches.Batch(len(answers), {"x": [1.0] * len(answers)})
    return asked.breach(batch, {"p": answers})


def test_what_is_not_true_is_a_breach(bundle):
    assert breach(bundle, "checks:plausible", [0.5, 1.0]) == ("", "")
    assert breach(bundle, "checks:plausible", [0.5, 2.0])[0] == terms.CHECK
    assert breach(bundle, "checks:raising", [0.5]) == (terms.CHECK, "the check raised ValueError: no idea")


def test_nothing_is_written_beside_the_check(bundle):
    breach(bundle, "checks:plausible", [0.5])
    assert [path.name for path in bundle[0].rglob("*")] == ["check", "checks.py"]


def test_a_check_that_cannot_be_had_lets_nothing_through(bundle):
    rule, said = breach(bundle, "checks:nothing", [0.5])
    assert (rule, "has no attribute 'nothing'" in said) == (terms.CHECK, True)


def test_a_bundle_from_before_the_check_is_not_held_to_it(bundle):
    folder, manifest = bundle
    assert checking.Checks(manifest, folder).find("newer:plausible") is None
    assert breach(bundle, "newer:plausible", [5.0]) == ("", "")


@pytest.mark.parametrize(
    ("text", "words", "where"),
    [
        ("x = 1\n", "there is no function plausible", "checks.py"),
        ("def plausible(:\n", "invalid syntax", "checks.py:1"),
        (None, "cannot be read", ""),
    ],
)
def test_a_check_that_cannot_be_used_is_refused_before_anything_is_made(tmp_path, text, words, where):
    own = tmp_path / "checks.py"
    if text is not None:
        own.write_text(text)
    with pytest.raises(errors.SpecInvalid) as raised:
        predicates.look(settings(own))
    assert words in str(raised.value)
    assert raised.value.where == where


def test_a_check_may_be_imported_or_assigned(tmp_path):
    own = tmp_path / "checks.py"
    own.write_text("from elsewhere import finite as plausible\nother = plausible\n")
    predicates.look(settings(own))
    predicates.look(settings(own, "other"))
    predicates.look(specification.Settings("e", "m"))
