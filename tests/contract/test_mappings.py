"""Every folder of mappings/, and every export that we have of its trial."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

from netfhir.fhir.canonical import to_bytes
from netfhir.fhir.identity import slug
from netfhir.runs import checking, opening
from netfhir.runs.studying import arm_names, prose
from netfhir.settings import shipped_mappings
from netfhir.sync import references
from netfhir.trial.export import MeasurementSource, SubjectSource
from netfhir.trial.places import Attribute, Declared
from trial_exports import REDCAP, pharmaverse_folder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from netfhir.trial.declaration import Trial
    from trial_exports import MappedExport

TRIALS = opening.trial_names([shipped_mappings()])
#: Rows of the domains of the pilot's 306 subjects, as the issue states them.
WHOLE_PILOT = {"subject": 306, "dose": 591, "measurement": 89_223, "adverse_event": 1191}


@pytest.fixture(params=TRIALS)
def trial(request: pytest.FixtureRequest) -> Trial:
    """Return each declared trial."""
    return opening.trial(request.param)


def test_trials_are_found() -> None:
    """The contract runs over something."""
    assert len(TRIALS) >= 2


def test_a_declaration_is_sound(trial: Trial) -> None:
    """`netfhir check` finds nothing."""
    assert [str(found) for found in checking.findings(trial, arm_names(trial), prose(trial))] == []


def test_every_export_has_a_file(trial: Trial) -> None:
    """A trial declares at least one export, and each one is typed and whole."""
    assert trial.exports()


def attributes(declared: Declared) -> Iterator[Attribute]:
    """Yield every attribute of a table of a declaration, however deep."""
    for name in type(declared).model_fields:
        value = getattr(declared, name)
        for part in value if isinstance(value, tuple) else (value,):
            if isinstance(part, Attribute):
                yield part
            elif isinstance(part, Declared):
                yield from attributes(part)


def test_every_table_that_a_source_names_exists(trial: Trial) -> None:
    """`values = …` and `item_table = …` lead into codes.toml."""
    sources = [source for export in trial.exports().values() for source in export.entities]
    named = {place.values for source in sources for place in attributes(source) if place.values}
    tables = {source.item_table for source in sources if isinstance(source, MeasurementSource)}
    assert named <= set(trial.codes.values)
    assert tables <= set(trial.codes.items)


def test_no_table_of_codes_is_idle(trial: Trial) -> None:
    """A table that no source names is a mistake, or left over."""
    sources = [source for export in trial.exports().values() for source in export.entities]
    named = {place.values for source in sources for place in attributes(source)}
    assert set(trial.codes.values) <= named
    assert set(trial.codes.ignored) <= named


def test_every_export_tells_who_its_subjects_are(trial: Trial) -> None:
    """Facts are of known subjects: one source of an export declares them."""
    for export in trial.exports().values():
        subjects = [source for source in export.entities if isinstance(source, SubjectSource)]
        assert len(subjects) == 1


def test_the_redcap_fixture_maps_whole(mapped_redcap: MappedExport) -> None:
    """No fact is rejected; each subject of the file is one ResearchSubject."""
    account = mapped_redcap.account
    assert account.rejects == []
    assert account.balanced()
    lines = REDCAP.read_text(encoding="utf-8").splitlines()[1:]
    assert len(mapped_redcap.lines("ResearchSubject")) == len({row.split(",")[0] for row in lines})


def rows_of(folder: Path, domain: str) -> list[dict[str, Any]]:
    """Return the rows of a Dataset-JSON file, read with nothing of ours."""
    plain = folder / f"{domain}.json"
    octets = (
        plain.read_bytes()
        if plain.is_file()
        else gzip.decompress((folder / f"{domain}.json.gz").read_bytes())
    )
    document = json.loads(octets)
    names = [column["name"] for column in document["columns"]]
    return [dict(zip(names, row, strict=True)) for row in document["rows"]]


@pytest.fixture(scope="module")
def pilot_rows(shared_data: Path) -> dict[str, list[dict[str, Any]]]:
    """Return the pilot's domains, read with nothing of ours."""
    folder = shared_data / "sdtm" / "cdisc-datasetjson"
    return {name: rows_of(folder, name) for name in ("dm", "ds", "ex", "lb", "vs")}


def test_the_pilot_has_no_rejects(mapped_xpt: MappedExport, mapped_json: MappedExport) -> None:
    """Text results, NO UNITS, comparators and NOT DONE are declared."""
    for mapped in (mapped_xpt, mapped_json):
        assert mapped.account.rejects == []
        assert mapped.account.balanced()


def test_each_row_of_the_pilot_is_one_resource(
    mapped_json: MappedExport, pilot_rows: dict[str, list[dict[str, Any]]]
) -> None:
    """DM = ResearchSubject, EX = MedicationAdministration, LB + VS = Observation."""
    rows = {name: len(found) for name, found in pilot_rows.items()}
    assert rows == {"dm": 18, "ds": 53, "ex": 1583, "lb": 3488, "vs": 1414}
    assert len(mapped_json.lines("ResearchSubject")) == rows["dm"]
    assert len(mapped_json.lines("MedicationAdministration")) == rows["ex"]
    assert len(mapped_json.lines("Observation")) == rows["lb"] + rows["vs"]


def test_each_row_of_the_pilot_is_found_by_its_key(
    mapped_json: MappedExport, pilot_rows: dict[str, list[dict[str, Any]]]
) -> None:
    """The identifiers are those that the rows' own keys give: none is lost, none invented."""
    expected = {
        "|".join(("cdiscpilot01", slug(row["USUBJID"]), slug(row["VISIT"]), domain))
        + f"|{slug(row[f'{domain.upper()}TESTCD'])}|{row[f'{domain.upper()}SEQ']}"
        for domain in ("lb", "vs")
        for row in pilot_rows[domain]
    }
    found = [body["identifier"][0]["value"] for body in mapped_json.resources("Observation")]
    assert set(found) == expected
    assert len(found) == len(expected)


