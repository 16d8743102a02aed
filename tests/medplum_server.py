# SPDX-License-Identifier: Apache-2.0
"""Installs and runs the Medplum router of the folder `servers/medplum`; knows no test.

    with start() as server:
        requests.get(f"{server.base_url}/metadata")

The server ends with `stop()`, and by itself when this process dies: it watches its standard input.
"""

import fcntl
import shutil
import subprocess
import threading
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

_PROJECT = Path(__file__).resolve().parent / "servers" / "medplum"
_MODULES = _PROJECT / "node_modules"
_LOCK = _PROJECT / "package-lock.json"
_STAMP = _MODULES / ".package-lock.json"
"""Written by npm when all is installed."""

_OLDEST_NODE = 20
_START_TIMEOUT_S = 60.0
_STOP_TIMEOUT_S = 10.0
_TAIL_LINES = 20


class MedplumUnavailable(Exception):  # noqa: N818 - tests skip on it: a state of the machine
    """The server cannot run here; the message says what is missing."""


class MedplumServer:
    """A running server; stops at the end of a `with` block."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        """Take over a process, and wait until it says where it listens."""
        self._process = process
        self.pid = process.pid
        try:
            self.base_url = self._await_ready()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End the process: politely, then by force. Twice does no harm."""
        self._process.terminate()
        try:
            self._process.wait(_STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream:
                stream.close()

    def __enter__(self) -> Self:
        """Return itself: it already runs."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop the server."""
        self.stop()

    def _await_ready(self) -> str:
        late = threading.Timer(_START_TIMEOUT_S, self._process.kill)
        late.start()
        lines: list[str] = []
        try:
            for line in self._process.stdout or ():
                if line.startswith("READY "):
                    return line.split()[1]
                lines.append(line)
        finally:
            late.cancel()
        msg = "the Medplum router was not ready:\n" + "".join(lines[-_TAIL_LINES:])
        raise MedplumUnavailable(msg)


def start(extra: Sequence[str] = ()) -> MedplumServer:
    """Install if need be, start a server on a free port of 127.0.0.1 and wait until it answers.

    `extra`: `--as-shipped` leaves the repository as the package has it.
    """
    install()
    process = subprocess.Popen(
        ["node", "server.mjs", *extra],  # noqa: S607 - found on the PATH, as `install` checks
        cwd=_PROJECT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    return MedplumServer(process)


def install() -> None:
    """Install the packages of the lock, once however many ask at a time."""
    _check_node()
    with (_PROJECT / ".install.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not _STAMP.exists() or _STAMP.stat().st_mtime < _LOCK.stat().st_mtime:
            _install()


def _check_node() -> None:
    for command in ("node", "npm"):
        if shutil.which(command) is None:
            msg = f"the Medplum router needs Node 20 and npm; there is no `{command}` on the PATH"
            raise MedplumUnavailable(msg)
    told = subprocess.run(
        ["node", "--version"],  # noqa: S607 - found on the PATH
        capture_output=True,
        text=True,
        check=True,
    )
    version = told.stdout.strip()
    if int(version.removeprefix("v").partition(".")[0]) < _OLDEST_NODE:
        msg = f"the Medplum router needs Node {_OLDEST_NODE}, not {version}"
        raise MedplumUnavailable(msg)


def _install() -> None:
    done = subprocess.run(
        ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"],  # noqa: S607 - on the PATH
        cwd=_PROJECT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        end = "\n".join(done.stdout.splitlines()[-_TAIL_LINES:])
        msg = f"`npm ci` failed in {_PROJECT} (its first run downloads 20 MB):\n{end}"
        raise MedplumUnavailable(msg)


if __name__ == "__main__":
    install()
