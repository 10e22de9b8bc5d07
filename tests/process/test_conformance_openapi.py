"""Schemathesis on the protocol's REST paths and on the documents that endpoints publish: no answer may break either."""

import json
import pathlib
import subprocess

import pytest

from tests.conformance import environments

PROTOCOL = pathlib.Path(environments.__file__).with_name("protocol.yaml")
# A schema cannot say that a tensor has as many values as its shape has room for, that columns are equally long, or that 2.0 is
# no whole number: what fits the schema may still be refused. What does not fit has to be, and every answer has to fit.
UNSAID = "positive_data_acceptance"


def examined(where: str, folder: pathlib.Path, *more: str) -> str:
    """What schemathesis says; fails where it finds something."""
    tool = str(environments.python("schemathesis").with_name("schemathesis"))
    asked = ["--checks", "all", "--exclude-checks", UNSAID, "--phases", "examples,coverage,fuzzing", "--max-examples", "10"]
    argv = [tool, "run", where, *asked, "--seed", "7", "--continue-on-failure", "--no-color", *more]
    done = subprocess.run(argv, cwd=folder, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stdout[-6_000:] + done.stderr[-2_000:]
    return done.stdout


def test_the_protocols_paths_answer_as_it_says(system, tmp_path):
    said = examined(str(PROTOCOL), tmp_path, "--url", f"http://{system.address}")
    assert "9 selected / 9 total" in said


@pytest.mark.parametrize("endpoint", ["fare"])
def test_an_endpoints_own_document_is_kept_to(system, tmp_path, endpoint):
    examined(f"http://{system.address}/endpoints/{endpoint}/openapi.json", tmp_path)


@pytest.mark.parametrize("endpoint", ["echo", "typed", "fare", "matrix"])
def test_the_examples_in_an_endpoints_document_work_as_they_stand(system, endpoint):
    with system.rig.client() as client:
        described = client.request("GET", f"/endpoints/{endpoint}/openapi.json").json
        tried = 0
        for path, methods in described["paths"].items():
            for kind, media in methods.get("post", {}).get("requestBody", {}).get("content", {}).items():
                if "example" in media:
                    given = media["example"]
                    body = given.encode() if isinstance(given, str) else json.dumps(given).encode()
                    answer = client.request("POST", path, body, [f"content-type: {kind}"])
                    assert answer.status == 200, (path, kind, answer.body)
                    tried += 1
    assert tried >= 3
