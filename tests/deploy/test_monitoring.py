import json
import re
from pathlib import Path
from typing import Any, Final

import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard
from ruamel.yaml import YAML

from monitoring import DASHBOARD, DEPLOY, RULES, alerts, dashboard_queries, named_series
from promtool import promtool

ROOT: Final = DEPLOY.parent
PROMETHEUS: Final = DEPLOY / "prometheus"
OPERATIONS: Final = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
COMPOSE: Final[dict[str, Any]] = YAML(typ="safe").load(ROOT / "docker-compose.yml")


def read_yaml(*path: str) -> Any:
    return YAML(typ="safe").load(DEPLOY.joinpath(*path))


def test_prometheus_takes_its_configuration_and_its_rules() -> None:
    said = promtool("check", "config", "prometheus.yml", folder=PROMETHEUS)
    assert f"{len(alerts())} rules found" in said


def test_every_alert_fires_and_stays_quiet_when_it_should() -> None:
    assert "SUCCESS" in promtool("test", "rules", "rules-test.yml", folder=PROMETHEUS)


def test_every_alert_is_seen_firing_by_these_tests() -> None:
    cases = [
        case
        for test in read_yaml("prometheus", "rules-test.yml")["tests"]
        for case in test["alert_rule_test"]
    ]
    assert {case["alertname"] for case in cases if case.get("exp_alerts")} == {
        alert["alert"] for alert in alerts()
    }


@pytest.mark.parametrize("alert", alerts(), ids=lambda alert: alert["alert"])
def test_every_alert_says_how_urgent_it_is_and_where_its_runbook_stands(alert: dict[str, Any]) -> None:
    assert alert["labels"]["severity"] in {"critical", "warning", "info"}
    name = alert["alert"]
    assert alert["annotations"]["runbook_url"] == f"docs/operations.md#{name.lower()}"
    assert f"\n### {name}\n" in OPERATIONS


def test_no_runbook_is_left_of_an_alert_that_is_gone() -> None:
    told = set(re.findall(r"^### (Regreen\w+)$", OPERATIONS, re.MULTILINE))
    assert told == {alert["alert"] for alert in alerts()}


def leaves(value: Any, path: str = "") -> dict[str, Any]:
    if isinstance(value, dict):
        return {k: v for key, each in value.items() for k, v in leaves(each, f"{path}.{key}").items()}
    if isinstance(value, list):
        return {k: v for n, each in enumerate(value) for k, v in leaves(each, f"{path}[{n}]").items()}
    return {path: value}


def typed(dashboard: dict[str, Any]) -> Any:
    """The dashboard as Grafana's own types read it: what they do not know is gone."""
    register_default_plugins()
    return json.loads(JSONEncoder().encode(Dashboard.from_json(dashboard)))


def test_grafana_knows_every_field_of_the_dashboard() -> None:
    before, after = leaves(DASHBOARD), leaves(typed(DASHBOARD))
    lost = {path for path, value in before.items() if value is not None and after.get(path) != value}
    assert lost == set()


@pytest.mark.parametrize("wrong", ["titel", "options.textmode", "fieldConfig.defaults.units"])
def test_a_misspelt_field_of_a_panel_is_noticed(wrong: str) -> None:
    panel = json.loads(json.dumps(next(each for each in DASHBOARD["panels"] if each["type"] == "stat")))
    *parents, name = wrong.split(".")
    place = panel
    for each in parents:
        place = place[each]
    place[name] = "x"
    assert wrong not in {path.split("].")[-1] for path in leaves(typed(DASHBOARD | {"panels": [panel]}))}


def test_every_query_of_the_dashboard_is_promql(tmp_path: Path) -> None:
    queries = list(dashboard_queries())
    rules = [{"record": f"checked:query{number}", "expr": query} for number, query in enumerate(queries)]
    file = tmp_path / "queries.yml"
    file.write_text(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}), encoding="utf-8")
    assert f"{len(queries)} rules found" in promtool("check", "rules", str(file))


def test_every_panel_asks_the_provisioned_prometheus_and_says_what_it_shows() -> None:
    known = {
        source["uid"]
        for source in read_yaml("grafana", "provisioning", "datasources", "datasources.yml")["datasources"]
    }
    for panel in DASHBOARD["panels"]:
        if panel["type"] != "row":
            assert panel["datasource"]["uid"] in known
            assert panel["description"]
            assert all(named_series(target["expr"]) for target in panel["targets"])


def test_no_two_panels_overlap() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        assert place["x"] + place["w"] <= 24
        taken |= cells


def test_the_dashboard_shows_the_four_targets() -> None:
    shown = {series for query in dashboard_queries() for series in named_series(query)}
    assert {
        "regreen_auto_fix_ratio",
        "regreen_time_to_green_rank_seconds",
        "regreen_false_positive_ratio",
        "regreen_human_intervention_ratio",
    } <= shown


def test_prometheus_scrapes_the_services_of_the_compose_file_where_they_listen() -> None:
    targets = {
        target
        for job in read_yaml("prometheus", "prometheus.yml")["scrape_configs"]
        for group in job["static_configs"]
        for target in group["targets"]
    }
    services = COMPOSE["services"]
    worker = services["publisher"]["environment"]["REGREEN_METRICS_ADDRESS"].rpartition(":")[2]
    starter = services["starter"]["environment"]["REGREEN_PORT"]
    assert targets == {f"starter:{starter}", f"publisher:{worker}", f"analyst:{worker}"}
    reachable = set(services["prometheus"]["networks"])
    assert all(reachable & set(services[name]["networks"]) for name in ("starter", "publisher", "analyst"))


def test_the_collector_hands_on_what_it_takes_to_a_service_that_it_reaches() -> None:
    collector = read_yaml("otel", "collector.yml")
    pipeline = collector["service"]["pipelines"]["traces"]
    assert set(pipeline["receivers"]) == set(collector["receivers"])
    assert set(pipeline["processors"]) == set(collector["processors"])
    assert set(pipeline["exporters"]) == set(collector["exporters"])
    host = collector["exporters"]["otlphttp"]["endpoint"].removeprefix("http://").partition(":")[0]
    services = COMPOSE["services"]
    assert set(services[host]["networks"]) & set(services["otel-collector"]["networks"])


def test_rules_and_dashboard_speak_of_the_same_jobs_as_the_scrape_configuration() -> None:
    jobs = {job["job_name"] for job in read_yaml("prometheus", "prometheus.yml")["scrape_configs"]}
    named = set(re.findall(r'job="([^"]+)"', json.dumps(RULES).replace('\\"', '"')))
    assert named == jobs
