"""A write strategy for each type, from the statement and what a profile knows better."""

from __future__ import annotations

from typing import Any

import pytest

from netfhir.errors import CapabilityError, DeclarationError, TemporaryError, UnreachableError
from netfhir.hospital.capabilities import Capabilities, fetch, read
from netfhir.hospital.endpoint import ServerSettings
from netfhir.hospital.profile import Strategy, choose, profiles


def _statement(software: str = "", bundles: tuple[str, ...] = (), **stated: Any) -> dict[str, Any]:
    resource = {
        "type": "Observation",
        "interaction": [{"code": "update"}],
        "searchParam": [{"name": "identifier"}],
        **stated,
    }
    interaction = [{"code": code} for code in bundles]
    return {
        "resourceType": "CapabilityStatement",
        "software": {"name": software},
        "rest": [{"mode": "server", "resource": [resource], "interaction": interaction}],
    }


def _read(statement: dict[str, Any], **changes: Any) -> Capabilities:
    return read(statement, ServerSettings(name="s", base_url="https://f.example", **changes))


def test_update_create_is_put_by_id() -> None:
    """The primary key refuses a duplicate, no search does."""
    rule = _read(_statement(updateCreate=True, conditionalUpdate=True)).rule("Observation")
    assert (rule.strategy, rule.why) == (Strategy.PUT_ID, "statement: updateCreate")


def test_conditional_update_is_second() -> None:
    """Where PUT does not create, and bundles keep the identifier out of URLs."""
    capabilities = _read(_statement(bundles=("batch",), conditionalUpdate=True))
    assert capabilities.rule("Observation").strategy is Strategy.CONDITIONAL_PUT


@pytest.mark.parametrize(
    "statement",
    [
        _statement(conditionalUpdate=True),
        _statement(bundles=("batch",)),
        _statement(bundles=("batch",), conditionalUpdate=True, searchParam=[]),
        _statement(updateCreate=True, interaction=[{"code": "read"}]),
        _statement(updateCreate=True, type="Patient"),
    ],
)
def test_what_cannot_be_written_is_unsupported(statement: dict[str, Any]) -> None:
    """No bundle, no condition, no search, no update, not listed: said with the reason."""
    rule = _read(statement).rule("Observation")
    assert rule.strategy is Strategy.UNSUPPORTED
    assert rule.why


def test_a_profile_is_chosen_by_the_software() -> None:
    """HAPI's statement is silent on updateCreate and batch; its profile is not."""
    capabilities = _read(_statement("HAPI FHIR Server", ("transaction",)))
    assert capabilities.rule("Observation").strategy is Strategy.PUT_ID
    assert capabilities.batch


def test_a_profile_knows_types_that_are_not_listed() -> None:
    """sekmet-fhir stores research types that its statement leaves out."""
    rule = _read(_statement("SEKMET FHIR R4 Tester")).rule("ResearchStudy")
    assert (rule.strategy, rule.identifier_search) == (Strategy.PUT_ID, False)


def test_an_unknown_server_is_taken_at_its_word() -> None:
    """Without a profile the statement alone decides."""
    assert _read(_statement("Other")).profile.name == "statement"


def test_a_forced_profile_must_exist() -> None:
    """A misspelt name is 78 and lists those that are there."""
    with pytest.raises(DeclarationError) as caught:
        choose("HAPI", "hapy")
    assert "hapi" in caught.value.expected


def test_every_shipped_profile_reads() -> None:
    """A profile is added by its file alone."""
    assert {"hapi", "sekmet"} <= profiles().keys()


def test_settings_overrule_the_profile() -> None:
    """Workers and bundle size of the settings win."""
    capabilities = _read(_statement("HAPI FHIR"), workers=2, bundle_entries=7)
    assert (capabilities.workers, capabilities.bundle_entries) == (2, 7)


@pytest.mark.parametrize("statement", [{}, {"resourceType": "Patient"}, {"rest": []}])
def test_something_else_is_no_statement(statement: dict[str, Any]) -> None:
    """A web page or another resource at /metadata is 78."""
    with pytest.raises(CapabilityError):
        _read(statement)


class _Failing:
    skew_s: float | None = None

    def __init__(self, code: str) -> None:
        self._code = code

    def statement(self) -> dict[str, Any]:
        raise TemporaryError(self._code, where="s")


@pytest.mark.parametrize(
    ("code", "kind"), [("no-answer", UnreachableError), ("http-503", TemporaryError)]
)
def test_no_answer_at_the_first_request_is_unreachable(code: str, kind: type[Exception]) -> None:
    """69 without an answer; an answer of 503 stays 75."""
    with pytest.raises(kind):
        fetch(_Failing(code), ServerSettings(name="s", base_url="https://f.example"))


@pytest.mark.parametrize(
    ("stated", "fhir"), [("4.0.1", "r4"), ("4.3.0", "r4"), ("5.0.0", "r5"), ("5.0.0-ballot", "r5")]
)
def test_a_server_takes_its_own_version(stated: str, fhir: Any) -> None:
    """R4B, which has the same elements for all that is written, takes R4."""
    _read(_statement() | {"fhirVersion": stated}).must_speak(fhir)


@pytest.mark.parametrize(
    ("stated", "fhir", "remedy"),
    [
        ("4.0.1", "r5", "give --fhir r4"),
        ("5.0.0", "r4", "give --fhir r5"),
        ("3.0.2", "r4", "name an R4 or R5 endpoint of it"),
        ("6.0.0-ballot3", "r5", "name an R4 or R5 endpoint of it"),
        ("", "r4", "name an R4 or R5 endpoint of it"),
    ],
)
def test_a_server_of_another_version_gets_nothing(stated: str, fhir: Any, remedy: str) -> None:
    """What it would take for valid could mean something else: 78, before anything is sent."""
    capabilities = _read(_statement() | {"fhirVersion": stated})
    with pytest.raises(CapabilityError) as caught:
        capabilities.must_speak(fhir)
    assert (caught.value.code, caught.value.exit_status) == ("other-fhir-version", 78)
    assert caught.value.remedy == remedy
