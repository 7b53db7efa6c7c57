"""`regreen simulate`: a failure that is caused on purpose, and the remediation of it."""

from starter.exits import CommandError, ExitStatus


def simulate_here(scenario: str, *, keep: bool, as_json: bool, faults: str = "") -> int:
    """Play a scenario against a GitHub on this machine, and all that belongs to it; its exit status."""
    try:
        from localhub.demo import run  # noqa: PLC0415 — only this needs what it imports
    except ModuleNotFoundError as error:
        raise CommandError(
            f"a simulation here needs {error.name}: install regreen with its extra `demo`", ExitStatus.FAILED
        ) from error
    return run(scenario, keep=keep, json=as_json, faults=faults)
