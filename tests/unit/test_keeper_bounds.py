"""Bounds on workers: cores, memory in words, and control groups on a made-up hierarchy."""

import os

import pytest

from tidegate.control.loop.keeper import bounds, cgroups, strays
from tidegate.core.vocabulary import instances


def test_cores_are_rounded_up_and_spread_by_name():
    there = [0, 2, 4, 6]
    assert len(bounds.cores("w-1", 0.5, there)) == 1
    assert len(bounds.cores("w-1", 2.5, there)) == 3
    assert bounds.cores("w-1", 99, there) == set(there)
    assert len({min(bounds.cores(f"w-{number}", 1, there)) for number in range(20)}) > 1


def test_this_process_is_over_a_small_bound_and_within_none():
    assert "its bound is 1 MiB (resources.memory)" in bounds.excess(os.getpid(), instances.Resources(memory=1 << 20))
    assert bounds.excess(os.getpid(), instances.Resources(memory=1 << 40)) == ""
    assert bounds.excess(os.getpid(), instances.UNLIMITED) == ""


def hierarchy(tmp_path, *, procs=(), controllers="cpuset cpu io memory pids"):
    own = tmp_path / "self"
    own.write_text("12:cpu:/\n0::/user/scope\n")
    group = tmp_path / "fs" / "user" / "scope"
    group.mkdir(parents=True)
    (group / "cgroup.controllers").write_text(controllers)
    (group / "cgroup.procs").write_text("".join(f"{pid}\n" for pid in (os.getpid(), *procs)))
    (group / "cgroup.subtree_control").write_text("")
    return tmp_path / "fs", own, group


def test_a_delegated_group_gets_a_leaf_for_the_keeper_and_one_a_worker(tmp_path):
    mount, own, group = hierarchy(tmp_path)
    assert cgroups.why_not(mount, own) == ""
    groups = cgroups.Groups(mount, own)
    assert (group / "tidegate-keeper" / "cgroup.procs").read_text() == str(os.getpid())
    assert (group / "cgroup.subtree_control").read_text() == "+cpu +memory"
    assert groups.bind("w-1", 4711, instances.Resources(memory=100 << 20, cpu=1.5))
    worker = group / "tidegate-w-1"
    assert (worker / "cpu.max").read_text() == "150000 100000"
    assert int((worker / "memory.max").read_text()) == pytest.approx(110 << 20)
    assert (worker / "cgroup.procs").read_text() == "4711"
    (worker / "memory.events").write_text("low 0\noom 1\noom_kill 1\n")
    assert groups.killed_for_memory("w-1")
    assert not groups.killed_for_memory("w-2")
    assert not groups.bind("w-3", 4712, instances.Resources(files=9))


@pytest.mark.parametrize(
    ("changes", "words"),
    [({"controllers": "memory pids"}, "no cpu controller"), ({"controllers": ""}, "no cpu and no memory controller")],
)
def test_a_group_without_both_controllers_is_left_alone(tmp_path, changes, words):
    mount, own, _ = hierarchy(tmp_path, **changes)
    assert words in cgroups.why_not(mount, own)
    assert not cgroups.Groups(mount, own).bind("w-1", 4711, instances.Resources(memory=100 << 20))


def test_a_group_where_others_live_is_left_alone(tmp_path):
    mount, own, group = hierarchy(tmp_path, procs=(1,))
    assert not cgroups.Groups(mount, own).bind("w-1", 4711, instances.Resources(memory=100 << 20))
    assert not (group / "tidegate-keeper").exists()


def test_without_a_hierarchy_it_says_so(tmp_path):
    assert cgroups.why_not(tmp_path, tmp_path / "self") == "there is no version 2 hierarchy"


def test_a_specification_keeps_its_resources_and_an_older_one_has_none(tmp_path):
    spec = instances.Spec("w-1", "worker", ("x",), "t", resources=instances.Resources(1 << 30, 0.5, 256))
    spec.write(tmp_path)
    assert instances.read(tmp_path / "w-1.json") == spec
    (tmp_path / "old.json").write_text('{"name": "old", "kind": "worker", "argv": ["x"], "token": "t", "passes": []}')
    assert instances.read(tmp_path / "old.json").resources == instances.UNLIMITED


def test_only_the_end_of_this_very_token_is_asked_for(tmp_path):
    spec = instances.Spec("w-1", "worker", ("x",), "t")
    assert instances.asked_end(tmp_path, spec) == ""
    instances.ask_end(tmp_path, spec, "silent for 9 s")
    assert instances.asked_end(tmp_path, spec) == "silent for 9 s"
    assert instances.asked_end(tmp_path, instances.Spec("w-1", "worker", ("x",), "another")) == ""


def test_the_mark_of_an_instance_is_its_homes_own():
    assert strays.mark("w-1", "/a") != strays.mark("w-1", "/b")
