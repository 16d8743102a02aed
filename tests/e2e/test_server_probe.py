"""`netfhir server --probe`: what is claimed is tested, what was made is removed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from fhir_store import answers
from netfhir.hospital.bench import SUBJECTS

if TYPE_CHECKING:
    from pathlib import Path

    from command_line import CommandLine
    from fhir_store import FhirStore

CAN = ("read", "create", "update", "delete")
POSTING: dict[str, Any] = {"update_create": False, "conditional_create": True}
SEARCHING: dict[str, Any] = {"update_create": False, "conditional_update": False}


@pytest.fixture
def store(hospital: FhirStore) -> FhirStore:
    """Return the hospital, which lets us remove what we made."""
    hospital.can = CAN
    return hospital


def _own(store: FhirStore) -> list[str]:
    return [path for path in store.held if path.split("/")[0] in SUBJECTS]


def _false(document: Any) -> list[str]:
    tested = document["probe"]["tested"]
    assert {row["verdict"] for row in tested} <= {"as claimed", "not as claimed", "not testable"}
    assert all(row["remedy"] for row in tested if row["verdict"] == "not as claimed")
    return [row["claim"] for row in tested if row["verdict"] == "not as claimed"]


@pytest.mark.parametrize("offer", [{}, POSTING, SEARCHING, {"interactions": ()}])
def test_a_server_that_keeps_its_word(
    netfhir: CommandLine, store: FhirStore, offer: dict[str, Any]
) -> None:
    """Every claim of its strategy holds, nothing is left: 0."""
    for name, value in offer.items():
        setattr(store, name, value)
    before = set(store.held)
    ran = netfhir("server", store.base_url, "--probe", "--json")
    assert _false(ran.document) == []
    assert ran.status == ran.document["exit_status"] == 0
    assert len(ran.document["probe"]["tested"]) >= 4
    assert ran.document["probe"]["type"] in SUBJECTS
    assert set(store.held) == before
    assert "as claimed" in ran.err


def test_a_stale_version_that_is_taken_is_told(netfhir: CommandLine, store: FhirStore) -> None:
    """If-Match is ignored: not as claimed, with what to do; 78."""
    store.careless = True
    store.interactions = ()
    ran = netfhir("server", store.base_url, "--probe", "--json")
    assert _false(ran.document) == ["a stale If-Match is refused"]
    assert ran.status == 78
    assert _own(store) == []


def test_a_search_that_finds_nothing_is_told(
    netfhir: CommandLine, store: FhirStore, tmp_path: Path
) -> None:
    """A search by identifier that is late or blind: not as claimed."""
    store.interactions = ()
    store.blind = True
    (tmp_path / "impatient.toml").write_text('source = "a test"\nsettle_s = 0\n')
    settings = f'[servers.h]\nbase_url = "{store.base_url}"\nprofile = "impatient.toml"\n'
    (tmp_path / "netfhir.toml").write_text(settings)
    ran = netfhir("server", "h", "--probe", "--json")
    assert _false(ran.document) == ["a search by identifier sees what was just stored"]
    assert ran.status == 78


def test_digits_that_are_lost_are_told(
    netfhir: CommandLine, store: FhirStore, tmp_path: Path
) -> None:
    """A profile that says decimals are kept, of a server that reads them as floats."""
    (tmp_path / "exact.toml").write_text('source = "a test"\nkeeps_precision = true\n')
    settings = f'[servers.h]\nbase_url = "{store.base_url}"\nprofile = "exact.toml"\n'
    (tmp_path / "netfhir.toml").write_text(settings)
    ran = netfhir("server", "h", "--probe", "--json")
    assert _false(ran.document) == ["decimals keep their digits"]


def test_a_write_that_is_refused_is_told(netfhir: CommandLine, store: FhirStore) -> None:
    """405 to what the statement offers is a finding, and the other claims are still tested."""
    store.faults.append(answers(405))
    ran = netfhir("server", store.base_url, "--probe", "--json")
    assert _false(ran.document) == ["PUT by our id creates"]
    assert ran.document["probe"]["tested"][0]["found"].startswith("HTTP 405")
    assert _own(store) == []


def test_all_is_removed_after_a_failure(netfhir: CommandLine, store: FhirStore) -> None:
    """The server fails in the middle: the probe ends with its status, and leaves nothing."""
    store.faults.extend([lambda _, process: process(), answers(503)])
    ran = netfhir("server", store.base_url, "--probe")
    assert ran.status == 75
    assert _own(store) == []


def test_what_could_not_be_removed_is_named(netfhir: CommandLine, store: FhirStore) -> None:
    """A deletion that is refused: the path and the reason; 78."""
    store.undeletable = True
    ran = netfhir("server", store.base_url, "--probe", "--json")
    assert ran.status == 78
    assert {line.partition(" ")[0] for line in ran.document["probe"]["left"]} == set(_own(store))
    assert ran.err.count("not removed: ") == len(_own(store)) > 0


def test_without_delete_nothing_is_made(netfhir: CommandLine, store: FhirStore) -> None:
    """What could not be removed again is not made: not testable."""
    store.can = ("read", "create", "update")
    before = dict(store.held)
    ran = netfhir("server", store.base_url, "--probe", "--json")
    assert [row["verdict"] for row in ran.document["probe"]["tested"]] == ["not testable"]
    assert (ran.status, store.held, store.writes) == (0, before, [])


def test_a_probe_puts_no_identifier_into_a_url(netfhir: CommandLine, store: FhirStore) -> None:
    """Its searches and conditions travel in bodies, as those of a run do."""
    store.update_create = False
    netfhir("server", store.base_url, "--probe")
    assert not [url for _, url in store.seen if "identifier" in url or "probe" in url]


def test_the_table_tells_where_it_is_known_from(netfhir: CommandLine, store: FhirStore) -> None:
    """The profile with its source, and of each type what becomes of a change."""
    store.software = "HAPI FHIR Server"
    ran = netfhir("server", store.base_url)
    assert "profile hapi: measured with HAPI FHIR JPA" in ran.err
    assert "PUT by id" in ran.err


def test_an_own_profile_that_is_not_there_is_78(
    netfhir: CommandLine, store: FhirStore, tmp_path: Path
) -> None:
    """A path in `profile` that leads nowhere is told, not passed over."""
    settings = f'[servers.h]\nbase_url = "{store.base_url}"\nprofile = "nowhere.toml"\n'
    (tmp_path / "netfhir.toml").write_text(settings)
    ran = netfhir("server", "h")
    assert ran.status == 78
    assert "nowhere.toml: profile: no file that can be read" in ran.err
