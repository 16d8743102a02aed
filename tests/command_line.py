"""The command line as a person meets it: arguments in, exit status and two streams out."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest

from netfhir.cli import main

if TYPE_CHECKING:
    from pathlib import Path

    from export_copies import CsvCopy
    from fhir_store import FhirStore


@dataclass(frozen=True)
class Ran:
    """What a command did."""

    status: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """Return the one JSON document on stdout; anything else there is a failure."""
        return json.loads(self.out)


@dataclass(frozen=True)
class CommandLine:
    """Runs `netfhir …` in this process."""

    monkeypatch: pytest.MonkeyPatch
    capsys: pytest.CaptureFixture[str]

    def __call__(self, *arguments: str | Path) -> Ran:
        """Run one command to its end."""
        self.monkeypatch.setattr(sys, "argv", ["netfhir", *map(str, arguments)])
        self.capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = self.capsys.readouterr()
        assert "Traceback" not in err
        return Ran(int(ended.value.code or 0), out, err)


@dataclass
class Flow:
    """`plan`, `apply` and `verify` with the options that they have in common."""

    netfhir: CommandLine
    export: CsvCopy
    store: FhirStore
    trial: str = "NCT05987176"
    server: str = ""
    """Another server than the store's address."""

    def __call__(self, command: str, *more: str | Path) -> Ran:
        """Run one of them on the export."""
        given: dict[str, str | Path] = {
            "--format": "redcap",
            "--source": self.export.path,
            "--server": self.server or self.store.base_url,
            "--crosswalk": self.crosswalk.path,
            "--state": self.state,
        }
        options = (part for name, value in given.items() for part in (name, value))
        return self.netfhir(command, self.trial, *options, *more)

    @property
    def crosswalk(self) -> CsvCopy:
        """Return the crosswalk beside the export."""
        return replace(self.export, path=self.export.path.parent / "crosswalk.csv")

    @property
    def state(self) -> Path:
        """Return the state folder."""
        return self.export.path.parent / "state"

    @property
    def folder(self) -> Path:
        """Return the folder of this trial and server, after a run."""
        (found,) = (path for path in self.state.iterdir() if path.is_dir())
        return found
