"""One patient in Python beside npm `cql-execution`, on the criteria that CQL can say.

`benchmarks/cql` holds the same seven criteria in CQL. Both start from the JSON of a patient's
resources, warmed up; their answers are compared first.
"""

from __future__ import annotations

import json
import shutil
import statistics
import subprocess
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.bench_screen import opened
from benchmarks.figures import Figure
from fixtures.NCT05987176 import overlay

from netfhir.screening.digits import Written
from netfhir.screening.engines import python
from netfhir.screening.facts import Fact, Record
from netfhir.screening.people import consent, person
from netfhir.screening.reading import Reader

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.pilot import Amount, Bench

    from netfhir.screening.protocol import Protocol

CQL = Path(__file__).resolve().parent / "cql"
CRITERIA = ("I2", "E8", "E9", "E10", "E11", "E14", "E16")
_SAID = {"met": True, "not-met": False, "unknown": None}
_PATIENTS, _QUICK = 200, 20


def figures(_: Bench, amount: Amount) -> Iterator[Figure]:
    """Yield how many times faster one patient is."""
    count = _QUICK if amount.quick else _PATIENTS
    made = overlay.patients(2 * count, clean=1.0)
    bundles = [_bundle(one.resources) for one in made][:count]
    whole = opened()
    file = whole.file.model_copy(update={"criteria": _chosen(whole)})
    asked = replace(whole, file=file)
    reader = Reader(asked.sets, asked.file.unit_spellings)
    times, ours, theirs = [], [], []
    for _round in range(amount.rounds):
        cql = _by_cql(bundles)
        seconds, said = _by_python(asked, reader, bundles)
        if said != cql["said"]:
            raise SystemExit("CQL and Python do not say the same")
        ours.append(1_000 * statistics.median(seconds))
        theirs.append(statistics.median(cql["ms"]))
        times.append(theirs[-1] / ours[-1])
    counted = f"{count} patients, {', '.join(CRITERIA)}: {count * len(CRITERIA)} answers equal"
    note = "Python gives evidence, causes and questions too"
    yield Figure("one patient: cql-execution / Python", times, "", 100, "at least", (counted, note))
    yield Figure("one patient in Python, JSON parsed", ours, "ms")
    yield Figure("one patient in cql-execution", theirs, "ms")


def _chosen(whole: Protocol) -> dict[str, Any]:
    return {key: whole.file.criteria[key] for key in CRITERIA}


def _bundle(resources: list[dict[str, Any]]) -> str:
    kept = [one for one in resources if one["resourceType"] != "Consent"]
    entries = [{"resource": one} for one in kept]
    return json.dumps({"resourceType": "Bundle", "type": "collection", "entry": entries})


def _by_cql(bundles: list[str]) -> dict[str, Any]:
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        raise SystemExit("Node.js is needed, for cql-execution")
    if not (CQL / "node_modules").is_dir():
        subprocess.run([npm, "ci", "--ignore-scripts", "--no-audit"], cwd=CQL, check=True)
    told = subprocess.run(
        [node, str(CQL / "run.mjs")],
        input="\n".join(bundles),
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, Any] = json.loads(told.stdout)
    return found


def _by_python(
    asked: Protocol, reader: Reader, bundles: list[str]
) -> tuple[list[float], dict[str, dict[str, bool | None]]]:
    seconds, said = [], {}
    for bundle in bundles:
        begun = time.perf_counter()
        body = json.loads(bundle, parse_float=Written)
        record = _record(reader, [one["resource"] for one in body["entry"]])
        verdicts = python.verdicts(asked, record)
        seconds.append(time.perf_counter() - begun)
        said[record.person.id] = {one.criterion: _SAID[one.status] for one in verdicts}
    return seconds, said


def _record(reader: Reader, resources: list[dict[str, Any]]) -> Record:
    found = Record(person(resources[0]))
    for body in resources[1:]:
        if body["resourceType"] == "Consent":
            decision = consent(body)
            found.consents += [decision] if decision else []
            continue
        for item in reader.facts(body, {}):
            if isinstance(item, Fact):
                found.facts.append(item)
            else:
                found.gaps.append(item)
    return found
