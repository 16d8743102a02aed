"""A small staged trial and what a sync of it needs; no mapper is involved."""

from __future__ import annotations

from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netfhir.fhir.canonical import to_bytes
from netfhir.fhir.identity import SiteKey, derived_id
from netfhir.hospital.capabilities import Capabilities, TypeRule, fetch
from netfhir.hospital.client import Client
from netfhir.hospital.endpoint import ServerSettings
from netfhir.hospital.patients import resolve
from netfhir.hospital.transport import Transport
from netfhir.sync.apply import Apply, Result
from netfhir.sync.files import held
from netfhir.sync.ledger import Ledger, Owner
from netfhir.sync.plan import Terms
from netfhir.sync.retrying import Patience
from netfhir.sync.sending import Pace, pace_of
from netfhir.sync.staging import Staged, Staging
from netfhir.sync.verify import Findings, Verify

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from netfhir.sync.records import Key
    from netfhir.sync.threeway import Take

KEY = SiteKey(b"the published test key")
BASE = "https://trial.example/facts"
SUBJECTS = "https://trial.example/subjects"
MRN = "https://hospital.example/mrn"
SUBJECT_NUMBERS = ("01", "02", "03")
CROSSWALK = {number: ((MRN, f"mrn-{number}"),) for number in SUBJECT_NUMBERS}
QUICK = Patience(attempts=4, first_wait_s=0.001, longest_wait_s=0.002, longest_retry_after_s=1)


def rid(value: str) -> str:
    """Return the id of a fact."""
    return derived_id(KEY, BASE, value)


def staged(resource_type: str, value: str, subject: str = "", /, **elements: Any) -> Staged:
    """Return a row with its id, identifier and these elements."""
    body = {
        "resourceType": resource_type,
        "id": rid(value),
        "identifier": [{"system": BASE, "value": value}],
        **elements,
    }
    return Staged(resource_type, rid(value), subject, f"facts.csv:{value}", to_bytes(body))


def patient(subject: str) -> dict[str, Any]:
    """Return the placeholder of a subject's Patient."""
    return {"identifier": {"system": SUBJECTS, "value": subject}, "type": "Patient"}


def observation(number: int, value: str = "7.40", study: str = "t") -> Staged:
    """Return one laboratory value; the subjects take turns."""
    subject = SUBJECT_NUMBERS[number % 3]
    return staged(
        "Observation",
        f"{study}|{subject}|v1|lb|alt|{number}",
        subject,
        status="final",
        code={"text": "ALT"},
        subject=patient(subject),
        focus=[{"reference": f"ResearchSubject/{rid(f'{study}|{subject}')}"}],
        effectiveDateTime="2024-02-03",
        valueQuantity={"value": Decimal(value), "unit": "U/L"},
    )


def trial(observations: int = 60, value: str = "7.40", study: str = "t") -> list[Staged]:
    """Return a study, three subjects and these observations."""
    reference = {"reference": f"ResearchStudy/{rid(f'{study}|study')}"}
    subjects = [
        staged(
            "ResearchSubject",
            f"{study}|{number}",
            number,
            status="on-study",
            study=reference,
            individual=patient(number),
        )
        for number in SUBJECT_NUMBERS
    ]
    lab = [observation(number, value, study) for number in range(observations)]
    return [staged("ResearchStudy", f"{study}|study", status="active", title="t"), *subjects, *lab]


def patients() -> list[dict[str, Any]]:
    """Return the hospital's Patients of the crosswalk."""
    return [
        {
            "resourceType": "Patient",
            "id": f"pat-{number}",
            "identifier": [{"system": MRN, "value": f"mrn-{number}"}],
        }
        for number in SUBJECT_NUMBERS
    ]


def load_patients(base_url: str) -> None:
    """Put the Patients of the crosswalk."""
    with Site(Path(), base_url).client() as client:
        for body in patients():
            client.put(f"Patient/{body['id']}", to_bytes(body))


@dataclass
class Site:
    """A state folder and a server, and the two things done with them."""

    state: Path
    base_url: str
    crosswalk: Mapping[str, tuple[tuple[str, str], ...]] = field(default_factory=lambda: CROSSWALK)
    pace: Pace | None = None
    rule: Callable[[str], TypeRule] | None = None
    """In place of the rules of the server's capabilities."""
    takes: Mapping[Key, Take] = field(default_factory=dict)
    """What a person decided of rows, for the next run."""
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    opens: Callable[[Path, Owner, Callable[[], datetime]], Ledger] | None = None
    """How a run comes to its ledger, if it is not opened as it is."""

    def later(self) -> None:
        """Let the time pass that a server asked to be left alone."""
        self.now = lambda: datetime.now(UTC) + timedelta(days=2)

    def capabilities(self, client: Client) -> Capabilities:
        """Return what the server can do."""
        return fetch(client, self.settings())

    def settings(self) -> ServerSettings:
        """Return how to reach the server."""
        return ServerSettings(name="srv", base_url=self.base_url)

    def apply(self, rows: Iterable[Staged]) -> Result:
        """Stage these rows and apply them."""
        with self.run(rows) as (apply, _):
            return apply.run()

    def verify(self, rows: Iterable[Staged]) -> Findings:
        """Stage these rows and verify them."""
        with self.run(rows) as (_, verify):
            return verify.run()

    @contextmanager
    def client(self) -> Iterator[Client]:
        """Yield a client of the server."""
        transport = Transport(self.settings())
        try:
            yield Client(transport)
        finally:
            transport.close()

    @contextmanager
    def run(self, rows: Iterable[Staged]) -> Iterator[tuple[Apply, Verify]]:
        """Yield an apply and a verify of these rows, ready to run."""
        transport = Transport(self.settings())
        with (
            closing(transport),
            held(self.state, "T", "srv") as folder,
            ExitStack() as ends,
        ):
            opens = self.opens or Ledger.open
            ledger = opens(folder.ledger, Owner("T", "srv", KEY), self.now)
            ends.callback(ledger.close)
            staging = Staging.create(folder.staging)
            ends.callback(staging.close)
            assert staging.add(list(rows)) == []
            capabilities = self.capabilities(Client(transport))
            client = Client(transport, batch=capabilities.batch)
            answers = resolve(client, self.crosswalk, staging.subjects())
            rule = self.rule or (lambda name: replace(capabilities.rule(name), settle_s=0.01))
            terms = Terms(KEY, BASE, SUBJECTS, answers, rule, self.takes)
            pace = self.pace or _quick(pace_of(capabilities))
            yield (
                Apply(staging, ledger, client, terms, pace),
                Verify(staging, ledger, client, terms),
            )


def _quick(pace: Pace) -> Pace:
    return Pace(pace.kind, min(10, pace.bundle_entries), pace.workers, QUICK)
