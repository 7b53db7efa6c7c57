"""Loading settings from the environment, `.env` and mounted secrets, with errors an operator can act on."""

import re
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, Final, TypeVar

from pydantic import BeforeValidator, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsError

SECRETS_DIRECTORY: Final = Path("/run/secrets")
"""Where container platforms mount secrets; each file is named like the variable, in lower case."""

S = TypeVar("S", bound=BaseSettings)
T = TypeVar("T")

LOOPBACK: Final = "127.0.0.1"

_PORTS: Final = 65_536
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_SHORT_DURATION: Final = re.compile(r"(\d{1,9})\s*([smhd]?)", re.ASCII)


def _read_duration(value: Any) -> Any:
    match = _SHORT_DURATION.fullmatch(value.strip()) if isinstance(value, str) else None
    return timedelta(**{_UNITS[match[2] or "s"]: int(match[1])}) if match else value


Duration = Annotated[timedelta, BeforeValidator(_read_duration)]
"""`90s`, `45m`, `2h`, `7d`, plain seconds, or ISO 8601 (`PT2H`)."""


def _read_address(value: Any) -> Any:
    text = str(value).strip()
    host, _, port = text.rpartition(":")
    try:
        ip_address(host.strip("[]") or LOOPBACK)
        usable = 0 < int(port) < _PORTS
    except ValueError:
        usable = False
    if not usable:
        raise ValueError("it is written as an IP address and a port, 127.0.0.1:9464, or a port alone")
    return text if host else f"{LOOPBACK}:{port}"


ListenAddress = Annotated[str, BeforeValidator(_read_address)]
"""`127.0.0.1:9464`, `[::1]:9464`, or a port alone, which means the loopback address."""


def _split(value: Any) -> Any:
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


CommaList = Annotated[tuple[T, ...], NoDecode, BeforeValidator(_split)]
"""`a, b, c`."""


class ConfigurationError(Exception):
    """A setting is missing or unusable. The text is one line, names the variable and holds no value."""


def load(settings: type[S], *, secrets_directory: Path = SECRETS_DIRECTORY, **overrides: Any) -> S:
    """Read `settings` from the environment, then `.env`, then mounted secrets.

    Args:
        settings: The settings class to fill.
        secrets_directory: A folder with one file per secret; ignored where it does not exist.
        **overrides: Fields that win over every source (command-line options); None means not given.

    Raises:
        ConfigurationError: A setting is missing or has an unusable value.
    """
    given = {name: value for name, value in overrides.items() if value is not None}
    secrets = secrets_directory if secrets_directory.is_dir() else None
    try:
        return settings(_secrets_dir=secrets, **given)
    except ValidationError as error:
        # `from None`: the original's text shows values, and a secret may be among them
        raise ConfigurationError(_explain(settings, error)) from None
    except SettingsError as error:
        raise ConfigurationError(f"the settings cannot be read: {error}") from None


def variable(settings: type[BaseSettings], field: str) -> str:
    """The environment variable that sets `field`."""
    info = settings.model_fields.get(field)
    if info is None:
        return field.upper()
    if isinstance(info.validation_alias, str):
        return info.validation_alias
    return f"{settings.model_config.get('env_prefix', '')}{field}".upper()


def _explain(settings: type[BaseSettings], error: ValidationError) -> str:
    problems: dict[str, None] = {}
    for found in error.errors(include_url=False, include_context=False, include_input=False):
        name = str(found["loc"][0]) if found["loc"] else ""
        message = found["msg"].removeprefix("Value error, ")
        if not name:
            problems[message] = None
        elif found["type"] == "missing":
            field = settings.model_fields.get(name)
            purpose = f" ({field.description})" if field and field.description else ""
            problems[
                f"{variable(settings, name)} is not set{purpose}: put it in the environment or in .env"
            ] = None
        else:
            problems[f"{variable(settings, name)} is unusable: {message}"] = None
    return "; ".join(problems)
