"""SDTM domains in a folder, whatever container they are in; knows no domain's meaning."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, cast

from netfhir.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from netfhir.sources.row import Table

#: Container -> its module and reader, imported when first used: DuckDB and pyreadstat cost half a
#: second and 40 MB, which an export in another container need not pay.
_READERS: Mapping[str, tuple[str, str]] = {
    "xpt": ("netfhir.sources.xport", "xport_table"),
    "json": ("netfhir.sources.dataset_json", "dataset_json_table"),
    "ndjson": ("netfhir.sources.dataset_json", "dataset_ndjson_table"),
    "csv": ("netfhir.sources.delimited", "csv_table"),
    "parquet": ("netfhir.sources.columnar", "parquet_table"),
}
#: The containers, by the ending of a file's name (`.gz` may follow, except on parquet).
CONTAINERS = tuple(_READERS)


def tables(
    source: Path, domains: Sequence[str], *, container: str | None = None
) -> dict[str, Table]:
    """Return the table of each domain, in the order asked for, opened and its header checked.

    A domain is the file `<domain>.<container>[.gz]` of the folder, in any case of letters. Raises
    FormatError where a domain has no file, or several among which `container` does not choose.
    """
    if container is not None and container not in CONTAINERS:
        raise FormatError(
            "unknown-container",
            where=source.name,
            found=f"the container `{container}`",
            expected="one of " + ", ".join(CONTAINERS),
            remedy="correct the option --container",
        )
    if not source.is_dir():
        raise FormatError(
            "missing-source",
            where=source.name,
            found="no such folder",
            expected="a folder with a file for each domain",
            remedy="check the path given as the source",
        )
    found = {domain: _file(source, domain, container) for domain in domains}
    return {domain: _opened(path) for domain, path in found.items()}


def _opened(path: Path) -> Table:
    module, name = _READERS[_container(path)]
    reader = cast("Callable[[Path], Table]", getattr(import_module(module), name))
    return reader(path)


def _container(path: Path) -> str:
    """Return what the name's ending says the file is in, or ""."""
    name = path.name.lower()
    ending = name.removesuffix(".gz").rpartition(".")[2]
    if ending not in _READERS or (name.endswith(".gz") and ending == "parquet"):
        return ""
    return ending


def _file(source: Path, domain: str, container: str | None) -> Path:
    wanted = (container,) if container else CONTAINERS
    files = sorted(
        path
        for path in source.iterdir()
        if path.name.partition(".")[0].lower() == domain.lower() and path.is_file()
    )
    candidates = [
        path
        for path in files
        if _container(path) in wanted
        and path.name.lower().removesuffix(".gz") == f"{domain.lower()}.{_container(path)}"
    ]
    if len(candidates) == 1:
        return candidates[0]
    raise _ambiguous(source, candidates) if candidates else _missing(source, domain, wanted)


def _ambiguous(source: Path, candidates: Sequence[Path]) -> FormatError:
    choice = sorted({_container(path) for path in candidates}, key=CONTAINERS.index)
    several = len(choice) > 1
    return FormatError(
        "ambiguous-source",
        where=source.name,
        found="one domain in several files: " + ", ".join(path.name for path in candidates),
        expected="one file for each domain",
        remedy=" or ".join(f"--container {name}" for name in choice)
        if several
        else "remove or rename the files that are not to be read",
    )


def _missing(source: Path, domain: str, wanted: Sequence[str]) -> FormatError:
    names = ", ".join(f"{domain.lower()}.{ending}" for ending in wanted)
    return FormatError(
        "missing-file",
        where=source.name,
        found=f"no file for the domain {domain.upper()}",
        expected=f"one of {names} (perhaps with .gz)" if len(wanted) > 1 else names,
        remedy="add the file to the folder, or name the right folder as the source",
    )
