"""What subjects refer to is told before them."""

from __future__ import annotations

from netfhir.errors import RecordError
from netfhir.sources.assemble import entities
from netfhir.trial.entities import Subject
from tiny_trial import Export, source

PEOPLE = source(
    entity="subject",
    form="people",
    subject="ID",
    site="SITE",
    links=[{"element": "consent", "to": "consent"}],
    states=[{"state": {"column": "STATE", "values": "state"}}],
)
CONSENT = source(
    entity="consent",
    form="consents",
    subject="ID",
    status={"constant": "active", "reason": "the form"},
    version="VERSION",
    given="DAY",
    policy={"constant": "sheet", "reason": "the form"},
)


def told(*versions: str, state: str = "IC") -> list[tuple[str, object]]:
    """Return what is told of S1, who gave a consent under each of these versions."""
    people, consents = Export(PEOPLE), Export(CONSENT)
    row = people.row("", 2, ID="S1", SITE="01", STATE=state)
    rows = [
        consents.row("", 3 + at, ID="S1", VERSION=text, DAY="2024-08-05")
        for at, text in enumerate(versions)
    ]
    assembly = people.assembly(row, consents=rows)
    assembly.zones.clear()
    return list(entities(assembly, (PEOPLE, CONSENT)))


def test_a_subject_refers_to_the_last_consent() -> None:
    """Consents come first, so that a refused one is known when the subject is mapped."""
    names = [name for name, _ in told("2.0", "3.0")]
    assert names == ["consent", "consent", "subject"]
    subject = told("2.0", "3.0")[-1][1]
    assert isinstance(subject, Subject)
    (link,) = subject.links
    assert (link.element, link.key.item, link.required) == ("consent", "3.0", False)


def test_a_subject_without_a_consent_refers_to_none() -> None:
    """Nothing is made up."""
    ((name, subject),) = told()
    assert name == "subject"
    assert isinstance(subject, Subject)
    assert subject.links == ()


def test_a_refused_subject_is_told_before_its_consents() -> None:
    """The cause stands first, and its consents are rejects too: none is lost."""
    found = told("2.0", state="VISIT")
    assert [name for name, _ in found] == ["subject", "consent"]
    codes = [fact.code for _, fact in found if isinstance(fact, RecordError)]
    assert codes == ["no-state", "subject-rejected"]
