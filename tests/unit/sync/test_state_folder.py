"""The state folder is private, and one run's at a time."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

import pytest

from netfhir.errors import OverlapError, StateError
from netfhir.sync.files import held

if TYPE_CHECKING:
    from pathlib import Path


def test_the_folder_is_named_and_private(tmp_path: Path) -> None:
    """`<trial>@<server>`, 0700; a server's URL is no path."""
    with held(tmp_path, "T", "https://f.example/r4") as folder:
        assert folder.path.parent == tmp_path
        assert folder.path.name == "T@https%3A%2F%2Ff.example%2Fr4"
        assert stat.S_IMODE(folder.path.stat().st_mode) == 0o700


def test_a_second_run_is_turned_away(tmp_path: Path) -> None:
    """75 while the first holds the lock; free again after it."""
    with held(tmp_path, "T", "s"):
        with pytest.raises(OverlapError, match="locked"), held(tmp_path, "T", "s"):
            pass
        with held(tmp_path, "T", "other"):
            pass
    with held(tmp_path, "T", "s"):
        pass


def test_a_folder_that_cannot_be_made_is_a_state_error(tmp_path: Path) -> None:
    """A file stands in its place: 74."""
    (tmp_path / "state").write_text("")
    with pytest.raises(StateError), held(tmp_path / "state", "T", "s"):
        pass
