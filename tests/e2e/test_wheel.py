"""The built wheel is what a hospital installs: it carries the mappings, and maps with them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder into which the freshly built wheel is installed."""
    work = tmp_path_factory.mktemp("wheel")
    tree = work / "tree"
    left_out = shutil.ignore_patterns(".*", "tests", "build", "*.egg-info", "__pycache__")
    shutil.copytree(ROOT, tree, ignore=left_out)
    pip = [sys.executable, "-m", "pip"]
    build = [*pip, "wheel", "--quiet", "--no-deps", "--no-build-isolation", "-w", str(work), "."]
    subprocess.run(build, cwd=tree, check=True)
    (wheel,) = work.glob("*.whl")
    target = work / "site"
    install = [*pip, "install", "--quiet", "--no-deps", "--target", str(target), str(wheel)]
    subprocess.run(install, check=True)
    return target


def run(installed: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the installed command line, in a folder that is no checkout."""
    environment = {**os.environ, "PYTHONPATH": str(installed), "NETFHIR_SITE_KEY": "k" * 20}
    command = [sys.executable, "-m", "netfhir", *arguments]
    return subprocess.run(
        command, cwd=installed, env=environment, check=False, capture_output=True, text=True
    )


def test_the_wheel_checks_its_own_mappings(installed: Path) -> None:
    """`check` finds every shipped trial in the wheel, and each is sound."""
    result = run(installed, "check", "--json")
    assert result.returncode == 0, result.stderr
    assert (installed / "netfhir" / "mappings" / "NCT05987176" / "registry.json").is_file()
    assert "NCT05987176: sound" in result.stderr
    assert "CDISCPILOT01: sound" in result.stderr


def test_the_wheel_maps_the_synthetic_study(installed: Path, tmp_path: Path) -> None:
    """`map` from the wheel gives the study's resources, with nothing rejected."""
    data = installed / "netfhir" / "fixtures" / "NCT05987176" / "redcap" / "data.csv"
    options = ["--format", "redcap", "--source", str(data), "--out", str(tmp_path)]
    result = run(installed, "map", "NCT05987176", *options)
    assert result.returncode == 0, result.stderr
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert summary["balanced"]
    assert summary["resources"]["ResearchSubject"] == 26
    assert not (tmp_path / "rejects.ndjson").read_bytes()
