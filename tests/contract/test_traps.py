"""Traps of the mapping that everything a whole export gives has to keep clear of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import trial_exports

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trial_exports import MappedExport


@pytest.fixture(scope="module", params=["r4", "r5"])
def export(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> MappedExport:
    """Return the REDCap study, mapped."""
    return trial_exports.redcap(tmp_path_factory.mktemp("traps"), request.param)


def values(name: str, node: Any) -> Iterator[Any]:
    """Yield the value of every element of a name, however deep."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key == name:
                yield value
            yield from values(name, value)
    elif isinstance(node, list):
        for value in node:
            yield from values(name, value)


def is_r5(export: MappedExport) -> bool:
    """Whether R5 was asked for: R4 has no element progressStatus."""
    return any("progressStatus" in one for one in export.resources("ResearchStudy"))


def test_trap_14_what_was_not_given_has_medication_and_time(export: MappedExport) -> None:
    """`not-done` has the elements of a dose all the same, and no dose."""
    doses = export.resources("MedicationAdministration")
    missed = [one for one in doses if one["status"] == "not-done"]
    assert missed
    for one in missed:
        when = {"effectivePeriod", "effectiveDateTime", "occurencePeriod", "occurenceDateTime"}
        assert when & one.keys()
        assert {"medicationReference", "medication"} & one.keys()
        assert "dosage" not in one


def test_trap_10_both_editions_of_seriousness_in_r4(export: MappedExport) -> None:
    """The current code is in lower case; R4's page has another, which R5 does not."""
    codes = {
        tuple(coding["code"] for coding in one["seriousness"]["coding"])
        for one in export.resources("AdverseEvent")
    }
    both = {("non-serious", "Non-serious"), ("serious", "Serious")}
    assert codes == ({(one[0],) for one in both} if is_r5(export) else both)


def test_trap_20_identifiers_are_lists_only_where_the_version_says_so(
    export: MappedExport,
) -> None:
    """QuestionnaireResponse and AdverseEvent: one identifier in R4, a list in R5."""
    for name in ("QuestionnaireResponse", "AdverseEvent"):
        assert all(
            isinstance(one["identifier"], list if is_r5(export) else dict)
            for one in export.resources(name)
        )


def test_trap_21_only_a_person_of_an_overall_study_is_contained(export: MappedExport) -> None:
    """Never a patient, a place, an organisation or a group: they could not be found."""
    inside = [
        (body["resourceType"], one["resourceType"])
        for body in export.everything()
        for one in body.get("contained", ())
    ]
    assert set(inside) <= {("ResearchStudy", "Practitioner")}


def test_trap_24_no_profile_of_a_realm_is_claimed(export: MappedExport) -> None:
    """A claim is kept by a server's word alone; each realm's core would come with its profile."""
    assert [*values("profile", [body.get("meta") for body in export.everything()])] == []


def test_trap_25_a_visit_s_name_is_its_type_and_its_identifier_our_key(
    export: MappedExport,
) -> None:
    """Nothing approximates a visit number by an identifier, or a date by lastUpdated."""
    for one in export.resources("Encounter"):
        (identifier,) = one["identifier"]
        code = one["type"][0]["coding"][0]["code"]
        assert identifier["value"] != code
        assert identifier["value"].split("|")[3] == "visit"
    assert [*values("lastUpdated", export.everything())] == []


def test_trap_30_every_quantity_has_a_system_and_a_code(export: MappedExport) -> None:
    """Wherever a number has a unit, the unit is UCUM's, beside the text a person reads."""
    amounts = [
        one
        for name in ("valueQuantity", "dose", "rateQuantity", "quantity", "low", "high", "size")
        for one in values(name, export.everything())
        if isinstance(one, dict) and "value" in one
    ]
    assert len(amounts) > 1000
    assert {one.get("system") for one in amounts} == {"http://unitsofmeasure.org"}
    assert all(one.get("code") and one.get("unit") for one in amounts)
