"""What a test needs beside the checkout: absent, it fails in CI and skips elsewhere."""

from __future__ import annotations

import os
from typing import NoReturn

import pytest


def absent(what: str) -> NoReturn:
    """Fail in CI, skip elsewhere, saying what is missing."""
    if os.environ.get("CI"):
        pytest.fail(f"{what} is absent, and in CI nothing may be skipped")
    pytest.skip(f"{what} is absent")
