"""One way to reach Temporal, shared by the worker, the starter and the tests."""

from collections.abc import Iterable
from typing import Any, Final, cast

from pydantic import Field, SecretStr, field_validator
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
NOT_PERMITTED: Final = frozenset(
    {RPCStatusCode.PERMISSION_DENIED, RPCStatusCode.UNAUTHENTICATED, RPCStatusCode.UNIMPLEMENTED}
)
"""A server's words for what this credential may not do, or what is done elsewhere, as on Temporal Cloud."""
_CLOUD: Final = (".tmprl.cloud", ".api.temporal.io")


class PayloadSettings(BaseSettings):
    """How payloads are kept in Temporal: the same for every process that talks to it."""

    model_config = SettingsConfigDict(
        env_prefix="REGREEN_", env_file=".env", extra="ignore", env_ignore_empty=True, frozen=True
    )

    payload_keys: SecretStr | None = Field(
        default=None,
        description="[keys that encrypt](encryption.md) what is kept in Temporal, `ID:BASE64` each, "
        "the newest first",
    )

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


def on_cloud(address: str) -> bool:
    """Whether an address ("host:port") is one of Temporal Cloud's, whose namespaces `tcld` manages."""
    return address.rsplit(":", 1)[0].endswith(_CLOUD)


async def register_search_attributes(client: Client) -> tuple[str, ...]:
    """Add the search attributes that the namespace lacks. Repeating it changes nothing.

    Returns:
        The names of those added.

    Raises:
        SearchAttributesError: They are missing and may not be added, or one has another type.
        RPCError: The server did not answer.
    """
    missing = await _missing_search_attributes(client)
    if not missing:
        return ()
    request = AddSearchAttributesRequest(
        namespace=client.namespace, search_attributes={key.name: _indexed_type(key) for key in missing}
    )
    try:
        await client.operator_service.add_search_attributes(request)
    except RPCError as error:
        if error.status is RPCStatusCode.ALREADY_EXISTS:  # another process was faster
            if await _missing_search_attributes(client):
                raise
            return ()
        if error.status in NOT_PERMITTED:
            address = client.service_client.config.target_host
            raise SearchAttributesError(
                "this credential may not manage search attributes; let an administrator run: "
                + search_attributes_command(address, client.namespace, missing)
            ) from error
        raise
    return tuple(key.name for key in missing)


async def _missing_search_attributes(client: Client) -> list[SearchAttributeKey[Any]]:
    keys = cast("tuple[SearchAttributeKey[Any], ...]", naming.SEARCH_ATTRIBUTES)
    try:
        answer = await client.operator_service.list_search_attributes(
            ListSearchAttributesRequest(namespace=client.namespace)
        )
    except RPCError as error:
        if error.status not in NOT_PERMITTED:
            raise
        return [key for key in keys if not await _is_searchable(client, key)]
    known = dict(answer.custom_attributes)
    for key in keys:
        if key.name in known and known[key.name] != _indexed_type(key):
            raise SearchAttributesError(
                f"search attribute {key.name} exists with another type; Regreen needs {_word(key)}"
            )
    return [key for key in keys if key.name not in known]


async def _is_searchable(client: Client, key: SearchAttributeKey[Any]) -> bool:
    """Whether visibility knows an attribute: what a credential may ask that may not list them."""
    try:
        await client.count_workflows(f"{key.name} IS NULL")
    except RPCError as error:
        if error.status is RPCStatusCode.INVALID_ARGUMENT:
            return False
        raise
    return True


def search_attributes_command(address: str, namespace: str, keys: Iterable[SearchAttributeKey[Any]]) -> str:
    """The command by which an administrator adds search attributes at that address."""
    if on_cloud(address):
        pairs = " ".join(f"--search-attribute {key.name}={_word(key)}" for key in keys)
        return f"tcld namespace search-attributes add --namespace {namespace} {pairs}"
    flags = " ".join(f"--name {key.name} --type {_word(key)}" for key in keys)
    return f"temporal operator search-attribute create --namespace {namespace} {flags}"


def _indexed_type(key: SearchAttributeKey[Any]) -> IndexedValueType.ValueType:
    return cast("IndexedValueType.ValueType", int(key.indexed_value_type))


def _word(key: SearchAttributeKey[Any]) -> str:
    return key.indexed_value_type.name.title()
