"""Writes small SAS XPORT version 5 files, byte by byte, as TS-140 describes them."""

from __future__ import annotations

import math
import struct
from typing import TYPE_CHECKING, Protocol

import pytest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class XportWriter(Protocol):
    """Return the bytes of a file; a width of 0 makes a numeric variable of 8 bytes."""

    def __call__(self, widths: Mapping[str, int], rows: Sequence[Sequence[str | float]]) -> bytes:
        """Return the file."""


def _title(name: str, numbers: str = "0" * 30) -> bytes:
    return f"HEADER RECORD*******{name:<8}HEADER RECORD!!!!!!!{numbers}  ".encode()


def _ibm(number: float) -> bytes:
    if number == 0:
        return bytes(8)
    exponent = math.ceil(math.log2(abs(number)) / 4)
    while abs(number) >= 16.0**exponent:
        exponent += 1
    fraction = int(abs(number) / 16.0**exponent * 2**56)
    return bytes([(0x80 if number < 0 else 0) | (exponent + 64)]) + fraction.to_bytes(7, "big")


def _cell(value: str | float, width: int) -> bytes:
    if width:
        return str(value).encode().ljust(width)
    return value.encode()[:1] + bytes(7) if isinstance(value, str) else _ibm(value)


def _padded(octets: bytes) -> bytes:
    return octets + b" " * (-len(octets) % 80)


def _write(widths: Mapping[str, int], rows: Sequence[Sequence[str | float]]) -> bytes:
    namestrs, position = b"", 0
    for number, (name, width) in enumerate(widths.items(), 1):
        length = width or 8
        namestrs += struct.pack(">4h", 2 if width else 1, 0, length, number)
        namestrs += name.encode().ljust(8) + b" " * 40 + b" " * 8 + bytes(8) + b" " * 8 + bytes(4)
        namestrs += struct.pack(">i", position) + bytes(52)
        position += length
    cells = [_cell(v, w) for row in rows for v, w in zip(row, widths.values(), strict=True)]
    return b"".join(
        [
            _title("LIBRARY"),
            b"SAS     SAS     SASLIB  9.4".ljust(160),
            _title("MEMBER", "000000000000000001600000000140"),
            _title("DSCRPTR"),
            b"SAS     DM      SASDATA 9.4".ljust(160),
            _title("NAMESTR", f"000000{len(widths):04}".ljust(30, "0")),
            _padded(namestrs),
            _title("OBS"),
            _padded(b"".join(cells)),
        ]
    )


@pytest.fixture(scope="session")
def xport() -> XportWriter:
    """Return the writer."""
    return _write
