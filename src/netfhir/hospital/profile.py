"""What is known of a server beyond its CapabilityStatement: the files of `profiles/`."""

from __future__ import annotations

import tomllib
from enum import StrEnum
from functools import cache
from importlib import resources
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from netfhir.errors import DeclarationError


class Strategy(StrEnum):
    """How resources of one type are written."""

    PUT_ID = "put-id"
    CONDITIONAL_POST = "conditional-post"
    CONDITIONAL_PUT = "conditional-put"
    SEARCH_POST = "search-post"
    UNSUPPORTED = "unsupported"


class TypeProfile(BaseModel):
    """What is known of one resource type, in place of the statement's word."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    strategy: Strategy
    why: str
    identifier_search: bool = True
    updates: bool = True
    """Whether what is there can be changed."""


class Profile(BaseModel):
    """One file of `profiles/`, or a site's own; its name is the file's. None: as stated."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    source: str
    """Where this is known from."""
    matches: str = ""
    """Part of `software.name`, in any case; without it, only settings choose the profile."""
    transaction: bool | None = None
    batch: bool | None = None
    update_create: bool | None = None
    """Whether PUT by our id creates, for every type that the statement lists."""
    conditional_create: bool | None = None
    conditional_update: bool | None = None
    identifier_search: bool | None = None
    """Whether a search by identifier finds what is there."""
    if_none_match: bool = False
    """Whether `If-None-Match: *` keeps a first write from overwriting."""
    settle_s: float = Field(default=10.0, ge=0, le=600)
    """How long after a lost answer a search may still not see what was stored.

    No server publishes a figure: the default is a caution, longer than any delay on record.
    """
    bundle_entries: int = Field(default=50, ge=1, le=500)
    workers: int = Field(default=4, ge=1, le=64)
    keeps_precision: bool | None = None
    """Whether 7.40 is still 7.40 when read back; None: not known."""
    types: dict[str, TypeProfile] = Field(default_factory=dict)


#: A server that no profile describes: its statement alone decides.
UNKNOWN = Profile(name="statement", source="none: the statement is taken at its word")

_SUFFIX = ".toml"


@cache
def profiles() -> dict[str, Profile]:
    """Return the shipped profiles by name, read from the folder."""
    files = resources.files("netfhir.hospital") / "profiles"
    found = sorted(
        (file.name.removesuffix(_SUFFIX), file.read_text("utf-8"))
        for file in files.iterdir()
        if file.name.endswith(_SUFFIX)
    )
    return {name: _read(name, text, f"profiles/{name}{_SUFFIX}") for name, text in found}


def _read(name: str, text: str, where: str) -> Profile:
    try:
        return Profile(name=name, **tomllib.loads(text))
    except (tomllib.TOMLDecodeError, ValidationError, TypeError) as error:
        raise DeclarationError(
            "profile", where=where, found=str(error), expected="a server profile"
        ) from error


def _own(path: Path) -> Profile:
    """Return a site's own profile."""
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DeclarationError(
            "profile",
            where=str(path),
            found="no file that can be read",
            expected="a server profile",
            remedy="name a shipped profile, or the path of your own",
        ) from error
    return _read(path.stem, text, str(path))


def choose(software: str, forced: str | None = None) -> Profile:
    """Return the forced profile, else the one that matches the software's name, else UNKNOWN.

    `forced` is a shipped name, or the path of a site's own file, which ends in `.toml`.
    """
    known = profiles()
    if forced is not None:
        if forced.endswith(_SUFFIX):
            return _own(Path(forced))
        if forced not in known:
            raise DeclarationError(
                "profile",
                where=f"profile {forced}",
                found="no profile of this name",
                expected=" or ".join(known) + f", or the path of a {_SUFFIX} file",
            )
        return known[forced]
    matching = (p for p in known.values() if p.matches and p.matches.lower() in software.lower())
    return next(matching, UNKNOWN)
