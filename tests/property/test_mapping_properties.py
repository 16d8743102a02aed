"""Whatever stands in the cells: the same bytes each time, every fact accounted for, none shown."""

from __future__ import annotations

import csv
import gzip
import io
import json
import random
import tempfile
from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from netfhir.fhir.canonical import to_bytes
from netfhir.runs import opening
from netfhir.runs.opening import Input
from netfhir.settings import DEMO_SITE_KEY
from netfhir.sync.staging import Staging
from trial_exports import REDCAP

if TYPE_CHECKING:
    from collections.abc import Sequence

    from netfhir.mappers import MappingSite
    from netfhir.runs.pipeline import Account

    Lines = list[list[str]]
    Change = tuple[int, str]

#: Stands in no declaration, file or message: where it shows, a cell shows.
MARK = "§"
#: What a unit or an item code says may be shown: it is no patient's value.
SHOWN = {"EXDOSU", "LBORRESU", "VSORRESU", "LBTESTCD", "VSTESTCD"}
#: REDCap's own columns say which facts a row holds.
PLACES = {"record_id", "redcap_event_name", "redcap_repeat_instrument", "redcap_repeat_instance"}
FURTHER = {
    "longest-diameter",
    "overall-survival",
    "time-to-next-treatment",
    "disease-free-survival",
    "liver-disease-free-survival",
}
QUICK = settings(
    max_examples=25,
    deadline=None,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=[HealthCheck.too_slow],
)
_ODD = ["<5", "abc", "1e5", "2024-08-UN", "2023-02-29", "24:61", "²", "٣", "9" * 400, "-0", "NaN"]
_ODD += ["2024-10-27 01:30", "0001-01-01 00:00", "9999-12-31 23:59", "\x1f", "\ufeff", " "]
_ODD += [
    "UNK",
    "a|b/c%",
    "1.50",
    "0.1" + "0" * 60,
    "#REF!",
    "\n",
    '"',
    ",",
    "\u202e",
    "99999999999",
]
#: A NUL makes the whole file unusable, which the readers' tests show.
_LETTERS = st.characters(codec="utf-8", exclude_characters="\x00")
CELLS = st.one_of(
    st.sampled_from(_ODD),
    st.text(_LETTERS, min_size=1, max_size=12).map(lambda text: MARK + text),
    st.text(_LETTERS, min_size=1, max_size=6),
)

CHANGES = st.lists(st.tuples(st.integers(0, 10**6), CELLS), min_size=1, max_size=6)


@dataclass(frozen=True)
class Spoilt:
    """Tables with some cells replaced: table -> lines, the header first."""

    tables: dict[str, Lines]
    touched: frozenset[tuple[str, str]]
    """Table and column of each replaced cell."""


@dataclass(frozen=True)
class Told:
    """What a run over spoilt tables gave."""

    account: Account
    resources: dict[str, int]
    octets: bytes

    @property
    def further(self) -> int:
        """How many Observations are a lesion of a report or an endpoint, which no cell is."""
        bodies = [json.loads(line) for line in self.octets.splitlines()]
        codes = [one["code"]["coding"] for one in bodies if one["resourceType"] == "Observation"]
        return sum(any(coding["code"] in FURTHER for coding in codings) for codings in codes)


def spoil(
    tables: dict[str, Lines], changes: Sequence[Change], kept: frozenset[str] = frozenset()
) -> Spoilt:
    """Replace cells that are filled, in columns that are not kept."""
    places = [
        (name, row, column)
        for name, lines in tables.items()
        for row in range(1, len(lines))
        for column, cell in enumerate(lines[row])
        if cell and lines[0][column] not in kept
    ]
    copies = {name: [list(line) for line in lines] for name, lines in tables.items()}
    touched = set()
    for number, cell in changes:
        name, row, column = places[number % len(places)]
        copies[name][row][column] = cell
        touched.add((name, tables[name][0][column]))
    return Spoilt(copies, frozenset(touched))


