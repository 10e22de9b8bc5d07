"""What `plan` shows of the stages to come, what a project resolves beside its file, and which files are a group."""

import pathlib

import pytest
from rich import console

from tidegate.core.spec import file
from tidegate.core.vocabulary import assignment, errors
from tidegate.interface.cli import course, exits, joint, project

MINIMUM = "endpoint: e\nmodel: m\n"
STABLE = {"name": "v4"}


def settings(extra: str):
    return file.resolve(file.load(MINIMUM + extra))


def table(extra: str) -> str:
    screen = console.Console(width=200, color_system=None)
    with screen.capture() as shown:
        screen.print(course.stages(settings(extra)))
    return shown.get()


def written(folder: pathlib.Path, name: str, extra: str) -> str:
    (folder / name).write_text(MINIMUM.replace(" e", f" {name.partition('.')[0]}") + extra)
    return str(folder / name)


def test_a_row_for_each_stage_and_for_what_follows():
    rows = table("release: {strategy: [shadow, canary], cohort: {header: x-in}}").splitlines()
    assert [row.split("  ")[0] for row in rows] == [
        "stage",
        "shadow 10%",
        "cohort",
        "1%",
        "5%",
        "25%",
        "50%",
        "probation, holdback 1%",
    ]
    assert "and proof that it is no worse" in rows[6]
    assert "99 %" in rows[7]
    assert "2 of the candidate, 2 of stable" in table(
        "replicas: 4\nrelease: {strategy: rolling, rolling: {surge: 0, unavailable: 2}}"
    )
    assert "nothing is promoted" in table("release: {strategy: shadow}")
    assert "none of stable" in table("release: {strategy: recreate}")


def test_no_stage_folds_to_many_lines_in_100_columns():
    screen = console.Console(width=100, color_system=None)
    with screen.capture() as shown:
        screen.print(course.stages(settings("release: {strategy: [shadow, canary]}")))
    lines = shown.get().splitlines()
    begins = [at for at, line in enumerate(lines) if line[:1].strip()]
    assert len(begins) == 7
    assert max(after - before for before, after in zip(begins, [*begins[1:], len(lines)], strict=True)) <= 2


def test_the_gap_the_way_back_and_the_bounds_are_told():
    said = " ".join(course.sentences(settings("release: {strategy: recreate}"), STABLE))
    assert "unknown until it is tried; 60 s" in said
    assert "at the least" not in said
    assert "a recreate back to v4" in said
    alone, workers = settings("release: {strategy: recreate}"), [{"kind": "worker", "endpoint": "e", "load_seconds": 2.34}]
    for before, known in ((7.0, "the last time 7.0 s; 60 s"), (0.0, "about 2.3 s, which its workers took to come up; 60 s")):
        gap = course.gap({"name": "e", "release": {"gap_seconds": before}}, workers)
        assert known in " ".join(course.sentences(alone, STABLE, gap))
    assert course.gap({"name": "e", "release": None}, []) == ""
    said = " ".join(
        course.sentences(
            settings(
                "group: shop\nmigrations: [{name: drop-x, kind: contract}]\n"
                "release: {sticky: {header: u}, harm_budget: 9, approve: {by: [ana]}}"
            ),
            STABLE,
        )
    )
    assert "one write of the routing table, to v4; not after contract drop-x" in said
    assert "9 requests more" in said
    assert "1 of ana" in said
    assert "header u; no step asks for proof" in said
    assert "the others of shop" in said
    assert "nothing to roll back" in " ".join(course.sentences(settings("release: {strategy: shadow}"), STABLE))


def said(extra: str) -> str:
    return " ".join(course.sentences(settings(extra), STABLE))


def test_what_nothing_can_prove_lasts_its_whole_time():
    assert "4 min at the least until it has all traffic" in said("")
    assert "40 min at the least" in said("release: {sticky: {header: u}}")
    assert "14 min at the least" in said("release: {cohort: {header: x-in}}")
    assert "5 min at the least until the look is over" in said("release: {strategy: shadow}")


