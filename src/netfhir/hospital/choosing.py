"""How resources of one type are best written, by what a statement and a profile say of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from netfhir.hospital.profile import Strategy

if TYPE_CHECKING:
    from collections.abc import Callable

    from netfhir.fhir.canonical import Json
    from netfhir.hospital.profile import Profile


@dataclass(frozen=True, slots=True)
class TypeRule:
    """How resources of one type are written here, and why."""

    resource_type: str
    strategy: Strategy
    why: str
    identifier_search: bool = False
    """Whether resources of the type can be looked for by identifier."""
    updates: bool = True
    """Whether what is there can be changed."""
    by_patient: str = ""
    """The search parameter by which rows are looked for among their patient's, for want of better.

    `patient`, or `subject` of a Patient; empty where rows are looked for by identifier.
    """
    create_only: bool = False
    """Whether `If-None-Match: *` keeps a first write from overwriting."""
    settle_s: float = 0.0
    """How long a search may not see what was just stored."""


@dataclass(frozen=True, slots=True)
class Abilities:
    """What can be done with resources of one type."""

    create: bool
    update: bool
    update_create: bool
    conditional_create: bool
    conditional_update: bool
    by_identifier: bool
    by_patient: str
    bundles: bool
    """Whether a condition travels in a body: alone, it would put an identifier into a URL."""


@dataclass(frozen=True, slots=True)
class _Choice:
    strategy: Strategy
    fits: Callable[[Abilities], bool]
    why: str


#: In order of preference. A primary key refuses a duplicate more surely than a search does, and a
#: conditional create never overwrites what it finds, as a conditional update does.
_CHOICES = (
    _Choice(Strategy.PUT_ID, lambda a: a.update and a.update_create, "updateCreate"),
    _Choice(
        Strategy.CONDITIONAL_POST,
        lambda a: a.create and a.conditional_create and a.by_identifier and a.bundles,
        "conditionalCreate, no updateCreate",
    ),
    _Choice(
        Strategy.CONDITIONAL_PUT,
        lambda a: a.update and a.conditional_update and a.by_identifier and a.bundles,
        "conditionalUpdate, neither updateCreate nor conditionalCreate",
    ),
    _Choice(
        Strategy.SEARCH_POST,
        lambda a: a.create and a.by_identifier,
        "create alone, looked for by identifier",
    ),
    _Choice(
        Strategy.SEARCH_POST,
        lambda a: a.create and bool(a.by_patient),
        "create alone, looked for among the patient's resources",
    ),
)

_CONDITIONAL = frozenset({Strategy.CONDITIONAL_POST, Strategy.CONDITIONAL_PUT})


def by_profile(profile: Profile, resource_type: str, *, bundles: bool) -> TypeRule | None:
    """Return the rule that the profile itself gives for the type, None without one."""
    known = profile.types.get(resource_type)
    if known is None:
        return None
    if known.strategy in _CONDITIONAL and not bundles:
        return unsupported(resource_type, f"profile {profile.name}: {known.strategy} needs bundles")
    return TypeRule(
        resource_type,
        known.strategy,
        f"profile {profile.name}: {known.why}",
        known.identifier_search,
        known.updates,
        create_only=profile.if_none_match,
        settle_s=profile.settle_s,
    )


def by_statement(profile: Profile, stated: Json, *, bundles: bool) -> TypeRule:
    """Return the first choice that what is stated, and what the profile corrects, allow."""
    resource_type = str(stated["type"])
    able = _abilities(profile, stated, bundles=bundles)
    for choice in _CHOICES:
        if choice.fits(able):
            return TypeRule(
                resource_type,
                choice.strategy,
                _said(profile, choice),
                able.by_identifier,
                able.update,
                by_patient="" if able.by_identifier else able.by_patient,
                create_only=profile.if_none_match,
                settle_s=profile.settle_s,
            )
    return unsupported(resource_type, _why_not(able))


def unsupported(resource_type: str, why: str) -> TypeRule:
    """Return the rule of a type that cannot be written."""
    return TypeRule(resource_type, Strategy.UNSUPPORTED, why)


def either(known: bool | None, *, stated: bool) -> bool:  # noqa: FBT001 - a fact, not a switch
    """Return what the profile knows, else what is stated."""
    return stated if known is None else known


def _abilities(profile: Profile, stated: Json, *, bundles: bool) -> Abilities:
    found = {i.get("code") for i in stated.get("interaction", [])}
    searched = {p.get("name") for p in stated.get("searchParam", [])}
    return Abilities(
        create="create" in found,
        update="update" in found,
        update_create=either(profile.update_create, stated=stated.get("updateCreate") is True),
        conditional_create=either(
            profile.conditional_create, stated=stated.get("conditionalCreate") is True
        ),
        conditional_update=either(
            profile.conditional_update, stated=stated.get("conditionalUpdate") is True
        ),
        by_identifier=either(profile.identifier_search, stated="identifier" in searched),
        by_patient=next((name for name in ("patient", "subject") if name in searched), ""),
        bundles=bundles,
    )


def _said(profile: Profile, choice: _Choice) -> str:
    if choice.strategy is Strategy.PUT_ID and profile.update_create:
        return f"profile {profile.name}: PUT creates"
    return f"statement: {choice.why}"


def _why_not(able: Abilities) -> str:
    if not (able.create or able.update):
        return "the statement lists neither create nor update of the type"
    if able.create:
        return "create, but no search by identifier or patient: a lost answer could not be found"
    if not able.conditional_update:
        return "update alone: neither updateCreate nor conditionalUpdate, and no create"
    if not able.by_identifier:
        return "conditionalUpdate, but no search by identifier"
    return "conditionalUpdate alone would put identifiers into URLs: it needs bundles"
