"""The parts of a running local GitHub, handed to every endpoint."""

from dataclasses import dataclass

from localhub.events import Events
from localhub.runner import Runner
from localhub.state import Hub
from localhub.triggers import Triggers
from localhub.webhooks import Webhooks


@dataclass(frozen=True)
class Services:
    """What endpoints work with."""

    hub: Hub
    events: Events
    webhooks: Webhooks
    runner: Runner
    triggers: Triggers
