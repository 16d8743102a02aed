"""The first strategy that a server allows, for each type, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from netfhir.errors import DeclarationError
from netfhir.hospital.choosing import by_profile, by_statement
from netfhir.hospital.profile import UNKNOWN, Profile, Strategy, TypeProfile, choose, profiles

if TYPE_CHECKING:
    from pathlib import Path

IDENTIFIER = [{"name": "identifier"}]
PATIENT = [{"name": "patient"}]
CREATE = [{"code": "create"}]
UPDATE = [{"code": "update"}]


def _stated(**said: Any) -> dict[str, Any]:
    return {"type": "Observation", "interaction": [*CREATE, *UPDATE], **said}


def _profile(**known: Any) -> Profile:
    return Profile(name="p", source="a test", **known)


EVERYTHING = {
    "updateCreate": True,
    "conditionalCreate": True,
    "conditionalUpdate": True,
    "searchParam": IDENTIFIER,
}


@pytest.mark.parametrize(
    ("stated", "bundles", "strategy"),
    [
        (EVERYTHING, True, Strategy.PUT_ID),
        ({**EVERYTHING, "updateCreate": False}, True, Strategy.CONDITIONAL_POST),
        (
            {**EVERYTHING, "updateCreate": False, "conditionalCreate": False},
            True,
            Strategy.CONDITIONAL_PUT,
        ),
        (
            {**EVERYTHING, "updateCreate": False, "interaction": UPDATE},
            True,
            Strategy.CONDITIONAL_PUT,
        ),
        ({**EVERYTHING, "updateCreate": False}, False, Strategy.SEARCH_POST),
        ({"searchParam": IDENTIFIER}, True, Strategy.SEARCH_POST),
        ({"searchParam": PATIENT}, False, Strategy.SEARCH_POST),
        ({"searchParam": IDENTIFIER, "interaction": CREATE}, False, Strategy.SEARCH_POST),
        ({}, True, Strategy.UNSUPPORTED),
        ({**EVERYTHING, "interaction": []}, True, Strategy.UNSUPPORTED),
        ({"interaction": UPDATE, "searchParam": IDENTIFIER}, True, Strategy.UNSUPPORTED),
    ],
)
def test_the_first_that_fits_is_chosen(
    stated: dict[str, Any], *, bundles: bool, strategy: Strategy
) -> None:
    """From the primary key down to nothing at all; each with a reason."""
    rule = by_statement(UNKNOWN, _stated(**stated), bundles=bundles)
    assert rule.strategy is strategy
    assert rule.why


def test_a_search_by_identifier_is_better_than_one_by_patient() -> None:
    """By patient only for want of the other."""
    both = _stated(searchParam=[*IDENTIFIER, *PATIENT])
    assert by_statement(UNKNOWN, both, bundles=False).by_patient == ""
    for name in ("patient", "subject"):
        stated = _stated(searchParam=[{"name": name}])
        assert by_statement(UNKNOWN, stated, bundles=False).by_patient == name


def test_no_update_is_known() -> None:
    """A type that is created only can be made, and not changed."""
    made = by_statement(UNKNOWN, _stated(searchParam=IDENTIFIER, interaction=CREATE), bundles=False)
    assert made.updates is False
    assert by_statement(UNKNOWN, _stated(searchParam=IDENTIFIER), bundles=False).updates is True


@pytest.mark.parametrize(
    ("known", "strategy"),
    [
        ({"update_create": False}, Strategy.CONDITIONAL_POST),
        ({"update_create": False, "conditional_create": False}, Strategy.CONDITIONAL_PUT),
        (
            {"update_create": False, "conditional_create": False, "conditional_update": False},
            Strategy.SEARCH_POST,
        ),
        ({"update_create": False, "identifier_search": False}, Strategy.UNSUPPORTED),
    ],
)
def test_a_profile_overrules_the_statement(known: dict[str, Any], strategy: Strategy) -> None:
    """Whatever it was measured not to do is not relied on."""
    rule = by_statement(_profile(**known), _stated(**EVERYTHING), bundles=True)
    assert rule.strategy is strategy


def test_a_profile_hands_on_what_it_knows() -> None:
    """The delay of searches, and whether a first write may ask not to overwrite."""
    rule = by_statement(
        _profile(settle_s=3, if_none_match=True), _stated(**EVERYTHING), bundles=True
    )
    assert (rule.settle_s, rule.create_only) == (3, True)


def test_a_conditional_strategy_needs_bundles() -> None:
    """Also where a profile names it: alone, it would put an identifier into a URL."""
    types = {"Observation": TypeProfile(strategy=Strategy.CONDITIONAL_POST, why="measured")}
    profile = _profile(types=types)
    alone = by_profile(profile, "Observation", bundles=False)
    bundled = by_profile(profile, "Observation", bundles=True)
    assert alone is not None
    assert alone.strategy is Strategy.UNSUPPORTED
    assert bundled is not None
    assert bundled.strategy is Strategy.CONDITIONAL_POST


def test_every_profile_names_its_source() -> None:
    """What is said of a server is known from somewhere."""
    shipped = {"hapi", "sekmet", "medplum", "blaze", "microsoft", "google", "healthlake"}
    assert shipped | {"epic", "oracle"} == profiles().keys()
    assert all(len(found.source) > 10 for found in profiles().values())


@pytest.mark.parametrize(
    ("software", "name"),
    [
        ("HAPI FHIR Server", "hapi"),
        ("SEKMET FHIR R4 Tester", "sekmet"),
        ("medplum", "medplum"),
        ("Blaze", "blaze"),
        ("Epic", "epic"),
        ("", "statement"),
        ("Something else", "statement"),
    ],
)
def test_software_chooses_its_profile(software: str, name: str) -> None:
    """By a part of its name; a profile without one is chosen by the settings only."""
    assert choose(software).name == name


def test_a_site_may_write_its_own(tmp_path: Path) -> None:
    """A path that ends in .toml is read; what is wrong in it is told with the path."""
    own = tmp_path / "ours.toml"
    own.write_text('source = "measured here"\nsettle_s = 2\n')
    assert (choose("HAPI FHIR", str(own)).name, choose("x", str(own)).settle_s) == ("ours", 2)
    own.write_text("settle_s = 2\n")
    with pytest.raises(DeclarationError, match="source"):
        choose("x", str(own))
    with pytest.raises(DeclarationError, match=r"nothing\.toml"):
        choose("x", str(tmp_path / "nothing.toml"))
