"""What arguments of the `regreen` command may be chosen from. Imports nothing heavy."""

from enum import StrEnum


class WorkerRole(StrEnum):
    """Which queues a worker serves, and so which secrets it needs."""

    ALL = "all"
    PUBLISHER = "publisher"
    ANALYST = "analyst"


class CheckArea(StrEnum):
    """What `regreen check` can look at by itself."""

    TEMPORAL = "temporal"
    """The server, its search attributes, and who polls the queues."""
    GITHUB = "github"
    """Credentials, permissions, the webhook's deliveries of the last day, and workflows."""
    MACHINE = "machine"
    """What repairs can use here: sandbox, git, tools."""
    MODEL = "model"
    """Key, address and name of the model; nothing paid is asked."""
