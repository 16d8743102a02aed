"""Searches of a FHIR server: values travel in the form, never in a URL; pages stay at home."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

import orjson

from netfhir.errors import RejectedError, TemporaryError
from netfhir.fhir.canonical import from_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from netfhir.fhir.canonical import Json
    from netfhir.hospital.transport import Reply, Transport

#: Past a server's cache of searches: HAPI answers the same search anew only after a minute.
FRESH = {"Cache-Control": "no-cache"}


class Searches:
    """One FHIR server through one transport."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self.name = transport.name
        self.base_url = transport.base_url

    def search_identifiers(
        self, resource_type: str, tokens: Sequence[tuple[str, str]], elements: str = ""
    ) -> list[Json]:
        """Return the resources that carry one of these (system, value); values stay out of URLs.

        A page that is not the last is asked again in halves, so that no next link is followed.
        """
        form = {"identifier": ",".join(_token(*token) for token in tokens), "_count": "1000"}
        if elements:
            form["_elements"] = elements
        path = f"{resource_type}/_search"
        reply = self._transport.post_form(path, form, FRESH)
        page = _searchset(reply, f"{self.name}: POST {path}")
        more = any(link.get("relation") == "next" for link in page.get("link", []))
        if more and len(tokens) > 1:
            middle = len(tokens) // 2
            halves = (tokens[:middle], tokens[middle:])
            return [r for half in halves for r in self.search_identifiers(resource_type, half)]
        return list(_matches(page, resource_type))

    def of_patient(self, resource_type: str, among: str) -> list[Json]:
        """Return all resources of a type that a search finds, page after page.

        `among` is its parameter and patient, such as `subject=Patient/p1`.
        """
        parameter, _, patient = among.partition("=")
        path = f"{resource_type}/_search"
        reply = self._transport.post_form(path, {parameter: patient, "_count": "1000"}, FRESH)
        found: list[Json] = []
        while True:
            page = _searchset(reply, f"{self.name}: POST {path}")
            found += _matches(page, resource_type)
            following = self._following(page, path)
            if not following:
                return found
            reply = self._transport.get(following, FRESH)

    def all_of_system(self, resource_type: str, system: str) -> list[Json] | None:
        """Return all resources that carry an identifier of this system: their identifiers and ids.

        None where there may be more than one page, or the server does not take the search.
        """
        path = f"{resource_type}/_search"
        form = {"identifier": f"{_escaped(system)}|", "_elements": "identifier", "_count": "1000"}
        try:
            reply = self._transport.post_form(path, form, FRESH)
        except RejectedError:
            return None
        page = _searchset(reply, f"{self.name}: POST {path}")
        found = list(_matches(page, resource_type))
        return found if page.get("total") == len(found) else None

    def page_of_system(
        self, resource_type: str, system: str, after: str = ""
    ) -> tuple[list[Json], str]:
        """Return a page of the whole resources that carry an identifier of this system.

        And where the next one is, to be given as `after`; "" after the last. Raises RejectedError
        where the search is not taken, or a page leads to another address.
        """
        path = f"{resource_type}/_search"
        form = {"identifier": f"{_escaped(system)}|", "_count": "500"}
        if after:
            reply = self._transport.get(after, FRESH)
        else:
            reply = self._transport.post_form(path, form, FRESH)
        page = _searchset(reply, f"{self.name}: POST {path}")
        return list(_matches(page, resource_type)), self._following(page, path)

    def latest_of_system(self, resource_type: str, system: str, count: int) -> list[Json]:
        """Return some resources with an identifier of this system, those last written if it can.

        None at all where the server does not take the search.
        """
        path = f"{resource_type}/_search"
        form = {"identifier": f"{_escaped(system)}|", "_sort": "-_lastUpdated"}
        try:
            reply = self._transport.post_form(path, {**form, "_count": str(count)}, FRESH)
        except RejectedError:
            return []
        return list(islice(_matches(_searchset(reply, path), resource_type), count))

    def _following(self, page: Json, path: str) -> str:
        """Return where the next page is, "" after the last."""
        links = {link.get("relation"): str(link.get("url")) for link in page.get("link", [])}
        return self._below(links["next"], path) if "next" in links else ""

    def _below(self, url: str, path: str) -> str:
        """Return the part of a page's address below the base."""
        if url.startswith(f"{self.base_url}/"):
            return url.removeprefix(f"{self.base_url}/")
        if url.startswith(f"{self.base_url}?"):
            return url.removeprefix(self.base_url)
        raise RejectedError(
            "next-page",
            where=f"{self.name}: POST {path}",
            found="a next page at another address than base_url",
            remedy="put the server's own address into base_url",
        )


def body_of(reply: Reply, *, exact: bool = False) -> Json:
    """Return the JSON object of a reply, {} of anything else; `exact` keeps decimals as written."""
    try:
        parsed: Any = from_bytes(reply.content) if exact else orjson.loads(reply.content)
    except ValueError:
        return {}
    return parsed if isinstance(parsed, dict) else {}


def _searchset(reply: Reply, where: str) -> Json:
    page = body_of(reply, exact=True)
    if page.get("resourceType") != "Bundle" or page.get("type") != "searchset":
        raise TemporaryError("reply-type", where=where, found="no searchset")
    return page


def _matches(page: Json, resource_type: str) -> Iterator[Json]:
    for entry in page.get("entry", []):
        body = entry.get("resource", {})
        if body.get("resourceType") == resource_type:
            yield body


def _token(system: str, value: str) -> str:
    return f"{_escaped(system)}|{_escaped(value)}"


def _escaped(text: str) -> str:
    """Escape what separates in a search: FHIR R4, search, "Escaping Search Parameters"."""
    for char in "\\,$|":
        text = text.replace(char, f"\\{char}")
    return text
