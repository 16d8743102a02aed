"""What is known of a server beyond its CapabilityStatement: the files of `profiles/`."""

from __future__ import annotations

import tomllib
from enum import StrEnum
from functools import cache
from importlib import resources

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from netfhir.errors import DeclarationError


class Strategy(StrEnum):
    """How resources of one type are written."""

    PUT_ID = "put-id"
    CONDITIONAL_PUT = "conditional-put"
    UNSUPPORTED = "unsupported"


class TypeProfile(BaseModel):
    """What is known of one resource type, in place of the statement's word."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    strategy: Strategy
    why: str
    identifier_search: bool = True


class Profile(BaseModel):
    """One file of `profiles/`; its name is the file's."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    matches: str = ""
    """Part of `software.name`, in any case."""
    transaction: bool | None = None
    """None: as the statement says."""
    batch: bool | None = None
    update_create: bool | None = None
    """Whether PUT by our id creates, for every type that the statement lists."""
    bundle_entries: int = Field(default=50, ge=1, le=500)
    workers: int = Field(default=4, ge=1, le=64)
    keeps_precision: bool | None = None
    """Whether 7.40 is still 7.40 when read back; None: not known."""
    types: dict[str, TypeProfile] = Field(default_factory=dict)


#: A server that no profile describes: its statement alone decides.
UNKNOWN = Profile(name="statement")


@cache
def profiles() -> dict[str, Profile]:
    """Return the shipped profiles by name, read from the folder."""
    files = resources.files("netfhir.hospital") / "profiles"
    found = sorted(
        (file.name.removesuffix(".toml"), file.read_text("utf-8"))
        for file in files.iterdir()
        if file.name.endswith(".toml")
    )
    return {name: _read(name, text) for name, text in found}


def _read(name: str, text: str) -> Profile:
    try:
        return Profile(name=name, **tomllib.loads(text))
    except (tomllib.TOMLDecodeError, ValidationError, TypeError) as error:
        raise DeclarationError(
            "profile", where=f"profiles/{name}.toml", found=str(error), expected="a server profile"
        ) from error


def choose(software: str, forced: str | None = None) -> Profile:
    """Return the forced profile, else the one that matches the software's name, else UNKNOWN."""
    known = profiles()
    if forced is not None:
        if forced not in known:
            raise DeclarationError(
                "profile",
                where=f"profile {forced}",
                found="no profile of this name",
                expected=" or ".join(known),
            )
        return known[forced]
    matching = (p for p in known.values() if p.matches and p.matches.lower() in software.lower())
    return next(matching, UNKNOWN)
