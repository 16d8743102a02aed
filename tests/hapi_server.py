# SPDX-License-Identifier: Apache-2.0
"""Builds and runs the HAPI FHIR server of the folder `hapi`; knows nothing of what is tested.

    with start(fhir="r4", extra=("--strict",)) as server:
        requests.get(f"{server.base_url}/Patient/p1")

The server ends with `stop()`, and by itself when this process dies: it watches its standard input.
"""

import fcntl
import json
import shutil
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import IO, Literal, Self

import backport_profile
import cross_version

_PROJECT = Path(__file__).resolve().parent / "servers" / "hapi"
_TARGET = _PROJECT / "target"
_JAR = _TARGET / "netfhir-test-hapi.jar"
_STAMP = _TARGET / "built"
_CLASS_ARCHIVE = _TARGET / "classes.jsa"

_START_TIMEOUT_S = 180.0
_STOP_TIMEOUT_S = 20.0
_POLL_S = 0.05
_TAIL_LINES = 40

# The archive of loaded classes is valid only under the collector it was written with.
_JVM = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xlog:disable", "-Xlog:all=error:stderr")


class HapiUnavailable(Exception):  # noqa: N818 - tests skip on it: a state of the machine, no error
    """The server cannot run here; the message says what is missing."""


class HapiServer:
    """A running server; stops at the end of a `with` block."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        """Take over a process whose output goes to `log`, and wait until it is ready."""
        self._process = process
        self.log = log
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
        if self._process.stdin:
            self._process.stdin.close()
        self.log.unlink(missing_ok=True)

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
        deadline = time.monotonic() + _START_TIMEOUT_S
        while time.monotonic() < deadline:
            ended = self._process.poll() is not None
            if base_url := _ready_url(self.log):
                return base_url
            if ended:
                code = self._process.returncode
                msg = f"the HAPI server ended with {code} before it was ready:\n{_tail(self.log)}"
                raise HapiUnavailable(msg)
            time.sleep(_POLL_S)
        msg = f"the HAPI server was not ready in {_START_TIMEOUT_S:.0f} s:\n{_tail(self.log)}"
        raise HapiUnavailable(msg)


def start(
    *,
    fhir: Literal["r4", "r5"] = "r4",
    jdbc: str | None = None,
    heap: str = "1g",
    extra: Sequence[str] = (),
) -> HapiServer:
    """Build if need be, start a server on a free port of 127.0.0.1 and wait until it answers.

    `jdbc`: URL of an H2 or PostgreSQL database; without one, a database in memory that ends with
    the server. `extra`: further arguments of the server, e.g. `--strict` (unknown elements are
    refused), `--search-reuse` (the search cache is on), `--client-ids any`, `--port 8080`.
    """
    build()
    arguments = ["--fhir", fhir, *(("--jdbc", jdbc) if jdbc else ()), *extra]
    archive = [f"-XX:SharedArchiveFile={_CLASS_ARCHIVE}"] if _CLASS_ARCHIVE.exists() else []
    server = _launch([*archive, f"-Xmx{heap}"], arguments)
    if fhir == "r4":
        _define_extensions(server.base_url)
    return server


def _define_extensions(base_url: str) -> None:
    """Give the server the definitions of the extensions that are written, as a hospital would."""
    for definition in [*cross_version.definitions(), *backport_profile.definitions()]:
        request = urllib.request.Request(  # noqa: S310 - our own server
            f"{base_url}/{definition['resourceType']}/{definition['id']}",
            data=json.dumps(definition).encode(),
            headers={"Content-Type": "application/fhir+json"},
            method="PUT",
        )
        urllib.request.urlopen(request).close()  # noqa: S310 - our own server


def build() -> Path:
    """Build the server if its sources are newer; return the folder with the jar and `lib`."""
    for command in ("java", "mvn"):
        if shutil.which(command) is None:
            msg = f"the HAPI server needs Java 17 and Maven; there is no `{command}` on the PATH"
            raise HapiUnavailable(msg)
    with _locked(_TARGET / "build.lock"):
        if not _is_current():
            _package()
            _archive_classes()
            _STAMP.touch()
    return _TARGET


def _is_current() -> bool:
    sources = [_PROJECT / "pom.xml", *(_PROJECT / "src").rglob("*")]
    newest = max(source.stat().st_mtime for source in sources)
    return _JAR.exists() and _STAMP.exists() and _STAMP.stat().st_mtime >= newest


def _package() -> None:
    _STAMP.unlink(missing_ok=True)
    done = subprocess.run(
        ["mvn", "-q", "-B", "package"],  # noqa: S607 - found on the PATH, as `build` checks
        cwd=_PROJECT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        end = "\n".join(done.stdout.splitlines()[-_TAIL_LINES:])
        msg = f"`mvn package` failed in {_PROJECT} (its first run downloads 300 MB):\n{end}"
        raise HapiUnavailable(msg)


def _archive_classes() -> None:
    """Start the server once and keep the classes it loaded: later starts take two thirds."""
    _CLASS_ARCHIVE.unlink(missing_ok=True)
    with _launch([f"-XX:ArchiveClassesAtExit={_CLASS_ARCHIVE}", "-Xmx1g"], []):
        pass


def _launch(jvm: Sequence[str], arguments: Sequence[str]) -> HapiServer:
    with tempfile.NamedTemporaryFile(prefix="netfhir-hapi-", suffix=".log", delete=False) as log:
        process = subprocess.Popen(
            ["java", *_JVM, *jvm, "-jar", str(_JAR), *arguments],  # noqa: S607 - see `build`
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    return HapiServer(process, Path(log.name))


def _ready_url(log: Path) -> str | None:
    for line in log.read_text(errors="replace").splitlines(keepends=True):
        if line.startswith("READY ") and line.endswith("\n"):
            return line.split()[1]
    return None


def _tail(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-_TAIL_LINES:])


@contextmanager
def _locked(path: Path) -> Iterator[IO[str]]:
    """Hold the lock of that file, so that parallel test workers build once."""
    path.parent.mkdir(exist_ok=True)
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield lock
