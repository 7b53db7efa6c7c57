"""What deploy/ asks of Prometheus: its rules and the dashboard, with the series that they name."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from ruamel.yaml import YAML

DEPLOY: Final = Path(__file__).parents[2] / "deploy"
RULES: Final[dict[str, Any]] = YAML(typ="safe").load(DEPLOY / "prometheus" / "rules.yml")
DASHBOARD: Final[dict[str, Any]] = json.loads(
    (DEPLOY / "grafana" / "dashboards" / "regreen.json").read_text(encoding="utf-8")
)
_NAMES: Final = re.compile(r"\b(?:regreen|temporal|process)_\w+")
_LABEL_VALUES: Final = re.compile(r'"[^"]*"')


def alerts() -> list[dict[str, Any]]:
    """Every alert rule."""
    return [rule for group in RULES["groups"] for rule in group["rules"]]


def dashboard_queries() -> Iterator[str]:
    """Every query of the dashboard, Grafana's variables filled in."""
    for panel in DASHBOARD["panels"]:
        for target in panel.get("targets", ()):
            yield target["expr"].replace("$window", "28d").replace("$__rate_interval", "5m")


def named_series(query: str) -> set[str]:
    """The series that a query reads, as they are exposed."""
    return set(_NAMES.findall(_LABEL_VALUES.sub('""', query)))
