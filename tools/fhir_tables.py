"""Derives the gate's tables of a FHIR version from the official packages (CC0).

    python tools/fhir_tables.py r4 ../shared/data/fhir/hl7.fhir.r4.core-4.0.1.tgz
    python tools/fhir_tables.py r5 hapi-fhir-validation-resources-r5-8.8.0.jar

R4's package holds all that belongs to it. R5 keeps HL7's terminology and its extensions in
packages of their own; all three lie in that jar of HAPI, which the test server (tests/servers/hapi,
target/lib) is built with.

Writes `structure.json` (the types below and every datatype they reach: elements, cardinality,
types, bindings, invariants), `codes.json` (HL7's code systems and required value sets),
`extensions.json` (where the specification's own extensions may stand, and their values) and
`invariants.json` (what an invariant says, in the words of the specification). To let the gate
know another resource type, add its name to TYPES and run this again.
"""

from __future__ import annotations

import json
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable

Json: TypeAlias = dict[str, Any]

#: What netfhir writes or reads, and what the official examples of these contain.
TYPES = (
    *("ActivityDefinition", "AdverseEvent", "Bundle", "CarePlan", "CareTeam", "Condition"),
    *("Consent", "Device", "DiagnosticReport", "Encounter", "Goal", "Group", "ImagingStudy"),
    *("Library", "List", "Location", "Medication", "MeasureReport", "MedicationAdministration"),
    *(
        "MedicationRequest",
        "MedicationStatement",
        "Observation",
        "Organization",
        "Patient",
        "PlanDefinition",
        "Practitioner",
    ),
    *("PractitionerRole", "Procedure", "Provenance", "Questionnaire", "QuestionnaireResponse"),
    *("RelatedPerson", "ResearchStudy", "ResearchSubject", "ServiceRequest", "Specimen"),
    *("Substance", "Task"),
)
#: Read in R4 only, or part of R4's examples: R5 is only written.
NOT_IN_R5 = {
    *("Bundle", "CarePlan", "CareTeam", "Goal", "Library", "List", "Questionnaire"),
    *("RelatedPerson", "Substance"),
}
FOLDER = Path(__file__).resolve().parent.parent / "src" / "netfhir" / "fhir" / "tables"
_TARGET = "http://hl7.org/fhir/StructureDefinition/"
_TERMINOLOGY = "http://terminology.hl7.org/"
_FHIR_TYPE = _TARGET + "structuredefinition-fhir-type"
_KINDS = {"StructureDefinition", "ValueSet", "CodeSystem"}
_ABSTRACT = {"Element", "BackboneElement", "Resource", "DomainResource", "xhtml"}
#: Types whose further names are targets, not profiles.
_LINKS = {"CodeableReference", "Reference", "canonical"}
#: Codes in these systems are not listed by the package: the gate checks their syntax.
_SYNTACTIC = {
    "urn:ietf:bcp:13": "mime",
    "urn:ietf:bcp:47": "language",
    "urn:iso:std:iso:4217": "currency",
    "http://unitsofmeasure.org": "ucum",
}
#: Codes that HL7 Terminology gave a system of R4 later, under the same URL: the research profile of
#: AdverseEvent asks for these, in lower case.
_LATER = {
    "http://terminology.hl7.org/CodeSystem/adverse-event-seriousness": ["non-serious", "serious"]
}
#: The package gives a value set of another strength its full width only in an extension.
_LANGUAGE = "http://hl7.org/fhir/ValueSet/languages"


class Package:
    """The definitions of a version's packages, by name or canonical URL."""

    def __init__(self, core: Path, *others: Path) -> None:
        """Read the three kinds of definition that the tables come from."""
        self.structures: dict[str, Json] = {}
        self.value_sets: dict[str, Json] = {}
        self.systems: dict[str, Json] = {}
        self.extensions: dict[str, Json] = {}
        for archive in (core, *others):
            with tarfile.open(archive) as members:
                self._read(members)
            if archive is core:
                self.own = {*self.systems, *self.value_sets, *self.extensions}

    def _read(self, members: tarfile.TarFile) -> None:
        for member in members:
            folder, _, file = member.name.rpartition("/")
            kind, _, name = file.partition("-")
            if folder == "package" and kind in _KINDS and name:
                stream = members.extractfile(member)
                self._keep(kind, json.load(stream) if stream else {})

    def _keep(self, kind: str, definition: Json) -> None:
        if kind == "ValueSet":
            self.value_sets[definition["url"]] = definition
        elif kind == "CodeSystem":
            self.systems[definition["url"]] = definition
        elif definition["type"] == "Extension" and definition["derivation"] == "constraint":
            self.extensions[definition["url"].removeprefix(_TARGET)] = definition
        elif definition["url"].removeprefix(_TARGET) == definition["name"]:
            self.structures[definition["name"]] = definition


