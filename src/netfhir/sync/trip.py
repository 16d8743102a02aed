"""Rows on their way to a server: sent, judged by the reply, and looked for before they go again."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from netfhir.errors import TemporaryError
from netfhir.sync import writing
from netfhir.sync.holdings import Finding, Held
from netfhir.sync.reply import Judged, Verdict, check, check_entry

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from netfhir.fhir.canonical import Json
    from netfhir.sync.looking import Look
    from netfhir.sync.records import Planned
    from netfhir.sync.sending import Kind, Writes


@dataclass(slots=True)
class Trip:
    """One bundle: what is left to be answered, and what was."""

    client: Writes
    kind: Kind
    look: Look
    hold: Callable[[], None]
    """Makes sure, just before bytes leave, that this run may still send."""
    left: list[Planned]
    done: list[Judged] = field(default_factory=list)
    met: list[tuple[Planned, Held]] = field(default_factory=list)
    """Rows that a try before may have made, though its answer was lost."""
    doubted: bool = False
    """Whether a try before may have reached the server."""

    def attempt(self) -> None:
        """Send what is left; move what was answered to `done`, and raise if some is to be retried.

        Raises TemporaryError when entries of a batch ask to be sent again.
        """
        if self.doubted:
            self._find_doubted()
        if not self.left:
            return
        self.hold()
        try:
            judged = sent(self.client, self.kind, self.left)
        except TemporaryError as error:
            self.doubted = self.doubted or error.sent
            raise
        again = [j for j in judged if j.verdict is Verdict.RETRY]
        self.done += [j for j in judged if j.verdict is not Verdict.RETRY]
        self.left[:] = [j.item for j in again]
        if again:
            self.doubted = True
            where = f"{again[0].item.resource_type}/{again[0].item.id}"
            raise TemporaryError("entries", where=where, found=again[0].reason)

    def _find_doubted(self) -> None:
        """Look for rows that could be made twice; what is there is not sent again."""
        doubted = [item for item in self.left if writing.makes_another(item)]
        if not doubted:
            return
        for item, found in zip(doubted, self.look.again(doubted), strict=True):
            if found.finding is not Finding.ABSENT:
                self.left.remove(item)
                self.met.append((item, found))


def sent(client: Writes, kind: Kind, items: Sequence[Planned]) -> list[Judged]:
    """Send the rows once; return each with the verdict on its entry. Raises ServerErrors."""
    if kind != "single":
        return check(client.post_bundle(writing.bundle_of(items, kind)), items, kind)
    (item,) = items
    return [check_entry(_single(client, item), item)]


def _single(client: Writes, item: Planned) -> Json:
    request = writing.request_of(item)
    body = writing.sent(item)
    if request["method"] == "POST":
        return client.post(request["url"], body)
    condition = request.get("ifMatch", "")
    return client.put(request["url"], body, condition, create_only="ifNoneMatch" in request)
