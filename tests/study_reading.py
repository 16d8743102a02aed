"""A study read back from its FHIR alone: what must survive the way from the registry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from netfhir.terminology.registry import RegistryTerms

NCT = "https://clinicaltrials.gov/nctid"


class Essence(NamedTuple):
    """What is compared."""

    number: str
    title: str
    status: str
    phases: tuple[str, ...]
    conditions: tuple[str, ...]
    sponsor: str
    arms: tuple[str, ...]
    enrollment: tuple[int | None, str]
    minimum_age: str
    sex: str


def of_record(protocol: dict[str, Any]) -> Essence:
    """Return the essence as the record has it; where it names no sex, ALL is meant."""
    names, design = protocol["identificationModule"], protocol.get("designModule", {})
    eligibility = protocol.get("eligibilityModule", {})
    arms = protocol.get("armsInterventionsModule", {}).get("armGroups", [])
    enrolled = design.get("enrollmentInfo", {})
    sponsors = protocol.get("sponsorCollaboratorsModule", {})
    return Essence(
        names.get("nctId", ""),
        names["briefTitle"],
        protocol["statusModule"]["overallStatus"],
        tuple(design.get("phases", [])),
        tuple(protocol.get("conditionsModule", {}).get("conditions", [])),
        sponsors.get("leadSponsor", {}).get("name", ""),
        tuple(arm["label"] for arm in arms),
        (enrolled.get("count"), enrolled.get("type", "")),
        eligibility.get("minimumAge", ""),
        eligibility.get("sex", "ALL"),
    )


class Reading:
    """The resources of a Bundle, followed by their references."""

    def __init__(self, bundle: dict[str, Any], terms: RegistryTerms) -> None:
        """Index the entries by `Type/id`."""
        resources = [entry["resource"] for entry in bundle["entry"]]
        self.by_name = {f"{one['resourceType']}/{one['id']}": one for one in resources}
        self.study = next(one for one in resources if one["resourceType"] == "ResearchStudy")
        self._terms = terms

    def essence(self) -> Essence:
        """Return the essence as FHIR has it."""
        study = self.study
        numbers = [one["value"] for one in study["identifier"] if one["system"] == NCT]
        sponsor = self.at(study["sponsor"])["name"] if "sponsor" in study else ""
        return Essence(
            numbers[0] if numbers else "",
            study["title"],
            self._value("Status", self._progress()),
            self._phases(),
            tuple(one["text"] for one in study.get("condition", [])),
            sponsor,
            tuple(arm["name"] for arm in study.get("arm", [])),
            self._enrollment(),
            self._minimum_age(),
            self._sex(),
        )

    def at(self, reference: dict[str, str]) -> dict[str, Any]:
        """Return the resource that a reference leads to."""
        found: dict[str, Any] = self.by_name[reference["reference"]]
        return found

    def extensions(self, element: str) -> list[dict[str, Any]]:
        """Return the parts of each extension that carries an R5 element, by name."""
        url = f"{self._terms.extension_base}extension-ResearchStudy.{element}"
        found = [one for one in self.study.get("extension", []) if one["url"] == url]
        return [{part["url"]: part for part in one["extension"]} for one in found]

    def _progress(self) -> str:
        first = self.extensions("progressStatus")[0]["state"]["valueCodeableConcept"]
        return str(first["text"])

    def _value(self, table: str, text: str) -> str:
        return next(v for v, term in self._terms.tables[table].items() if term.text == text)

    def _phases(self) -> tuple[str, ...]:
        if "phase" not in self.study:
            return ()
        parts = self.study["phase"]["text"].split(", ")
        return tuple(one for part in parts for one in self._value("Phase", part).split("+"))

    def _enrollment(self) -> tuple[int | None, str]:
        """Read the Groups: an actual one counts who was enrolled, a defining one who is planned."""
        for reference in self.study.get("enrollment", []):
            group = self.at(reference)
            if "quantity" in group:
                return group["quantity"], "ACTUAL" if group["actual"] else "ESTIMATED"
        for note in self.study.get("note", []):
            if note["text"].startswith("Number of subjects: "):
                return int(note["text"].split()[3]), ""
        return None, ""

    def _characteristic(self, text: str) -> dict[str, Any]:
        groups = [self.at(reference) for reference in self.study.get("enrollment", [])]
        all_of = [one for group in groups for one in group.get("characteristic", [])]
        return next((one for one in all_of if one["code"]["text"] == text), {})

    def _minimum_age(self) -> str:
        low = self._characteristic("Age").get("valueRange", {}).get("low")
        if not low:
            return ""
        units = self._terms.tables["AgeUnit"].items()
        names = [name for name, term in units if term.element["ucum"] == low["code"]]
        singular, plural = sorted(names, key=len)
        return f"{low['value']} {singular if low['value'] == 1 else plural}"

    def _sex(self) -> str:
        value = self._characteristic("Sex").get("valueCodeableConcept")
        return self._value("Sex", value["text"]) if value else "ALL"
