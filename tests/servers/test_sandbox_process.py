"""The embedded hospital starts, holds what it is given, and leaves nothing behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from netfhir.hospital.client import Client
from netfhir.hospital.sandbox import Sandbox
from netfhir.hospital.transport import Transport

_PARENT = """
import sys, time
from pathlib import Path
from netfhir.hospital.sandbox import Sandbox
with Sandbox(Path(sys.argv[1])) as sandbox:
    print(sandbox.pid, flush=True)
    time.sleep(60)
"""


def _ended(pid: int) -> bool:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        if Path(f"/proc/{pid}/stat").read_text().split()[2] == "Z":
            return True
        time.sleep(0.05)
    return False


def test_it_holds_what_it_is_given(tmp_path: Path) -> None:
    """Patients are put under their own ids; its advertised base is where it listens."""
    ndjson = tmp_path / "patients.ndjson"
    lines = [json.dumps({"resourceType": "Patient", "id": f"p{n}"}) for n in range(60)]
    ndjson.write_text("\n".join([*lines, ""]))
    with Sandbox(tmp_path / "sandbox") as sandbox:
        assert sandbox.load(ndjson) == 60
        transport = Transport(sandbox.settings())
        client = Client(transport)
        (stored,) = client.read_many(["Patient/p59"])
        assert stored.body is not None
        assert client.statement()["implementation"]["url"] == sandbox.base_url
        transport.close()
        pid = sandbox.pid
    assert _ended(pid)


def test_it_ends_with_its_parent(tmp_path: Path) -> None:
    """A parent that is killed takes it along."""
    parent = subprocess.Popen(
        [sys.executable, "-c", _PARENT, str(tmp_path)], stdout=subprocess.PIPE
    )
    assert parent.stdout
    pid = int(parent.stdout.readline())
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    assert _ended(pid)
