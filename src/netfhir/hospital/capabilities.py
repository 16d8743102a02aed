"""What a server can do: a write strategy per resource type, from its statement and a profile."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Protocol

from netfhir.errors import CapabilityError, TemporaryError, UnreachableError
from netfhir.fhir.version import NUMBERS
from netfhir.hospital import choosing
from netfhir.hospital.choosing import TypeRule
from netfhir.hospital.profile import Profile, choose

if TYPE_CHECKING:
    from collections.abc import Iterable

    from netfhir.fhir.canonical import Json
    from netfhir.fhir.version import Version
    from netfhir.hospital.endpoint import ServerSettings

__all__ = ["Capabilities", "TypeRule", "fetch", "read"]


#: How the numbers of the FHIR versions begin to which each can be sent; R4B takes R4.
_SPOKEN: Final[dict[Version, tuple[str, ...]]] = {"r4": ("4.0.", "4.3."), "r5": ("5.0.",)}


class HasStatement(Protocol):
    """What `fetch` needs of a client."""

    @property
    def skew_s(self) -> float | None:
        """Return how far the server's clock was ahead of ours then."""

    def statement(self) -> Json:
        """Return the CapabilityStatement."""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What the statement and the profile together say."""

    software: str
    version: str
    fhir_version: str
    profile: Profile
    transaction: bool
    batch: bool
    workers: int
    bundle_entries: int
    listed: dict[str, Json]
    skew_s: float | None = None
    """How far the server's clock is ahead of ours; None where it does not tell the time."""

    @property
    def bundles(self) -> bool:
        """Return whether several writes can travel in one body."""
        return self.transaction or self.batch

    def as_record(self) -> dict[str, object]:
        """Return what a run notes of the server: its software may change between two."""
        return {
            "software": self.software,
            "version": self.version,
            "profile": self.profile.name,
            "skew_s": self.skew_s,
        }

    def rule(self, resource_type: str) -> TypeRule:
        """Return how resources of this type are written: the profile's word, else the statement's.

        Put-id comes first: the primary key, not a search, refuses a duplicate.
        """
        known = choosing.by_profile(self.profile, resource_type, bundles=self.bundles)
        if known is not None:
            return known
        stated = self.listed.get(resource_type)
        if stated is None:
            return choosing.unsupported(resource_type, "the statement does not list the type")
        return choosing.by_statement(self.profile, stated, bundles=self.bundles)

    def must_speak(self, fhir: Version) -> None:
        """Raise CapabilityError unless the server's FHIR version is the one that is written."""
        if self.fhir_version.startswith(_SPOKEN[fhir]):
            return
        others = [name for name, starts in _SPOKEN.items() if self.fhir_version.startswith(starts)]
        raise CapabilityError(
            "other-fhir-version",
            where="metadata:fhirVersion",
            found=f"FHIR {self.fhir_version or 'of no stated version'}",
            expected=f"FHIR {NUMBERS[fhir]}, which --fhir {fhir} writes",
            remedy=f"give --fhir {others[0]}" if others else "name an R4 or R5 endpoint of it",
        )

    def describe(self, resource_types: Iterable[str]) -> list[TypeRule]:
        """Return the rules of these types, in their order: rows of `netfhir server`."""
        return [self.rule(resource_type) for resource_type in resource_types]


def fetch(client: HasStatement, settings: ServerSettings) -> Capabilities:
    """Ask the server: the first request of a run.

    No answer is an UnreachableError (69), something else than a statement a CapabilityError (78).
    """
    try:
        statement = client.statement()
    except TemporaryError as error:
        if error.code != "no-answer":
            raise
        raise UnreachableError(
            "unreachable", where=error.where, found=error.found, remedy=error.remedy
        ) from error
    return replace(read(statement, settings), skew_s=client.skew_s)


def read(statement: Json, settings: ServerSettings) -> Capabilities:
    """Read a CapabilityStatement by the profile that the settings force or its software names."""
    servers = [rest for rest in statement.get("rest", []) if rest.get("mode") == "server"]
    if statement.get("resourceType") != "CapabilityStatement" or not servers:
        raise CapabilityError(
            "no-statement",
            where=f"server {settings.name}",
            found="no CapabilityStatement of a server at /metadata",
            remedy="is base_url the address of a FHIR server?",
        )
    software = statement.get("software", {})
    profile = choose(str(software.get("name", "")), settings.profile)
    codes = {i.get("code") for i in servers[0].get("interaction", [])}
    return Capabilities(
        software=str(software.get("name", "")),
        version=str(software.get("version", "")),
        fhir_version=str(statement.get("fhirVersion", "")),
        profile=profile,
        transaction=choosing.either(profile.transaction, stated="transaction" in codes),
        batch=choosing.either(profile.batch, stated="batch" in codes),
        workers=settings.workers or profile.workers,
        bundle_entries=settings.bundle_entries or profile.bundle_entries,
        listed={r["type"]: r for r in servers[0].get("resource", []) if "type" in r},
    )
