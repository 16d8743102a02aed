"""The structure of a SAS XPORT version 5 file, checked before anything is read from it.

pyreadstat says nothing when a file is cut; the records of 80 bytes, the row length and the padding
tell. Source: SAS technical support note TS-140.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from itertools import pairwise
from typing import IO, TYPE_CHECKING

from netfhir.errors import FormatError
from netfhir.sources.row import columns_of

if TYPE_CHECKING:
    from collections.abc import Sequence

_CARD = 80
_SCAN = _CARD * 10_000
_LONGEST_NUMBER = 8


@dataclass(frozen=True, slots=True)
class Layout:
    """The variables of the one member of a file, the bytes of a row, and how many rows it has."""

    columns: tuple[str, ...]
    row_length: int
    row_count: int


@dataclass(frozen=True, slots=True)
class _Variable:
    """A NAMESTR: type 1 is a number, 2 is text; length and position are bytes of a row."""

    name: str
    kind: int
    length: int
    position: int


def layout(stream: IO[bytes], file: str) -> Layout:
    """Return the layout of an XPORT file.

    Raises FormatError if it is no version 5 file, has several members, contradicts itself, or is
    cut. A cut exactly between two rows and two records of 80 bytes leaves a well-formed file, and
    so does one that leaves only blanks of a row: only a stated number of rows finds these.
    """
    stream.seek(0)
    _opening(stream, file)
    _take(stream, 2 * _CARD, file)
    member = _header(stream, "MEMBER", file)
    _header(stream, "DSCRPTR", file)
    _take(stream, 2 * _CARD, file)
    namestr = _header(stream, "NAMESTR", file)
    size, count = _digits(member[74:78], file), _digits(namestr[54:58], file)
    variables = _variables(_take(stream, _padded(size * count), file), size, count, file)
    _header(stream, "OBS", file)
    row_length = sum(variable.length for variable in variables)
    columns = columns_of((variable.name for variable in variables), file)
    return Layout(columns, row_length, _row_count(stream, row_length, file))


def _opening(stream: IO[bytes], file: str) -> None:
    card = stream.read(_CARD)
    if card.startswith(_title("LIBV8")):
        raise FormatError(
            "xport-version",
            where=file,
            found="a SAS XPORT file of version 8",
            expected="version 5, as regulators require",
            remedy="export it with the XPORT engine (`libname … xport`), not with %loc2xpt",
        )
    expected = _title("LIBRARY")
    if not card or not card.startswith(expected[: len(card)]):
        raise FormatError(
            "not-xport",
            where=file,
            found="a file that does not begin as SAS XPORT does" if card else "an empty file",
            expected="a SAS XPORT file of version 5",
            remedy="check that the file is what its name says",
        )
    if len(card) < _CARD:
        raise _cut(file, "the header ends early")


def _title(name: str) -> bytes:
    return f"HEADER RECORD*******{name:<8}HEADER RECORD!!!!!!!".encode()


def _header(stream: IO[bytes], name: str, file: str) -> bytes:
    card = _take(stream, _CARD, file)
    if not card.startswith(_title(name)):
        raise _damaged(file, f"no {name} header where it belongs")
    return card


def _take(stream: IO[bytes], count: int, file: str) -> bytes:
    octets = stream.read(count)
    if len(octets) < count:
        raise _cut(file, "the header ends early")
    return octets


def _digits(octets: bytes, file: str) -> int:
    if octets.isdigit() and int(octets):
        return int(octets)
    raise _damaged(file, "a header without the number of variables or the size of a NAMESTR")


def _padded(length: int) -> int:
    return -(-length // _CARD) * _CARD


def _variables(octets: bytes, size: int, count: int, file: str) -> Sequence[_Variable]:
    if size < _NAMESTR_END:
        raise _damaged(file, "NAMESTR records too short to describe a variable")
    variables = [_variable(octets[at * size :]) for at in range(count)]
    in_order = sorted(variables, key=lambda variable: variable.position)
    contiguous = in_order[0].position == 0 and all(
        before.position + before.length == after.position for before, after in pairwise(in_order)
    )
    if not contiguous or not all(_possible(variable) for variable in variables):
        raise _damaged(file, "variables whose types, lengths or positions do not fit together")
    return variables


_NAMESTR_END = 88


def _variable(octets: bytes) -> _Variable:
    kind, _, length, _ = struct.unpack(">4h", octets[:8])
    (position,) = struct.unpack(">i", octets[84:_NAMESTR_END])
    return _Variable(octets[8:16].decode("ascii", "replace").strip(), kind, length, position)


def _possible(variable: _Variable) -> bool:
    shortest, longest = {1: (2, _LONGEST_NUMBER), 2: (1, 32_767)}.get(variable.kind, (1, 0))
    return shortest <= variable.length <= longest


def _row_count(stream: IO[bytes], row_length: int, file: str) -> int:
    """Return the number of rows between here and the end, which must be whole and padded."""
    length, last = _data_area(stream, file)
    whole, beyond = divmod(length, row_length)
    if length % _CARD:
        raise _cut(file, f"{beyond} bytes after the last whole row, and no padding")
    padding = min(len(last) - len(last.rstrip(b" ")), _CARD - 1)
    rows = -(-(length - padding) // row_length)
    if rows * row_length > length:
        raise _cut(file, f"{length - whole * row_length} bytes after the last whole row")
    return rows


def _data_area(stream: IO[bytes], file: str) -> tuple[int, bytes]:
    """Return the length of the data area and its last record; a second member is refused."""
    length, last = 0, b""
    while octets := stream.read(_SCAN):
        at = octets.find(b"HEADER RECORD*******MEMB")
        if at >= 0 and at % _CARD == 0:
            raise FormatError(
                "several-members",
                where=file,
                found="more than one data set in the file",
                expected="one data set, as in a submission",
                remedy="export each domain to a file of its own",
            )
        length += len(octets)
        last = octets[-_CARD:]
    return length, last


def _cut(file: str, found: str) -> FormatError:
    return FormatError(
        "truncated",
        where=file,
        found=found,
        expected="whole rows, padded with blanks to a multiple of 80 bytes",
        remedy="fetch the file again in full (in binary mode)",
    )


def _damaged(file: str, found: str) -> FormatError:
    return FormatError(
        "damaged-header",
        where=file,
        found=found,
        expected="the headers of SAS XPORT version 5",
        remedy="fetch the file again (in binary mode), or export it again",
    )
