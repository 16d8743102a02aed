"""The eligibility text of a registry record, split into its criteria, in the record's words.

A heading starts inclusion or exclusion; a number or a bullet at the left margin starts a criterion;
what is indented below belongs to it. A text that is not built so stays one piece.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from netfhir.trial.study_design import Criterion, unescaped

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Literal

    Kind = Literal["inclusion", "exclusion"]

_HEADING = re.compile(
    r"\W*(?:key |main |major |general )?(inclusion|exclusion) criteria\W*", re.IGNORECASE
)
_ITEM = re.compile(r"( *)(?:\d{1,3}[.)]|[*•·-])\s+(\S.*)")


def criteria(text: str) -> tuple[Criterion, ...]:
    """Return the criteria in order, numbered within their kind; one piece if it has no such form.

    A paragraph under a heading that is no item (an introduction) is kept as a criterion too, so
    that every word of the text stands in one of them, the headings excepted.
    """
    sections = list(_sections(text))
    if not sections:
        whole = unescaped(text).strip()
        return (Criterion(kind="eligibility", number=1, text=whole),) if whole else ()
    found: list[Criterion] = []
    for kind, lines in sections:
        before = sum(one.kind == kind for one in found)
        found += [
            Criterion(kind=kind, number=number, text=unescaped(item))
            for number, item in enumerate(_items(lines), before + 1)
        ]
    return tuple(found)


def _sections(text: str) -> Iterator[tuple[Kind, list[str]]]:
    """Yield kind and lines; nothing if words stand before the first heading."""
    kind: Kind | None = None
    lines: list[str] = []
    for line in text.splitlines():
        heading = _HEADING.fullmatch(line)
        if heading:
            if kind:
                yield kind, lines
            kind = "inclusion" if heading.group(1).lower() == "inclusion" else "exclusion"
            lines = []
        elif kind:
            lines.append(line)
        elif line.strip():
            return
    if kind:
        yield kind, lines


def _items(lines: list[str]) -> Iterator[str]:
    """Yield each item of the outer list with what is indented below it, and each paragraph."""
    margin = min((len(item.group(1)) for item in map(_ITEM.fullmatch, lines) if item), default=0)
    current: list[str] = []
    after_blank = True
    for line in lines:
        item = _ITEM.fullmatch(line)
        outer = item if item and len(item.group(1)) == margin else None
        paragraph = after_blank and line.strip() and not item and not line.startswith(" ")
        if (outer or paragraph) and any(current):
            yield "\n".join(current).strip()
            current = []
        current.append(outer.group(2) if outer else line.rstrip())
        after_blank = not line.strip()
    if any(current):
        yield "\n".join(current).strip()
