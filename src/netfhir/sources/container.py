"""Opens a file of a source, gzipped or not, as bytes; knows nothing of what it holds."""

from __future__ import annotations

import gzip
import shutil
import tempfile
import zlib
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, cast

from netfhir.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def opened(path: Path) -> Iterator[IO[bytes]]:
    """Open `path` for reading, through gzip if its name ends in `.gz`.

    Raises FormatError if there is no such file, it may not be read, or its compressed data is
    damaged or cut.
    """
    try:
        with _stream(path) as stream:
            yield stream
    except FileNotFoundError as error:
        raise FormatError(
            "missing-file",
            where=path.name,
            found="no such file",
            expected="a file of the source",
            remedy="check the path given as the source",
        ) from error
    except (IsADirectoryError, PermissionError) as error:
        raise FormatError(
            "unreadable-file",
            where=path.name,
            found="a folder, or a file without the right to read it",
            expected="a file that can be read",
            remedy="check the path given as the source, and its permissions",
        ) from error
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise FormatError(
            "damaged-gzip",
            where=path.name,
            found="compressed data that is damaged or ends early",
            expected="a whole gzip file",
            remedy="fetch the file again in full",
        ) from error


@contextmanager
def seekable(path: Path) -> Iterator[IO[bytes]]:
    """Open `path` so that it can be read at any place.

    A gzipped file is unpacked into a temporary file without a name (mode 0600), which is gone as
    soon as it is closed or the process ends.
    """
    with opened(path) as stream:
        if path.suffix.lower() != ".gz":
            yield stream
            return
        with tempfile.TemporaryFile() as unpacked:
            shutil.copyfileobj(stream, unpacked)
            unpacked.seek(0)
            yield unpacked


def _stream(path: Path) -> IO[bytes]:
    if path.suffix.lower() == ".gz":
        return cast("IO[bytes]", gzip.open(path, "rb"))
    return path.open("rb")
