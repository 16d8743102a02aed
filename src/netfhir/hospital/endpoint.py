"""Where a hospital's server is and how it is spoken to; reads no file and no environment."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from netfhir.errors import DeclarationError


class ServerSettings(BaseModel):
    """One server of `netfhir.toml`, its secrets already taken from the environment."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    base_url: str
    ca_file: Path | None = None
    """PEM file of a private certificate authority; without one, the platform's."""
    proxy: str | None = None
    """Used only if named here: proxy variables of the environment are ignored."""
    auth: Literal["none", "bearer", "basic"] = "none"
    token: SecretStr | None = None
    user: str | None = None
    password: SecretStr | None = None
    connect_timeout_s: float = Field(default=5.0, gt=0)
    read_timeout_s: float = Field(default=60.0, gt=0)
    workers: int | None = Field(default=None, ge=1, le=64)
    """Without a figure, the profile's."""
    bundle_entries: int | None = Field(default=None, ge=1, le=500)
    """Without a figure, the profile's."""
    profile: str | None = None
    """A shipped profile's name or the path of a site's own; else the software's name chooses."""


def check(settings: ServerSettings) -> None:
    """Refuse settings that cannot work or would give a secret away: DeclarationError."""
    address = urlsplit(settings.base_url)
    where = f"server {settings.name}"
    if address.scheme not in {"http", "https"} or not address.hostname:
        raise DeclarationError(
            "base-url",
            where=where,
            found="a base_url that is no http or https address",
            expected="for example https://fhir.hospital.example/r4",
        )
    if address.username or address.query or address.fragment:
        raise DeclarationError(
            "base-url",
            where=where,
            found="a base_url with credentials, a query or a fragment",
            remedy="keep the address alone, and name auth, user and secret apart",
        )
    if settings.ca_file is not None and not settings.ca_file.is_file():
        raise DeclarationError(
            "ca-file",
            where=where,
            found=f"no file {settings.ca_file}",
            expected="the PEM file of the hospital's certificate authority",
        )
    _check_secrets(settings, where)
    if settings.auth != "none" and address.scheme != "https" and not _loopback(address.hostname):
        raise DeclarationError(
            "auth-without-tls",
            where=where,
            found=f"{settings.auth} authentication over plain http",
            expected="an https base_url, or a loopback address",
        )


def _check_secrets(settings: ServerSettings, where: str) -> None:
    by_kind: dict[str, dict[str, object]] = {
        "none": {},
        "bearer": {"token": settings.token},
        "basic": {"user": settings.user, "password": settings.password},
    }
    missing = [name for name, given in by_kind[settings.auth].items() if not given]
    if missing:
        raise DeclarationError(
            "secret-missing",
            where=where,
            found=f"{settings.auth} authentication without {' and '.join(missing)}",
            remedy="set it in the environment",
        )


def _loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
