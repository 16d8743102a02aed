"""The embedded hospital: sekmet-fhir as a child process on a free loopback port."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Self

from netfhir.errors import DeclarationError, TemporaryError, UnreachableError
from netfhir.hospital.client import Client
from netfhir.hospital.embedded import MISSING
from netfhir.hospital.endpoint import ServerSettings
from netfhir.hospital.transport import Transport

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import TracebackType

_START_TIMEOUT_S = 60.0
_STOP_TIMEOUT_S = 5.0
_POLL_S = 0.05
_LOAD_ENTRIES = 50


class Sandbox:
    """A context manager: inside, `base_url` answers; its data stays in `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.base_url = ""
        self.pid = 0
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        """Start the server and wait until it answers.

        Raises DeclarationError when the extra is missing, UnreachableError when it does not start.
        """
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        port = _free_port()
        self.base_url = f"http://127.0.0.1:{port}/fhir"
        config = self.folder / "settings.yaml"
        config.write_text(json.dumps(_config(self.folder, self.base_url, port)))
        self._process = _launch(self.folder, config, port)
        self.pid = self._process.pid
        with ExitStack() as unless_ready:
            unless_ready.callback(self.stop)
            self._await_ready(self._process)
            unless_ready.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop the server."""
        self.stop()

    def settings(self) -> ServerSettings:
        """Return how to reach it."""
        return ServerSettings(name="sandbox", base_url=self.base_url)

    def stop(self) -> None:
        """End the process: politely, then by force. Twice does no harm."""
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(_STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdin:
            process.stdin.close()

    def load(self, patients_ndjson: Path) -> int:
        """Put the resources of an NDJSON file, each under its own id; return how many."""
        transport = Transport(self.settings())
        client = Client(transport)
        lines = patients_ndjson.read_bytes().splitlines()
        entries = [_entry(json.loads(line)) for line in lines if line.strip()]
        for chunk in _chunks(entries):
            bundle = {"resourceType": "Bundle", "type": "transaction", "entry": chunk}
            client.post_bundle(json.dumps(bundle).encode())
        transport.close()
        return len(entries)

    def _await_ready(self, process: subprocess.Popen[bytes]) -> None:
        transport = Transport(self.settings())
        deadline = time.monotonic() + _START_TIMEOUT_S
        while process.poll() is None and time.monotonic() < deadline:
            try:
                transport.get("metadata")
            except TemporaryError:
                time.sleep(_POLL_S)
            else:
                transport.close()
                return
        transport.close()
        raise self._not_started(process.poll())

    def _not_started(self, status: int | None) -> DeclarationError | UnreachableError:
        if status == MISSING:
            return DeclarationError(
                "sandbox-missing",
                where="sandbox",
                found="sekmet-fhir is not installed",
                remedy="install netfhir[sandbox]",
            )
        return UnreachableError(
            "sandbox",
            where="sandbox",
            found="no answer in time" if status is None else f"the server ended with {status}",
            remedy=f"see {self.folder / 'log'}",
        )


def _launch(folder: Path, config: Path, port: int) -> subprocess.Popen[bytes]:
    """Start the server in its folder, so that no file of the caller's is read or written."""
    command = [sys.executable, "-m", "netfhir.hospital.embedded", str(config.resolve()), str(port)]
    with (folder / "log").open("wb") as log:
        return subprocess.Popen(  # noqa: S603 - our own module under our own interpreter
            command, cwd=folder, stdin=subprocess.PIPE, stdout=log, stderr=subprocess.STDOUT
        )


def _config(folder: Path, base_url: str, port: int) -> dict[str, object]:
    """Return the settings: the advertised base is the address listened on, no simulated answers."""
    return {
        "base_url": base_url,
        "host": "127.0.0.1",
        "port": port,
        "data_dir": str(folder.resolve()),
        "own_private_key_path": str(folder.resolve() / "key.pem"),
        "log_inbound": False,
        "simulator": {"enabled": False},
    }


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _entry(body: dict[str, object]) -> dict[str, object]:
    url = f"{body['resourceType']}/{body['id']}"
    return {"request": {"method": "PUT", "url": url}, "resource": body}


def _chunks(entries: list[dict[str, object]]) -> Iterator[list[dict[str, object]]]:
    for start in range(0, len(entries), _LOAD_ENTRIES):
        yield entries[start : start + _LOAD_ENTRIES]
