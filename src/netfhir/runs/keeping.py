"""What is done with a ledger beside syncing: a look, a copy, and its dead letters."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from netfhir import clock, settings
from netfhir.fhir.identity import SiteKey
from netfhir.sync import dead, inspection
from netfhir.sync.files import folder_of, held
from netfhir.sync.ledger import Ledger, Owner
from netfhir.sync.records import State

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from sqlalchemy import Connection

    from netfhir.runs.syncing import Target
    from netfhir.sync.dead import Letter
    from netfhir.sync.files import StateFolder
    from netfhir.sync.inspection import Status


def status(trial: str, target: Target) -> Status:
    """Return what the ledger says of itself."""
    return inspection.status(_folder(trial, target))


def backup(trial: str, target: Target, out: Path) -> int:
    """Copy the ledger; return the copy's size in bytes."""
    return inspection.backup(_folder(trial, target), out)


def letters(trial: str, target: Target) -> list[Letter]:
    """Return the dead letters, dropped ones too."""
    with inspection.opened(_folder(trial, target)) as connection:
        return dead.letters(connection)


def chosen(trial: str, target: Target, names: Sequence[str]) -> list[Letter]:
    """Return the dead letters of these names."""
    return dead.chosen(letters(trial, target), names)


def retry(trial: str, target: Target, names: Sequence[str] | None) -> int:
    """Let the next apply send these, or all that are dead; return how many."""
    with _editing(trial, target) as connection:
        found = dead.letters(connection)
        if names is None:
            found = [letter for letter in found if letter.state == State.DEAD]
        else:
            found = dead.chosen(found, names)
        dead.requeue(connection, found)
    return len(found)


def drop(trial: str, target: Target, names: Sequence[str], reason: str) -> int:
    """Note that these are not to be sent, and why; return how many."""
    with _editing(trial, target) as connection:
        found = dead.chosen(dead.letters(connection), names)
        dead.drop(connection, found, reason)
    return len(found)


@contextmanager
def _editing(trial: str, target: Target) -> Iterator[Connection]:
    inspection.present(_folder(trial, target).ledger)
    owner = Owner(trial, target.server.base_url, SiteKey(settings.site_key()))
    with held(target.state, trial, target.server.name) as folder:
        ledger = Ledger.open(folder.ledger, owner, clock.now)
        try:
            with ledger.editing() as connection:
                yield connection
        finally:
            ledger.close()


def _folder(trial: str, target: Target) -> StateFolder:
    return folder_of(target.state, trial, target.server.name)
