"""What the command line says of a model that came from no run."""

from tidegate.control.batch import recipe as recipes
from tidegate.control.loop import descendants, lineage, trace
from tidegate.core.vocabulary import manifests
from tidegate.delivery.sources import runs
from tidegate.delivery.training import basis
from tidegate.interface.cli.views import lineage as view
from tidegate.interface.cli.views import recipe as recipe_view
from tidegate.interface.cli.views import trace as trace_view

DATA = manifests.Dataset("train.csv", "training", source="file:///d/train.csv", sha256="ab" * 32)


def recipe(run_id: str, data: str) -> recipes.Recipe:
    return recipes.Recipe(
        "wine", "d" * 64, "e" * 64, "file:///m/wine.joblib", "sklearn", run_id, "", runs.Training(),
        recipes.Packages("3.11", "", hashed=False), {}, {}, (DATA,), (), "", None, (), basis.Basis(500, data),
    )  # fmt: skip


def test_a_recipe_tells_whose_sha256_it_is() -> None:
    mine, both, theirs = (
        "\n".join(recipe_view.readme(recipe(*one), "wine/v1")) for one in (("", DATA.source), ("r1", DATA.source), ("r1", ""))
    )
    assert "of no run" in mine
    assert "Tidegate has read that data" in mine
    assert "whoever trained" not in mine
    assert "run r1" in both
    assert "Any other is as whoever trained noted it" in both
    assert "A sha256 is as whoever trained noted it" in theirs
    assert "Tidegate has read" not in theirs


def test_what_a_file_cannot_say_is_not_missed_of_a_run() -> None:
    assert list(recipes.lacking(manifests.Provenance("file:///m/wine.joblib"))) == [
        "the code, the command and the parameters: the model names no run that made it",
        "the data: tidegate.yaml names none (`training`)",
    ]
    assert any("the run logged none" in one for one in recipes.lacking(manifests.Provenance("mlflow://wine/1", "r1")))


def test_a_trace_shows_no_run_where_there_is_none() -> None:
    assert trace_view._run_lines(trace.Run("", "c0ffee", {}, {})) == ["run         none is named  code c0ffee"]


def test_lineage_shows_no_run_where_there_is_none() -> None:
    served = descendants.Served(0, 0, 0.0, 0.0)
    origin = lineage.Origin(
        "wine", "v1", "d" * 64, "file:///m/a/wine.joblib", manifests.Provenance("file:///m/wine.joblib"), served
    )
    said = "\n".join(view.upwards([origin]))
    assert "run       none: the model names no run that made it" in said
    assert "its run logged" not in said
