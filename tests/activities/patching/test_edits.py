"""Repairs that edit what a log names, on logs as the tools write them."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

import pytest

from workflows.models import FailureClass, PatchRequest, Proposal


def built(instruction: str, said: str, base: str = "python:3.12-slim") -> tuple[Mapping[str, str], str]:
    """A Dockerfile of five lines whose last one fails, and what BuildKit prints of it."""
    dockerfile = f"FROM {base}\n\nWORKDIR /app\nCOPY . .\nRUN {instruction}\n"
    log = f"#8 [4/4] RUN {instruction}\n#8 0.345 {said}\n"
    log += f"Dockerfile:5\n--------------------\n   4 |     COPY . .\n   5 | >>> RUN {instruction}\n"
    return {"Dockerfile": dockerfile}, log


@dataclass(frozen=True)
class Case:
    """Files, a log, and the lines that the patch adds."""

    files: Mapping[str, str]
    log: str
    recipe: str
    added: tuple[str, ...]
    failure_class: FailureClass = FailureClass.UNKNOWN


TIDY = "rm -rf /var/lib/apt/lists/*"
NESTED = "a:\n   b:\n      c: 1\n   # said\n   d:\n   - 1\n\ne: 2\n"

CASES: dict[str, Case] = {
    "a script's interpreter": Case(
        *built("./build.sh", "env: can't execute 'bash': No such file or directory", "node:24-alpine"),
        "dockerfile-package",
        ("RUN apk add --no-cache bash",),
        FailureClass.DOCKER_BUILD,
    ),
    "what node-gyp looks for": Case(
        *built("npm ci", "gyp ERR! find Python Python is not set from command line", "node:24-alpine"),
        "dockerfile-package",
        ("RUN apk add --no-cache python3",),
        FailureClass.DOCKER_BUILD,
    ),
    "pkg-config": Case(
        *built("cargo build", "The pkg-config command could not be found.", "rust:1-slim"),
        "dockerfile-package",
        (f"RUN apt-get update && apt-get install -y --no-install-recommends pkg-config && {TIDY}",),
        FailureClass.DOCKER_BUILD,
    ),
    "an image with a small package manager": Case(
        *built("tar xf a", "/bin/sh: line 1: tar: command not found", "registry.example/ubi9-minimal"),
        "dockerfile-package",
        ("RUN microdnf install -y tar && microdnf clean all",),
        FailureClass.DOCKER_BUILD,
    ),
    "dependencies on one line": Case(
        {"pyproject.toml": '[project]\nname = "a"\nversion = "1"\ndependencies = ["httpx[http2]>=0.27"]\n'},
        "E   ModuleNotFoundError: No module named 'yaml'",
        "python-requirement",
        ('dependencies = ["httpx[http2]>=0.27", "PyYAML"]',),
        FailureClass.DEPENDENCY,
    ),
    "no dependencies so far": Case(
        {"pyproject.toml": '[project]\nname = "a"\nversion = "1"\ndependencies = []\n'},
        "ModuleNotFoundError: No module named 'yaml'",
        "python-requirement",
        ('dependencies = ["PyYAML"]',),
        FailureClass.DEPENDENCY,
    ),
    "a chart, as chart-testing says it": Case(
        {"charts/app/Chart.yaml": "name: app\nversion: 0.1.9\n", "charts/b/Chart.yaml": "version: 1.0.0\n"},
        ' ✖︎ app => (version: "0.1.9", path: "charts/app") > chart version not ok. Needs a version bump!',
        "chart-version",
        ("version: 0.1.10",),
    ),
    "a chart, as chart-releaser says it": Case(
        {"charts/app/Chart.yaml": "name: app\nversion: 0.1.9\n", "charts/b/Chart.yaml": "version: 1.0.0\n"},
        "Error: error creating GitHub release app-0.1.9: POST https://api.github.com/repos/o/r/releases: "
        "422 Validation Failed [{Resource:Release Field:tag_name Code:already_exists Message:}]",
        "chart-version",
        ("version: 0.1.10",),
    ),
    "indentation that yamllint names": Case(
        {"a.yml": NESTED},
        "a.yml\n  2:4       error    wrong indentation: expected 2 but found 3  (indentation)\n"
        "  3:7       error    wrong indentation: expected 5 but found 6  (indentation)",
        "yaml-layout",
        ("  b:", "    c: 1", "  # said", "  d:", "  - 1"),
        FailureClass.LINT,
    ),
    "indentation, in yamllint's format for machines": Case(
        {"a.yml": NESTED},
        "a.yml:2:4: [error] wrong indentation: expected 2 but found 3 (indentation)",
        "yaml-layout",
        ("  b:", "     c: 1", "  # said", "  d:", "  - 1"),
        FailureClass.LINT,
    ),
    "a colon in a value": Case(
        {"a.yml": "a: 1\ntitle: A talk: its end\n"},
        'mapping values are not allowed here\n  in "a.yml", line 2, column 14',
        "yaml-layout",
        ('title: "A talk: its end"',),
    ),
    "a block of Handlebars that another's tag closes": Case(
        {"card.hbs": "{{#if a}}\n  {{#each b}}\n    x\n  {{~/with}}\n{{/if}}\n"},
        "card.hbs\nError: each doesn't match with - 2:5",
        "template-block",
        ("  {{~/each}}",),
    ),
    "a block of Handlebars inside another that is closed": Case(
        {"card.hbs": "{{#if a}}\n  {{#each b}}\n    x\n{{/if}}\n"},
        "card.hbs\nError: each doesn't match if - 2:5",
        "template-block",
        ("  {{/each}}",),
    ),
    "a block of Jinja that another's tag closes": Case(
        {"page.j2": "{% if a %}\n{%- for x in a -%}\n  x\n{%- endif -%}\n{% endif %}\n"},
        "page.j2:5: Encountered unknown tag 'endif'. Jinja was looking for the following tags: 'endfor' or "
        "'else'. The innermost block that needs to be closed is 'for'.",
        "template-block",
        ("{%- endfor -%}",),
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
async def test_what_the_log_names_is_set_right(
    case: Case, request_for: Callable[..., PatchRequest], propose: Callable[..., Awaitable[Proposal]]
) -> None:
    proposal = await propose(
        request_for(case.files, "unknown-command", failure_class=case.failure_class, log=case.log)
    )
    added = tuple(line[1:] for line in proposal.diff.splitlines() if line[:1] == "+" and line[:3] != "+++")
    assert (proposal.recipe, added) == (case.recipe, case.added), proposal.summary


async def test_indentation_that_says_something_is_left_alone(
    request_for: Callable[..., PatchRequest], propose: Callable[..., Awaitable[Proposal]]
) -> None:
    log = "a.yml\n  4:3       error    wrong indentation: expected 1 but found 2  (indentation)\n"
    request = request_for(
        {"a.yml": "a:\n b:\n  c: 1\n  d: 2\n"}, "unknown-command", failure_class=FailureClass.LINT, log=log
    )
    assert (await propose(request)).diff == ""
