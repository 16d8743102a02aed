"""Bad declarations, settings and arguments: told by file and key before any work is done."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bad_inputs import BAD_DECLARATIONS, BAD_SETTINGS, BadDeclaration

if TYPE_CHECKING:
    from pathlib import Path

    from command_line import CommandLine, Flow
    from export_copies import CsvCopy

TRIAL = "NCT05987176"


def mapping(export: CsvCopy) -> tuple[str | Path, ...]:
    """Return the arguments of a map run."""
    return ("map", TRIAL, "--format", "redcap", "--source", export.path, "--out", "out")


@pytest.mark.parametrize("bad", BAD_DECLARATIONS, ids=lambda bad: bad.name)
def test_a_bad_declaration_is_told_by_file_and_key(
    netfhir: CommandLine, tmp_path: Path, export: CsvCopy, bad: BadDeclaration
) -> None:
    """A site's overlay that is misspelt, or changes what it may not, is 78 before any work."""
    path = tmp_path / "site" / TRIAL / bad.file
    path.parent.mkdir(parents=True)
    path.write_text(bad.text, encoding="utf-8")
    ran = netfhir(*mapping(export), "--mappings", tmp_path / "site")
    assert ran.status == 78
    assert f"netfhir: {TRIAL}/{bad.where}" in ran.err
    assert f": {bad.code}: " in ran.err
    assert bad.remedy in ran.err
    assert not (tmp_path / "out" / "summary.json").exists()


def test_an_overlay_may_change_what_it_says_it_changes(
    netfhir: CommandLine, tmp_path: Path, export: CsvCopy
) -> None:
    """With `override = true` on top, a site's file may change a shipped key."""
    path = tmp_path / "site" / TRIAL / "trial.toml"
    path.parent.mkdir(parents=True)
    path.write_text('override = true\n[sites.01]\nzone = "Europe/Paris"\n', encoding="utf-8")
    assert netfhir(*mapping(export), "--mappings", tmp_path / "site").status == 0
    observations = (tmp_path / "out" / "Observation.ndjson").read_text(encoding="utf-8")
    assert "+02:00" in observations


@pytest.mark.parametrize("bad", BAD_SETTINGS, ids=lambda bad: bad[2])
def test_bad_settings_are_told_by_key(
    flow: Flow, tmp_path: Path, bad: tuple[str, str, str, str]
) -> None:
    """A misspelt key of netfhir.toml, or a server that it does not name, is 78."""
    text, where, code, remedy = bad
    (tmp_path / "netfhir.toml").write_text(text, encoding="utf-8")
    flow.server = "main"
    ran = flow("plan")
    assert ran.status == 78
    assert f"netfhir: {where}" in ran.err
    assert code in ran.err
    assert remedy in ran.err
    assert flow.store.seen == []


def test_settings_that_were_named_must_be_there(flow: Flow) -> None:
    """A --settings file that does not exist is 78, not read as none."""
    ran = flow("plan", "--settings", "other.toml")
    assert ran.status == 78
    assert "other.toml: missing-settings" in ran.err
    assert "--settings" in ran.err


def test_a_declared_server_needs_its_secret(
    flow: Flow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server with authentication and no secret in the environment is 78, nothing asked."""
    monkeypatch.delenv("NETFHIR_MAIN_TOKEN", raising=False)
    text = f'[servers.main]\nbase_url = "{flow.store.base_url}"\nauth = "bearer"\n'
    (tmp_path / "netfhir.toml").write_text(text, encoding="utf-8")
    flow.server = "main"
    ran = flow("plan")
    assert ran.status == 78
    assert "secret-missing" in ran.err
    assert flow.store.seen == []


@pytest.mark.parametrize("key", ["", "tooshort"])
def test_a_missing_site_key_names_its_variable(
    flow: Flow, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    """Without a site key of some length nothing starts: 78, with the variable's name."""
    monkeypatch.setenv("NETFHIR_SITE_KEY", key)
    ran = flow("apply")
    assert ran.status == 78
    assert "NETFHIR_SITE_KEY: missing-site-key" in ran.err
    assert "expected at least 16 secret characters" in ran.err
    assert "keep it with the site's secrets" in ran.err
    assert flow.store.seen == []


@pytest.mark.parametrize("command", ["plan", "apply", "verify"])
def test_an_unknown_trial_lists_the_known_ones(flow: Flow, command: str) -> None:
    """A TRIAL that no folder declares is 78; the known names are listed."""
    flow.trial = "NCT00000000"
    ran = flow(command)
    assert ran.status == 78
    assert "unknown-trial: no folder `NCT00000000`" in ran.err
    assert "expected one of CDISCPILOT01, NCT05987176" in ran.err
    assert "--mappings" in ran.err


def test_an_unknown_format_lists_the_known_ones(netfhir: CommandLine, export: CsvCopy) -> None:
    """A --format that the trial does not declare is 78."""
    arguments = [*mapping(export)]
    arguments[3] = "odm"
    ran = netfhir(*arguments)
    assert ran.status == 78
    assert f"{TRIAL}/sources: unknown-source" in ran.err
    assert "expected one of redcap" in ran.err


@pytest.mark.parametrize(
    "arguments",
    [
        ("map", TRIAL),
        ("map", TRIAL, "--sauce", "x"),
        ("plan", TRIAL, "--format", "redcap", "--source", "x"),
        ("apply", TRIAL, "--limit", "0"),
        ("verify",),
        ("conjure",),
        ("server",),
        ("--jason",),
    ],
)
def test_wrong_usage_is_2(netfhir: CommandLine, arguments: tuple[str, ...]) -> None:
    """A wrong option, a missing one or an unknown command ends with 2 and says so on stderr."""
    ran = netfhir(*arguments)
    assert ran.status == 2
    assert "Error: " in ran.err
    assert ran.out == ""


def test_the_shipped_declarations_are_sound(netfhir: CommandLine) -> None:
    """`check` without a name checks every trial, and finds nothing."""
    ran = netfhir("check", "--json")
    assert ran.document == {"version": 1, "findings": []}
    assert ran.status == 0


def test_check_names_file_and_key(netfhir: CommandLine, tmp_path: Path) -> None:
    """An item whose concept does not exist is a finding with file and key: 78."""
    path = tmp_path / "site" / TRIAL / "codes.toml"
    path.parent.mkdir(parents=True)
    item = '[items.laboratory.sodium]\nconcept = "salt"\ncategory = "category-laboratory"\n'
    path.write_text(item + 'units = ["mmol/L"]\n', encoding="utf-8")
    ran = netfhir("check", TRIAL, "--json", "--mappings", tmp_path / "site")
    assert ran.status == 78
    (finding,) = ran.document["findings"]
    assert finding["where"] == f"{TRIAL}/codes.toml:items.laboratory.sodium.concept"
    assert finding["remedy"]
