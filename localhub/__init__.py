"""A GitHub that runs on your machine: REST, git, real workflow runs, signed webhooks."""

from localhub.server import AppCredentials, LocalHub

__all__ = ["AppCredentials", "LocalHub"]
