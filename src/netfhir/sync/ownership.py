"""Whose which part of a resource is, as `ownership.toml` beside this module declares it."""

from __future__ import annotations

import tomllib
from importlib import resources
from typing import Any, Final


def _declared() -> dict[str, Any]:
    return tomllib.loads((resources.files("netfhir.sync") / "ownership.toml").read_text("utf-8"))


_DECLARED: Final = _declared()
SERVER_OWN: Final = frozenset(_DECLARED["server"]["elements"])
META_OWN: Final = frozenset(_DECLARED["server"]["meta"])
SHARED: Final = frozenset(_DECLARED["shared"]["all"])
META_SHARED: Final = tuple(_DECLARED["shared"]["meta"])
