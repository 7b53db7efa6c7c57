"""One way to reach Temporal, shared by the worker, the starter and the tests."""

from collections.abc import Iterable
from typing import Any, Final, cast

from pydantic import SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest, ListSearchAttributesRequest
from temporalio.client import Client
from temporalio.common import SearchAttributeKey
from temporalio.envconfig import ClientConfigProfile
from temporalio.service import RPCError, RPCStatusCode

from workflows import naming
from workflows.codec import KeyRing, data_converter
from workflows.configuration import ConfigurationError, load
from workflows.telemetry import tracing_plugins

DEFAULT_ADDRESS: Final = "localhost:7233"


class PayloadSettings(BaseSettings):
    """How payloads are kept in Temporal: the same for every process that talks to it."""

    model_config = SettingsConfigDict(
        env_prefix="REGREEN_", env_file=".env", extra="ignore", env_ignore_empty=True, frozen=True
    )

    payload_keys: SecretStr | None = None
    """`ID:BASE64` entries, the newest first. Without any, payloads are not encrypted."""

    @field_validator("payload_keys")
    @classmethod
    def _readable(cls, value: SecretStr | None) -> SecretStr | None:
        return value if value and key_ring(value) else None

    def ring(self) -> KeyRing | None:
        """The keys, where there are any."""
        return key_ring(self.payload_keys) if self.payload_keys else None


def key_ring(keys: SecretStr) -> KeyRing | None:
    """The ring of keys; None of an empty text, as a mounted file without any is one.

    Raises:
        ValueError: The text is no ring of keys.
    """
    text = keys.get_secret_value().strip()
    return KeyRing.parse(text) if text else None


class TemporalUnreachableError(Exception):
    """No Temporal server answers at the configured address. The text is for people and holds no secret."""


class SearchAttributesError(Exception):
    """The namespace lacks search attributes that Regreen relies on, and they could not be added."""


async def connect(**overrides: Any) -> Client:
    """A Temporal client as the SDK's environment configuration describes it.

    Address, namespace, API key and TLS come from `TEMPORAL_ADDRESS`, `TEMPORAL_NAMESPACE`,
    `TEMPORAL_API_KEY`, `TEMPORAL_TLS_*` and the file named by `TEMPORAL_CONFIG_FILE`; the keys of payloads
    from `PayloadSettings`.

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
        **profile,
        **overrides,
    }
    if "data_converter" not in arguments:
        arguments["data_converter"] = data_converter(load(PayloadSettings).ring())
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