def few(lines: Sequence[list[str]], subject: int, numbers: set[str], rows: int) -> Lines:
    """Return the header and the first rows of these subjects."""
    return [lines[0], *[line for line in lines[1:] if line[subject] in numbers][:rows]]


def csv_lines(text: str) -> Lines:
    """Return the cells of a CSV file."""
    return list(csv.reader(io.StringIO(text, newline="")))


REDCAP_LINES = few(csv_lines(REDCAP.read_text(encoding="utf-8")), 0, {"S01-001", "S01-004"}, 40)


@cache
def site(trial: str) -> MappingSite:
    """Return a trial as it is named with the published key."""
    return opening.mapping_site(opening.trial(trial), DEMO_SITE_KEY)


class Pilot:
    """A few rows of each domain of two subjects of the pilot."""

    def __init__(self, folder: Path) -> None:
        """Read the domains."""
        self.tables = {name: _domain(folder, name) for name in ("dm", "ds", "ex", "lb", "vs", "ae")}


@pytest.fixture(scope="module")
def pilot(shared_data: Path) -> Pilot:
    """Return the rows of the pilot."""
    return Pilot(shared_data / "sdtm" / "cdisc-datasetjson")


def _domain(folder: Path, name: str) -> Lines:
    plain = folder / f"{name}.json"
    octets = (
        plain.read_bytes()
        if plain.is_file()
        else gzip.decompress((folder / f"{name}.json.gz").read_bytes())
    )
    document = json.loads(octets)
    head = [column["name"] for column in document["columns"]]
    rows = [["" if cell is None else str(cell) for cell in row] for row in document["rows"]]
    return few([head, *rows], head.index("USUBJID"), {"CDISC001", "CDISC015"}, 12)


def write(path: Path, lines: Lines) -> None:
    """Write a CSV file, every cell quoted."""
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, quoting=csv.QUOTE_ALL).writerows(lines)


