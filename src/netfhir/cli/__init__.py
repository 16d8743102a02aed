"""The command line: one module a command; only here does the process end with a status.

A command is loaded when it is called, so that `--help` is quick: the list of commands and their
summaries are read from the files of this folder, without importing them.
"""

from __future__ import annotations

import ast
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import click

from netfhir import __version__
from netfhir.errors import NetfhirError

if TYPE_CHECKING:
    from types import TracebackType

_HERE = Path(__file__).parent
_NO_COMMANDS = {"__init__", "options", "printing"}


class _Folder(click.Group):
    """A group whose commands are the modules of this folder."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        names = {path.stem for path in _HERE.glob("*.py")} - _NO_COMMANDS
        return sorted(names)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.list_commands(ctx):
            return None
        command: click.Command = import_module(f"{__name__}.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, _summary(name)) for name in self.list_commands(ctx)])


def _summary(name: str) -> str:
    text = ast.get_docstring(ast.parse((_HERE / f"{name}.py").read_text(encoding="utf-8"))) or ""
    return text.partition("\n")[0].removesuffix(".")


@click.group(cls=_Folder, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="netfhir")
def group() -> None:
    """Carry a clinical trial's data into a hospital's FHIR server, and prove what arrived.

    \b
    A first run against a hospital:
      netfhir check TRIAL                       is the declaration sound?
      netfhir server URL                        what can the server take?
      netfhir plan  TRIAL --source … --server URL --crosswalk FILE --limit 3
      netfhir apply TRIAL …                     the same options: send it
      netfhir verify TRIAL …                    read it back

    Human text goes to stderr, data to stdout; `--json` gives one document on stdout.
    Exit status: 0 all done · 2 usage · 65 rejects or findings remain · 69 no answer ·
    70 a bug · 74 ledger or file · 75 try later · 77 access refused · 78 declaration or settings.
    """  # noqa: D301 - \b is click's mark for a paragraph that is not wrapped


def main() -> None:
    """Run the command line and end the process with the designed status."""
    try:
        status = group.main(standalone_mode=False)
    except NetfhirError as error:
        click.echo(f"netfhir: {error}", err=True)
        status = error.exit_status
    except click.exceptions.Abort:
        click.echo("netfhir: interrupted; what was sent is in the ledger", err=True)
        status = 75
    except click.ClickException as error:
        error.show()
        status = error.exit_code
    except OSError as error:
        click.echo(f"netfhir: {_named(error)}", err=True)
        status = 74
    except Exception:  # noqa: BLE001 - the edge: a bug becomes status 70, and no value is shown
        click.echo(f"netfhir: {_bug()}", err=True)
        status = 70
    sys.exit(status if isinstance(status, int) else 0)


def _named(error: OSError) -> str:
    name = Path(str(error.filename)).name if error.filename else "a file"
    return f"{name}: file: {error.strerror or 'input or output failed'}"


def _bug() -> str:
    kind, _, trace = sys.exc_info()
    return (
        f"bug: {kind.__name__ if kind else 'error'} at {_place(trace)}; "
        "please report this place (no value is shown); the ledger holds what was sent"
    )


def _place(trace: TracebackType | None) -> str:
    place = "unknown"
    while trace is not None:
        code = trace.tb_frame.f_code
        if "netfhir" in code.co_filename:
            place = f"{Path(code.co_filename).name}:{trace.tb_lineno}"
        trace = trace.tb_next
    return place
