"""docs/explanations.md: its commands are typed, against a home with a bundle and a prediction, and its numbers are the code's."""

import json
import pathlib
import re

import pytest
from sklearn import linear_model

from tests.process import explaining_fixtures as models
from tests.unit import predlog_fixtures as given
from tests.unit import test_batch_reasons as told
from tidegate.control.batch import afterwards, reasons
from tidegate.core.spec import file
from tidegate.core.vocabulary import errors, ids
from tidegate.dataplane.models import agreement
from tidegate.dataplane.models.explaining import cases, explainer, questions
from tidegate.interface.cli import main

PAGE = (pathlib.Path(__file__).parents[2] / "docs" / "explanations.md").read_text()
COMMANDS = re.findall(r"^    (tidegate .*)$", PAGE, re.MULTILINE)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    made = given.place(tmp_path_factory.mktemp("home"))
    model = linear_model.LinearRegression().fit(models.X, models.Y)
    bundle = models.bundled(made.bundles, model)
    answer = float(model.predict(models.X[:1])[0])
    body = json.dumps({"records": [models.row(0)]}).encode()
    given.writer(made).append([given.prediction(0, digest=bundle.manifest.digest, input=body, answers=(answer,))])
    return made


@pytest.mark.parametrize("line", COMMANDS)
def test_every_command_explains(capsys, place, line):
    words = line.replace("ID", ids.text(given.identifier(0))).split()[1:]
    assert main.run([*words, "--home", str(place.root)]) == 0
    out = capsys.readouterr().out
    assert "lowers" in out or "raises" in out or (line == "tidegate explain" and "afterwards" in out)
    if "--json" in line:
        assert json.loads(out)["agreement"] == "exactly"


def test_the_numbers_are_those_of_the_code():
    assert f"({agreement.TOLERANCE:.0e}".replace("e-0", "e-") in PAGE
    assert f"up to {cases.MOST_BACKGROUND} rows" in PAGE
    assert f"fewer than {questions.FEWEST}" in " ".join(PAGE.split())
    assert f"more than {cases.MOST_COLUMNS:,} columns" in PAGE
    assert f"reasons={reasons.MOST}" in PAGE
    assert explainer.MOST_ROWS // cases.MOST_BACKGROUND >= 1 << 11 > explainer.MOST_ROWS // cases.MOST_BACKGROUND // 2
    assert f"`{errors.NotExplainable.code}`" in PAGE


def test_its_file_loads_and_what_it_says_of_the_watch_is_so():
    (example,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    assert file.resolve(file.load(example)).monitors.explained == 0.01
    assert f"{afterwards.LAG:g} s after the prediction" in PAGE
    assert f"up to {afterwards.MOST} predictions ({afterwards.ROWS} rows of each)" in PAGE
    assert afterwards.BEHIND == 3_600.0


def test_its_sentence_is_what_is_said():
    said = reasons.said(told.explanation(told.INCOME, told.AGE, told.PLAN, subject="the probability of yes"), adverse=True)
    assert said in " ".join(PAGE.replace("\n> ", " ").split())