def run(site: MappingSite, tables: dict[str, Lines]) -> Told:
    """Map tables that lie in a folder of their own."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for table, lines in tables.items():
            write(folder / f"{table}.csv", lines)
        source = Input("msg", folder, "csv")
        if "data" in tables:
            source = Input("redcap", folder / "data.csv", None, REDCAP.parent / "dictionary.csv")
        staging = Staging.create(folder / "staging.sqlite")
        try:
            account = opening.stage(site, source, staging)
            bodies = b"\n".join(row.body for row in staging.rows())
            return Told(account, staging.counts(), bodies)
        finally:
            staging.close()


@cache
def redcap_input() -> Counter[str]:
    """Return how many facts the REDCap rows hold as they are."""
    return run(site("NCT05987176"), {"data": REDCAP_LINES}).account.input


def texts(account: Account) -> list[str]:
    """Return every rejection as a person and as a file sees it."""
    return [f"{error}\n{to_bytes(error.as_record()).decode()}" for error in account.rejects]


def assert_accounted(told: Told) -> None:
    """Hold the sums against what is there: one resource of its type for each fact."""
    account, resources = told.account, told.resources
    assert account.balanced()
    assert sum(account.rejected.values()) == len(account.rejects)
    assert account.mapped["subject"] == resources.get("ResearchSubject", 0)
    assert account.mapped["dose"] == resources.get("MedicationAdministration", 0)
    assert account.mapped["specimen"] == resources.get("Specimen", 0)
    assert account.mapped["visit"] == resources.get("Encounter", 0)
    assert account.mapped["imaging_report"] == resources.get("DiagnosticReport", 0)
    assert account.mapped["questionnaire_response"] == resources.get("QuestionnaireResponse", 0)
    assert account.mapped["adverse_event"] == resources.get("AdverseEvent", 0)
    observed = account.mapped["measurement"] + account.mapped["disease_status"]
    assert observed == resources.get("Observation", 0) - told.further
    operated = account.mapped["surgery"] + account.mapped["session"]
    assert operated == resources.get("Procedure", 0)


def assert_nothing_shown(told: Told, before: Spoilt, shown: frozenset[str] = frozenset()) -> None:
    """No cell stands in a rejection: neither what was put there nor what was in its row."""
    if not {column for _, column in before.touched} & shown:
        assert [text for text in texts(told.account) if MARK in text] == []


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_mapping_twice_gives_equal_bytes(pilot: Pilot, seed: int) -> None:
    """The same facts give the same resources, whatever the order of their rows."""
    for trial, tables in (("NCT05987176", {"data": REDCAP_LINES}), ("CDISCPILOT01", pilot.tables)):
        shuffled = {}
        for name, lines in tables.items():
            rows = lines[1:]
            random.Random(seed).shuffle(rows)  # noqa: S311 - an order, no secret
            shuffled[name] = [lines[0], *rows]
        assert run(site(trial), shuffled).octets == run(site(trial), tables).octets


@given(changes=CHANGES)
@QUICK
def test_a_spoilt_redcap_export_is_accounted_for(changes: list[Change]) -> None:
    """Whatever a field holds, each filled one is a fact that is mapped or rejected."""
    tables = {"data": REDCAP_LINES}
    before = spoil(tables, changes, frozenset(PLACES))
    whole = redcap_input()
    told = run(site("NCT05987176"), before.tables)
    assert_accounted(told)
    assert_nothing_shown(told, before)
    extra = sum(error.code == "misplaced-value" for error in told.account.rejects)
    assert told.account.input == whole + Counter(subject=extra)


@given(changes=CHANGES)
@QUICK
def test_a_redcap_export_with_spoilt_places_is_accounted_for(changes: list[Change]) -> None:
    """A row whose record, event or repeat is spoilt is told, and nothing ends the run."""
    columns = frozenset(REDCAP_LINES[0]) - PLACES
    before = spoil({"data": REDCAP_LINES}, changes, columns)
    told = run(site("NCT05987176"), before.tables)
    assert_accounted(told)
    assert_nothing_shown(told, before)


@given(changes=CHANGES)
@QUICK
def test_a_spoilt_sdtm_export_is_accounted_for(pilot: Pilot, changes: list[Change]) -> None:
    """Each row of EX, LB, VS and AE is one fact, each of DM a subject, whatever cells hold."""
    before = spoil(pilot.tables, changes)
    told = run(site("CDISCPILOT01"), before.tables)
    assert_accounted(told)
    assert_nothing_shown(told, before, frozenset(SHOWN))
    rows = {name: len(lines) - 1 for name, lines in pilot.tables.items()}
    account = told.account
    assert account.input["dose"] == rows["ex"]
    assert account.input["measurement"] == rows["lb"] + rows["vs"]
    assert account.input["adverse_event"] == rows["ae"]
    orphans = [error for error in account.rejects if error.where.startswith("ds.csv")]
    assert rows["dm"] <= account.input["subject"] <= rows["dm"] + len(orphans)


@given(changes=CHANGES)
@QUICK
def test_no_cell_of_a_rejected_row_is_shown(changes: list[Change]) -> None:
    """The row's own values, long enough to be told from chance, stand in no rejection."""
    before = spoil({"data": REDCAP_LINES}, changes, frozenset(PLACES))
    told = run(site("NCT05987176"), before.tables)
    known = {line[1] for line in REDCAP_LINES} | {line[2] for line in REDCAP_LINES}
    for text, error in zip(texts(told.account), told.account.rejects, strict=True):
        line = int(error.where.split(":")[1]) if error.where[:5] == "data." else 0
        cells = {
            cell
            for row in before.tables["data"][1:]
            for cell in row
            if len(cell) >= 6 and cell not in known and cell.strip()
        }
        assert [cell for cell in cells if cell in text] == [], line
