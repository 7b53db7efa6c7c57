"""The JSON schema of `.github/regreen.yml`, for editors. `python -m workflows.settings_schema` prints it."""

import json
from typing import Any, Final

from workflows.repository_settings import PATH, RepositorySettings

ADDRESS: Final = "https://json-schema.org/draft/2020-12/schema"


def schema() -> dict[str, Any]:
    """The schema of the file: every setting may be left out, and no other one may stand there."""
    found = RepositorySettings.model_json_schema()
    for each in (found, *found["$defs"].values()):
        if each.get("type") == "object":
            each["additionalProperties"] = False
        for entry in each.get("properties", {}).values():
            if entry.get("type") == "array":  # one entry may stand there without a list around it
                _or_one(entry)
    return {"$schema": ADDRESS, **found, "title": f"Regreen's settings of a repository ({PATH})"}


def _or_one(entry: dict[str, Any]) -> None:
    items = entry.pop("items")
    limit = {"maxItems": entry.pop("maxItems")} if "maxItems" in entry else {}
    del entry["type"]
    entry["anyOf"] = [{"type": "array", "items": items, **limit}, items]


def text() -> str:
    """The schema as it is published."""
    return json.dumps(schema(), indent=2) + "\n"


if __name__ == "__main__":
    print(text(), end="")  # noqa: T201 — what the command is for
