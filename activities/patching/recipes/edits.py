"""Repairs that edit a file and run nothing: what the log names is parsed and set right."""

from typing import Final

from activities.patching.edits import corrections, dockerfile, manifests, texts, workflow_files
from activities.patching.edits.permissions import grant_missing_permission
from activities.patching.recipe import ANY, STYLE, Edit, Recipe
from workflows.models import FailureClass

_WORKFLOWS: Final = (".github/workflows/*.yml", ".github/workflows/*.yaml")
_ONLY_ON_GITHUB: Final = "What GitHub's runners offer shows only there."
_NOT_TRIED: Final = "The failing command is not one that can be run here; CI decides."
_ONLY_WITH_NETWORK: Final = "Installing takes the network, which commands do not have here."

EDITS: Final[tuple[Recipe, ...]] = (
    Recipe(
        name="workflow-permissions",
        failure_classes=frozenset({FailureClass.PERMISSION}),
        touches=_WORKFLOWS,
        repair=Edit(
            apply=grant_missing_permission,
            unproved="A token's permissions show only where GitHub issues one.",
        ),
        changes_demands=True,
        summary="Granted the job the permission its log asks for.",
    ),
    Recipe(
        name="action-version",
        failure_classes=ANY,
        touches=_WORKFLOWS,
        repair=Edit(
            apply=workflow_files.renew_actions,
            sign=workflow_files.REFUSED_ACTION,
            unproved=_ONLY_ON_GITHUB,
        ),
        changes_demands=True,
        summary="Used a version of the action that GitHub still runs.",
    ),
    Recipe(
        name="workflow-command",
        failure_classes=ANY,
        touches=_WORKFLOWS,
        repair=Edit(
            apply=workflow_files.renew_commands,
            sign=workflow_files.DEPRECATED_COMMAND,
            unproved=_ONLY_ON_GITHUB,
        ),
        changes_demands=True,
        summary="Wrote to the runner's files instead of printing commands.",
    ),
    Recipe(
        name="runner-image",
        failure_classes=ANY,
        touches=_WORKFLOWS,
        repair=Edit(
            apply=workflow_files.renew_images, sign=workflow_files.REMOVED_IMAGE, unproved=_ONLY_ON_GITHUB
        ),
        changes_demands=True,
        summary="Used a runner image that GitHub still has.",
    ),
    Recipe(
        name="dockerfile-package",
        failure_classes=frozenset({FailureClass.DOCKER_BUILD}),
        touches=("Dockerfile*", "*.Dockerfile", "Containerfile*"),
        repair=Edit(
            apply=dockerfile.install_missing_package,
            sign=dockerfile.MISSING,
            unproved="Building an image takes an engine and the network.",
        ),
        summary="Installed the system package that the build lacks.",
    ),
    Recipe(
        name="python-requirement",
        failure_classes=ANY,
        touches=("requirements*.txt", "requirements/*.txt", "pyproject.toml"),
        repair=Edit(
            apply=manifests.add_python_requirement,
            sign=manifests.MISSING_MODULE,
            unproved=_ONLY_WITH_NETWORK,
        ),
        changes_demands=True,
        summary="Declared a requirement that is imported.",
    ),
    Recipe(
        name="node-dependency",
        failure_classes=ANY,
        touches=("package.json", "package-lock.json"),
        repair=Edit(
            apply=manifests.add_node_dependency,
            sign=manifests.MISSING_PACKAGE,
            unproved=_ONLY_WITH_NETWORK,
        ),
        changes_demands=True,
        summary="Declared a package that is imported, at the lock file's version.",
    ),
    Recipe(
        name="chart-version",
        failure_classes=ANY,
        touches=("Chart.yaml",),
        repair=Edit(
            apply=manifests.bump_chart,
            sign=manifests.CHART_PUBLISHED,
            unproved="Which versions are published shows only in the registry.",
        ),
        summary="Raised the version of a chart that is published already.",
    ),
    Recipe(
        name="template-block",
        failure_classes=ANY,
        touches=(
            *("*.j2", "*.jinja", "*.jinja2", "*.html", "*.hbs", "*.handlebars", "*.mustache", "*.tmpl"),
            *("*.tpl", "*.txt", "*.md", "*.xml"),
        ),
        repair=Edit(apply=texts.close_block, sign=texts.UNCLOSED_BLOCK, unproved=_NOT_TRIED),
        summary="Closed a template's open block.",
    ),
    Recipe(
        name="yaml-layout",
        failure_classes=ANY,
        touches=("*.yml", "*.yaml"),
        repair=Edit(apply=texts.mend_yaml, sign=texts.YAML_ERROR, unproved=_NOT_TRIED),
        changes_demands=True,
        summary="Mended the layout of a YAML file.",
    ),
    Recipe(
        name="executable-bit",
        failure_classes=ANY,
        touches=("*",),
        repair=Edit(apply=texts.make_executable, sign=texts.REFUSED_EXECUTION, unproved=_NOT_TRIED),
        summary="Made a script executable.",
    ),
    Recipe(
        name="path-case",
        failure_classes=ANY,
        touches=("*",),
        repair=Edit(apply=texts.correct_case, sign=texts.ABSENT_PATH, unproved=_NOT_TRIED),
        changes_demands=True,
        summary="Spelled a path as the repository has it.",
    ),
    Recipe(
        name="printed-correction",
        failure_classes=STYLE | {FailureClass.TYPE_CHECK},
        touches=("*",),
        repair=Edit(apply=corrections.correct, sign=corrections.SAID, unproved=_NOT_TRIED),
        summary="Made the corrections that the log spells out.",
    ),
)