def test_the_way_back_is_told_as_long_as_it_is_one():
    assert "to v4 as long as probation lasts (`keep: 0`)" in said("keep: 0")
    assert "would load v4 first (`keep: 0`)" in said("keep: 0\nrelease: {probation: 0}")


def test_the_approval_in_force_is_asked_of_a_file_without_one():
    mine, theirs = settings(""), settings("release: {approve: {by: [ana, ben]}}")
    told = " ".join(course.sentences(mine, STABLE, author="cleo", in_force=theirs))
    assert "1 of ana, ben, not who asked for it, within 3d (by the settings in force, until" in told
    other = settings("release: {approve: {by: [eve]}}")
    assert "It would be refused: 1 have to agree" in " ".join(course.sentences(other, STABLE, in_force=theirs))
    assert "settings in force" not in " ".join(course.sentences(theirs, STABLE, author="cleo", in_force=theirs))


def test_an_approval_that_nobody_could_give_is_foreseen():
    asked = settings("release: {approve: {by: [ana, ben], count: 2}}")
    assert "Asked for by ana it would be refused" in " ".join(course.sentences(asked, STABLE, author="ana"))
    assert "refused" not in " ".join(course.sentences(asked, STABLE, author="cleo"))


def test_a_test_says_what_decides():
    assert "revenue decides, lower is better; without a winner after 14 days" in said(
        "release: {strategy: ab, ab: {metric: revenue, better: lower}}"
    )
    assert "wins only if proven besides: refunds <= stable + 1%; basket >= stable - 2." in said(
        "release: {strategy: ab, ab: {metric: revenue, guards: [refunds <= stable + 1%, basket >= stable - 2]}}"
    )


def test_what_a_file_names_by_a_path_is_beside_it(tmp_path):
    (tmp_path / "who.txt").write_text("ann\n\n bob \n")
    path = written(
        tmp_path,
        "a.yaml",
        "release: {sticky: {field: id}, cohort: {file: who.txt}}\nnotify: [{file: s.txt}, {env: S}]\n"
        "requires: [{table: t, url: {file: db.txt}}]\n",
    )
    found = project.load(path).settings
    assert found.cohort is not None
    assert found.cohort.keys == (assignment.hashed(b"ann"), assignment.hashed(b"bob"))
    assert found.notify == (f"file:{tmp_path}/s.txt", "env:S")
    assert found.requires[0].url == f"file:{tmp_path}/db.txt"
    (tmp_path / "who.txt").write_text("\n")
    with pytest.raises(errors.SpecInvalid, match="lists nobody"):
        project.load(path)
    (tmp_path / "who.txt").unlink()
    with pytest.raises(errors.SpecInvalid, match="cannot be read"):
        project.load(path)
    assert project.load(path, strategy="shadow,blue-green").settings.strategy == "shadow -> blue-green"


def test_files_are_a_group_only_when_they_say_so(tmp_path):
    one, two, other = (
        project.load(written(tmp_path, f"{name}.yaml", extra))
        for name, extra in (("a", "group: shop"), ("b", "group: shop"), ("c", "group: shelf"))
    )
    assert joint.name([one], "") == ""
    assert joint.name([one, two], "") == "shop"
    for given, model in (([one, other], ""), ([one, one], ""), ([one, two], "m")):
        with pytest.raises(errors.SpecInvalid):
            joint.name(given, model)


def test_the_worst_of_a_group_is_its_exit_code():
    assert max([exits.Exit.OK, exits.Exit.ROLLED_BACK, exits.Exit.WAITING], key=joint.WORSE.index) is exits.Exit.ROLLED_BACK
    assert {exits.of_phase(phase) for phase in ("failed", "paused", "probation", "rolled_back")} == set(joint.WORSE)
