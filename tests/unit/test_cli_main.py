"""The program: errors in one line, exit codes, the file at hand."""

import pytest

from tidegate.core.vocabulary import codes, errors, ids, urls
from tidegate.interface.cli import exits, main, options, project, table, words
from tidegate.interface.cli.commands import init


@pytest.fixture
def empty(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TIDEGATE_HOME", raising=False)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return tmp_path


@pytest.mark.parametrize(
    ("words_", "code", "says"),
    [
        (["plan"], 2, "error[spec-not-found]: "),
        (["status"], 6, "error[not-running]: "),
        (["rollback", "delay"], 6, "error[not-running]: "),
        (["rollback", "delay", "--to", "two"], 2, "error[version-unknown]: "),
        (["pause", "delay"], 6, "error[not-running]: "),
        (["trace", "nonsense"], 2, "error[prediction-unknown]: "),
        (["feedback", "nonsense", "1"], 2, "error[outcome-invalid]: "),
        (["feedback", ids.text(ids.uuid7(1, 1)), "1"], 6, "error[not-running]: "),
        (["send", "delay", "--for", "long"], 2, "error[spec-invalid]: "),
        (["logs"], 6, "error[not-running]: "),
        (["init", "nowhere.joblib"], 2, "error[model-source-invalid]: "),
        (["down"], 6, "error[not-running]: "),
    ],
)
def test_an_error_is_one_line_with_its_code(empty, capsys, words_, code, says):
    assert main.run(words_) == code
    told = capsys.readouterr()
    assert told.err.startswith(says)
    assert told.err.count("\n") == 1
    assert told.out == ""


def test_the_file_is_named_with_its_line(empty, capsys):
    (empty / "tidegate.yaml").write_text("endpoint: delay\nmodel: mlflow://delay/1\nrelease: {stratgy: full}\n")
    assert main.run(["plan"]) == 2
    assert capsys.readouterr().err.startswith("error[spec-invalid]: tidegate.yaml:3: ")


def test_a_fault_of_ours_is_one_line_too(empty, capsys, monkeypatch):
    def broken(name):
        def command() -> None:
            raise RuntimeError("two\nlines")

        return command

    monkeypatch.setattr(table, "load", broken)
    assert main.run(["plan"]) == 1
    assert capsys.readouterr().err.startswith("error[internal]: RuntimeError: two lines.")


def test_every_error_has_an_exit_code_and_every_phase_one():
    assert exits.of_error(errors.DigestHeld()) is exits.Exit.REFUSED
    assert exits.of_error(errors.ReleaseUnknown()) is exits.Exit.USAGE
    assert exits.of_error(errors.StoreUnavailable()) is exits.Exit.DOWN
    assert exits.of_error(errors.DiskFull()) is exits.Exit.UNEXPECTED
    assert all(exits.of_error(kind()) != exits.Exit.OK for kind in codes.tree())
    assert exits.of_phase("succeeded") is exits.Exit.OK
    assert exits.of_phase("rolled_back") is exits.Exit.ROLLED_BACK
    assert exits.of_phase("paused") is exits.Exit.WAITING


def test_a_path_in_the_file_is_meant_from_the_file(empty, monkeypatch):
    (empty / "tidegate.yaml").write_text("endpoint: delay\nmodel: models/m.joblib\nexample: rows.csv\n")
    (empty / "below").mkdir()
    monkeypatch.chdir(empty / "below")
    found = project.load()
    assert found.settings.model == str(empty / "models" / "m.joblib")
    assert found.settings.example == str(empty / "rows.csv")
    assert project.load(model="other.joblib").settings.model == str(empty / "below" / "other.joblib")
    assert project.load(model="mlflow://delay@next", strategy="full").settings.stages == ()
    with pytest.raises(errors.SpecInvalid, match="magic"):
        project.load(strategy="magic")


def test_an_endpoint_is_named_after_its_model():
    assert init.named("Flight_Delay v2") == "flight-delay-v2"
    with pytest.raises(errors.SpecInvalid, match="--name"):
        init.named("???")


def test_init_writes_over_nothing(empty, capsys):
    (empty / "tidegate.yaml").write_text("mine")
    assert main.run(["init", "mlflow://delay/1"]) == 2
    assert "--force" in capsys.readouterr().err
    assert (empty / "tidegate.yaml").read_text() == "mine"


def test_an_old_mlflow_store_gets_its_way_out(empty, capsys):
    (empty / "mlruns").mkdir()
    assert main.run(["init"]) == 2
    assert "mlflow migrate-filestore" in capsys.readouterr().err


def test_versions_are_written_with_or_without_v():
    assert options.ordinal("v12") == options.ordinal("12") == 12
    assert options.ordinal("") is None


def test_numbers_read_as_people_say_them():
    assert [words.lasting(seconds) for seconds in (4, 240, 7200, 400_000)] == ["4 s", "4 min", "2 h", "5 days"]
    assert words.percent(10) == "0.1 %"
    assert words.count(1, "worker") == "1 worker"
    assert words.count(4100, "request") == "4,100 requests"
    assert urls.model("file:///a/b/c/model.joblib") == ".../model.joblib"
