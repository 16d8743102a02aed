"""Business identifiers and derived ids: the same source fact always has the same name.

Source: docs/design.md, "Identity and references". Ids are keyed digests, so that they name nobody.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple, NewType

if TYPE_CHECKING:
    from netfhir.fhir.canonical import Json

SiteKey = NewType("SiteKey", bytes)

_ENCODED = re.compile(r"[^\w.+-]")


class SourceKey(NamedTuple):
    """Where a fact stands in the trial's data, in the order of its identifier's parts."""

    study: str
    subject: str = ""
    event: str = ""
    form: str = ""
    item: str = ""
    repeat: str = ""

    def text(self) -> str:
        """Return `study|subject|event|form|item|repeat`: slugs, the repeat as it stands."""
        slugs = [slug(part) for part in self[:5]]
        return "|".join([*slugs, _escape(self.repeat)])


def _percent(found: re.Match[str]) -> str:
    return "".join(f"%{octet:02X}" for octet in found.group().encode())


def _escape(text: str) -> str:
    return _ENCODED.sub(_percent, text)


@lru_cache(maxsize=16_384)
def slug(text: str) -> str:
    """Return `text` in lower case, what is no letter, digit, `_`, `.`, `+` or `-` percent-encoded.

    Nothing but case is lost: two texts that differ elsewhere have different slugs.
    """
    return _escape(text.lower())


def identifiers_of(body: Json) -> list[Json]:
    """Return the identifiers of a resource, whether its type has a list of them or one."""
    given = body.get("identifier", [])
    return given if isinstance(given, list) else [given]


def derived_id(site_key: SiteKey, system: str, value: str) -> str:
    """Return the resource id of a business identifier: 33 characters, `n` and base32."""
    digest = hmac.digest(site_key, f"{system}|{value}".encode(), hashlib.sha256)
    return "n" + base64.b32encode(digest[:20]).decode().lower()