def test_a_result_of_the_pilot_is_that_of_its_row(
    mapped_json: MappedExport, pilot_rows: dict[str, list[dict[str, Any]]]
) -> None:
    """Digits, comparator, unit and text are those of LBORRES and VSORRES (078 is 78)."""
    told = {}
    for domain in ("lb", "vs"):
        name = domain.upper()
        for row in pilot_rows[domain]:
            key = (slug(row["USUBJID"]), domain, str(row[f"{name}SEQ"]))
            told[key] = (row[f"{name}ORRES"], row[f"{name}ORRESU"])
    for body in mapped_json.resources("Observation"):
        _, subject, _, domain, _, number = body["identifier"][0]["value"].split("|")
        result, unit = told[subject, domain, number]
        if quantity := body.get("valueQuantity"):
            comparator = quantity.get("comparator", "")
            assert result.startswith(comparator)
            assert str(quantity["value"]) == str(Decimal(result.removeprefix(comparator)))
            assert quantity.get("unit", "") == unit
        else:
            assert str(body.get("valueInteger", body.get("valueString", ""))) == result


def test_the_status_of_a_subject_is_its_last_disposition(
    mapped_json: MappedExport, pilot_rows: dict[str, list[dict[str, Any]]]
) -> None:
    """Who has a disposition event is off study; whom only the consent is told of is screened."""
    ended = {
        row["USUBJID"]
        for row in pilot_rows["ds"]
        if row["DSCAT"] == "DISPOSITION EVENT" and row["DSDECOD"] != "SCREEN FAILURE"
    }
    found = {
        body["identifier"][1]["value"]: body["status"]
        for body in mapped_json.resources("ResearchSubject")
    }
    assert {subject for subject, status in found.items() if status == "off-study"} == ended


def test_two_containers_give_the_same_bytes(
    mapped_xpt: MappedExport, mapped_json: MappedExport
) -> None:
    """XPT and Dataset-JSON of the same data are the same FHIR, byte by byte."""
    assert mapped_xpt.types() == mapped_json.types()
    for name in mapped_json.types():
        assert mapped_xpt.lines(name) == mapped_json.lines(name)


def test_the_whole_pilot_has_no_rejects(mapped_pharmaverse: MappedExport) -> None:
    """All 306 subjects, 591 exposures and 89,223 findings are mapped."""
    account = mapped_pharmaverse.account
    assert account.rejects == []
    assert account.mapped - Counter(study=1) == Counter(WHOLE_PILOT)


def test_each_row_of_the_whole_pilot_is_one_resource(mapped_pharmaverse: MappedExport) -> None:
    """The rows are counted in the Parquet files, with nothing of ours."""
    folder = pharmaverse_folder()

    def rows(*domains: str) -> int:
        counts = [
            duckdb.read_parquet(str(folder / f"{name}.parquet")).count("*").fetchall()[0][0]
            for name in domains
        ]
        return int(sum(counts))

    assert len(mapped_pharmaverse.lines("ResearchSubject")) == rows("dm") == 306
    assert len(mapped_pharmaverse.lines("MedicationAdministration")) == rows("ex") == 591
    assert len(mapped_pharmaverse.lines("Observation")) == rows("lb", "vs") == 89_223


def test_the_keys_of_two_exports_never_meet(
    mapped_json: MappedExport, mapped_pharmaverse: MappedExport
) -> None:
    """Both are of one study, of different subjects: only what is the study's is in both."""
    for name in set(mapped_json.types()) & set(mapped_pharmaverse.types()):
        one, other = (
            {(body["id"], "subject" in body or "individual" in body) for body in found}
            for found in (mapped_json.resources(name), mapped_pharmaverse.resources(name))
        )
        assert {found for found in one & other if found[1]} == set()


@pytest.mark.parametrize("export", ["mapped_redcap", "mapped_json", "mapped_pharmaverse"])
def test_every_reference_of_ours_leads_somewhere(
    export: str, request: pytest.FixtureRequest
) -> None:
    """What an event refers to by id is among what was written, the study apart."""
    mapped: MappedExport = request.getfixturevalue(export)
    medications = {body["id"] for body in mapped.resources("Medication")}
    used = {
        body["medicationReference"]["reference"].removeprefix("Medication/")
        for body in mapped.resources("MedicationAdministration")
    }
    assert used == medications


def test_every_reference_of_the_fixture_leads_to_what_was_written(
    mapped_redcap: MappedExport,
) -> None:
    """Visits, sessions, diagnoses, specimens, consents: none is referred to that is not there."""
    bodies = mapped_redcap.everything()
    written = {f"{body['resourceType']}/{body['id']}" for body in bodies}
    used = {path for body in bodies for path, _ in references.targets(to_bytes(body))}
    assert {path.partition("/")[0] for path in used} >= {"Condition", "Consent", "Encounter"}
    assert used <= written


def test_every_plan_of_a_visit_follows_a_schedule_that_was_written(
    mapped_redcap: MappedExport,
) -> None:
    """A randomised subject's plans are of the schedule of the arm, in its version."""
    plans = mapped_redcap.resources("PlanDefinition")
    known = {f"{plan['url']}|{plan['version']}" for plan in plans if "version" in plan}
    visits = mapped_redcap.resources("ServiceRequest")
    used = {url for visit in visits for url in visit.get("instantiatesCanonical", ())}
    assert used == known
    assert any("instantiatesCanonical" not in visit for visit in visits)
