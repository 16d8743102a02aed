"""A ledger lost, restored from a backup and made anew, against real servers."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from ledger_copies import ledger_of, lose, rebuilt, rows_of
from netfhir.errors import StateError
from netfhir.fhir.canonical import to_bytes
from netfhir.sync.records import Outcome
from small_trial import Site, load_patients, observation, trial

if TYPE_CHECKING:
    from pathlib import Path

    from netfhir.sync.apply import Result


@pytest.fixture(params=["hapi_r4", "sekmet"])
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Site:
    """Return a state folder and each real server, holding the patients."""
    base_url = str(request.getfixturevalue(request.param).base_url)
    load_patients(base_url)
    return Site(tmp_path, base_url)


def _outcomes(result: Result) -> dict[str, int]:
    return {o.value: n for o in Outcome if (n := result.summary.count(o))}


def test_a_rebuilt_ledger_equals_a_fresh_one(site: Site) -> None:
    """Row by row: digest, server id, version; and the next apply writes nothing."""
    first = trial(60, study="rebuilt")
    rows = [*first[:-1], observation(59, "8.15", "rebuilt")]
    site.apply(first)
    site.apply(rows)
    fresh = rows_of(site)
    lose(site)
    found = rebuilt(site, rows)
    assert (found.adopted, found.absent, found.different) == (64, 0, [])
    ours = {row.id for row in rows}
    assert [row for row in rows_of(site) if row[1] in ours] == fresh
    assert _outcomes(site.apply(rows)) == {"unchanged": 64}


def test_more_than_a_page_of_what_the_export_no_longer_has(site: Site) -> None:
    """Found by our identifier system, page after page, with the digests that were sent."""
    rows = trial(520, study="pages")
    site.apply(rows)
    fresh = {row[1]: row for row in rows_of(site)}
    lose(site)
    few = rows[:50]
    rebuilt(site, few)
    found = {row[1]: row for row in rows_of(site) if row[1] in fresh}
    assert found.keys() == fresh.keys()
    assert {k: row[6:] for k, row in found.items()} == {k: row[6:] for k, row in fresh.items()}


def test_an_old_ledger_is_noticed_at_the_server(site: Site, tmp_path: Path) -> None:
    """The whole state folder restored, mark and all: 74, and nothing is written."""
    rows, changed = trial(30, study="older"), trial(30, "6.25", "older")
    site.apply(rows)
    folder = ledger_of(site).parent
    shutil.copytree(folder, tmp_path / "backup")
    site.apply(changed)
    shutil.rmtree(folder)
    shutil.copytree(tmp_path / "backup", folder)
    with pytest.raises(StateError, match="ledger-older"):
        site.apply(changed)
    assert rebuilt(site, changed, replace=True).adopted == 34
    assert _outcomes(site.apply(changed)) == {"unchanged": 34}


def test_changes_of_people_are_no_old_ledger(site: Site) -> None:
    """Many rows changed in the hospital, none as the export has it: not 74."""
    rows = trial(9, study="people")
    site.apply(rows)
    with site.client() as client:
        paths = [f"{row.resource_type}/{row.id}" for row in rows if "Obs" in row.resource_type]
        for stored in client.read_many(paths):
            body = {**(stored.body or {}), "status": "amended"}
            client.put(f"Observation/{body['id']}", to_bytes(body))
    assert site.apply(rows).exit_status in {0, 65}
