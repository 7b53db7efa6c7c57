"""`regreen check`: whether a deployment can do its work, as far as it can be seen from here."""

import dataclasses
from collections import defaultdict
from collections.abc import Iterator, Sequence

import typer

import worker
from activities.checks.findings import Finding, Level, fine, problem
from activities.patching.doctor import Examination
from starter import terminal
from starter.choices import CheckArea
from starter.commands.running import checked_repository, print_json, run
from starter.exits import ExitStatus
from starter.health import TEMPORAL, examine_temporal
from workflows.configuration import load


def check(areas: Sequence[CheckArea], repository: str | None, *, details: bool, as_json: bool) -> int:
    """Print what is right and wrong; the exit status says whether anything has to be changed."""
    checked_repository(repository)
    chosen = [*areas] or list(CheckArea)
    found = run(lambda: _examine(chosen, repository))
    bad = any(each.level is Level.PROBLEM for each in found)
    if as_json:
        print_json({"ok": not bad, "findings": [dataclasses.asdict(each) for each in found]})
    else:
        for line in lines(found, details=details):
            typer.echo(line)
    return _status(found)


def _status(found: Sequence[Finding]) -> int:
    problems = [each.part for each in found if each.level is Level.PROBLEM]
    reached = any(each.part == TEMPORAL and each.level is Level.FINE for each in found)
    if problems == [TEMPORAL] and not reached:
        return ExitStatus.UNREACHABLE
    return ExitStatus.FAILED if problems else ExitStatus.DONE


async def _examine(areas: Sequence[CheckArea], repository: str | None) -> list[Finding]:
    found: list[Finding] = []
    if CheckArea.TEMPORAL in areas:
        found += await examine_temporal()
    if areas == [CheckArea.TEMPORAL]:
        return found
    settings = load(worker.WorkerSettings, role="analyst")
    if CheckArea.GITHUB in areas:
        found += await worker.examine_github(settings, repository)
    if CheckArea.MACHINE in areas:
        found += judge_machine(worker.examine_machine(settings))
    if CheckArea.MODEL in areas:
        found.append(await worker.examine_model(settings))
    return found


def judge_machine(found: Examination) -> Iterator[Finding]:
    """What repairs can use on this machine."""
    if found.sandbox_works:
        yield fine("sandbox", f"works: {found.sandbox_detail}")
    else:
        yield problem(
            "sandbox",
            f"does not work: {found.sandbox_detail}",
            "until it does, no command of a repository runs here, and only recipes that edit files remain",
        )
    if found.git:
        yield fine("git", "found")
    else:
        yield problem("git", "missing, and needed", "install git")
    yield fine("tools", f"{found.recipes} of {found.rows} recipes work here")
    yield fine("tools", f"present: {', '.join(found.present) or 'none'}")
    yield fine(
        "tools",
        f"missing: {', '.join(found.missing) or 'none'}; install what your repositories check with, or name "
        "its folder in REGREEN_TOOL_DIRS",
    )


def lines(findings: Sequence[Finding], *, details: bool) -> Iterator[str]:
    """A line for each part that is fine, and one with its remedy for whatever is not."""
    by_part: defaultdict[str, list[Finding]] = defaultdict(list)
    for each in findings:
        by_part[each.part].append(each)
    for part, found in by_part.items():
        bad = [each for each in found if each.level is not Level.FINE]
        shown = found if details else bad or found[:1]
        for each in shown:
            yield terminal.hanging(f"{each.level:<8}  {part:<10} ", each.text)
            if each.remedy:
                yield terminal.hanging(f"{'':<20} → ", each.remedy)
