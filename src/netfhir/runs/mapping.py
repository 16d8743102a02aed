"""`netfhir map`: an export as FHIR files, one a type, with what was rejected and the sums."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO

import orjson

from netfhir.fhir.canonical import to_bytes
from netfhir.fhir.version import NUMBERS
from netfhir.runs import ndjson
from netfhir.runs.opening import stage
from netfhir.sync.staging import Staging

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from netfhir.mappers import MappingSite
    from netfhir.runs.opening import Input
    from netfhir.runs.pipeline import Account

FORMAT_VERSION = 1


@dataclass(frozen=True, slots=True)
class Mapped:
    """What a map run gave: the sums, and how many resources of each type."""

    account: Account
    resources: dict[str, int]

    def statuses(self) -> set[int]:
        """Return the exit statuses that the sums call for."""
        found = {65} if self.account.rejects else set()
        return found if self.account.balanced() else found | {70}


def run(site: MappingSite, given: Input, out: Path) -> Mapped:
    """Write `<Type>.ndjson`, `rejects.ndjson` and `summary.json` into the folder `out`."""
    out.mkdir(mode=0o700, parents=True, exist_ok=True)
    for old in [*out.glob("*.ndjson"), *out.glob("summary.json")]:
        old.unlink()
    staging = Staging.create(out / ".staging.sqlite")
    try:
        account = stage(site, given, staging)
        mapped = Mapped(account, staging.counts())
        ndjson.write(((row.resource_type, row.body) for row in staging.rows()), out)
    finally:
        staging.close()
        for left in out.glob(".staging.sqlite*"):
            left.unlink()
    _write(out / "rejects.ndjson", lambda file: _write_rejects(account, file))
    summary = orjson.dumps(summary_of(site, mapped), option=orjson.OPT_INDENT_2)
    _write(out / "summary.json", lambda file: file.write(summary + b"\n"))
    return mapped


def summary_of(site: MappingSite, mapped: Mapped) -> dict[str, Any]:
    """Return the document `summary.json`; its keys are listed in docs/formats.md."""
    account = mapped.account
    return {
        "version": FORMAT_VERSION,
        "trial": site.trial.name,
        "fhir": NUMBERS[site.fhir],
        "facts": _facts(account),
        "derived": _facts(account.derived) if account.derived else {},
        "left_out": dict(sorted(account.left_out.items())),
        "resources": mapped.resources,
        "balanced": account.balanced(),
    }


def _facts(account: Account) -> dict[str, dict[str, int]]:
    return {
        name: {
            "input": account.input[name],
            "mapped": account.mapped[name],
            "rejected": account.rejected[name],
        }
        for name in sorted(account.input)
    }


def _write_rejects(account: Account, file: BinaryIO) -> None:
    file.writelines(to_bytes(error.as_record()) + b"\n" for error in account.rejects)


def _write(path: Path, fill: Callable[[BinaryIO], object]) -> None:
    """Write a file whole or not at all."""
    partial = path.with_name(f".{path.name}.partial")
    with ndjson.private(partial) as file:
        fill(file)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
