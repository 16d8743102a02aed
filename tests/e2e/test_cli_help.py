"""The help of every command teaches it: what it does, what it takes, how it ends."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click
import pytest

from netfhir.cli import group

if TYPE_CHECKING:
    from command_line import CommandLine

CONTEXT = click.Context(group)
COMMANDS = group.list_commands(CONTEXT)


def command_of(name: str) -> click.Command:
    """Return a command by its name."""
    command = group.get_command(CONTEXT, name)
    assert command is not None
    return command


def test_the_commands_of_the_main_path_are_there() -> None:
    """The commands that the design lists for the main path exist."""
    assert {"apply", "check", "demo", "map", "plan", "sandbox", "server", "verify"} <= set(COMMANDS)


def test_the_help_lists_every_command_with_its_summary(netfhir: CommandLine) -> None:
    """`netfhir --help` names each command with a line of its own, and the exit statuses."""
    ran = netfhir("--help")
    assert ran.status == 0
    lines = [line.split(maxsplit=1) for line in ran.out.splitlines()]
    described = {parts[0] for parts in lines if len(parts) == 2 and len(parts[1]) > 20}
    assert set(COMMANDS) <= described
    assert "77 access refused" in " ".join(ran.out.split())


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_a_command_teaches(netfhir: CommandLine, name: str) -> None:
    """It says in words what the command does, and explains each option in words."""
    ran = netfhir(name, "--help")
    assert ran.status == 0
    assert ran.err == ""
    command = command_of(name)
    assert command.help is not None
    assert len(command.help.split()) > 10
    for option in command.params:
        if isinstance(option, click.Option):
            assert option.opts[0] in ran.out
            assert option.help, option.name
        else:
            assert option.make_metavar(click.Context(command)) in ran.out


@pytest.mark.parametrize("name", sorted(set(COMMANDS) - {"demo", "sandbox", "study"}))
def test_every_command_has_json(name: str) -> None:
    """Every command whose result a machine may want has --json; `study` prints a Bundle anyway."""
    command = command_of(name)
    for each in command.commands.values() if isinstance(command, click.Group) else [command]:
        assert "--json" in {opt for param in each.params for opt in param.opts}, each.name


def test_the_version_is_told(netfhir: CommandLine) -> None:
    """`netfhir --version` names the programme and its version."""
    ran = netfhir("--version")
    assert ran.status == 0
    assert ran.out.startswith("netfhir, version ")


def test_json_of_check_is_alone_on_stdout(netfhir: CommandLine) -> None:
    """`check --json` prints one document; the words for people stand on stderr."""
    ran = netfhir("check", "NCT05987176", "--json")
    assert json.loads(ran.out)["version"] == 1
    assert "NCT05987176: sound" in ran.err
