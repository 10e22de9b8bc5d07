"""`tidegate release` with several files: one group, begun and watched as one; and a release that is left in its probation."""

import json

from tests.process import living


def _file(system, name: str, model: str, group: str = "pair") -> str:
    text = (system.folder / "tidegate.yaml").read_text().splitlines()
    kept = [line for line in text if not line.startswith(("endpoint:", "model:", "release:"))]
    lines = [f"endpoint: {name}", f"model: {system.model(model)}", f"group: {group}", *kept]
    lines.append(
        "release: {steps: [50%], for: 1s, at_most: 1s, requests: 1, prove_last: false, probation: {for: 1h, watch: level}}"
    )
    (system.folder / f"{name}.yaml").write_text("\n".join(lines))
    return f"{name}.yaml"


def test_files_of_a_group_are_released_together_and_left_in_probation(tmp_path, models):
    with living.alive(tmp_path, models) as system:
        one, two = _file(system, "left", "v1"), _file(system, "right", "v2")
        system.run("release", "--file", one, "--file", _file(system, "right", "v2", "other"), code=2)
        assert {found["name"] for found in json.loads(system.run("status", "--json"))["endpoints"]} == {"iris"}
        _file(system, "right", "v2")
        ended = json.loads(system.run("release", "--file", one, "--file", two, "--json", "--timeout", "60"))
        assert [(found["endpoint"], found["phase"] in {"probation", "succeeded"}) for found in ended] == [
            ("left", True),
            ("right", True),
        ]
        assert len({found["stable"] and found["stable"]["name"] for found in ended}) == 1
