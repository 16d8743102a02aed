"""Puts `mappings/` and the demo's fixtures into the wheel, beside the package's own files."""

from __future__ import annotations

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).resolve().parent
CARRIED = ("mappings", "fixtures")


class BuildWithData(build_py):
    """Builds the package, then copies the folders that it reads at run time."""

    def run(self) -> None:
        """Build; an editable install reads the folders where they are."""
        super().run()
        if self.editable_mode:
            return
        for name in CARRIED:
            target = Path(self.build_lib) / "netfhir" / name
            ignored = shutil.ignore_patterns("__pycache__", "expected")
            shutil.copytree(ROOT / name, target, dirs_exist_ok=True, ignore=ignored)


setup(cmdclass={"build_py": BuildWithData})
