"""A lost, damaged or old ledger: noticed before it harms, and made anew from the server."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from pytest_httpserver import HTTPServer

from fhir_store import FhirStore, answers
from ledger_copies import ledger_of, lose, rebuilt, rows_of
from netfhir.errors import AccessError, StateError
from netfhir.hospital.capabilities import TypeRule
from netfhir.hospital.profile import Strategy
from netfhir.sync.records import Outcome
from small_trial import Site, observation, patients, trial

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from netfhir.sync.apply import Result
    from netfhir.sync.staging import Staged


@pytest.fixture(scope="module")
def http() -> Iterator[HTTPServer]:
    """Return one HTTP server for the module."""
    with HTTPServer(threaded=True) as server:
        yield server


@pytest.fixture
def store(http: HTTPServer) -> FhirStore:
    """Return a store that holds the patients."""
    http.clear()
    made = FhirStore(http)
    for body in patients():
        made.put(body)
    return made


@pytest.fixture
def site(store: FhirStore, tmp_path: Path) -> Site:
    """Return a state folder and the store."""
    return Site(tmp_path, store.base_url)


def _outcomes(result: Result) -> dict[str, int]:
    return {o.value: n for o in Outcome if (n := result.summary.count(o))}


def test_a_rebuilt_ledger_equals_a_fresh_one(store: FhirStore, site: Site) -> None:
    """Row by row: digest, server id, version; and the next apply writes nothing."""
    rows = [*trial(60)[:-1], observation(59, "8.1")]
    site.apply(trial(60))
    site.apply(rows)
    fresh = rows_of(site)
    lose(site)
    assert (found := rebuilt(site, rows)).exit_status == 0
    assert (found.adopted, found.absent, found.not_in_export) == (64, 0, 0)
    assert rows_of(site) == fresh
    store.writes.clear()
    assert _outcomes(site.apply(rows)) == {"unchanged": 64}
    assert store.writes == []


def test_conditional_rows_are_found_by_identifier(store: FhirStore, site: Site) -> None:
    """Where the server gives the ids, the rebuilt ledger has them: children follow."""
    store.update_create = False
    site.apply(trial(6))
    fresh = rows_of(site)
    lose(site)
    assert rebuilt(site, trial(6)).adopted == 10
    assert rows_of(site) == fresh
    store.writes.clear()
    assert _outcomes(site.apply(trial(6))) == {"unchanged": 10}
    assert store.writes == []


def test_what_the_export_no_longer_has_is_known_again(site: Site) -> None:
    """Found by our identifier system, and taken as the server has it."""
    site.apply(trial(6))
    before = {row[1]: row for row in rows_of(site)}
    lose(site)
    found = rebuilt(site, trial(4))
    assert (found.adopted, found.not_in_export) == (8, 2)
    after = {row[1]: row for row in rows_of(site)}
    assert after.keys() == before.keys()
    assert {row[3] for row in after.values()} == {"acked"}
    assert {key: row[7] for key, row in after.items()} == {k: row[7] for k, row in before.items()}


def test_what_differs_is_named_and_stays(store: FhirStore, site: Site) -> None:
    """A person's change, or an older version of ours: a conflict that names its elements; 65."""
    site.apply(trial(3))
    path = f"Observation/{_id(1)}"
    store.put({**store.held[path], "status": "amended"})
    lose(site)
    found = rebuilt(site, trial(3))
    assert (found.adopted, found.exit_status) == (6, 65)
    ((where, _, reason),) = found.different
    assert (where, reason) == (path, "changed-on-server (status)")
    store.writes.clear()
    assert _outcomes(site.apply(trial(3))) == {"unchanged": 6, "conflict": 1}
    assert store.writes == []


def test_what_is_absent_is_sent_by_the_next_run(store: FhirStore, site: Site) -> None:
    """The ledger does not claim what the server does not hold."""
    site.apply(trial(3))
    del store.held[f"Observation/{_id(1)}"]
    lose(site)
    assert rebuilt(site, trial(3)).absent == 1
    assert _outcomes(site.apply(trial(3))) == {"unchanged": 6, "acknowledged": 1}


def test_a_copy_under_a_foreign_id_is_not_ours(store: FhirStore, site: Site) -> None:
    """A resource that carries our identifier under another id is not taken for the row."""
    site.apply(trial(3))
    store.put({**store.held[f"Observation/{_id(1)}"], "id": "copy"})
    lose(site)
    assert rebuilt(site, trial(0)).not_in_export == 3


def test_a_lost_ledger_is_noticed(site: Site) -> None:
    """Gone, or empty: 74, and no new one is made in its place without a word."""
    site.apply(trial(3))
    lose(site)
    with pytest.raises(StateError, match="ledger-lost"):
        site.apply(trial(3))
    ledger_of(site).touch()
    with pytest.raises(StateError, match="ledger-lost"):
        site.apply(trial(3))


def test_a_restored_ledger_is_noticed(site: Site, tmp_path: Path) -> None:
    """One that ends with an earlier run than the mark beside it: 74, and the way out."""
    site.apply(trial(3))
    shutil.copy(ledger_of(site), tmp_path / "backup")
    site.apply(trial(4))
    shutil.copy(tmp_path / "backup", ledger_of(site))
    with pytest.raises(StateError, match="ledger-older") as caught:
        site.apply(trial(4))
    assert "ends with run 1, where run 2 was seen" in str(caught.value)
    assert "netfhir ledger rebuild" in str(caught.value)
    assert rebuilt(site, trial(4)).adopted == 8
    assert _outcomes(site.apply(trial(4))) == {"unchanged": 8}


