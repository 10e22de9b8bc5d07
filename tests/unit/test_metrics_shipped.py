"""The rules and the dashboard that are shipped: whole, about metrics that there are, and with commands that there are."""

import json
import re

import yaml

from tidegate.interface.cli import table
from tidegate.interface.cli.commands import monitoring
from tidegate.observability.metrics import dashboard, families, rules

_METRIC = re.compile(r"\btidegate_[a-z_]+")


def known():
    names = set()
    for one in families.FAMILIES:
        names |= {one.name} if one.kind != families.HISTOGRAM else {f"{one.name}_{part}" for part in ("bucket", "sum", "count")}
    return names


def expressions():
    return [query for _, row in dashboard.ROWS for panel in row for query, _ in panel.queries]


def test_rules_and_dashboard_ask_for_metrics_that_there_are():
    for expression in [*(one.expression for one in rules.RULES), *expressions()]:
        assert set(_METRIC.findall(expression)) <= known(), expression


def test_the_dashboard_shows_every_kind_of_metric():
    shown = set(_METRIC.findall(" ".join(expressions())))
    for word in ("requests", "request_seconds", "queued", "batch", "release", "alarms", "log", "probe", "process", "disk"):
        assert any(word in name for name in shown), word


def test_what_rules_say_to_type_is_there():
    for one in rules.RULES:
        for command in re.findall(r"`tidegate ([a-z]+)", one.cure):
            assert command in table.COMMANDS
        assert one.severity in {"critical", "warning"}
    assert len({one.name for one in rules.RULES}) == len(rules.RULES)


def test_panels_have_ids_of_their_own_and_do_not_lie_on_each_other():
    panels = dashboard.document()["panels"]
    assert len({one["id"] for one in panels}) == len(panels)
    taken = set()
    for one in panels:
        place = one["gridPos"]
        fields = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert not fields & taken
        assert place["x"] + place["w"] <= 24
        taken |= fields


def test_three_files_are_written(tmp_path):
    monitoring.monitoring(tmp_path / "out", credentials="/x/y.token", home=str(tmp_path))
    assert yaml.safe_load((tmp_path / "out" / "tidegate-rules.yml").read_text()) == rules.document()
    assert json.loads((tmp_path / "out" / "tidegate-dashboard.json").read_text()) == dashboard.document()
    scraped = yaml.safe_load((tmp_path / "out" / "prometheus.yml").read_text())["scrape_configs"][0]
    assert scraped["static_configs"] == [{"targets": ["127.0.0.1:8081"]}]
    assert scraped["authorization"] == {"credentials_file": "/x/y.token"}
