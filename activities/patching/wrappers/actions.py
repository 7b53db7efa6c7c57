"""What a workflow file says of a failing step: the action it uses, as a command; its environment."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from activities.patching.commands import Command, may_set, parse_step
from activities.patching.wrappers.tree import Tree
from workflows.models import FailedJob


class _Action(NamedTuple):
    """What an action runs, with its inputs in braces: `{input|default}`."""

    command: str
    folder: str = "working-directory"
    """The input that names the folder it runs in."""


_SHELL_FILES: Final = "$(git ls-files '*.sh' '*.bash' '*.bats' '*.ksh')"
_RUFF: Final = _Action("ruff {args|check} {src|.}")
_HOOKS: Final = "--show-diff-on-failure --color=never"

ACTIONS: Final[Mapping[str, _Action]] = {
    "psf/black": _Action("black {options|--check --diff} {src|.}"),
    "rickstaa/action-black": _Action("black {black_args|--check .}"),
    "astral-sh/ruff-action": _RUFF,
    "chartboost/ruff-action": _RUFF,
    "isort/isort-action": _Action(
        "isort {configuration|--check-only --diff} {sort-paths|.}", folder="working-directory"
    ),
    "py-actions/flake8": _Action("flake8 {args|} {path|.}"),
    "pre-commit/action": _Action(f"pre-commit run {_HOOKS} {{extra_args|--all-files}}"),
    "j178/prek-action": _Action(f"prek run {_HOOKS} {{extra-args|--all-files}}"),
    "crate-ci/typos": _Action("typos {files|.}"),
    "codespell-project/actions-codespell": _Action(
        "codespell {--skip=skip|} {--ignore-words=ignore_words_file|}"
        " {--ignore-words-list=ignore_words_list|} {path|.}"
    ),
    "DavidAnson/markdownlint-cli2-action": _Action("markdownlint-cli2 {--config=config|} {globs|*.md}"),
    "nosborn/github-action-markdown-cli": _Action("markdownlint {--config=config_file|} {files|.}"),
    "actionshub/markdownlint": _Action("markdownlint **/*.md"),
    "golangci/golangci-lint-action": _Action("golangci-lint run {args|}"),
    "actions-rs/cargo": _Action("cargo {+toolchain|} {command|} {args|}"),
    "clechasseur/rs-cargo": _Action("cargo {+toolchain|} {command|} {args|}", folder="working-directory"),
    "actions-rs/clippy-check": _Action("cargo clippy {args|}"),
    "actions-rust-lang/rustfmt": _Action("cargo fmt --all {--manifest-path=manifest-path|} -- --check"),
    "creyD/prettier_action": _Action("prettier --check {prettier_options|.}"),
    "actionsx/prettier": _Action("prettier {args|}"),
    "biomejs/biome-action": _Action("biome ci {args|.}"),
    "ludeeus/action-shellcheck": _Action(f"shellcheck {{--severity=severity|}} {_SHELL_FILES}"),
    "reviewdog/action-shellcheck": _Action(f"shellcheck {{shellcheck_flags|}} {_SHELL_FILES}"),
    "reviewdog/action-misspell": _Action("misspell {path|.}"),
    "reviewdog/action-eslint": _Action("eslint {eslint_flags|.}", folder="workdir"),
    "reviewdog/action-golangci-lint": _Action("golangci-lint run {golangci_lint_flags|}", folder="workdir"),
    "reviewdog/action-markdownlint": _Action("markdownlint {markdownlint_flags|.}"),
    "reviewdog/action-black": _Action("black --check {black_args|.}", folder="workdir"),
    "luizm/action-sh-checker": _Action(f"shellcheck {_SHELL_FILES} && shfmt -d ."),
    "jidicula/clang-format-action": _Action(
        "clang-format --dry-run --Werror --style=file $(git ls-files --under={check-path|.}"
        " '*.c' '*.cc' '*.cpp' '*.cxx' '*.h' '*.hh' '*.hpp' '*.hxx' '*.m' '*.mm')"
    ),
    "dflook/terraform-fmt-check": _Action("terraform fmt -check -diff -recursive {path|.}"),
    "dprint/check": _Action("dprint check"),
    "JohnnyMorganz/stylua-action": _Action("stylua {args|}"),
    "bufbuild/buf-action": _Action("buf format --diff --exit-code {input|.}"),
    "ibiqlik/action-yamllint": _Action("yamllint {--config-file=config_file|} {file_or_dir|.}"),
    "streetsidesoftware/cspell-action": _Action("cspell {files|.}"),
    "thibaudcolas/action-buildifier": _Action("buildifier -mode=check -r ."),
}
"""As GitHub names each, without a version."""

_INPUT: Final = re.compile(r"\{(?P<option>-[\w-]+=|\+)?(?P<name>[\w-]+)\|(?P<default>[^{}]*)\}")
_EXPRESSION: Final = "${{"


def step_commands(workflow_path: str, job: FailedJob, tree: Tree) -> tuple[Command, ...]:
    """The commands of a job's failing step where that step uses an action; none where it is not known."""
    step = next(_failing_steps(_load(job.defined_in or workflow_path, tree), job), None)
    return tuple(_commands(step, tree, 2)) if step is not None else ()


