"""The `regreen` command: its arguments. What the commands do is in `starter.commands`.

Those modules are imported inside the commands only: `regreen --help` shall answer at once.
"""

# ruff: noqa: PLC0415 — see above

import functools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, ParamSpec

import typer

from starter.choices import CheckArea, WorkerRole
from starter.exits import MEANINGS, CommandError, ExitStatus, leave

P = ParamSpec("P")


app = typer.Typer(
    name="regreen",
    help="Turns red CI runs green again.",
    epilog=f"Exit status: {', '.join(f'{status.value} {MEANINGS[status]}' for status in ExitStatus)}.",
    no_args_is_help=True,
    rich_markup_mode=None,  # importing what renders it takes longer than everything else together
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Target = Annotated[
    str,
    typer.Argument(
        metavar="RUN",
        help="A run's or pull request's web address, owner/repo/run_id, owner/repo#number, or a workflow id.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
By = Annotated[
    str | None, typer.Option("--by", help="Who gives the order; your git or system name if left out.")
]
Question = Annotated[
    str | None, typer.Option("--question", help="The patch id that is answered; the pending one if left out.")
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for confirmation.")]
Repository = Annotated[
    str | None, typer.Option("--repo", "--repository", "-r", help="Only this one's, as owner/name.")
]


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
        except KeyboardInterrupt:
            raise typer.Exit(ExitStatus.INTERRUPTED) from None

    return run


# ── seeing whether it works ─────────────────────────────────────────────────────────────────────────────────


@app.command()
@_reported
def simulate(
    scenario: Annotated[str, typer.Argument(help="Which failure to cause; `list` names them.")] = "lint",
    *,
    repository: Annotated[
        str | None,
        typer.Option("--repo", "-r", help="Break a branch of this scratch repository instead."),
    ] = None,
    credential_from: Annotated[
        str,
        typer.Option("--token-from", help="With --repo: the variable with the token of who pushes."),
    ] = "REGREEN_SIMULATION_TOKEN",
    yes: Yes = False,
    keep: Annotated[bool, typer.Option("--keep", help="Leave everything running for a look at it.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object as the last line.")] = False,
    faults: Annotated[
        str, typer.Option("--faults", help="What goes wrong at the local GitHub: rules, or a file of them.")
    ] = "",
) -> None:
    """Break CI on purpose and watch it being repaired: on this machine, or in a scratch repository."""
    from starter.commands import simulate as simulation

    if repository is None or scenario == "list":
        raise typer.Exit(simulation.simulate_here(scenario, keep=keep, as_json=as_json, faults=faults))
    if keep or faults:
        raise CommandError("--keep and --faults are for a simulation on this machine", ExitStatus.USAGE)
    raise typer.Exit(
        simulation.simulate_at(
            scenario, repository, credential_from=credential_from, yes=yes, as_json=as_json
        )
    )


@app.command()
@_reported
def check(
    *,
    only: Annotated[
        list[CheckArea] | None, typer.Option("--only", help="Look at this alone; may be given again.")
    ] = None,
    repository: Annotated[
        str | None, typer.Option("--repo", "-r", help="Look at this repository too, as owner/name.")
    ] = None,
    details: Annotated[
        bool, typer.Option("--details", help="Show also whatever is as it should be.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show whether the deployment can do its work, and what to change."""
    from starter.commands.check import check as examine

    raise typer.Exit(examine(only or [], repository, details=details, as_json=as_json))


@app.command()
@_reported
def doctor(
    *,
    github: Annotated[
        bool, typer.Option("--github", help="Look at the access to GitHub instead. Changes nothing.")
    ] = False,
    repository: Annotated[
        str | None, typer.Option("--repo", "-r", help="With --github: look at this one too, as owner/name.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show in full what repairs can use on this machine, or what the access to GitHub allows."""
    from starter.commands.check import check as examine

    area = CheckArea.GITHUB if github or repository is not None else CheckArea.MACHINE
    raise typer.Exit(examine([area], repository, details=True, as_json=as_json))


@app.command("dry-run")
@_reported
def dry_run(
    run: Annotated[
        str,
        typer.Argument(
            metavar="RUN|EVENT_FILE",
            help="A failed run, by its web address or as owner/repo/run_id; or a workflow_run event, "
            "- for standard input.",
        ),
    ],
    *,
    ask_model: Annotated[
        bool, typer.Option("--model/--no-model", help="Whether a model may be asked, which costs money.")
    ] = True,
    as_json: AsJson = False,
) -> None:
    """Show what a remediation would do up to the gate, and write nothing."""
    from starter.commands.dry_run import rehearse

    rehearse(run, ask_model=ask_model, as_json=as_json)


@app.command()
@_reported
def cleanup(
    repository: Repository = None,
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="List it, and take nothing away.")] = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Close simulated pull requests and delete branches of ended remediations."""
    from starter.commands.cleanup import clean_up

    raise typer.Exit(clean_up(repository, dry_run=dry_run, yes=yes, as_json=as_json))


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


# ── remediations ────────────────────────────────────────────────────────────────────────────────────────────


@app.command("list")
@_reported
def list_remediations(
    repository: Repository = None,
    *,
    open_only: Annotated[bool, typer.Option("--open", help="Only those that have not ended.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many at most.")] = 30,
    as_json: AsJson = False,
) -> None:
    """Show open and recent remediations."""
    from starter.commands import reading

    reading.list_remediations(repository, open_only=open_only, limit=limit, as_json=as_json)


@app.command()
@_reported
def show(target: Target, *, as_json: AsJson = False) -> None:
    """Show everything about one remediation."""
    from starter.commands import reading

    reading.show_remediation(target, as_json=as_json)


@app.command()
@_reported
def monitor(
    target: Annotated[
        str | None,
        typer.Argument(metavar="RUN", help="Follow this one step by step, until its outcome is known."),
    ] = None,
    *,
    repository: Repository = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")] = False,
) -> None:
    """Watch open remediations, or the steps of one, as they happen."""
    from starter.commands.monitor import monitor as watch

    watch(target, repository, as_json=as_json)


@app.command()
@_reported
def start(target: Target, *, as_json: AsJson = False) -> None:
    """Start the remediation of a failed run, as its webhook would."""
    from starter.commands.start import start_remediation

    start_remediation(target, as_json=as_json)


@app.command()
@_reported
def approve(
    target: Target, *, question: Question = None, by: By = None, yes: Yes = False, as_json: AsJson = False
) -> None:
    """Publish the patch that waits for a human."""
    from starter.commands import orders
    from starter.webhook import Verb

    orders.answer(Verb.APPROVE, target, question=question, by=by, yes=yes, as_json=as_json)


@app.command()
@_reported
def reject(
    target: Target, *, question: Question = None, by: By = None, yes: Yes = False, as_json: AsJson = False
) -> None:
    """Drop the patch that waits for a human, and end the remediation."""
    from starter.commands import orders
    from starter.webhook import Verb

    orders.answer(Verb.REJECT, target, question=question, by=by, yes=yes, as_json=as_json)


@app.command()
@_reported
def retry(
    target: Target,
    *,
    hint: Annotated[str | None, typer.Option("--hint", help="Words for the next attempt.")] = None,
    by: By = None,
    as_json: AsJson = False,
) -> None:
    """Give up the current wait and make the next attempt, within the same three."""
    from starter.commands import orders
    from starter.webhook import Verb

    orders.order(Verb.RETRY, target, argument=hint, by=by, as_json=as_json)


@app.command()
@_reported
def stop(target: Target, *, by: By = None, as_json: AsJson = False) -> None:
    """End the remediation and close its pull request."""
    from starter.commands import orders
    from starter.webhook import Verb

    orders.order(Verb.STOP, target, by=by, as_json=as_json)


@app.command()
@_reported
def pause(target: Target, *, by: By = None, as_json: AsJson = False) -> None:
    """Take no further step until `resume`."""
    from starter.commands import orders
    from starter.webhook import Verb

    orders.order(Verb.PAUSE, target, by=by, as_json=as_json)


@app.command()
@_reported
def resume(target: Target, *, by: By = None, as_json: AsJson = False) -> None:
    """Go on after `pause`."""
    from starter.commands import orders
    from starter.webhook import Verb

    orders.order(Verb.RESUME, target, by=by, as_json=as_json)


@app.command()
@_reported
def explain(target: Target, *, by: By = None, as_json: AsJson = False) -> None:
    """Bring the comment at the failure up to date."""
    from starter.commands import orders
    from starter.webhook import Verb

    orders.order(Verb.EXPLAIN, target, by=by, as_json=as_json)


# ── running it ──────────────────────────────────────────────────────────────────────────────────────────────


@app.command()
@_reported
def up(
    *,
    database: Annotated[
        Path, typer.Option("--database", help="The file that keeps Temporal's state.")
    ] = Path("~/.local/share/regreen/temporal.db"),
    temporal_port: Annotated[
        int, typer.Option("--temporal-port", min=1, max=65_535, help="Where Temporal listens.")
    ] = 7233,
    ui_port: Annotated[
        int, typer.Option("--ui-port", min=1, max=65_535, help="Where Temporal's Web UI listens.")
    ] = 8233,
) -> None:
    """Run everything on this machine, until stopped: Temporal, a worker and the webhook service."""
    from starter.commands.up import bring_up

    bring_up(database, temporal_port=temporal_port, ui_port=ui_port)


@app.command()
@_reported
def setup(
    *,
    retention: Annotated[
        str | None,
        typer.Option(
            "--retention", help="Keep ended remediations this long, as 30d; a new namespace's default."
        ),
    ] = None,
    current: Annotated[
        str | None,
        typer.Option("--current", metavar="BUILD_ID", help="Let this build start new remediations."),
    ] = None,
    deployment: Annotated[
        str | None,
        typer.Option("--deployment", envvar="REGREEN_DEPLOYMENT_NAME", help="Of which deployment."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make what Regreen needs at Temporal: namespace, retention, search attributes."""
    from starter.commands.setup import set_up_temporal

    raise typer.Exit(set_up_temporal(retention, current, deployment, as_json=as_json))


@app.command()
@_reported
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on, else REGREEN_HOST.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on, else REGREEN_PORT.")] = None,
) -> None:
    """Receive GitHub's webhooks, until stopped."""
    from starter.commands import services

    services.serve_webhooks(host, port)


@app.command()
@_reported
def worker(
    role: Annotated[WorkerRole | None, typer.Option(help="Which queues to serve, else REGREEN_ROLE.")] = None,
) -> None:
    """Carry remediations out, until stopped."""
    from starter.commands import services

    services.run_worker(role)


@app.command()
@_reported
def codec_server(
    host: Annotated[str | None, typer.Option(help="Address to listen on, else REGREEN_CODEC_HOST.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on, else REGREEN_CODEC_PORT.")] = None,
) -> None:
    """Let Temporal's Web UI and command read encrypted payloads, until stopped."""
    from starter.commands import services

    services.serve_codec(host, port)


@app.command()
def version(*, as_json: AsJson = False) -> None:
    """Print the version."""
    import importlib.metadata

    try:
        found: str | None = importlib.metadata.version("regreen")
    except importlib.metadata.PackageNotFoundError:
        found = None
    if as_json:
        typer.echo(json.dumps({"version": found}))
    else:
        typer.echo(found or "not installed (run from a checkout)")


if __name__ == "__main__":
    main()
