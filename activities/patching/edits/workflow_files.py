"""Repairs of what a workflow file uses: versions of actions, commands of the log, runner images."""

import re
from collections.abc import Mapping
from typing import Final

from activities.adapters.workspace import Workspace
from activities.patching.edits.files import matches, read_text
from activities.patching.recipe import EditRefusedError
from workflows.models import PatchRequest

ACTIONS: Final[Mapping[str, str]] = {
    "actions/upload-artifact": "v4",
    "actions/download-artifact": "v4",
    "actions/cache": "v4",
    "actions/cache/save": "v4",
    "actions/cache/restore": "v4",
    "actions/checkout": "v4",
    "actions/setup-python": "v5",
    "actions/setup-node": "v4",
    "actions/setup-java": "v4",
    "actions/setup-go": "v5",
    "actions/setup-dotnet": "v4",
    "actions/github-script": "v7",
    "actions/upload-pages-artifact": "v3",
    "actions/deploy-pages": "v4",
    "actions/configure-pages": "v5",
    "github/codeql-action/init": "v3",
    "github/codeql-action/analyze": "v3",
    "github/codeql-action/upload-sarif": "v3",
}
"""The oldest version of each that GitHub still runs."""

IMAGES: Final[Mapping[str, str]] = {
    "ubuntu-16.04": "ubuntu-22.04",
    "ubuntu-18.04": "ubuntu-22.04",
    "ubuntu-20.04": "ubuntu-22.04",
    "macos-10.15": "macos-14",
    "macos-11": "macos-14",
    "macos-12": "macos-14",
    "macos-13": "macos-14",
    "windows-2016": "windows-2022",
    "windows-2019": "windows-2022",
}
"""Removed images, and the oldest of the same system that is there."""

REFUSED_ACTION: Final = (
    r"(?:deprecated version of|Unable to resolve action) `?(?P<action>[\w./-]{3,100}?)(?:: | @|@)\s{0,4}v?"
    r"(?P<version>[\w.-]{1,40})`?"
)
DEPRECATED_COMMAND: Final = (
    r"The `?(?P<command>set-output|save-state|set-env|add-path)`? command is (?:deprecated|disabled)"
)
REMOVED_IMAGE: Final = (
    r"(?i)\b(?P<image>(?:ubuntu|macos|windows)[- ](?:\d{2}\.\d{2}|\d{2,4}))\b[^\n]{0,80}"
    r"(?:removed|retired|unsupported|no longer|brownout|deprecat)"
)
_COMMAND_LINE: Final = re.compile(
    r"echo\s+(?P<quote>[\"']?)::(?P<command>set-output|save-state|set-env)\s+name=(?P<name>[\w-]+)::"
    r"(?P<value>[^\"'\n|&;]*)(?P=quote)"
)
_PATH_LINE: Final = re.compile(r"echo\s+(?P<quote>[\"']?)::add-path::(?P<value>[^\"'\n|&;]*)(?P=quote)")
_FILES: Final = {"set-output": "GITHUB_OUTPUT", "save-state": "GITHUB_STATE", "set-env": "GITHUB_ENV"}


def renew_actions(request: PatchRequest, workspace: Workspace) -> str:
    """Use a version of an action that GitHub still runs.

    Raises:
        EditRefusedError: No newer one is known, or the file does not name the action.
    """
    text = edited = read_text(workspace, request.workflow_path)
    done = []
    for match in matches(request, REFUSED_ACTION):
        action = match["action"]
        wanted = ACTIONS.get(action)
        if not wanted:
            raise EditRefusedError(f"No newer version of {action} is known here.")
        pattern = (
            rf"(?m)^(?P<head>\s*-?\s*uses:\s*[\"']?{re.escape(action)}@)v?(?P<major>\d+)[\w.]*(?=[\"'\s#]|$)"
        )
        edited = re.sub(
            pattern,
            lambda found, wanted=wanted: (  # type: ignore[misc]
                found["head"] + wanted if int(found["major"]) != int(wanted[1:]) else found[0]
            ),
            edited,
        )
        done.append(f"{action}@{wanted}")
    return _written(request, workspace, text, edited, f"Used {', '.join(dict.fromkeys(done))}.")


def renew_commands(request: PatchRequest, workspace: Workspace) -> str:
    """Write to the runner's files instead of printing commands that it ignores.

    Raises:
        EditRefusedError: The workflow file prints none in a plain `echo`.
    """
    text = read_text(workspace, request.workflow_path)
    edited = _COMMAND_LINE.sub(
        lambda found: f'echo "{found["name"]}={found["value"]}" >> "${_FILES[found["command"]]}"', text
    )
    edited = _PATH_LINE.sub(lambda found: f'echo "{found["value"]}" >> "$GITHUB_PATH"', edited)
    return _written(
        request, workspace, text, edited, "Wrote to the runner's files instead of printing commands."
    )


def renew_images(request: PatchRequest, workspace: Workspace) -> str:
    """Run on an image that GitHub still has.

    Raises:
        EditRefusedError: No successor is known, or the file does not name the image.
    """
    text = edited = read_text(workspace, request.workflow_path)
    done = []
    for match in matches(request, REMOVED_IMAGE):
        image = match["image"].lower().replace(" ", "-")
        if image in IMAGES:
            edited = re.sub(rf"(?<![\w.-]){re.escape(image)}(?![\w.-])", IMAGES[image], edited)
            done.append(f"{IMAGES[image]} instead of {image}")
    return _written(request, workspace, text, edited, f"Used {', '.join(dict.fromkeys(done))}.")


def _written(request: PatchRequest, workspace: Workspace, before: str, after: str, summary: str) -> str:
    if before == after:
        raise EditRefusedError("The workflow file does not name what the log complains of.")
    workspace.write(request.workflow_path, after.encode())
    return summary
