"""Every path of the protocol is understood with and without a version, and nothing else is."""

import pytest

from tidegate.dataplane.gateway import paths
from tidegate.dataplane.gateway.paths import Ask, Target


@pytest.mark.parametrize(
    ("url", "target"),
    [
        (b"/v2", Target(Ask.SERVER)),
        (b"/v2/", Target(Ask.SERVER)),
        (b"/v2/health/live", Target(Ask.LIVE)),
        (b"/v2/health/ready?x=1", Target(Ask.READY)),
        (b"/v2/models", Target(Ask.MODELS)),
        (b"/v2/models/m", Target(Ask.MODEL, "m")),
        (b"/v2/models/m/ready", Target(Ask.MODEL_READY, "m")),
        (b"/v2/models/m/infer", Target(Ask.INFER, "m")),
        (b"/v2/models/m/versions/v2", Target(Ask.MODEL, "m", "v2")),
        (b"/v2/models/m/versions/2/infer", Target(Ask.INFER, "m", "2")),
        (b"/v2/models/m/versions/2/ready", Target(Ask.MODEL_READY, "m", "2")),
        (b"/v2/models/a%2Db/infer", Target(Ask.INFER, "a-b")),
        (b"http://host:80/v2/models/m/infer", Target(Ask.INFER, "m")),
        (b"/endpoints/m/predict", Target(Ask.RECORDS, "m")),
        (b"/outcomes", Target(Ask.OUTCOMES)),
        (b"/ping", Target(Ask.READY)),
        (b"/health", Target(Ask.READY)),
        (b"/version", Target(Ask.PROGRAM)),
        (b"/invocations", Target(Ask.INVOCATIONS)),
        (b"/endpoints/m/invocations", Target(Ask.INVOCATIONS, "m")),
        (b"/endpoints/m", Target(Ask.PAGE, "m")),
        (b"/endpoints/m/openapi.json", Target(Ask.OPENAPI, "m")),
        (b"/v2/models/m/config", Target(Ask.CONFIG, "m")),
        (b"/v2/models/m/versions/2/config", Target(Ask.CONFIG, "m", "2")),
        (b"*", Target(Ask.ANYTHING)),
    ],
)
def test_a_path_is_understood(url, target):
    found = paths.resolve(url)
    assert found[:3] == target[:3]
    assert bool(found.content) is (target.ask in {Ask.INFER, Ask.RECORDS, Ask.INVOCATIONS})


@pytest.mark.parametrize(
    "url",
    [
        b"/",
        b"",
        b"/v3",
        b"/v2/models/m/versions",
        b"/v2/models/m/infer/x",
        b"/v2/models//infer",
        b"/endpoints",
        b"/endpoints/m/other",
        b"/endpoints//predict",
        b"/endpoints//invocations",
    ],
)
def test_other_paths_are_nothing(url):
    assert paths.resolve(url).ask is Ask.NOTHING
