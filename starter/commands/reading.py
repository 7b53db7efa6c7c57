"""`regreen list` and `show`: what Temporal knows of remediations."""

from datetime import UTC, datetime

import typer

from starter import terminal
from starter.commands.running import ask, checked_repository, print_json
from starter.targets import Target, parse_target


def list_remediations(repository: str | None, *, open_only: bool, limit: int, as_json: bool) -> None:
    """Print open and recent remediations."""
    checked_repository(repository)
    found = ask(
        lambda remediations: remediations.recent(limit=limit, open_only=open_only, repository=repository)
    )
    if as_json:
        print_json([overview.model_dump(mode="json") for overview in found])
    elif found:
        console = terminal.console()
        console.print(terminal.overview_table(found, datetime.now(UTC), width=console.width))
    else:
        typer.echo("No remediations.")


def show_remediation(text: str, *, as_json: bool) -> None:
    """Print everything about one remediation."""
    target: Target = parse_target(text)
    details = ask(lambda remediations: remediations.details_of(target))
    if as_json:
        print_json(details.model_dump(mode="json"))
    else:
        terminal.console().print(terminal.details_text(details))
