"""What is mapped is valid for another server too: HAPI's `$validate`, in R4 and in R5.

It is asked about every golden and about one resource of each distinct shape of three exports; all
resources of them are `make validate-all`.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections import Counter
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import hapi_validation
import trial_exports
from distinct_shapes import OneOfEach
from netfhir.fhir import canonical
from netfhir.fhir.identity import identifiers_of

if TYPE_CHECKING:
    from hapi_server import HapiServer
    from hapi_validation import Issue
    from netfhir.fhir.canonical import Json
    from netfhir.fhir.version import Version

WARNINGS = Path(__file__).with_name("validation_warnings.toml")


@cache
def rows() -> list[dict[str, Any]]:
    """Return the warnings that stay, with their reasons."""
    found: list[dict[str, Any]] = tomllib.loads(WARNINGS.read_text("utf-8"))["warning"]
    return found


def goldens(fhir: Version) -> list[bytes]:
    """Return every resource that a person has read in a version, on one line."""
    below = "*/expected/*.json" if fhir == "r4" else f"*/expected/{fhir}/*.json"
    files = sorted((trial_exports.ROOT / "fixtures").glob(below))
    assert files
    return [canonical.to_bytes(canonical.resource(path.read_bytes())) for path in files]


def one_of_each(fhir: Version, shared_data: Path, folder: Path) -> list[Json]:
    """Return the goldens, and one resource of each further shape of all exports."""
    shapes = OneOfEach()
    for mapped in (
        trial_exports.redcap(folder / "redcap", fhir),
        trial_exports.pilot(shared_data, "json", folder / "json", fhir),
        trial_exports.pharmaverse(folder / "pharmaverse", fhir),
    ):
        assert mapped.account.rejects == []
        for name in mapped.types():
            shapes.see(mapped.lines(name))
    read = [canonical.resource(line) for line in goldens(fhir)]
    names = {body["id"] for body in read}
    return [*read, *(body for body in shapes.resources if body["id"] not in names)]


def told(issues: list[Issue]) -> list[str]:
    """Return the messages that no row knows."""
    known = [re.compile(row["message"]) for row in rows()]
    return sorted(
        {issue.message for issue in issues if not any(one.match(issue.message) for one in known)}
    )


@pytest.mark.parametrize("fhir", ["r4", "r5"])
def test_one_resource_of_each_shape_validates(
    fhir: Version,
    shared_data: Path,
    tmp_path: Path,
    request: pytest.FixtureRequest,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """No error in a golden or in a shape, and no warning without its reason."""
    server: HapiServer = request.getfixturevalue(f"hapi_{fhir}")
    bodies = one_of_each(fhir, shared_data, tmp_path)
    issues = hapi_validation.issues(server.base_url, bodies)
    errors = [issue for issue in issues if issue.is_error]
    warnings = [issue for issue in issues if issue.severity == "warning"]
    with capsys.disabled():
        counts = json.dumps(Counter(str(body["resourceType"]) for body in bodies))
        print(f"\n{fhir}: {len(errors)} errors in {len(bodies)} resources {counts}")  # noqa: T201 - counts
    places = {identifiers_of(bodies[one.number])[0]["value"]: one.message for one in errors}
    assert places == {}
    assert told(warnings) == []
    needed = [row["message"] for row in rows() if fhir in row["versions"]]
    met = [one for one in needed if any(re.match(one, issue.message) for issue in warnings)]
    assert met == needed


def test_every_warning_that_stays_has_its_reason() -> None:
    """A row says why, and in which version."""
    assert all(row["reason"] and set(row["versions"]) <= {"r4", "r5"} for row in rows())
    messages = [row["message"] for row in rows()]
    assert len(set(messages)) == len(messages)
