"""`netfhir.toml` and the environment, read here and nowhere else.

The file names servers and folders; secrets come from the environment only. A missing secret names
its variable.
"""

from __future__ import annotations

import os
import tomllib
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from netfhir.errors import DeclarationError

if TYPE_CHECKING:
    from collections.abc import Mapping

FILE = "netfhir.toml"
SITE_KEY = "NETFHIR_SITE_KEY"
SHORTEST_KEY = 16
DEMO_SITE_KEY = b"netfhir published demo key: names nobody real"
"""Published, for synthetic data alone: demo, sandbox and tests."""


class Settings(BaseModel):
    """The file's tables; `servers` are handed to the hospital's side as they stand."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    state: Path | None = None
    servers: dict[str, dict[str, Any]] = Field(default_factory=dict)


def load(path: Path | None) -> Settings:
    """Read the named file, or `netfhir.toml` in the working folder if it is there."""
    chosen = path or Path(FILE)
    if path is None and not chosen.is_file():
        return Settings()
    try:
        return Settings.model_validate(tomllib.loads(chosen.read_text(encoding="utf-8")))
    except OSError as error:
        raise DeclarationError(
            "missing-settings",
            where=chosen.name,
            found=error.strerror or "the file cannot be read",
            expected="a TOML file",
            remedy="name the settings file with --settings",
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DeclarationError(
            "not-toml", where=chosen.name, found=str(error), remedy="mend the file's syntax"
        ) from error
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        key = ".".join(str(part) for part in first["loc"])
        raise DeclarationError(
            "bad-settings",
            where=f"{chosen.name}:{key}",
            found="a key that is not known" if first["type"] == "extra_forbidden" else first["msg"],
            expected="the keys state and [servers.<name>]",
            remedy="mend or remove the key; a misspelt key is refused, never ignored",
        ) from error


def site_key(environment: Mapping[str, str] = os.environ) -> bytes:
    """Return the site's secret key, from which resource ids are derived."""
    key = environment.get(SITE_KEY, "").encode()
    if len(key) >= SHORTEST_KEY:
        return key
    raise DeclarationError(
        "missing-site-key",
        where=SITE_KEY,
        found="a key that is too short" if key else "no such environment variable",
        expected=f"at least {SHORTEST_KEY} secret characters, the same in every run",
        remedy="keep it with the site's secrets: another key gives every resource another id",
    )


def secrets(server: str, environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the secrets of a server that the environment holds: token, user, password."""
    stem = "NETFHIR_" + "".join(char if char.isalnum() else "_" for char in server).upper()
    names = {part: f"{stem}_{part.upper()}" for part in ("token", "user", "password")}
    return {part: environment[name] for part, name in names.items() if name in environment}


def shipped_mappings() -> Path:
    """Return the folder of shipped mappings: in the wheel, or the checkout of an editable one."""
    packaged = Path(str(resources.files("netfhir"))) / "mappings"
    checkout = Path(__file__).resolve().parents[2] / "mappings"
    return packaged if packaged.is_dir() else checkout
