"""How far the ledger had come, noted outside it: an older one put in its place is noticed.

The note is never ahead of the ledger: it is written after the commit that it tells of.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from netfhir.errors import StateError
from netfhir.sync.files import private_file

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Mark:
    """The last run that the ledger knew, whether it had ended, and the last fence."""

    run: int = 0
    ended: bool = False
    fence: int = 0

    @classmethod
    def read(cls, path: Path) -> Mark:
        """Return the note, or one of nothing. Raises StateError (74) for a file that is none."""
        try:
            return cls(**json.loads(path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return cls()
        except (OSError, ValueError, TypeError) as error:
            raise StateError(
                "ledger-mark",
                where=str(path),
                found="a file that is no mark of a ledger, or cannot be read",
                remedy="restore it with its ledger, or remove it: the server is asked all the same",
            ) from error

    def write(self, path: Path) -> None:
        """Replace the note, on the disk before this returns. Raises StateError (74)."""
        made = path.with_name(f"{path.name}.new")
        try:
            private_file(made)
            with made.open("w", encoding="utf-8") as file:
                json.dump(asdict(self), file)
                file.flush()
                os.fsync(file.fileno())
            made.replace(path)
            synced(path.parent)
        except OSError as error:
            raise StateError("state-file", where=str(path), found=f"{error.strerror}") from error

    def is_beyond(self, other: Mark) -> bool:
        """Return whether `other` is older: an earlier run, or this one before it ended."""
        return (self.run, self.ended) > (other.run, other.ended) or self.fence > other.fence


def synced(folder: Path) -> None:
    """Write a folder's entries to the disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
