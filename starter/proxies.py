"""Proxies in front of a service, whose word on who is calling is believed."""

import ipaddress
from collections.abc import Iterable
from typing import Final

from pydantic import IPvAnyNetwork, TypeAdapter
from starlette.requests import Request

_NETWORKS: Final = TypeAdapter(tuple[IPvAnyNetwork, ...])


def checked_networks(value: tuple[str, ...]) -> tuple[str, ...]:
    """The same addresses and networks (`10.0.0.7`, `10.1.0.0/16`).

    Raises:
        ValueError: One of them is neither.
    """
    _NETWORKS.validate_python(value)
    return value


class TrustedProxies:
    """Tells whom a trusted proxy let in.

    Args:
        networks: The proxies' addresses.
        user_header: Where they name the person.
    """

    def __init__(self, networks: Iterable[str], user_header: str) -> None:
        self._networks = _NETWORKS.validate_python(tuple(networks))
        self._user_header = user_header

    def user(self, request: Request) -> str | None:
        """The person whom the proxy names; None where the caller is no proxy, or names nobody or two."""
        named = request.headers.getlist(self._user_header)
        if request.client is None or len(named) != 1 or not named[0].strip():
            return None
        try:
            caller = ipaddress.ip_address(request.client.host)
        except ValueError:  # a socket that has no address
            return None
        return named[0].strip() if any(caller in network for network in self._networks) else None
