"""A tiny trial declared in memory, with rows to read: no file, no terminology but its own."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter

from netfhir.fhir.identity import SiteKey
from netfhir.mappers import MappingSite
from netfhir.settings import DEMO_SITE_KEY
from netfhir.sources.assemble import Assembly
from netfhir.sources.reading import Reader
from netfhir.sources.row import Record, Row
from netfhir.terminology.concepts import Coding, Concept, Terminology, Unit
from netfhir.trial.declaration import Codes, Trial, TrialFile
from netfhir.trial.export import EntitySource, columns_by_table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from netfhir.fhir.version import Version
    from netfhir.trial.places import FactSource

LONDON = "Europe/London"
BASE = "https://trial.example"

FILE: dict[str, Any] = {
    "study": "TINY",
    "title": "A tiny trial",
    "identifiers": {"base": BASE, "subjects": f"{BASE}/subject"},
    "sites": {
        "01": {"name": "With a zone", "zone": LONDON, "organization": "The hospital"},
        "02": {"name": "Without"},
    },
    "arms": {"a": {"name": "Arm A"}, "b": {"name": "Arm B"}},
    "visits": {"screening": {"name": "Screening"}, "dose-1": {"name": "Dose 1", "arms": ["b"]}},
}
CODES: dict[str, Any] = {
    "system": f"{BASE}/item",
    "units": {"GBq": "GBq", "g/dl": "g/dL", "NO UNITS": "", "furlong": "furlong"},
    "conversions": {"mCi": {"to": "GBq", "factor": "0.037", "reason": "by definition"}},
    "values": {
        "arm": {"A": "a", "B": "b", "X": "nowhere"},
        "state": {"IC": "screening", "RAND": "on-study", "OUT": "off-study", "BAD": "retired"},
        "status": {"1": "completed", "2": "stopped", "3": "not-done"},
        "product": {"LU": "lutetium"},
        "form": {"0": "preliminary", "2": "final"},
        "fasting": {"1": "glucose-fasting"},
        "not-done": {"NOT DONE": "absent-not-performed"},
        "range": {"HIGH": "high"},
        "yes-no": {"1": "yes", "0": "no"},
        "serious": {"Y": "serious", "N": "non-serious"},
        "cycle": {"1": "c1", "2": "c2"},
        "scan": {"1": "present", "2": "high"},
        "tracer": {"1": "standing"},
    },
    "ignored": {"arm": {"FAIL": "a screen failure has no arm"}, "state": {"VISIT": "no state"}},
    "items": {
        "lab": {
            "hb": {"concept": "hb", "category": "laboratory", "units": ["g/dL", "g/L"]},
            "cga": {
                "concept": "cga",
                "category": "laboratory",
                "units": ["ug/L"],
                "unit_spelling": "mcg/L",
                "comparators": True,
            },
            "ph": {"concept": "ph", "category": "laboratory", "unitless": "[pH]"},
            "glucose": {"concept": "glucose", "category": "laboratory", "units": ["mmol/L"]},
            "glucose-fasting": {
                "concept": "glucose-fasting",
                "category": "laboratory",
                "units": ["mmol/L"],
            },
            "colour": {"concept": "colour", "category": "laboratory", "value": "text"},
            "blood": {
                "concept": "blood",
                "category": "laboratory",
                "value": "concept",
                "answers": {"+": "present"},
            },
            "ecog": {
                "concept": "ecog",
                "category": "laboratory",
                "value": "integer",
                "answers": {"1": "ecog-1"},
            },
            "vial": {
                "concept": "vial",
                "category": "laboratory",
                "units": ["GBq", "mCi"],
                "comparators": True,
            },
            "bp": {"concept": "bp", "category": "laboratory", "value": "panel"},
            "sys": {"concept": "sys", "category": "laboratory", "units": ["mm[Hg]"]},
            "dia": {"concept": "dia", "category": "laboratory", "units": ["mm[Hg]"]},
        },
        "score": {
            "net": {
                "concept": "hb",
                "category": "laboratory",
                "units": ["g/L"],
                "least": 0,
                "most": 100,
                "needs_version": True,
            },
        },
    },
}
_PROPERTIES = {
    "GBq": "activity",
    "mCi": "activity",
    "g/dL": "mass",
    "g/L": "mass",
    "ug/L": "mass",
    "mmol/L": "moles",
}
_PROPERTIES |= {"[pH]": "acidity", "mm[Hg]": "pressure"}
_NO_QUANTITIES = (
    "laboratory lutetium intravenous r0 resection present ecog-1 high standing arm-site colour "
    "cause-of-death propose-deceased date-of-death "
    "seriousness-serious seriousness-non-serious clinical-recurrence verification-confirmed "
    "blood ecog bp absent-unknown absent-not-performed absent-refused "
    "consent-scope-research consent-category-research consent-document sheet ambulatory "
    "tumour metastases liver confirmed blood-sample octreotide long-acting therapy clinical-unknown"
)
_NO_QUANTITIES += " milestone-randomised"
_QUANTITIES = {"hb": "mass", "cga": "mass", "ph": "acidity", "sys": "pressure", "dia": "pressure"}
_QUANTITIES |= {"vial": "activity"}
_QUANTITIES |= {"glucose": "moles", "glucose-fasting": "moles"}


#: Where FHIR lets an element have codes of one system alone.
_SYSTEMS = {"confirmed": "http://terminology.hl7.org/CodeSystem/condition-ver-status"}


def coding(key: str) -> dict[str, str]:
    """Return the Coding of a concept of this trial, as FHIR has it."""
    return {
        "system": _SYSTEMS.get(key, "https://codes.example"),
        "code": key.removeprefix("absent-"),
    }


def _concept(key: str, kind: str = "") -> Concept:
    row = Coding(**coding(key), source="test", status="local", licence="test")
    return Concept(text=f"The {key}", property=kind, coding=(row,))


def terminology() -> Terminology:
    """Return concepts and units, by key."""
    plain = {key: _concept(key) for key in _NO_QUANTITIES.split()}
    measured = {key: _concept(key, kind) for key, kind in _QUANTITIES.items()}
    units = {
        ucum: Unit(display=ucum, property=(kind,), source="test")
        for ucum, kind in _PROPERTIES.items()
    }
    return Terminology(concepts=plain | measured, units=units)


def trial(codes: Mapping[str, Any] = CODES, file: Mapping[str, Any] = FILE) -> Trial:
    """Return the trial as declared."""
    return Trial(
        name="tiny",
        file=TrialFile.model_validate(file),
        codes=Codes.model_validate(codes),
        terminology=terminology(),
        folders=(),
    )


def site(fhir: Version = "r4", **file: Any) -> MappingSite:
    """Return what the mappers use, named by the published key; `file` changes trial.toml."""
    declared = trial(file=FILE | file)
    return MappingSite(declared, declared.naming(SiteKey(DEMO_SITE_KEY)), fhir)


def source(**declared: Any) -> Any:
    """Return a declared source of any entity."""
    adapter: TypeAdapter[Any] = TypeAdapter(EntitySource)
    return adapter.validate_python(declared)


@dataclass(frozen=True)
class FakeTables:
    """An opened export that lies in memory: table, or form, -> its records."""

    held: Mapping[str, Sequence[Record]]

    def rows(self, source: FactSource) -> Iterator[Record]:
        """Yield the rows of the source's table or form."""
        return iter(self.held[source.table or source.form])

    def table(self, name: str) -> Iterator[Record]:
        """Yield the rows of a table."""
        return iter(self.held[name])


@dataclass(frozen=True)
class Export:
    """Rows for one declared source: cells that are not given are blank."""

    source: Any
    zones: dict[str, str | None] = field(default_factory=lambda: {"S1": LONDON})
    missing: Mapping[str, str] = field(default_factory=dict)
    arms: dict[str, str | None] = field(default_factory=lambda: {"S1": "a"})

    def row(self, table: str = "", number: int = 2, /, **cells: str) -> Row:
        """Return a row of the source's table, or of another one that it names."""
        named = columns_by_table(self.source)
        blank = dict.fromkeys(named[table or self.source.table], "")
        assert set(cells) <= set(blank), set(cells) - set(blank)
        return Row(f"{table or 'main'}.csv", number, blank | cells)

    def assembly(self, *rows: Record, **others: Sequence[Record]) -> Assembly:
        """Return an assembly over these rows, its subjects known; `others` are other tables."""
        name = self.source.table or self.source.form
        tables = FakeTables({name: rows, **others})
        declared = trial()
        codes = declared.codes
        reader = Reader(codes.values, codes.ignored, self.missing, lambda _column, _cell: "")
        sites = dict.fromkeys(self.zones, "01")
        return Assembly(declared, tables, reader, dict(self.zones), dict(self.arms), sites)
