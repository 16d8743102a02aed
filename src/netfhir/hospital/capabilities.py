"""What a server can do: a write strategy per resource type, from its statement and a profile."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from netfhir.errors import CapabilityError, TemporaryError, UnreachableError
from netfhir.hospital.profile import Profile, Strategy, choose

if TYPE_CHECKING:
    from collections.abc import Iterable

    from netfhir.fhir.canonical import Json
    from netfhir.hospital.endpoint import ServerSettings


class HasStatement(Protocol):
    """What `fetch` needs of a client."""

    def statement(self) -> Json:
        """Return the CapabilityStatement."""


@dataclass(frozen=True, slots=True)
class TypeRule:
    """How resources of one type are written here, and why."""

    resource_type: str
    strategy: Strategy
    why: str
    identifier_search: bool = False
    """Whether duplicates of the type can be looked for by identifier."""


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

    def rule(self, resource_type: str) -> TypeRule:
        """Return how resources of this type are written: the profile's word, else the statement's.

        Put-id comes first: the primary key, not a search, refuses a duplicate.
        """
        known = self.profile.types.get(resource_type)
        if known is not None:
            why = f"profile {self.profile.name}: {known.why}"
            return TypeRule(resource_type, known.strategy, why, known.identifier_search)
        stated = self.listed.get(resource_type)
        if stated is None:
            return _unsupported(resource_type, "the statement does not list the type")
        return self._stated(resource_type, stated)

    def describe(self, resource_types: Iterable[str]) -> list[TypeRule]:
        """Return the rules of these types, in their order: rows of `netfhir server`."""
        return [self.rule(resource_type) for resource_type in resource_types]

    def _stated(self, resource_type: str, stated: Json) -> TypeRule:
        searchable = any(p.get("name") == "identifier" for p in stated.get("searchParam", []))
        interactions = {i.get("code") for i in stated.get("interaction", [])}
        if "update" not in interactions:
            return _unsupported(resource_type, "the statement lists no update of the type")
        if _either(self.profile.update_create, stated=stated.get("updateCreate") is True):
            said = self.profile.update_create is not None
            why = f"profile {self.profile.name}: PUT creates" if said else "statement: updateCreate"
            return TypeRule(resource_type, Strategy.PUT_ID, why, searchable)
        if stated.get("conditionalUpdate") is not True or not searchable:
            return _unsupported(resource_type, "neither updateCreate nor conditionalUpdate")
        if not (self.transaction or self.batch):
            why = "conditionalUpdate alone would put identifiers into URLs: it needs bundles"
            return _unsupported(resource_type, why)
        why = "statement: conditionalUpdate, no updateCreate"
        return TypeRule(resource_type, Strategy.CONDITIONAL_PUT, why, searchable)


def _unsupported(resource_type: str, why: str) -> TypeRule:
    return TypeRule(resource_type, Strategy.UNSUPPORTED, why)


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
    return read(statement, settings)


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
        transaction=_either(profile.transaction, stated="transaction" in codes),
        batch=_either(profile.batch, stated="batch" in codes),
        workers=settings.workers or profile.workers,
        bundle_entries=settings.bundle_entries or profile.bundle_entries,
        listed={r["type"]: r for r in servers[0].get("resource", []) if "type" in r},
    )


def _either(known: bool | None, *, stated: bool) -> bool:  # noqa: FBT001 - a fact, not a switch
    return stated if known is None else known