def _types(element: Json) -> list[list[str]]:
    found = []
    for entry in element.get("type", []):
        code = entry["code"]
        if code.startswith("http"):
            code = next(e["valueUrl"] for e in entry["extension"] if e["url"] == _FHIR_TYPE)
        links = entry.get("targetProfile", []) + entry.get("profile", [])
        found.append([code, *(link.removeprefix(_TARGET) for link in links)])
    return found


def _invariants(element: Json) -> list[str]:
    return [c["key"] for c in element.get("constraint", []) if c["severity"] == "error"]


def _binding(element: Json) -> str:
    binding = element.get("binding", {})
    url = str(binding.get("valueSet", "")).partition("|")[0]
    is_bare_language = url == _LANGUAGE and _types(element) == [["code"]]
    return url if binding.get("strength") == "required" or is_bare_language else ""


def _element(element: Json) -> Json:
    row: Json = {}
    if element["min"]:
        row["min"] = element["min"]
    if element["max"] != "1":
        row["max"] = element["max"]
    if "contentReference" in element:
        row["same"] = element["contentReference"].removeprefix("#")
    else:
        row["types"] = _types(element)
    if _binding(element):
        row["binding"] = _binding(element)
    if keys := [key for key in _invariants(element) if key != "ele-1"]:
        row["invariants"] = keys
    return row


def _structure(definition: Json) -> Json:
    head, *rest = definition["snapshot"]["element"]  # ele-1 is asked of every element
    start = len(head["path"]) + 1
    return {
        "kind": definition["kind"],
        "invariants": [key for key in _invariants(head) if key != "ele-1"],
        "elements": {e["path"][start:]: _element(e) for e in rest if e["max"] != "0"},
    }


def _reached(structure: Json) -> set[str]:
    """Return the datatypes, and the profiles of datatypes, that its elements have."""
    rows = [entry for e in structure["elements"].values() for entry in e.get("types", [])]
    named = {row[0] for row in rows}
    named |= {name for row in rows if row[0] not in _LINKS for name in row[1:]}
    return named - _ABSTRACT


def structures(package: Package, types: Iterable[str]) -> Json:
    """Return every structure in the closure of the types, by name."""
    found: Json = {}
    waiting = {*types, "Element"}
    while waiting:
        name = waiting.pop()
        definition = package.structures[name]
        if definition["kind"] == "primitive-type":
            continue
        found[name] = _structure(definition)
        waiting |= _reached(found[name]) - found.keys()
    return dict(sorted(found.items()))


def _concepts(rows: list[Json]) -> list[str]:
    found = []
    for row in rows:
        found += [row["code"], *_concepts(row.get("concept", []))]
    return found


def _system(package: Package, url: str) -> list[str]:
    """Return the codes of a system of HL7's that is whole in the package, else none.

    A system whose URL carries a version is an older edition of another.
    """
    definition = package.systems.get(url, {})
    if "hl7.org" not in url or "|" in url or definition.get("content") != "complete":
        return []
    return sorted({*_concepts(definition.get("concept", [])), *_LATER.get(url, [])})


def _required(package: Package, url: str) -> Json:
    """Return `{system: codes}` of a required value set; null stands for the whole system."""
    found: Json = {}
    for include in package.value_sets[url]["compose"]["include"]:
        system = include["system"]
        if include.get("filter") or include.get("valueSet"):
            raise SystemExit(f"{url}: a required binding with a filter is not understood")
        listed = [row["code"] for row in include.get("concept", [])]
        whole = None if _system(package, system) else _SYNTACTIC.get(system, "any")
        found[system] = sorted(listed) or whole
    return found


def _named_systems(package: Package, needed: set[str]) -> set[str]:
    """Return the core package's systems, and of the others those that a value set names.

    The value sets are the core package's, and those of the required bindings.
    """
    wanted = package.own | needed
    sets = [one for url, one in package.value_sets.items() if url in wanted]
    named = {row.get("system") for one in sets for row in one.get("compose", {}).get("include", ())}
    return {url for url in package.systems if url in package.own or url in named}


def _is_type(kind: str, is_abstract: bool) -> bool:  # noqa: FBT001 - both are FHIR's own words
    return kind == "resource" and not is_abstract


def _parts(known: Json) -> list[Json]:
    return [row for structure in known.values() for row in structure["elements"].values()]


