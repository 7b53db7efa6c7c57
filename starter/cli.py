"""The `regreen` command: its arguments. What the commands do is in `starter.commands`.

That module is imported inside the commands only: `regreen --help` shall answer at once.
"""

# ruff: noqa: PLC0415 — see above

import functools
import importlib.metadata
from collections.abc import Callable
from enum import StrEnum
from typing import Annotated, ParamSpec

import typer

from starter.exits import CommandError, leave

P = ParamSpec("P")


class WorkerRole(StrEnum):
    """Which queues a worker serves, and so which secrets it needs."""

    ALL = "all"
    PUBLISHER = "publisher"
    ANALYST = "analyst"


app = typer.Typer(
    name="regreen",
    help="Turns red CI runs green again.",
    epilog="Exit status: 0 done, 1 failed, 2 wrong usage or settings, "
    "3 no such remediation, 4 Temporal unreachable.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,  # importing what renders it takes longer than everything else together
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Target = Annotated[
    str, typer.Argument(metavar="RUN", help="A workflow id, a run's web address, or owner/repo/run_id.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
By = Annotated[
    str | None, typer.Option("--by", help="Who gives the order; your git or system name if left out.")
]
Question = Annotated[
    str | None, typer.Option("--question", help="The patch id that is answered; the pending one if left out.")
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for confirmation.")]


def main() -> None:
    """Entry point of the `regreen` command."""
    try:
        app()
    except SystemExit as end:
        leave(end.code if isinstance(end.code, int) else int(end.code is not None))


def _reported(command: Callable[P, None]) -> Callable[P, None]:
    """Let a command's expected errors end as one line and an exit status."""

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except CommandError as error:
            from starter.terminal import plain

            typer.echo(f"regreen: {plain(error)}", err=True)
            raise typer.Exit(error.status) from error

    return run


@app.command()
@_reported
def demo(
    scenario: Annotated[str, typer.Argument(help="Which failure to show; `list` names them.")] = "lint",
    *,
    keep: Annotated[bool, typer.Option("--keep", help="Leave everything running for a look at it.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object as the last line.")] = False,
    faults: Annotated[
        str, typer.Option("--faults", help="What goes wrong at the local GitHub: rules, or a file of them.")
    ] = "",
) -> None:
    """Break a small repository's CI on this machine and watch it being repaired."""
    from starter import commands

    raise typer.Exit(commands.run_demo(scenario, keep=keep, as_json=as_json, faults=faults))


@app.command()
@_reported
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on, else REGREEN_HOST.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on, else REGREEN_PORT.")] = None,
) -> None:
    """Receive GitHub's webhooks, until stopped."""
    from starter import commands

    commands.serve_webhooks(host, port)


@app.command()
@_reported
def codec_server(
    host: Annotated[str | None, typer.Option(help="Address to listen on, else REGREEN_CODEC_HOST.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on, else REGREEN_CODEC_PORT.")] = None,
) -> None:
    """Let Temporal's Web UI and command read encrypted payloads, until stopped."""
    from starter import commands

    commands.serve_codec(host, port)


@app.command()
@_reported
def worker(
    role: Annotated[WorkerRole | None, typer.Option(help="Which queues to serve, else REGREEN_ROLE.")] = None,
) -> None:
    """Carry remediations out, until stopped."""
    from starter import commands

    commands.run_worker(role)


@app.command()
@_reported
def doctor(
    *,
    github: Annotated[
        bool, typer.Option("--github", help="Look at the access to GitHub instead. Changes nothing.")
    ] = False,
    repository: Annotated[
        str | None, typer.Option("--repo", help="With --github: look at this one too, as owner/name.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show what repairs can use on this machine, and what is missing."""
    from starter import commands

    if github or repository is not None:
        raise typer.Exit(commands.examine_github(repository, as_json=as_json))
    raise typer.Exit(commands.examine_machine(as_json=as_json))


@app.command()
@_reported
def logs(
    targets: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE…|RUN_URL", help="Logs, plain or gzip, - for standard input, or a run's web address."
        ),
    ],
    *,
    budget: Annotated[
        int, typer.Option(min=256, max=32_768, help="The most bytes that each excerpt may have.")
    ] = 8_192,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")] = False,
) -> None:
    """Show the lines of a log that explain its failure, and what the rules make of it."""
    from starter.logs import show_logs

    raise typer.Exit(show_logs(targets, budget, as_json=as_json))


@app.command("list")
@_reported
def list_remediations(
    repository: Annotated[
        str | None, typer.Option("--repository", "-r", help="Only this one's, as owner/name.")
    ] = None,
    *,
    open_only: Annotated[bool, typer.Option("--open", help="Only those that have not ended.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many at most.")] = 30,
    as_json: AsJson = False,
) -> None:
    """Show open and recent remediations."""
    from starter import commands

    commands.list_remediations(repository, open_only=open_only, limit=limit, as_json=as_json)


@app.command()
@_reported
def show(target: Target, *, as_json: AsJson = False) -> None:
    """Show everything about one remediation."""
    from starter import commands

    commands.show_remediation(target, as_json=as_json)


@app.command()
@_reported
def approve(target: Target, *, question: Question = None, by: By = None, yes: Yes = False) -> None:
    """Publish the patch that waits for a human."""
    from starter import commands, webhook

    commands.answer(webhook.Verb.APPROVE, target, question=question, by=by, yes=yes)


@app.command()
@_reported
def reject(target: Target, *, question: Question = None, by: By = None, yes: Yes = False) -> None:
    """Drop the patch that waits for a human, and end the remediation."""
    from starter import commands, webhook

    commands.answer(webhook.Verb.REJECT, target, question=question, by=by, yes=yes)


@app.command()
@_reported
def retry(
    target: Target,
    *,
    hint: Annotated[str | None, typer.Option("--hint", help="Words for the next attempt.")] = None,
    by: By = None,
) -> None:
    """Give up the current wait and make the next attempt, within the same three."""
    from starter import commands, webhook

    commands.order(webhook.Verb.RETRY, target, argument=hint, by=by)


@app.command()
@_reported
def stop(target: Target, *, by: By = None) -> None:
    """End the remediation and close its pull request."""
    from starter import commands, webhook

    commands.order(webhook.Verb.STOP, target, by=by)


@app.command()
@_reported
def pause(target: Target, *, by: By = None) -> None:
    """Take no further step until `resume`."""
    from starter import commands, webhook

    commands.order(webhook.Verb.PAUSE, target, by=by)


@app.command()
@_reported
def resume(target: Target, *, by: By = None) -> None:
    """Go on after `pause`."""
    from starter import commands, webhook

    commands.order(webhook.Verb.RESUME, target, by=by)


@app.command()
def version() -> None:
    """Print the version."""
    try:
        typer.echo(importlib.metadata.version("regreen"))
    except importlib.metadata.PackageNotFoundError:
        typer.echo("not installed (run from a checkout)")


if __name__ == "__main__":
    main()
