"""The release page of a living Tidegate: opened by the command line's address, kept current, through the death of its process."""

import json
from collections.abc import Iterator

import httpx
import pytest

from tests.process import living


@pytest.fixture(scope="module")
def system(tmp_path_factory, models):
    with living.alive(tmp_path_factory.mktemp("page"), models) as found:
        yield found


@pytest.fixture
def browser(system) -> Iterator[httpx.Client]:
    address = json.loads(system.run("page", "--json"))["address"]
    with httpx.Client(base_url=address.partition("/page")[0], trust_env=False, timeout=30) as client:
        entered = client.get(address, follow_redirects=True)
        assert (entered.status_code, entered.url.path) == (200, "/")
        yield client


def parts(lines: Iterator[str]) -> dict[str, str]:
    """What the next event changes, by id."""
    data = next(line for line in lines if line.startswith("data: "))
    return {one["id"]: one["html"] for one in json.loads(data.removeprefix("data: "))}


def test_a_release_shows_up_by_itself_stage_by_stage(system, browser):
    with browser.stream("GET", "/page/stream") as stream:
        lines = stream.iter_lines()
        assert "v1" in parts(lines)["endpoint-iris"]
        system.release("v2")
        seen = ""
        while 'class="now"' not in seen:
            seen = parts(lines).get("endpoint-iris", seen)
        assert "mlflow" not in seen
        assert "<b>v2</b>" in seen
        system.run("abort", "--reason", "enough seen")
        while "enough seen" not in seen:
            seen = parts(lines).get("endpoint-iris", seen)


def test_a_browser_stays_in_when_the_api_is_killed_and_is_told_of_what_comes_after(system, browser):
    system.await_successor("api", system.kill("api"))
    with browser.stream("GET", "/page/stream") as stream:
        lines = stream.iter_lines()
        parts(lines)
        system.release("v3")
        seen = ""
        while "<b>v3</b>" not in seen:
            seen = parts(lines).get("endpoint-iris", seen)
