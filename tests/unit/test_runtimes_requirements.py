"""Requirement lines: whether this interpreter meets them, and what a model may not ask for."""

import importlib.metadata
import platform

import pytest

from tidegate.core.vocabulary import errors, manifests
from tidegate.delivery.describing import mlmodel
from tidegate.delivery.registry import choosing
from tidegate.delivery.runtimes import locking, requirements

MSGSPEC = importlib.metadata.version("msgspec")
MINOR = requirements.minor(platform.python_version())
COLUMNS = manifests.Signature("columns", (manifests.Column("a", "double"),), ())


@pytest.mark.parametrize(
    ("lines", "python", "words"),
    [
        ((f"msgspec=={MSGSPEC}", "numpy>=1"), f"{MINOR}.99", ""),
        (("msgspec==0.0.1",), "", f"it needs msgspec==0.0.1, and {MSGSPEC} is installed here"),
        (("No_Such.Package==1",), "", "No_Such.Package is not installed here"),
        (('no-such==1; sys_platform == "win32"', "--extra-index-url https://x"), "", ""),
        (("thing @ git+https://example.org/thing",), "", "cannot be compared"),
        ((), "3.7.2", f"it was made with Python 3.7, and this is {MINOR}"),
    ],
)
def test_what_is_installed_here_meets_the_lines_or_it_is_said_why_not(lines, python, words):
    found = requirements.unmet(lines, python)
    assert found == words if not words or words.endswith("here") else words in found


def test_a_model_on_mlflow_is_served_by_its_smaller_edition_of_the_same_version():
    version = importlib.metadata.version("mlflow-skinny")
    assert requirements.unmet((f"mlflow=={version}",), "") == ""
    assert "3.0.1" in requirements.unmet(("mlflow==3.0.1",), "")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("--extra-index-url https://who:secret@example.org/simple", "the option --extra-index-url."),
        ("-r more.txt", "the option -r"),
        ("thing @ https://example.org/thing-1.0.tar.gz", "is an address"),
        ("a b c", "cannot be read"),
    ],
)
def test_a_model_may_not_choose_where_its_packages_come_from(line, words):
    with pytest.raises(errors.RuntimeUnavailable, match=words) as caught:
        requirements.resolvable(("numpy==2.0", line))
    assert caught.value.cure
    assert "secret" not in str(caught.value)


def test_lines_are_the_same_question_in_any_order_and_with_hashes():
    lines = ("B_b==2 --hash=sha256:00", "a[x]>=1,<2  # why", "a[x]<2,>=1")
    assert requirements.resolvable(lines) == requirements.resolvable(lines[::-1]) == ("B_b==2", "a[x]<2,>=1")


def test_what_loading_needs_is_added_once():
    lines = requirements.completed(("scikit-learn==1.5.2", "skops==0.11"), "sklearn", {"format": "skops"}, columns=True)
    assert lines == ("scikit-learn==1.5.2", "skops==0.11", "pandas>=2.2,<3")
    assert requirements.completed(("x==1",), "pyfunc", {}, columns=True) == ("x==1",)


@pytest.mark.parametrize(
    ("wanted", "lock", "own"),
    [("auto", ("msgspec==0.0.1",), True), ("shared", ("msgspec==0.0.1",), False), ("auto", (), False), ("own", (), True)],
)
def test_the_choice_follows_the_file_then_what_is_installed(wanted, lock, own):
    draft = mlmodel.Draft("sklearn", "m", {"format": "pickle"}, COLUMNS, [], ("m",), lock=lock)
    choice = choosing.choose(wanted, draft)
    assert choice.own is own
    assert choice.why
    assert bool(choice.lines) == bool(lock or own)


def test_the_resolver_is_quoted_by_its_last_line():
    said = b"warning: x\nerror: No solution found\n  cause: Because a==9 is not there, it cannot be.\n\nhint: y\n"
    assert locking.last_words(said) == "Because a==9 is not there, it cannot be."
    assert locking.packages(b"# CPython 3.11 on linux x86_64\na==1 \\\n    --hash=sha256:0\nb==2\n") == ("a==1", "b==2")
