"""How references in a staged body read on one server: to patients, parents, and what it lacks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netfhir.sync import references
from netfhir.sync.writing import token_of

if TYPE_CHECKING:
    from collections.abc import Collection

    from netfhir.sync.plan import Sorted, Terms
    from netfhir.sync.staging import Staged


class Addresses:
    """What stands where: `locate` tells of an id that the server gave.

    `unheld` are the types that the server cannot take.
    """

    def __init__(self, staging: Sorted, terms: Terms, unheld: Collection[str]) -> None:
        self._staging = staging
        self._terms = terms
        self._unheld = unheld
        self._moved: dict[str, str] = {}
        self._patients: dict[str, tuple[bytes, bytes]] = {}

    def locate(self, resource_type: str, resource_id: str, server_id: str) -> None:
        """Take in under which id the server holds a resource of ours."""
        if server_id and server_id != resource_id:
            self._moved[f"{resource_type}/{resource_id}"] = f"{resource_type}/{server_id}"

    def body(self, row: Staged) -> bytes:
        """Return the body as the server shall hold it.

        A resource that the server cannot hold is referred to by its identifier, and so is a
        patient who was not found.
        """
        body = self._with_patient(row)
        if self._moved:
            body = references.relocated(body, self._moved)
        for path, kind in sorted(references.targets(body)) if self._unheld else ():
            if kind in self._unheld:
                body = self._by_identifier(body, path)
        return body

    def _by_identifier(self, body: bytes, path: str) -> bytes:
        kind, _, name = path.partition("/")
        target = self._staging.find(kind, name)
        if target is None:
            return body
        token = token_of(target.body, self._terms.identifier_system, target.where)
        return references.logical(body, path, token)

    def _with_patient(self, row: Staged) -> bytes:
        if not row.subject:
            return row.body
        change = self._patients.get(row.subject)
        if change is None:
            answer = self._terms.patients.get(row.subject)
            if answer is None or answer.reason:
                return row.body
            change = (
                references.placeholder(self._terms.subject_system, row.subject),
                references.patient_reference(answer.patient_id),
            )
            self._patients[row.subject] = change
        return row.body.replace(*change)
