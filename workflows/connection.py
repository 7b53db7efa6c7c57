"""One way to reach Temporal, shared by the worker, the starter and the tests."""

from collections.abc import Iterable
from typing import Any, Final, cast

from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest, ListSearchAttributesRequest
from temporalio.client import Client
from temporalio.common import SearchAttributeKey
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.envconfig import ClientConfigProfile
from temporalio.service import RPCError, RPCStatusCode

from workflows import naming
from workflows.configuration import ConfigurationError
from workflows.telemetry import tracing_plugins

DEFAULT_ADDRESS: Final = "localhost:7233"


class TemporalUnreachableError(Exception):
    """No Temporal server answers at the configured address. The text is for people and holds no secret."""


class SearchAttributesError(Exception):
    """The namespace lacks search attributes that Regreen relies on, and they could not be added."""


async def connect(**overrides: Any) -> Client:
    """A Temporal client as the SDK's environment configuration describes it.

    Address, namespace, API key and TLS come from `TEMPORAL_ADDRESS`, `TEMPORAL_NAMESPACE`,
    `TEMPORAL_API_KEY`, `TEMPORAL_TLS_*` and the file named by `TEMPORAL_CONFIG_FILE`.

    Args:
        **overrides: Arguments of `Client.connect` that win over the environment. `plugins` are added to
            the tracing plugin rather than replacing it. With `lazy=True` nothing is contacted yet.

    Raises:
        ConfigurationError: The environment or the configuration file is unusable.
        TemporalUnreachableError: No server answers.
    """
    try:
        profile = ClientConfigProfile.load().to_client_connect_config()
    except (RuntimeError, OSError) as error:
        raise ConfigurationError(f"the Temporal client configuration cannot be read: {error}") from error
    plugins = [*tracing_plugins(), *overrides.pop("plugins", ())]
    arguments: dict[str, Any] = {
        "target_host": DEFAULT_ADDRESS,
        "data_converter": pydantic_data_converter,
        **profile,
        **overrides,
    }
    address = arguments.pop("target_host")
    try:
        return await Client.connect(address, plugins=plugins, **arguments)
    except (RuntimeError, ValueError, RPCError) as error:
        raise TemporalUnreachableError(
            f"Temporal does not answer at {address}; start it, or set TEMPORAL_ADDRESS"
        ) from error


async def register_search_attributes(client: Client) -> None:
    """Add the search attributes that the namespace lacks. Repeating it changes nothing.

    Raises:
        SearchAttributesError: They are missing and may not be added, or one has another type.
        RPCError: The server did not answer.
    """
    missing = await _missing_search_attributes(client)
    if not missing:
        return
    request = AddSearchAttributesRequest(
        namespace=client.namespace, search_attributes={key.name: _indexed_type(key) for key in missing}
    )
    try:
        await client.operator_service.add_search_attributes(request)
    except RPCError as error:
        if error.status is RPCStatusCode.ALREADY_EXISTS:  # another process was faster
            if await _missing_search_attributes(client):
                raise
            return
        raise _refusal(error, missing) from error


async def _missing_search_attributes(client: Client) -> list[SearchAttributeKey[Any]]:
    keys = cast("tuple[SearchAttributeKey[Any], ...]", naming.SEARCH_ATTRIBUTES)
    try:
        answer = await client.operator_service.list_search_attributes(
            ListSearchAttributesRequest(namespace=client.namespace)
        )
    except RPCError as error:
        raise _refusal(error, keys) from error
    known = dict(answer.custom_attributes)
    for key in keys:
        if key.name in known and known[key.name] != _indexed_type(key):
            raise SearchAttributesError(
                f"search attribute {key.name} exists with another type; Regreen needs {_word(key)}"
            )
    return [key for key in keys if key.name not in known]


def _refusal(error: RPCError, keys: Iterable[SearchAttributeKey[Any]]) -> Exception:
    if error.status not in {
        RPCStatusCode.PERMISSION_DENIED,
        RPCStatusCode.UNAUTHENTICATED,
        RPCStatusCode.UNIMPLEMENTED,
    }:
        return error
    flags = " ".join(f"--name {key.name} --type {_word(key)}" for key in keys)
    return SearchAttributesError(
        "this credential may not manage search attributes; let an administrator run: "
        f"temporal operator search-attribute create {flags}"
    )


def _indexed_type(key: SearchAttributeKey[Any]) -> IndexedValueType.ValueType:
    return cast("IndexedValueType.ValueType", int(key.indexed_value_type))


def _word(key: SearchAttributeKey[Any]) -> str:
    return key.indexed_value_type.name.title()