def codes(package: Package, bound: list[Json]) -> Json:
    """Return HL7's code systems, and the value sets of required bindings."""
    needed = {row["binding"] for row in bound if "binding" in row}
    named = _named_systems(package, needed)
    listed = {url: _system(package, url) for url in sorted(named)}
    language = {"urn:ietf:bcp:47": "language"}
    kinds = ((name, row["kind"], row["abstract"]) for name, row in package.structures.items())
    return {
        "resources": sorted(name for name, kind, abstract in kinds if _is_type(kind, abstract)),
        "systems": {url: rows for url, rows in listed.items() if rows},
        "required": {
            url: language if url == _LANGUAGE else _required(package, url) for url in sorted(needed)
        },
    }


def invariants(package: Package, known: Json) -> dict[str, str]:
    """Return the words of every invariant of severity error that the structures carry."""
    found = {}
    for name in known:
        for element in package.structures[name]["snapshot"]["element"]:
            for row in element.get("constraint", []):
                if row["severity"] == "error":
                    found[row["key"]] = row["human"]
    return dict(sorted(found.items()))


def _extension(definition: Json) -> Json:
    rows = definition["snapshot"]["element"]
    value = next(row for row in rows if row["path"].startswith("Extension.value"))
    contexts = definition["context"]
    names = {row["expression"] for row in contexts if row["type"] == "element"}
    row: Json = {}
    if all(row["type"] == "element" for row in contexts) and "Element" not in names:
        row["on"] = sorted(names)
    if value["max"] == "0":
        row["parts"] = _sub_extensions(rows)
    else:
        row["types"] = sorted({entry["code"] for entry in value["type"]})
        if value.get("binding", {}).get("strength") == "required":
            row["binding"] = value["binding"]["valueSet"].partition("|")[0]
    return row


def _sub_extensions(rows: list[Json]) -> Json:
    """Return `{url: [min, max, *types of its value]}` of an extension made of extensions."""
    at = {row["id"]: row for row in rows}
    found: Json = {}
    for row in rows:
        name = row.get("sliceName")
        if row["path"] == "Extension.extension" and name:
            url = str(at[f"{row['id']}.url"].get("fixedUri", name))
            value = at.get(f"{row['id']}.value[x]", {"max": "0"})
            types = [] if value["max"] == "0" else sorted({t["code"] for t in value["type"]})
            found[url] = [row["min"], row["max"], *types]
    return found


def extensions(package: Package, known: Json) -> Json:
    """Return where each extension may stand, and its value, by name.

    Of the packages beside the core only those are taken that may stand on a type of `known`.
    """
    rows = {name: _extension(row) for name, row in sorted(package.extensions.items())}
    return {
        name: row for name, row in rows.items() if name in package.own or _may_stand(row, known)
    }


def _may_stand(extension: Json, known: Json) -> bool:
    """Say whether it may stand on any element, or names one of a known type."""
    names = {name.partition(".")[0] for name in extension.get("on", ["DomainResource"])}
    return not names.isdisjoint({*known, "DomainResource", "Resource"})


def tables(version: str, *archives: Path) -> dict[str, bytes]:
    """Return the bytes of each table of a version, by file name."""
    package = Package(*archives)
    types = [name for name in TYPES if version == "r4" or name not in NOT_IN_R5]
    known = structures(package, types)
    known_extensions = extensions(package, known)
    parts: Json = {
        "structure.json": known,
        "codes.json": codes(package, [*_parts(known), *known_extensions.values()]),
        "extensions.json": known_extensions,
        "invariants.json": invariants(package, known),
    }
    return {name: _lines(part) for name, part in parts.items()}


def _lines(part: Json) -> bytes:
    """Return `part` as JSON, one line an entry, so that a change can be read."""
    rows = [f"{json.dumps(k)}:{json.dumps(v, separators=(',', ':'))}" for k, v in part.items()]
    return ("{\n" + ",\n".join(rows) + "\n}\n").encode()


def unpacked(jar: Path, folder: Path) -> list[Path]:
    """Return the packages of R5 in HAPI's jar, the core first, written into the folder."""
    with zipfile.ZipFile(jar) as members:
        found = {Path(name).name: name for name in members.namelist() if name.endswith(".tgz")}
        for file, name in found.items():
            (folder / file).write_bytes(members.read(name))
    return sorted((folder / file for file in found), key=lambda path: ".core-" not in path.name)


def main() -> None:
    """Write the tables of a version from the package or the jar named on the command line."""
    version, source = sys.argv[1], Path(sys.argv[2])
    with tempfile.TemporaryDirectory() as folder:
        archives = unpacked(source, Path(folder)) if source.suffix == ".jar" else [source]
        made = tables(version, *archives)
    for name, content in made.items():
        (FOLDER / version / name).write_bytes(content)
        sys.stderr.write(f"{name}: {len(content)} bytes\n")


if __name__ == "__main__":
    main()
