"""Payloads of the sweep: the look for failures whose webhook never came."""

from datetime import datetime

from workflows.models import FailedRun, Limits, Name, Payload, Repository, TriagePolicy


class SweepRequest(Payload):
    """Argument of `CiSweep`, kept in its schedule."""

    not_before: datetime
    """Failures before it are nobody's business: Regreen was not there yet."""
    repositories: tuple[Repository, ...] = ()
    """Looked at beside all that the publisher's App is installed on."""
    limits: Limits = Limits()
    policy: TriagePolicy = TriagePolicy()


class FailedRunsRequest(Payload):
    """Argument of `find_failed_runs`."""

    repositories: tuple[Repository, ...] = ()
    since: datetime
    """Only runs that ended at this time or later."""


class EndedRun(FailedRun):
    """A failed run, and when it ended."""

    ended_at: datetime


class FailedRuns(Payload):
    """What failed in the repositories that were looked at."""

    repositories: int
    """How many were looked at."""
    runs: tuple[EndedRun, ...] = ()
    """The longest ended first."""
    unreadable: tuple[Name, ...] = ()
    """Repositories that the credential may not look at, or that are gone; at most twenty are named."""


class SweepResult(Payload):
    """Result of `CiSweep`."""

    repositories: int
    failures: int
    """Failed runs found, most of them long known."""
    started: tuple[Name, ...] = ()
    """Workflow ids of the remediations of those that no webhook had told of."""
    unreadable: tuple[Name, ...] = ()
    swept_until: datetime
    """Where the next sweep goes on."""
