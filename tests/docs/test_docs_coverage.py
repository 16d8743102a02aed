"""docs/coverage.md: every field of the page and every entity is shown, in R4 and in R5."""

from __future__ import annotations

import ast
import runpy
import tomllib
from typing import TYPE_CHECKING, Any

import pytest

from documents import ROOT, marked, read
from trial_coverage import TRIAL, Place, Row, resource, rows, values

if TYPE_CHECKING:
    from collections.abc import Iterator

#: The rows of the mapping's tables 1, 1a and 1b, and 2: none may be left out.
PAGE = [
    "Title (brief)",
    "NCT ID",
    "EudraCT number",
    "Org study ID",
    "Last updated",
    "Results",
    "Overall status",
    "Why stopped",
    "Phase",
    "Enrollment",
    "Study type",
    "Start and completion",
    "Brief summary",
    "Detailed description",
    "Primary and secondary objectives",
    "Conditions",
    "Keywords and MeSH",
    "Allocation",
    "Intervention model",
    "Primary purpose",
    "Masking",
    "Arm A, no intervention",
    "Arm B, experimental",
    "No interventions assigned (arm A)",
    "Intervention Lutathera",
    "Eligibility criteria, 8 and 17",
    "Minimum age",
    "Maximum age",
    "Sex",
    "Healthy volunteers",
    "Lead sponsor",
    "Collaborators",
    "Responsible party",
    "Overall official",
    "Location",
    "Site status",
    "Countries",
    "More related trials",
    "1a. Statuses",
    "1b. Eligibility characteristics",
]
ENTITIES = [
    "Study (overall, site)",
    "Subject",
    "Patient",
    "Consent",
    "Randomisation",
    "Visit",
    "Schedule of activities",
    "PRRT session",
    "PRRT dose",
    "Activity assay",
    "NET diagnosis, liver metastases",
    "Amino-acid co-infusion",
    "Antiemetic, SSA stop and start",
    "Laboratory result",
    "Chromogranin A, 5-HIAA",
    "NETest",
    "ECOG",
    "Vital sign",
    "Quality of life",
    "Imaging",
    "Disease status and recurrence",
    "DFS and OS event",
    "Adverse event",
    "Surgery",
    "Specimen",
    "Death and withdrawal",
    "Organization, Practitioner(Role), Location",
    "Provenance",
    "Protocol deviation",
]
#: Rows that the mapping says have no standard code.
NO_STANDARD_CODE = {"EudraCT number", "NETest", "DFS and OS event", "Protocol deviation"}
ROWS = rows()
SHOWN = [(row.name, place) for row in ROWS for place in row.places]


def test_each_row_of_the_mapping_has_its_row() -> None:
    """In its order, once, in both sections."""
    assert [row.name for row in ROWS if row.section == "registry"] == PAGE
    assert [row.name for row in ROWS if row.section == "entity"] == ENTITIES
    assert len(ROWS) == len({row.name for row in ROWS}) == len(PAGE) + len(ENTITIES)


def test_nothing_is_missing() -> None:
    """No row is a gap."""
    assert [row.name for row in ROWS if row.gap] == []


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_row_is_shown_or_has_its_test(row: Row) -> None:
    """It has a fixture that exists, and a golden, or a test and a reason that there is none."""
    assert (ROOT / row.fixture).is_file()
    assert bool(row.places) != bool(row.nothing)
    assert bool(row.why) == bool(row.tests())


@pytest.mark.parametrize(("name", "place"), SHOWN, ids=[f"{n}-{p.golden}" for n, p in SHOWN])
def test_a_golden_shows_its_row(name: str, place: Place) -> None:
    """The path ends in a value, in R4 and in R5."""
    assert place.values("r4"), f"{name}: {place.r4}"
    assert place.values("r5"), f"{name}: {place.r5}"


@pytest.mark.parametrize("row", [row for row in ROWS if row.tests()], ids=lambda row: row.name)
def test_a_named_test_exists(row: Row) -> None:
    """The file is there, and has a function of this name."""
    for test in row.tests():
        file, _, function = test.partition("::")
        tree = ast.parse(read(file))
        assert function in {n.name for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)}


@pytest.mark.parametrize("row", [row for row in ROWS if row.local], ids=lambda row: row.name)
def test_a_local_code_is_of_the_trial(row: Row) -> None:
    """Where a row says that its code is local, one of its goldens has a code of the trial's."""
    word = "value" if row.section == "registry" else "code"
    for fhir in ("r4", "r5"):
        bodies = [resource(place.golden, fhir) for place in row.places]
        assert any(word in said for body in bodies for said in _of_the_trial(body))


def _of_the_trial(body: Any) -> Iterator[dict[str, Any]]:
    """Yield what has a system of the trial's: codings and identifiers."""
    if isinstance(body, list):
        for item in body:
            yield from _of_the_trial(item)
    elif isinstance(body, dict):
        if str(body.get("system", "")).startswith("https://netfhir.example/NCT05987176/"):
            yield body
        for value in body.values():
            yield from _of_the_trial(value)


def test_rows_without_a_standard_code_say_so() -> None:
    """The mapping found none for these."""
    assert {row.name for row in ROWS if row.local} >= NO_STANDARD_CODE


def test_every_golden_of_the_trial_is_named() -> None:
    """What a person has read shows a row, or is a further case of a type that is shown."""
    table = tomllib.loads((TRIAL / "goldens.toml").read_text("utf-8"))
    named = {place.golden for _, place in SHOWN}
    kinds = {_type(name) for name in named}
    assert named <= table.keys()
    assert {name for name in table if _type(name) not in kinds} == set()


def _type(golden: str) -> str:
    return str(resource(golden, "r4")["resourceType"])


def test_the_page_is_what_the_file_says() -> None:
    """`make docs` would change nothing of it, and no cell is empty."""
    docs = runpy.run_path(str(ROOT / "tools" / "docs.py"))
    text = read("docs/coverage.md")
    assert docs["generated"](text) == text
    cells = [row for part in marked("docs/coverage.md", "generated") for row in part.rows()]
    assert len(cells) == len(ROWS)
    assert all(len(row) == 5 and all(row) for row in cells)


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("a.b", [1]),
        ("a.c", []),
        ("a.empty", []),
        ("list[1].code", ["y-2"]),
        ("list[*].code", ["x", "y-2"]),
        ("list[7].code", []),
        ("list(2).value", [False]),
        ("list(x).value", [0]),
        ("list.code", []),
    ],
)
def test_a_path_ends_in_values(path: str, found: list[object]) -> None:
    """Members, items, and items by their name; 0 and false are values, a blank is none."""
    listed = [{"code": "x", "value": 0}, {"code": "y-2", "value": False}]
    assert values({"a": {"b": 1, "empty": ""}, "list": listed}, path) == found