def test_a_ledger_of_the_middle_of_the_last_run_is_noticed(site: Site, tmp_path: Path) -> None:
    """Same run, but it had not ended."""
    with site.run(trial(3)) as (apply, _):
        apply.on_settled = lambda _: _copied(site, tmp_path / "backup")
        apply.run()
    shutil.copy(tmp_path / "backup", ledger_of(site))
    with pytest.raises(StateError, match="ledger-older"):
        site.apply(trial(3))


def _copied(site: Site, out: Path) -> None:
    with (
        closing(sqlite3.connect(ledger_of(site))) as source,
        closing(sqlite3.connect(out)) as target,
    ):
        source.backup(target)


def test_the_newest_backup_is_taken_back(site: Site, tmp_path: Path) -> None:
    """A backup of after the last run is no older ledger."""
    site.apply(trial(3))
    _copied(site, tmp_path / "backup")
    lose(site)
    shutil.copy(tmp_path / "backup", ledger_of(site))
    assert _outcomes(site.apply(trial(3))) == {"unchanged": 7}


def test_a_whole_ledger_is_not_replaced(site: Site) -> None:
    """Unless asked for; and then it is kept aside."""
    site.apply(trial(3))
    with pytest.raises(StateError, match="ledger-healthy"):
        rebuilt(site, trial(3))
    assert rebuilt(site, trial(3), replace=True).adopted == 7
    (aside,) = ledger_of(site).parent.glob("ledger.sqlite.2*Z")
    with closing(sqlite3.connect(aside)) as connection:
        assert connection.execute("SELECT count(*) FROM resource").fetchone() == (7,)


def test_anothers_ledger_is_not_replaced(site: Site) -> None:
    """A ledger of another server is no damaged one."""
    site.apply(trial(3))
    with closing(sqlite3.connect(ledger_of(site))) as connection:
        connection.execute("UPDATE owner SET server = 'another'")
        connection.commit()
    with pytest.raises(StateError, match="ledger-owner"):
        rebuilt(site, trial(3))


def test_a_rebuilding_that_fails_leaves_all_as_it_was(store: FhirStore, site: Site) -> None:
    """The new ledger takes the place only when it is whole."""
    site.apply(trial(3))
    before = rows_of(site, "*")
    store.counts = False
    store.read_faults.extend([answers(401)])
    with pytest.raises(AccessError):
        rebuilt(site, trial(3), replace=True)
    assert rows_of(site, "*") == before
    assert _outcomes(site.apply(trial(3))) == {"unchanged": 7}


def _id(number: int) -> str:
    """Return the id of an observation."""
    return observation(number).id


def _whole_state_restored(site: Site, changed: list[Staged], tmp_path: Path) -> None:
    """Apply, put the whole folder aside, apply a change, and put the folder back."""
    folder = ledger_of(site).parent
    shutil.copytree(folder, tmp_path / "backup")
    site.apply(changed)
    shutil.rmtree(folder)
    shutil.copytree(tmp_path / "backup", folder)


@pytest.mark.parametrize("searchable", [True, False])
def test_a_ledger_restored_with_its_mark_is_noticed_at_the_server(
    store: FhirStore, site: Site, tmp_path: Path, *, searchable: bool
) -> None:
    """Rows that hold what the export says, and that the ledger knows otherwise: 74, no write."""
    if not searchable:
        site.rule = lambda name: TypeRule(name, Strategy.PUT_ID, "cannot be searched")
    site.apply(trial(10))
    changed = trial(10, "8.8")
    _whole_state_restored(site, changed, tmp_path)
    store.writes.clear()
    with pytest.raises(StateError, match="10 resources that netfhir wrote") as caught:
        site.apply(changed)
    assert (caught.value.code, caught.value.exit_status) == ("ledger-older", 74)
    assert "ledger rebuild --replace" in str(caught.value)
    assert store.writes == []
    assert rebuilt(site, changed, replace=True).adopted == 14
    assert _outcomes(site.apply(changed)) == {"unchanged": 14}


def test_changes_of_people_are_no_old_ledger(store: FhirStore, site: Site) -> None:
    """Other contents than the export's, however many: left to the comparison of each row."""
    site.apply(trial(10))
    for path, body in list(store.held.items()):
        if path.startswith("Observation/"):
            store.put({**body, "status": "amended"})
    assert site.apply(trial(10)).exit_status in {0, 65}


def test_a_few_corrections_on_both_sides_are_no_old_ledger(store: FhirStore, site: Site) -> None:
    """The same value corrected by hand and in the source, twice: acknowledged, 0."""
    site.apply(trial(10))
    for number in (1, 2):
        body = store.held[f"Observation/{_id(number)}"]
        store.put({**body, "valueQuantity": {**body["valueQuantity"], "value": 8.8}})
    rows = [*trial(1), observation(1, "8.8"), observation(2, "8.8"), *trial(10)[7:]]
    result = site.apply(rows)
    assert (_outcomes(result), result.exit_status) == ({"unchanged": 12, "acknowledged": 2}, 0)


def test_versions_without_a_change_are_no_old_ledger(store: FhirStore, site: Site) -> None:
    """A server that counts versions by itself, for tags or an index."""
    site.apply(trial(10))
    for body in list(store.held.values()):
        store.put(body)
    store.writes.clear()
    assert _outcomes(site.apply(trial(10))) == {"unchanged": 14}
    assert store.writes == []
