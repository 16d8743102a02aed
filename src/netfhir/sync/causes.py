"""What stands behind a 409 or a 412: the same status is said of four things.

Source: HAPI FHIR's message numbers and FHIR's issue types; a server's prose is not kept.
"""

from __future__ import annotations

import re

#: HAPI-1094: a reference to a resource that is not there. `referential-integrity`: Blaze's 409.
_MISSING_PARENT = re.compile(r"\b(HAPI-1094|referential-integrity)\b")

#: HAPI-0958, HAPI-1097: a condition that several resources meet. `multiple-matches`: issue type.
_SEVERAL = re.compile(r"\b(HAPI-0958|HAPI-1097|multiple-matches)\b")


def lacks_parent(reason: str) -> bool:
    """Return whether a row was refused for a parent that is not there: it waits for the parent."""
    return _MISSING_PARENT.search(reason) is not None


def is_ambiguous(reason: str) -> bool:
    """Return whether several resources meet a condition: it is never tried again."""
    return _SEVERAL.search(reason) is not None
