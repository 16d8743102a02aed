"""A server by its name in `netfhir.toml`, or by its address: how to reach it, what it can do."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pydantic import ValidationError

from netfhir import mappers
from netfhir import settings as files
from netfhir.errors import DeclarationError
from netfhir.hospital import capabilities
from netfhir.hospital.client import Client
from netfhir.hospital.endpoint import ServerSettings
from netfhir.hospital.probe import probe
from netfhir.hospital.transport import Transport

if TYPE_CHECKING:
    from collections.abc import Iterator

    from netfhir.hospital.capabilities import Capabilities
    from netfhir.settings import Settings

__all__ = ["asked", "probe", "server", "written_types"]


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


@contextmanager
def asked(target: ServerSettings) -> Iterator[tuple[Client, Capabilities]]:
    """Ask a server what it can do; yield a client of it, and what it said."""
    transport = Transport(target)
    try:
        found = capabilities.fetch(Client(transport), target)
        yield Client(transport, batch=found.batch), found
    finally:
        transport.close()


def written_types() -> list[str]:
    """Return every type that is written, by name."""
    return sorted({kind for kinds in mappers.emitted().values() for kind in kinds})


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