def step_environment(workflow_path: str, job: FailedJob, tree: Tree) -> dict[str, str]:
    """The variables that a workflow file sets for a job's failing step and whose values it gives plainly.

    Some decide whether a check finds anything at all (`RUSTFLAGS: -D warnings`, `SKIP: some-hook`). Those
    that the sandbox needs for itself, and those that only colour, are left out.
    """
    workflow = _load(job.defined_in or workflow_path, tree)
    jobs = workflow.get("jobs")
    places = [workflow, jobs.get(job.key) if isinstance(jobs, dict) else None]
    places.append(next(_failing_steps(workflow, job), None))
    found: dict[str, str] = {}
    for place in places:
        variables = place.get("env") if isinstance(place, Mapping) else None
        for name, value in variables.items() if isinstance(variables, Mapping) else ():
            text = str(value).lower() if isinstance(value, bool) else str("" if value is None else value)
            if may_set(str(name)) and _EXPRESSION not in text and "\0" not in text:
                found[str(name)] = text
    return found


def _commands(step: Mapping[str, Any], tree: Tree, depth: int) -> Iterator[Command]:
    uses, given = str(step.get("uses") or ""), step.get("with")
    inputs = {str(name): str(value) for name, value in given.items()} if isinstance(given, dict) else {}
    if uses.startswith("./") and depth:
        for name in ("action.yml", "action.yaml"):
            runs = _load(f"{uses.partition('@')[0].removeprefix('./').rstrip('/')}/{name}", tree).get("runs")
            for inner in runs.get("steps") or () if isinstance(runs, dict) else ():
                if isinstance(inner, dict):
                    yield from _commands(inner, tree, depth - 1)
        return
    run = step.get("run")
    if isinstance(run, str):
        yield from parse_step(run, cwd=str(step.get("working-directory") or "."), paths=tree.paths)
        return
    action = ACTIONS.get(uses.partition("@")[0])
    if action is None or any(_EXPRESSION in value for value in inputs.values()):
        return
    text = _INPUT.sub(lambda found: _filled(found, inputs), action.command)
    yield from parse_step(text, cwd=inputs.get(action.folder) or ".", paths=tree.paths)


def _filled(found: re.Match[str], inputs: Mapping[str, str]) -> str:
    value = " ".join(inputs.get(found["name"], "").split()) or found["default"]
    return f"{found['option'] or ''}{value}" if value else ""


def _failing_steps(workflow: Mapping[str, Any], job: FailedJob) -> Iterator[Mapping[str, Any]]:
    jobs = workflow.get("jobs")
    found = jobs.get(job.key) if isinstance(jobs, dict) else None
    steps = found.get("steps") if isinstance(found, dict) else None
    for step in steps if isinstance(steps, list) else []:
        if isinstance(step, dict) and job.step in {step.get("name"), f"Run {_first_line(step)}"}:
            yield step


def _first_line(step: Mapping[str, Any]) -> str:
    return next(iter(str(step.get("run") or step.get("uses") or "").strip().splitlines()), "").strip()


def _load(path: str, tree: Tree) -> Mapping[str, Any]:
    found = tree.text(".", path)
    try:
        data = YAML(typ="safe", pure=True).load(found[1]) if found else None
    except (YAMLError, ValueError, RecursionError):
        return {}
    return data if isinstance(data, dict) else {}
