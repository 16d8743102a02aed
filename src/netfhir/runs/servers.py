"""A server by its name in `netfhir.toml`, or by its address."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pydantic import ValidationError

from netfhir import settings as files
from netfhir.errors import DeclarationError
from netfhir.hospital.endpoint import ServerSettings

if TYPE_CHECKING:
    from netfhir.settings import Settings


_KEYS = set(ServerSettings.model_fields) - {"name", "token", "user", "password"}


def server(given: str, settings: Settings) -> ServerSettings:
    """Return how to reach a server; its secrets come from the environment."""
    if given in settings.servers:
        return _declared(given, settings)
    address = urlsplit(given)
    if address.scheme in {"http", "https"} and address.hostname:
        port = f"-{address.port}" if address.port else ""
        return ServerSettings(name=f"{address.hostname}{port}", base_url=given)
    raise DeclarationError(
        "unknown-server",
        where=files.FILE,
        found=f"no [servers.{given}]",
        expected="one of " + (", ".join(settings.servers) or "(none is declared)") + ", or a URL",
        remedy="declare the server with its base_url, or give the address itself",
    )


def _declared(name: str, settings: Settings) -> ServerSettings:
    table = {"name": name, **settings.servers[name], **files.secrets(name)}
    try:
        return ServerSettings.model_validate(table)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        key = ".".join(str(part) for part in first["loc"])
        raise DeclarationError(
            "bad-settings",
            where=f"{files.FILE}:servers.{name}.{key}",
            found="a key that is not known" if first["type"] == "extra_forbidden" else first["msg"],
            expected="the keys " + ", ".join(sorted(_KEYS)),
            remedy="mend or remove the key; secrets stand in the environment",
        ) from error
