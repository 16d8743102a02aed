"""What a screening wrote to files, staged as resources: proposals that people decide about.

They go the way of a trial's data, with a state folder and a ledger of their own.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from netfhir.errors import CapabilityError
from netfhir.fhir.gate import Gate
from netfhir.hospital import patients
from netfhir.runs.pipeline import Pipeline, Selection
from netfhir.runs.studying import study_drafts
from netfhir.screening.proposals import drafts
from netfhir.screening.proposals.proposal import read
from netfhir.terminology.registry import RegistryTerms

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from netfhir.hospital.client import Client
    from netfhir.hospital.patients import Token
    from netfhir.mappers import MappingSite
    from netfhir.runs.pipeline import Account
    from netfhir.sync.ledger import Ledger
    from netfhir.sync.staging import Staging

_FILES = ("funnel.json", "candidates.ndjson", "verdicts.ndjson")


@dataclass(frozen=True, slots=True)
class Screening:
    """The folder that `netfhir screen` wrote, in place of an export."""

    folder: Path
    on_staged: Callable[[int], None] = lambda _: None
    selection: Selection = field(default_factory=Selection)

    def files(self) -> list[Path]:
        """Return the files that the resources are made from."""
        return [path for name in _FILES if (path := self.folder / name).is_file()]


def stage(
    site: MappingSite,
    given: Screening,
    staging: Staging,
    ledger: Ledger,
    enrolled: Mapping[str, str],
) -> Account:
    """Stage the study and the proposals; `enrolled` is patient -> id of the trial's own subject.

    Raises FormatError where the folder holds no whole screening of this trial.
    """
    if site.fhir != "r4":
        raise CapabilityError(
            "screening-in-r4",
            where="--fhir",
            found=f"`{site.fhir}` beside --screening",
            expected="r4: a screening is written back in no other version",
        )
    written = {
        (kind, known.id)
        for kind in ("ResearchSubject", "Task")
        for known in ledger.rows(kind)
        if known.exists
    }
    declared = site.trial.file.screening
    proposals = read(
        given.folder,
        site.naming,
        small_cells=declared.small_cells if declared else None,
        was_written=lambda kind, name: (kind, name) in written,
        enrolled=dict(enrolled),
    )
    base = RegistryTerms.load(site.trial.folders).extension_base
    pipeline = Pipeline(
        site, Gate(site.fhir), staging, extension_base=base, on_staged=given.on_staged
    )
    pipeline.study(study_drafts(site))
    return pipeline.proposals(drafts(proposals))


def enrolled(
    client: Client, site: MappingSite, crosswalk: Mapping[str, Sequence[Token]]
) -> dict[str, str]:
    """Return the id of the trial's own ResearchSubject by patient, of those who have one there."""
    answers = patients.resolve(client, crosswalk, crosswalk)
    named = {
        answer.patient_id: site.naming.id(site.naming.key(subject, form="subject"))
        for subject, answer in answers.items()
        if answer.patient_id
    }
    stored = client.read_many([f"ResearchSubject/{name}" for name in named.values()])
    return {
        patient: name
        for (patient, name), what in zip(named.items(), stored, strict=True)
        if what.body is not None
    }
