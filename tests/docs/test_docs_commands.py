"""What the documents tell people to type exists."""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING

import click
import pytest

from documents import DOCUMENTS, ROOT, blocks, commands, read, spans
from netfhir import settings
from netfhir.cli import group
from netfhir.hospital.endpoint import ServerSettings
from netfhir.runs.servers import server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

#: Keys of a server that its table's name or the environment gives.
GIVEN_ELSEWHERE = {"name", "token", "user", "password"}


def _command(name: str) -> click.Command:
    found = group.get_command(click.Context(group), name)
    assert found is not None, f"no command {name}"
    return found


def _every_command() -> Iterator[click.Command]:
    for name in group.list_commands(click.Context(group)):
        command = _command(name)
        yield from command.commands.values() if isinstance(command, click.Group) else [command]


def _typed(path: Path) -> list[list[str]]:
    text = path.read_text(encoding="utf-8")
    inline = [span.split() for span in spans(text) if re.fullmatch(r"netfhir [a-z].*", span)]
    return [*commands(text, "netfhir"), *inline]


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_commands_and_options_exist(path: Path) -> None:
    """Each `netfhir …` of a document names a command, and only options that it has."""
    for words in _typed(path):
        command = _command(words[1])
        if isinstance(command, click.Group):
            assert len(words) == 2 or words[2] in command.commands, " ".join(words)
            command = command.commands[words[2]] if len(words) > 2 else command
        known = {
            option
            for parameter in command.params
            for option in (*parameter.opts, *parameter.secondary_opts)
        }
        options = {word.partition("=")[0] for word in words if word.startswith("--")}
        assert options <= known | {"--help"}, " ".join(words)


def test_the_readme_shows_a_first_run() -> None:
    """The README's first run is whole: click itself accepts each of its lines."""
    lines = list(commands(read("README.md"), "netfhir"))
    assert [words[1] for words in lines] == ["check", "server", "plan", "apply", "verify"]
    for _, name, *arguments in lines:
        _command(name).make_context(name, arguments)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_options_named_alone_exist(path: Path) -> None:
    """An option in back-ticks is an option of some command, or of a script of ours."""
    known = {
        option
        for command in _every_command()
        for parameter in command.params
        for option in parameter.opts
    }
    text = path.read_text(encoding="utf-8")
    named = {span.split()[0] for span in spans(text) if span.startswith("--")}
    folders = ("fixtures", "tools", "benchmarks")
    files = [file for folder in folders for file in (ROOT / folder).rglob("*.py")]
    scripts = " ".join(file.read_text(encoding="utf-8") for file in files)
    assert {option for option in named - known if f'"{option}"' not in scripts} == set()


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_make_targets_exist(path: Path) -> None:
    """Each `make …` of a document is a target of the Makefile."""
    targets = set(re.findall(r"^([a-z-]+):", read("Makefile"), re.MULTILINE))
    text = path.read_text(encoding="utf-8")
    inline = [span.split() for span in spans(text) if re.fullmatch(r"make [a-z-]+", span)]
    for words in [*commands(text, "make"), *inline]:
        assert words[1] in targets, " ".join(words)


def test_every_target_is_helped() -> None:
    """`make help` names every target that is declared."""
    declared = set(read("Makefile").partition(".PHONY:")[2].partition("\n")[0].split())
    helped = set(re.findall(r"^([a-z-]+):.*##", read("Makefile"), re.MULTILINE))
    assert declared == helped


def test_the_settings_example_is_valid(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The README's netfhir.toml is read without an error, and names every key of a server."""
    (example,) = blocks(read("README.md"), "toml")
    (tmp_path / "netfhir.toml").write_text(example, encoding="utf-8")
    monkeypatch.setenv("NETFHIR_HOSPITAL_TOKEN", "secret")
    loaded = settings.load(tmp_path / "netfhir.toml")
    found = server("hospital", loaded)
    assert found.token is not None
    named = set(re.findall(r"^#? ?(\w+) = ", example, re.MULTILINE))
    assert named >= ServerSettings.model_fields.keys() - GIVEN_ELSEWHERE


def test_settings_that_are_commented_out_are_valid_too() -> None:
    """The commented keys of the README's netfhir.toml work as they stand."""
    (example,) = blocks(read("README.md"), "toml")
    table = tomllib.loads(
        re.sub(r"^# (\w+ = )", r"\1", example, flags=re.MULTILINE).replace(
            "   (no other proxy is used)", ""
        )
    )
    assert ServerSettings(name="hospital", **table["servers"]["hospital"]).workers


def test_secrets_are_those_that_the_code_reads() -> None:
    """The variables that the README names are the ones that are read."""
    assert settings.SITE_KEY in read("README.md")
    said = set(re.findall(r"NETFHIR_HOSPITAL_\w+", read("README.md")))
    assert settings.secrets("hospital", dict.fromkeys(said, "x")).keys() == {
        "token",
        "user",
        "password",
    }
