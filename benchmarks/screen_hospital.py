"""A hospital's bulk export of any size: the overlay's patients, each with a common record.

Each patient has the overlay's resources (laboratory results of everybody, tumours of some) and the
blood count, conditions and medicines that carebundle gives to a patient of its own. 2,500 patients
are distinct; larger hospitals repeat them under other ids.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fixtures.NCT05987176 import overlay

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

DISTINCT = 2_500
PREVALENCE = 0.05
"""The share of patients who have a tumour at all."""
_COMMON = 250
_EACH = 13
"""How many of them count: all but some laboratory results."""
_TYPES = ("Condition", "MedicationRequest", "AllergyIntolerance", "DiagnosticReport")


def write(folder: Path, patients: int, *, each: int = 1) -> int:
    """Write the files of so many patients, or of one of `each` so many; return the resources."""
    folder.mkdir(parents=True, exist_ok=True)
    blocks, rest = divmod(patients, DISTINCT)
    sizes = [DISTINCT] * blocks + ([rest] if rest else [])
    texts = _texts(DISTINCT if blocks else rest)
    resources = 0
    for kind, held in texts.items():
        with (folder / f"{kind}.ndjson").open("wb") as file:
            for block, size in enumerate(sizes):
                text = b"".join(held[:size:each]).replace(b"net-", f"{block:03d}-".encode())
                resources += text.count(b"\n")
                file.write(text)
    return resources


def _texts(count: int) -> dict[str, list[bytes]]:
    """Return by type the lines of each patient, one text a patient."""
    common = list(_common_records())
    found: dict[str, list[bytes]] = defaultdict(lambda: [b""] * count)
    for number, made in enumerate(overlay.patients(count, prevalence=PREVALENCE)):
        name = made.resources[0]["id"]
        extra = common[number % len(common)]
        for resource in (*made.resources, *_renamed(extra, name)):
            line = json.dumps(resource, separators=(",", ":"), ensure_ascii=False)
            found[resource["resourceType"]][number] += line.encode() + b"\n"
    return found


def _renamed(resources: Iterable[dict[str, Any]], name: str) -> Iterator[dict[str, Any]]:
    for number, resource in enumerate(resources):
        owner = "patient" if "patient" in resource else "subject"
        reference = {"reference": f"Patient/{name}"}
        yield {**resource, "id": f"{name}-common-{number}", owner: reference}


def _common_records() -> Iterator[list[dict[str, Any]]]:
    """Yield what carebundle gives to each of its patients, without the Patient."""
    with tempfile.TemporaryDirectory() as folder:
        command = str(Path(sys.executable).parent / "carebundle")
        who = f"generate --profile mixed --sex mixed --age-range 20-90 --count {_COMMON} --seed 1"
        what = "--panels cbc,lipid --no-vitals --reference-date 2026-04-20 --format ndjson --out"
        asked = [command, *who.split(), *what.split(), folder]
        subprocess.run(asked, check=True, stderr=subprocess.DEVNULL)
        by_patient: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for kind in (*_TYPES, "Observation"):
            for line in (Path(folder) / f"{kind}.ndjson").read_bytes().splitlines():
                body = json.loads(line)
                owner = body.get("patient") or body["subject"]
                by_patient[owner["reference"]].append(body)
        yield from (held[:_EACH] for held in by_patient.values())
