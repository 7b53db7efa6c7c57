"""Which recipe would take each of a set of failing checks; or the table of recipes, for the documents.

    python -m benchmarks.recipes CHECKS.jsonl
    python -m benchmarks.recipes --markdown

Each line of CHECKS.jsonl is an object with `name`, `command`, `output` and `changed_files`. The text of a
package's script stands in npm's own output, since the repository is not at hand.
"""

import json
import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from activities.patching.commands import parse_step
from activities.patching.recipe import FixCommand, Recipe
from activities.patching.recipes import RECIPES, fix_command_for
from workflows.models import FailureClass

_REPAIRABLE = frozenset({"format", "lint", "docs-format", "docs-lint", "unused-variable", "lockfile"})


def takers(check: dict[str, Any]) -> list[str]:
    """Names of the recipes that take a command of the check."""
    classes = [FailureClass.LINT, FailureClass.DEPENDENCY]
    texts = [str(check["command"]), *re.findall(r"^> (.+)$", str(check["output"]), re.MULTILINE)]
    names = []
    for text in texts:
        for command in parse_step(text, paths=check["changed_files"]):
            for failure_class in classes:
                found = fix_command_for(command.argv, failure_class)
                if found:
                    names.append(found[0].name)
                    break
    return list(dict.fromkeys(names))


def table(checks: list[dict[str, Any]]) -> Iterator[str]:
    """One line per check, then the count."""
    taken: Counter[bool] = Counter()
    for check in checks:
        names = takers(check)
        repairable = check["category"] in _REPAIRABLE
        if repairable:
            taken[bool(names)] += 1
        left = "no recipe" if repairable else f"none: {check['category']} failures take more than a tool"
        row = f"{check['name'][:46]:46}  {check['tool']:12}  {check['category']:15}"
        yield f"{row}  {' + '.join(names) or left}"
    yield f"\n{taken[True]} of {taken.total()} checks that a tool may repair have a recipe."


def markdown() -> Iterator[str]:
    """The rows of the table in the documents."""
    yield "| recipe | takes | runs or edits | changes only | tested with |"
    yield "|---|---|---|---|---|"
    for recipe in RECIPES:
        cells = (f"`{recipe.name}`", _takes(recipe), _does(recipe), _touches(recipe), _tested(recipe))
        yield f"| {' | '.join(cells)} |"


def _takes(recipe: Recipe) -> str:
    repair = recipe.repair
    if not isinstance(repair, FixCommand):
        return "what the log says"
    command = " ".join(filter(None, (repair.tool, repair.subcommand)))
    marks = ", ".join(f"`{mark}`" for mark in sorted(repair.marks))
    return f"`{command}`" + (f" with {marks}" if marks else "")


def _does(recipe: Recipe) -> str:
    repair = recipe.repair
    if not isinstance(repair, FixCommand):
        return recipe.summary.rstrip(".").lower()
    check = [repair.tool, *repair.subcommand.split(), *sorted(repair.marks)[:1]]
    argv = repair.repair_argv(check)
    return f"`{' '.join(argv[4:] if repair.gives_patch else argv)}`" + (
        ", applied" if repair.gives_patch else ""
    )


def _touches(recipe: Recipe) -> str:
    shown = ", ".join(f"`{pattern}`" for pattern in recipe.touches[:4])
    return "any file" if "*" in recipe.touches else shown + (", …" if len(recipe.touches) > 4 else "")  # noqa: PLR2004 — a row's width


def _tested(recipe: Recipe) -> str:
    if not recipe.exercised:
        return "not run here"
    return "the real tool" if isinstance(recipe.repair, FixCommand) else "a log of its kind"


def main() -> None:
    """Print what the argument asks for."""
    if sys.argv[1:] == ["--markdown"]:
        lines = markdown()
    elif len(sys.argv) == 2:  # noqa: PLR2004 — the program and one file
        lines = table(
            [json.loads(line) for line in Path(sys.argv[1]).read_text(encoding="utf-8").splitlines()]
        )
    else:
        raise SystemExit(__doc__)
    for line in lines:
        print(line)


if __name__ == "__main__":
    main()
