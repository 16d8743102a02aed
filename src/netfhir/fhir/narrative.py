"""What a narrative's XHTML may hold (hl7.org/fhir/R4/narrative.html); no script, no form."""

from __future__ import annotations

import re
from functools import lru_cache
from html import entities
from xml.etree import ElementTree as ET

_XHTML = "{http://www.w3.org/1999/xhtml}"


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


#: HTML 4.0 chapters 7 to 11 and 15, links and images.
_TAGS = _words(
    "a abbr acronym address b big blockquote br caption center cite code col colgroup dd del dfn "
    "div dl dt em font h1 h2 h3 h4 h5 h6 hr i img ins kbd li ol p pre q s samp small span strike "
    "strong sub sup table tbody td tfoot th thead tr tt u ul var"
)
_ATTRIBUTES = _words(
    "abbr accesskey align alt axis bgcolor border cellhalign cellpadding cellspacing cellvalign "
    "char charoff charset cite class clear color colspan compact coords datetime dir face frame "
    "headers height href hreflang hspace id lang longdesc name noshade nowrap rel rev rowspan "
    "rules scope shape size span src start style summary tabindex title type valign value vspace "
    "width"
)
_NAMED = re.compile(r"&(\w+);")
_XML_OWN = {"amp", "lt", "gt", "quot", "apos"}


def _character(found: re.Match[str]) -> str:
    name = found.group(1)
    return found.group() if name in _XML_OWN else chr(entities.name2codepoint.get(name, 0xFFFD))


@lru_cache(maxsize=64)
def _parsed(div: str) -> ET.Element | None:
    """Return the root of the markup; None if it is not well-formed or brings its own grammar."""
    if "<!DOCTYPE" in div or "<!ENTITY" in div or "<?" in div:
        return None
    try:
        return ET.fromstring(_NAMED.sub(_character, div))  # noqa: S314 - no DTD is let in
    except ET.ParseError:
        return None


def _is_plain(part: ET.Element) -> bool:
    tag = part.tag.removeprefix(_XHTML)
    names = {name for name in part.attrib if not name.startswith("{http://www.w3.org/XML/")}
    source = part.get("href", "") + part.get("src", "")
    return tag in _TAGS and names <= _ATTRIBUTES and "javascript:" not in source.lower()


def is_allowed(div: str) -> bool:
    """Say whether it is one XHTML div of allowed elements and attributes."""
    root = _parsed(div)
    if root is None or root.tag != f"{_XHTML}div":
        return False
    return all(_is_plain(part) for part in root.iter())


def has_content(div: str) -> bool:
    """Say whether there is something to read or an image; markup that is refused counts."""
    root = _parsed(div)
    if root is None:
        return True
    return bool("".join(root.itertext()).strip()) or root.find(f".//{_XHTML}img") is not None
